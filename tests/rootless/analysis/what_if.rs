//! What a change would do: paths that open and close, flows that are cut or linger.

use std::net::IpAddr;

use sg_userspace::analysis::reach::Span;
use sg_userspace::analysis::row::rows;
use sg_userspace::analysis::what_if::{Cut, Fate, LiveFlow, WhatIf, what_if};
use sg_userspace::aws::network_acl::RuleAction;
use sg_userspace::aws::rule::Direction;

use super::Case;

const RULES: [&str; 3] = ["client out tcp all 0.0.0.0/0", "db in tcp 443 client", "web in tcp 80 0.0.0.0/0"];

/// A connection of `client` to `db`, as one of them holds it.
fn flow(case: &Case, at: &str, opened: Direction) -> LiveFlow {
    let [client, db] = ["client", "db"].map(|name| IpAddr::V4(case.interface(name).unwrap().private_ipv4[0]));
    let (local, remote) = match opened {
        Direction::Outbound => ((client, 40_000), (db, 443)),
        Direction::Inbound => ((db, 443), (client, 40_000)),
    };
    let interface = case.interface(at).unwrap().id.clone();
    LiveFlow { interface, protocol: 6, local, remote, opened, seconds_left: 350 }
}

/// Both ends' entries of it, and what `edit` would do.
fn changed(edit: impl FnOnce(&mut Case)) -> WhatIf {
    let before = Case::new(&RULES);
    let mut after = before.clone();
    edit(&mut after);
    let flows = [flow(&before, "client", Direction::Outbound), flow(&before, "db", Direction::Inbound)];
    what_if(&before.lab.world, &after.lab.world, &flows)
}

#[test]
fn nothing_changes_without_a_change() {
    let answer = changed(|_| {});
    assert!(answer.opened.is_empty() && answer.closed.is_empty() && answer.fates.is_empty(), "{answer:?}");
}

/// C-11: the receiver's entry outlives its rule; the sender's is not concerned.
#[test]
fn a_tracked_flow_lingers_when_its_rule_goes() {
    let answer = changed(|case| case.revoke(1001));
    assert_eq!(answer.fates.into_iter().collect::<Vec<_>>(), [(1, Fate::Lingers(350))]);
    let closed = rows(&answer.closed);
    assert_eq!((closed.len(), closed[0].span, closed[0].is_tracked), (1, Span::Tcp((443, 443)), true));
    assert!(answer.opened.is_empty());
}

/// C-15: an ACL cuts tracked flows at once, in either direction.
#[test]
fn an_acl_cuts_a_tracked_flow() {
    use Direction::{Inbound, Outbound};
    let open =
        [(200, Inbound, RuleAction::Allow, (0, 65_535)), (200, Outbound, RuleAction::Allow, (0, 65_535))];
    for (direction, ports) in [(Inbound, (443, 443)), (Outbound, (40_000, 40_000))] {
        let answer = changed(|case| {
            case.border("next", &[&[(100, direction, RuleAction::Deny, ports)][..], &open].concat());
        });
        for index in [0, 1] {
            let fate = answer.fates.get(&index);
            assert!(
                matches!(fate, Some(Fate::Cut(Cut::Acl(by))) if by.rule_number == 100),
                "{direction}: {fate:?}"
            );
        }
    }
}

#[test]
fn a_detached_interface_and_a_lost_address_cut() {
    let answer = changed(|case| case.interface_mut("db").attachment = None);
    assert_eq!(
        answer.fates.into_iter().collect::<Vec<_>>(),
        [(0, Fate::Cut(Cut::NoRoute)), (1, Fate::Cut(Cut::Gone))]
    );
    let answer =
        changed(|case| case.interface_mut("client").private_ipv4 = vec!["10.0.1.44".parse().unwrap()]);
    assert_eq!(
        answer.fates.into_iter().collect::<Vec<_>>(),
        [(0, Fate::Cut(Cut::Gone)), (1, Fate::Cut(Cut::NoRoute))]
    );
}

/// C-12: where the other end does not track, its rules cut the flow at once.
#[test]
fn an_untracked_end_cuts_at_once() {
    let before =
        Case::new(&["client out tcp all 0.0.0.0/0", "db in tcp 443 0.0.0.0/0", "db out -1 0.0.0.0/0"]);
    let mut after = before.clone();
    after.revoke(1001);
    let flows = [flow(&before, "client", Direction::Outbound)];
    let answer = what_if(&before.lab.world, &after.lab.world, &flows);
    assert_eq!(answer.fates.get(&0), Some(&Fate::Cut(Cut::Untracked)));
    assert!(rows(&answer.closed).iter().all(|row| !row.is_tracked));
}

/// Only the ports that are new are opened, whichever rules allow the rest.
#[test]
fn only_what_was_not_open_opens() {
    let answer = changed(|case| case.allow("db in tcp 400-500 client"));
    let spans: Vec<_> = rows(&answer.opened).iter().map(|row| row.span).collect();
    assert_eq!(spans, [Span::Tcp((400, 442)), Span::Tcp((444, 500))]);
    assert!(answer.closed.is_empty() && answer.fates.is_empty());
}

/// A narrower way back closes what cannot do without answers.
#[test]
fn a_path_without_answers_closes() {
    let answer = changed(|case| {
        case.border("next", &[(100, Direction::Inbound, RuleAction::Allow, (0, 65_535))]);
    });
    let closed = rows(&answer.closed);
    assert!(closed.iter().any(|row| row.span == Span::Tcp((443, 443)) && row.is_answered), "{closed:?}");
}
