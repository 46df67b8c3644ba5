//! Who reaches whom: the article's lab, the internet in ranges, and `explain` saying the same of each port.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sg_tests::harness::agreement::cases;
use sg_tests::harness::lab::{Lab, Permission};
use sg_tests::harness::universe::{Universe, WorldPlan, world_plan};
use sg_userspace::analysis::explain::{Question, Verdict, explain};
use sg_userspace::analysis::reach::{End, Path, Scope, Span, reach};
use sg_userspace::analysis::row::rows;
use sg_userspace::analysis::traffic::Traffic;
use sg_userspace::aws::ids::NetworkInterfaceId;
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::world::World;
use sg_userspace::report::reach::{ReachView, views};

use super::{Case, example};

fn summary(world: &World, scope: &Scope) -> BTreeSet<String> {
    let line = |row: &ReachView| {
        let ports = row.from_port.map_or_else(String::new, |port| format!(" {port}"));
        let family = if row.ipv4 && row.ipv6 { "" } else { " in one family" };
        format!("{} > {} {}{ports}{family}", row.from.join(", "), row.to, row.protocol)
    };
    views(&[world], &rows(&reach(world, scope))).iter().map(line).collect()
}

#[test]
fn the_articles_lab_in_ten_rows() {
    let expected = [
        "bastion, bastion:1, db-1, internet, web-1 > web-2 tcp 443",
        "bastion, bastion:1, db-1, internet, web-1 > web-2 tcp 80",
        "bastion, bastion:1, db-1, internet, web-2 > web-1 tcp 443",
        "bastion, bastion:1, db-1, internet, web-2 > web-1 tcp 80",
        "bastion, bastion:1, db-1, web-1, web-2 > internet all",
        "bastion:1 > db-1 tcp 22",
        "bastion:1 > web-1 tcp 22",
        "bastion:1 > web-2 tcp 22",
        "internet (203.0.113.10/32) > bastion tcp 22 in one family",
        "web-1, web-2 > db-1 tcp 5432",
    ];
    assert_eq!(summary(&example("article"), &Scope::default()), expected.map(str::to_owned).into());
}

#[test]
fn a_scope_leaves_out_the_rest() {
    let case = Case::new(&["web in tcp 443 VPC", "client out tcp all 0.0.0.0/0", "db out -1 0.0.0.0/0"]);
    let world = &case.lab.world;
    let scope = |from: Option<&str>, to: Option<&str>| {
        let ids = |name: &str| case.interface(name).map(|it| it.id.clone()).into_iter().collect();
        Scope { from: from.map(ids), to: to.map(ids) }
    };
    let only = |line: &str| BTreeSet::from([format!("{line} in one family")]);
    assert_eq!(summary(world, &scope(Some("client"), Some("web"))), only("client > web tcp 443"));
    assert_eq!(summary(world, &scope(Some("db"), Some("internet"))), only("db > internet all"));
    assert_eq!(summary(world, &scope(Some("internet"), Some("web"))), BTreeSet::new());
}

/// Ranges of the internet that rules tell apart, and no others.
#[test]
fn the_internet_is_divided_where_rules_divide_it() {
    let rules = [
        "web in tcp 22 203.0.113.0/24",
        "web in tcp 22 128.0.0.0/1",
        "web in tcp 80 0.0.0.0/0",
        "web in tcp 25 10.0.0.0/24",
    ];
    let case = Case::new(&rules);
    let lines = summary(&case.lab.world, &Scope { from: Some(Vec::new()), to: None });
    let expected = ["internet > web tcp 80", "internet (128.0.0.0/1) > web tcp 22"];
    // By either of two rules: the older one for a part of it.
    let by_rule: BTreeSet<_> = lines.iter().filter(|line| line.contains("tcp 80")).collect();
    assert!(
        by_rule.iter().all(|line| line.starts_with(expected[0]) || line.contains("internet (")),
        "{lines:?}"
    );
    assert!(lines.iter().any(|line| line.contains("203.0.113.0/24) > web tcp 22")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("tcp 25")), "{lines:?}");
}

/// What is open on a port, by the ranges.
fn is_open(world: &World, paths: &[Path], from: &End, to: &End, traffic: Traffic) -> Option<bool> {
    let rules = world.security_groups.values().flat_map(|group| &group.rules).map(|rule| rule.protocol);
    let entries = world.network_acls.values().flat_map(|acl| &acl.entries).map(|entry| entry.protocol);
    let named: BTreeSet<IpProtocol> = rules.chain(entries).collect();
    let meets = |end: &End, wanted: &End| match (end, wanted) {
        (End::Interface(id, None), End::Interface(other, _)) => id == other,
        (end, wanted) => end == wanted,
    };
    let path = paths.iter().find(|it| meets(&it.from, from) && meets(&it.to, to) && it.is_ipv4)?;
    let covers = |span: Span| match (span, traffic) {
        (Span::Everything, _) => true,
        (Span::Tcp((first, last)), Traffic::Tcp(port)) | (Span::Udp((first, last)), Traffic::Udp(port)) => {
            (first..=last).contains(&port)
        }
        (Span::Echo, Traffic::Icmp { .. }) => true,
        (Span::Protocol(number), Traffic::Other(other)) => number == other,
        (Span::OtherProtocols, Traffic::Other(other)) => !named.contains(&IpProtocol::Number(other)),
        _ => false,
    };
    path.openings.iter().find(|it| covers(it.span)).map(|it| it.is_answered)
}

fn check(plan: &WorldPlan) -> Result<(), TestCaseError> {
    let (world, ids) = plan.resolve(&Universe::new());
    let paths = reach(&world, &Scope::default());
    let attached = |id| world.network_interfaces[id].attachment.is_some();
    for from in ids.iter().filter(|id| attached(id)) {
        for to in ids.iter().filter(|id| *id != from && attached(id)) {
            let ends = [from, to].map(|id| &world.network_interfaces[id]);
            let [source, destination] = ends.map(|it| it.private_ipv4[0].into());
            let ports = [0, 1, 52, 53, 80, 81, 442, 443, 444, 65_534, 65_535];
            let tcp = ports.map(Traffic::Tcp);
            let udp = ports.map(Traffic::Udp);
            let others = [Traffic::echo_request(true), Traffic::Other(50), Traffic::Other(99)];
            for traffic in tcp.into_iter().chain(udp).chain(others) {
                let answer = explain(
                    &world,
                    &Question::new(Some(ends[0]), source, Some(ends[1]), destination, traffic),
                );
                let said = match answer.verdict() {
                    Verdict::Reachable => Some(true),
                    Verdict::Unanswered => Some(false),
                    Verdict::Blocked => None,
                };
                let end = |id: &NetworkInterfaceId, at| End::Interface(id.clone(), Some(at));
                let open = is_open(&world, &paths, &end(from, source), &end(to, destination), traffic);
                prop_assert_eq!(open, said, "{:?}: {:#?}", traffic, answer);
            }
        }
    }
    Ok(())
}

#[test]
fn reach_and_explain_agree_on_every_port() {
    let config = Config { cases: cases() / 10, failure_persistence: None, ..Config::default() };
    if let Err(error) = TestRunner::new(config).run(&world_plan(), |plan| check(&plan)) {
        panic!("{error}");
    }
}

/// A hundred instances in few rows: what is alike is said once.
#[test]
fn a_large_lab_gives_few_rows() {
    let world = example("hundred");
    let count = world.network_interfaces.len();
    let rows = rows(&reach(&world, &Scope::default()));
    assert!(count >= 100 && !rows.is_empty() && rows.len() < 10 * count, "{} rows for {count}", rows.len());
}

/// A hundred groups on two hundred interfaces, hardly two alike: each group is open to the one before it, on a port of its
/// own.
#[test]
fn many_groups_are_told_apart() {
    let mut lab = Lab::default();
    let vpc = lab.vpc("10.0.0.0/16", "2600:1f18:0:100::/56");
    let subnet = lab.subnet(&vpc, "10.0.1.0/24", "2600:1f18:0:101::/64");
    let groups: Vec<_> = (0..100).map(|i| lab.group(&vpc, &format!("group{i}"))).collect();
    for (i, group) in groups.iter().enumerate() {
        let all = Peer::CidrIpv4("0.0.0.0/0".parse().unwrap());
        let before = Peer::ReferencedGroup(groups[(i + 99) % 100].clone());
        let (own, any) = (PortRange::single(1000 + u16::try_from(i).unwrap()), PortRange::ALL);
        let inbound = (Direction::Inbound, IpProtocol::TCP, own, before);
        for (direction, protocol, ports, peer) in [inbound, (Direction::Outbound, IpProtocol::All, any, all)]
        {
            lab.rule(group, Permission { direction, protocol, ports, peer });
        }
    }
    for i in 0..200u8 {
        let carried = [usize::from(i) % 100, (usize::from(i) * 7 + 31) % 100].map(|at| groups[at].clone());
        lab.interface(&subnet, &format!("host{i}"), &[[10, 0, 1, i + 4].into()], &[], &carried);
    }
    let rows = rows(&reach(&lab.world, &Scope::default()));
    let to_hosts: Vec<_> = rows.iter().filter(|row| matches!(row.to, End::Interface(..))).collect();
    // Each of two ports is open to those with the group before: four of them, unless they are fewer or the host itself.
    assert!((300..=400).contains(&to_hosts.len()), "{} rows", to_hosts.len());
    assert!(to_hosts.iter().all(|row| (1..=4).contains(&row.from.len())), "{to_hosts:?}");
}
