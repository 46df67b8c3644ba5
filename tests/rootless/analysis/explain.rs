//! What `explain` says: each code, the rule that decides, tracking in each of its cases, and the way back.

use std::collections::BTreeSet;

use sg_userspace::analysis::code::Code;
use sg_userspace::analysis::explain::Verdict;
use sg_userspace::analysis::finding::{Component, Finding, Miss};
use sg_userspace::analysis::tracking::Tracking;
use sg_userspace::aws::ids::VpcId;
use sg_userspace::aws::network_acl::RuleAction;
use sg_userspace::aws::peering::PeeringStatus;
use sg_userspace::aws::rule::Direction;
use sg_userspace::report::explain::ExplainView;

use super::Case;

const OPEN: [&str; 2] = ["client out tcp all 0.0.0.0/0", "web in tcp 443 VPC"];

/// A world, a question, and every code of the answer.
struct Row {
    case: Case,
    question: [&'static str; 3],
    codes: Vec<Code>,
}

fn row(rules: &[&str], question: [&'static str; 3], codes: &[Code], edit: impl FnOnce(&mut Case)) -> Row {
    let mut case = Case::new(rules);
    edit(&mut case);
    Row { case, question, codes: codes.to_vec() }
}

/// Sets how far the peering of the two VPCs has come.
fn peering(status: PeeringStatus) -> impl FnOnce(&mut Case) {
    move |case| {
        let id = case.lab.peering.clone();
        case.lab.world.vpc_peering_connections.get_mut(&id).unwrap().status = status;
    }
}

/// Puts a third VPC in place of the other one at the far end of an active peering.
fn third_vpc(case: &mut Case) {
    peering(PeeringStatus::Active)(case);
    let far = case.interface("far").unwrap().vpc_id.clone();
    let third = VpcId::mint(0, 9999);
    let id = case.lab.peering.clone();
    let peering = case.lab.world.vpc_peering_connections.get_mut(&id).unwrap();
    for end in [&mut peering.requester_vpc_id, &mut peering.accepter_vpc_id] {
        if *end == far {
            *end = third.clone();
        }
    }
}

fn rows() -> Vec<Row> {
    use Code::*;
    let to_far = ["client out -1 VPC", "client out tcp 443 10.1.0.0/16", "far in tcp 443 10.0.0.0/16"];
    let to_far = &to_far[1..];
    vec![
        row(&OPEN, ["client", "web", "tcp/443"], &[], |_| {}),
        row(&OPEN, ["client", "web", "tcp/444"], &[EniSgRulesMismatch], |_| {}),
        row(&OPEN, ["client", "db", "tcp/443"], &[SgHasNoRules], |_| {}),
        row(&[], ["client", "web", "tcp/443"], &[SgHasNoRules, SgHasNoRules], |_| {}),
        // Every component is asked, and each of them says no (RA-03); the answers would be stopped, too.
        row(
            &[],
            ["client", "db", "tcp/443"],
            &[SgHasNoRules, SubnetAclRestriction, SgHasNoRules, SubnetAclRestriction],
            |case| case.border("next", &[]),
        ),
        row(
            &OPEN,
            ["client@10.0.1.99", "web", "tcp/443"],
            &[EniSourceDestCheckRestriction, NoRouteToDestination],
            |_| {},
        ),
        row(
            &OPEN,
            ["client", "web@10.0.1.99", "tcp/443"],
            &[NoRouteToDestination, EniAddressRestriction],
            |_| {},
        ),
        row(&OPEN, ["client", "10.0.1.200", "tcp/443"], &[NoRouteToDestination], |_| {}),
        row(&OPEN, ["client", "10.0.1.255", "tcp/443"], &[NoPossibleDestination], |_| {}),
        row(&OPEN, ["client", "spare", "tcp/443"], &[BadState], |_| {}),
        row(to_far, ["client", "far", "tcp/443"], &[], peering(PeeringStatus::Active)),
        row(to_far, ["client", "far", "tcp/443"], &[BadState], peering(PeeringStatus::Deleted)),
        row(to_far, ["client", "far", "tcp/443"], &[PcxRequiresAddressInVpcCidr], third_vpc),
        row(to_far, ["client", "far", "tcp/443"], &[DisconnectedVpcs], |case| {
            case.lab.world.vpc_peering_connections.clear();
        }),
        // A forwarder sends with the source of another's address, whose group the rule names (E-10). Answers go to that one.
        row(
            &["client out tcp all 0.0.0.0/0", "web in tcp 443 db"],
            ["client@10.0.2.6", "web", "tcp/443"],
            &[SgReferencesNotPreserved, NoRouteToDestination],
            |case| case.interface_mut("client").source_dest_check = false,
        ),
    ]
}

/// Section 8: one case per code, and no code without one.
#[test]
fn every_code_has_its_case() {
    let mut seen = BTreeSet::new();
    for Row { case, question, codes } in rows() {
        let [from, to, traffic] = question;
        let answer = case.ask(from, to, traffic);
        let found: Vec<Code> = answer.blockers().collect();
        assert_eq!(found, codes, "{question:?}: {answer:#?}");
        assert_eq!(answer.is_reachable(), codes.is_empty(), "{question:?}");
        seen.extend(found);
    }
    assert_eq!(seen, BTreeSet::from(Code::ALL));
}

#[test]
fn components_come_in_the_order_of_ra04() {
    let components = Case::new(&OPEN).ask("client", "web", "tcp/443").steps;
    let components: Vec<_> = components.iter().map(|step| step.component).collect();
    let expected = [
        Component::SourceInterface,
        Component::SourceGroups,
        Component::SourceAcl,
        Component::Route,
        Component::DestinationAcl,
        Component::DestinationGroups,
        Component::DestinationInterface,
    ];
    assert_eq!(components, expected);
}

/// C-06: of all rules that match, an open one, then the oldest.
#[test]
fn the_deciding_rule_is_the_open_one_then_the_oldest() {
    let mut case = Case::new(&["client out -1 0.0.0.0/0", "web in tcp 443 VPC", "web in tcp all client"]);
    assert_eq!(case.ask("client", "web", "tcp/443").rules(), [Some(1000), Some(1001)]);
    case.allow("web in tcp 443 0.0.0.0/0");
    let answer = case.ask("client", "web", "tcp/443");
    assert_eq!(answer.rules(), [Some(1000), Some(1003)]);
    let others = answer.steps.iter().find_map(|step| match &step.finding {
        Finding::Rule { rule: 1003, others } => Some(others.clone()),
        _ => None,
    });
    assert_eq!(others, Some(vec![1001, 1002]));
}

#[test]
fn what_comes_close_and_what_is_needed_are_named() {
    let case = Case::new(&["client out -1 0.0.0.0/0", "web in tcp 443 db", "web in tcp 80 client"]);
    let answer = case.ask("client", "web", "tcp/443");
    let no_rule = answer.steps.iter().find_map(|step| match &step.finding {
        Finding::NoRule(no_rule) => Some(no_rule.clone()),
        _ => None,
    });
    let near: Vec<_> = no_rule.unwrap().near.iter().map(|near| (near.rule, near.miss)).collect();
    assert_eq!(near, [(1001, Miss::Peer), (1002, Miss::Traffic)]);
    let text = ExplainView::new(&case.lab.world, &answer, [None, None]).text();
    assert!(text.contains("needs a rule such as `web inbound tcp 443 from sg client`"), "{text}");
    let text =
        ExplainView::new(&case.lab.world, &case.ask("203.0.113.9", "web", "icmp/8:0"), [None, None]).text();
    assert!(text.contains("`web inbound icmp 8/0 from 203.0.113.9/32`"), "{text}");
}

/// E-13: a reference means nobody of a VPC that no active peering joins.
#[test]
fn a_reference_to_an_unjoined_vpc_is_a_near_miss() {
    let mut case = Case::new(&["client out -1 10.1.0.0/16", "far in tcp 443 client"]);
    let misses = |case: &Case| {
        let steps = case.ask("client", "far", "tcp/443").steps.into_iter();
        let near = steps.filter_map(|step| match step.finding {
            Finding::NoRule(no_rule) => Some(no_rule.near),
            _ => None,
        });
        near.flatten().map(|near| near.miss).collect::<Vec<_>>()
    };
    assert_eq!(misses(&case), [Miss::NotJoined]);
    peering(PeeringStatus::Active)(&mut case);
    assert_eq!(misses(&case), []);
    assert!(case.ask("client", "far", "tcp/443").is_reachable());
}

/// C-02, C-03, C-04, C-05, C-10 and C-16, at the receiver.
#[test]
fn tracking_is_said_with_its_reason() {
    let at = |rules: &[&str], from: &str, traffic: &str| {
        Case::new(rules).ask(from, "web", traffic).destination_tracking.unwrap()
    };
    let out = "203.0.113.9";
    let open_in = "web in tcp 443 0.0.0.0/0";
    assert_eq!(at(&["web in icmp all 0.0.0.0/0", "web out -1 0.0.0.0/0"], out, "icmp"), Tracking::Icmp);
    assert_eq!(at(&["web in icmp all 0.0.0.0/0"], out, "icmp/3:4"), Tracking::IcmpMessage);
    assert_eq!(at(&["web in -1 0.0.0.0/0", "web out -1 0.0.0.0/0"], out, "50"), Tracking::Hosts);
    let narrow = Tracking::NarrowRule { rule: 1000 };
    assert_eq!(
        at(
            &["web in tcp 443 0.0.0.0/1", "web in tcp 443 128.0.0.0/1", "web out -1 0.0.0.0/0"],
            "9.9.9.9",
            "tcp/443"
        ),
        narrow
    );
    let untracked = Tracking::Untracked { rule: 1000, return_rule: 1001 };
    assert_eq!(at(&[open_in, "web out -1 0.0.0.0/0"], out, "tcp/443"), untracked);
    assert_eq!(at(&[open_in, "web out tcp all 0.0.0.0/0"], out, "tcp/443"), untracked);
    let no_return = Tracking::NoOpenReturn { rule: 1000 };
    assert_eq!(at(&[open_in, "web out tcp 1-65535 0.0.0.0/0"], out, "tcp/443"), no_return);
    assert_eq!(at(&[open_in, "web out -1 ::/0"], out, "tcp/443"), no_return);
    let udp = ["web in udp all 0.0.0.0/0", "web out udp 50000-65535 0.0.0.0/0"];
    assert_eq!(at(&udp, out, "udp/53"), Tracking::SomePorts { rule: 1000, return_rule: 1001 });
}

/// N-01, N-10: groups remember, ACLs do not.
#[test]
fn answers_must_pass_acls_on_ephemeral_ports() {
    use Direction::{Inbound, Outbound};
    use RuleAction::{Allow, Deny};
    let rules =
        ["client out tcp all 0.0.0.0/0", "db in tcp 443 VPC", "db in udp 53 VPC", "client out udp 53 VPC"];
    let mut case = Case::new(&rules);
    let denied = |case: &Case| {
        let answer = case.ask("client", "db", "tcp/443");
        let step = answer.answers.iter().find_map(|step| match &step.finding {
            Finding::AclDenies { decision, ports } => Some((step.direction, decision.rule_number, *ports)),
            _ => None,
        });
        (answer.verdict(), step)
    };
    assert_eq!(denied(&case), (Verdict::Reachable, None));
    case.border("next", &[(100, Inbound, Allow, (443, 443)), (100, Outbound, Allow, (32_768, 60_999))]);
    assert_eq!(denied(&case), (Verdict::Reachable, None));
    case.border("next", &[(100, Inbound, Allow, (443, 443)), (100, Outbound, Allow, (32_768, 49_999))]);
    let part = Some((Some(Outbound), 32_767, Some((50_000, 60_999))));
    assert_eq!(denied(&case), (Verdict::Unanswered, part));
    case.border("next", &[(100, Inbound, Allow, (443, 443)), (90, Outbound, Deny, (0, 65_535))]);
    assert_eq!(denied(&case), (Verdict::Unanswered, Some((Some(Outbound), 90, None))));
    // UDP is of use without answers.
    case.border("next", &[(100, Inbound, Allow, (-1, -1))]);
    let answer = case.ask("client", "db", "udp/53");
    assert_eq!((answer.verdict(), answer.is_reachable()), (Verdict::Unanswered, true));
}

/// E-15: what nothing filters.
#[test]
fn services_pass_without_rules() {
    let answer = Case::new(&[]).ask("client", "169.254.169.254", "tcp/80");
    assert_eq!(answer.blockers().count(), 0);
    assert!(answer.steps.iter().any(|step| step.finding == Finding::Service));
}
