//! Random scenarios, and whether they would find a data plane that judges wrongly.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use sg_tests::harness::agreement::{Plan, check_agreement, compare_at_random, difference};
use sg_tests::harness::planes::{Plane, host, oracle};
use sg_tests::harness::random::scenario;
use sg_tests::harness::regressions::{check_kept, kept};
use sg_userspace::aws::interface::MacAddr;
use sg_userspace::aws::network_acl::{MAX_RULE_NUMBER, NetworkAclEntry, RuleAction};
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::world::World;
use sg_userspace::dataplane::logged::{Decider, LoggedFlow};
use sg_userspace::dataplane::reason::Reason;
use sg_userspace::dataplane::{Dataplane, Flow, Outcome, Sender};
use sg_userspace::oracle::Oracle;
use sg_userspace::packet::build::frame;
use sg_userspace::packet::spec::{PacketSpec, Transport};
use sg_userspace::scenario::{Event, Scenario, Step, run};

/// The oracle and the host data plane judge every packet alike, and keep the same entries.
#[test]
fn oracle_and_host_agree() {
    check_agreement(|| [oracle(), host()], 80_000);
}

#[test]
fn kept_scenarios_agree() {
    check_kept(|| [oracle(), host()]);
}

/// The same scenarios in every run.
fn scenarios(count: usize) -> Vec<Scenario> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| scenario().new_tree(&mut runner).unwrap().current()).collect()
}

/// Every reason that an evaluator without bytes and limits can give occurs, in each direction where it can, and not in a
/// handful of packets only.
#[test]
fn random_scenarios_reach_every_reason() {
    let mut counts = BTreeMap::new();
    for scenario in scenarios(400) {
        for step in run(&mut Oracle::new(), &scenario).unwrap() {
            let Step::Judged(outcome) = step else { continue };
            for judgement in outcome.judgements {
                *counts.entry((judgement.direction, judgement.reason)).or_insert(0) += 1;
            }
        }
    }
    let both = [
        Reason::Rule,
        Reason::Untracked,
        Reason::Flow,
        Reason::Related,
        Reason::NoRule,
        Reason::FlowClosed,
        Reason::FragmentWithoutFirst,
        Reason::NetworkAcl,
        Reason::ConnectionAllowanceExceeded,
    ];
    let outbound = [
        Reason::Multicast,
        Reason::Neighbour,
        Reason::Exempt,
        Reason::SourceDestCheck,
        Reason::NoRoute,
        Reason::PacketTooBig,
    ];
    for reason in both.iter().chain(&outbound) {
        for direction in [Direction::Inbound, Direction::Outbound] {
            let can = direction == Direction::Outbound || !outbound.contains(reason);
            let count = counts.get(&(direction, *reason)).copied().unwrap_or(0);
            assert!(!can || count >= 5, "{direction} {reason}: {count} times\n{counts:#?}");
        }
    }
}

/// Every packet has a frame, so data planes that judge bytes can run every scenario.
#[test]
fn random_packets_have_frames() {
    let mac = MacAddr([2, 0, 0, 0, 0, 0]);
    for scenario in scenarios(100) {
        for event in &scenario.events {
            if let Event::Send { packet, .. } = event {
                frame(packet, mac, mac).unwrap_or_else(|error| panic!("{packet}: {error}"));
                assert_eq!(packet.to_string().parse::<PacketSpec>().unwrap(), *packet);
            }
        }
    }
}

/// Flow logs have records of every kind, and not in a handful of scenarios only.
#[test]
fn random_scenarios_are_logged() {
    let (mut accepted, mut rejected, mut by_entry, mut by_acl, mut flags) = (0, 0, 0, 0, 0);
    for scenario in scenarios(200) {
        let mut oracle = Oracle::new();
        run(&mut oracle, &scenario).unwrap();
        for flow in oracle.logged().unwrap() {
            accepted += u32::from(flow.accepted);
            rejected += u32::from(!flow.accepted);
            by_entry += u32::from(flow.reasons.contains(&Reason::Flow) && flow.packets > 1);
            by_acl += u32::from(matches!(flow.decider, Some(Decider::AclEntry(_))));
            flags += u32::from(flow.tcp_flags.count_ones() > 1);
        }
    }
    let counts = [accepted, rejected, by_entry, by_acl, flags];
    assert!(counts.iter().all(|count| *count >= 20), "{counts:?}");
}

#[test]
fn scenarios_round_trip_as_json() {
    for scenario in scenarios(20) {
        let json = serde_json::to_string(&scenario).unwrap();
        let read: Scenario = serde_json::from_str(&json).unwrap();
        assert_eq!((read.world, read.events), (scenario.world, scenario.events));
    }
}

/// Ways to judge wrongly, each by giving the oracle something else than what happened.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Time runs a second slow.
    SlowClock,
    /// RST is overlooked.
    NoReset,
    /// FIN is overlooked.
    NoFin,
    /// Later fragments are taken for whole packets.
    NoFragments,
    /// The last port of each range is left out.
    ShortRanges,
    /// Group references are not looked at.
    NoReferences,
    /// Removed rules stay.
    NoRemoval,
    /// A packet's ICMP identifier is not looked at.
    NoIdentifier,
    /// What an ICMP error is about is not looked at.
    NoEmbedded,
    /// The order of rules is turned round.
    YoungestRule,
    /// The UDP timeout is used for streams.
    NoStream,
    /// Network ACLs deny nothing by an entry.
    NoDenials,
    /// The entries of network ACLs count from the greatest number.
    LastEntry,
    /// A prefix list's first version stays in force.
    OldLists,
    /// No peering is active.
    NoPeering,
    /// An instance may track one connection more.
    LooseAllowance,
    /// The way to the internet carries one byte more.
    WideWay,
    /// "Don't fragment" is overlooked.
    NoDontFragment,
    /// Flow logs do not have what was denied.
    NoRejected,
    /// Flow logs have SYN and ACK of the TCP flags alone.
    OpeningFlags,
    /// Flow logs do not have packets that an entry allows.
    NoEstablished,
}

const FAULTS: [Fault; 21] = [
    Fault::SlowClock,
    Fault::NoReset,
    Fault::NoFin,
    Fault::NoFragments,
    Fault::ShortRanges,
    Fault::NoReferences,
    Fault::NoRemoval,
    Fault::NoIdentifier,
    Fault::NoEmbedded,
    Fault::YoungestRule,
    Fault::NoStream,
    Fault::NoDenials,
    Fault::LastEntry,
    Fault::OldLists,
    Fault::NoPeering,
    Fault::LooseAllowance,
    Fault::WideWay,
    Fault::NoDontFragment,
    Fault::NoRejected,
    Fault::OpeningFlags,
    Fault::NoEstablished,
];

struct Faulty {
    oracle: Oracle,
    fault: Fault,
    world: Option<World>,
}

impl Faulty {
    /// The faults that lie between interfaces.
    fn spoil_network(&self, world: &mut World) {
        match self.fault {
            Fault::NoDenials => {
                let is_denial = |entry: &NetworkAclEntry| entry.action == RuleAction::Deny;
                world.network_acls.values_mut().for_each(|acl| acl.entries.retain(|entry| !is_denial(entry)));
            }
            Fault::LastEntry => {
                let entries = world.network_acls.values_mut().flat_map(|acl| &mut acl.entries);
                entries.for_each(|entry| entry.rule_number = MAX_RULE_NUMBER - entry.rule_number);
            }
            Fault::OldLists => {
                world
                    .prefix_lists
                    .values_mut()
                    .for_each(|list| list.versions.retain(|version, _| *version < 3));
            }
            Fault::NoPeering => world.vpc_peering_connections.clear(),
            Fault::LooseAllowance => {
                world.instances.values_mut().for_each(|instance| instance.connection_allowance += 1);
            }
            Fault::WideWay => world.vpcs.values_mut().for_each(|vpc| vpc.internet_mtu += 1),
            _ => {}
        }
    }
}

impl Dataplane for Faulty {
    fn set_world(&mut self, world: &World) -> Result<()> {
        let mut faulty = world.clone();
        for group in faulty.security_groups.values_mut() {
            match self.fault {
                Fault::NoReferences => {
                    group.rules.retain(|rule| !matches!(rule.peer, Peer::ReferencedGroup(_)));
                }
                Fault::ShortRanges => {
                    group.rules.iter_mut().filter(|rule| rule.protocol.has_ports()).for_each(|rule| {
                        rule.ports.to_port -= 1;
                    });
                }
                Fault::NoRemoval => {
                    let old = self.world.as_ref().map(|world| world.security_groups[&group.id].rules.clone());
                    for rule in old.into_iter().flatten() {
                        if !group.rules.contains(&rule) {
                            group.rules.push(rule);
                        }
                    }
                }
                Fault::YoungestRule => {
                    group.rules.iter_mut().for_each(|rule| rule.number = u32::MAX - rule.number)
                }
                _ => {}
            }
        }
        for interface in faulty.network_interfaces.values_mut() {
            if matches!(self.fault, Fault::NoStream) {
                interface.connection_tracking.udp_stream = interface.connection_tracking.udp;
            }
        }
        self.spoil_network(&mut faulty);
        self.world = Some(faulty.clone());
        self.oracle.set_world(&faulty)
    }

    fn judge(&mut self, sender: &Sender, packet: &PacketSpec) -> Result<Outcome> {
        let mut packet = packet.clone();
        match (&mut packet.transport, self.fault) {
            (Transport::Tcp { flags, .. }, Fault::NoReset) => flags.rst = false,
            (Transport::Tcp { flags, .. }, Fault::NoFin) => flags.fin = false,
            (Transport::Icmp { id, .. }, Fault::NoIdentifier) => *id = 0,
            (transport @ Transport::IcmpError { .. }, Fault::NoEmbedded) => {
                if let Transport::IcmpError { kind, code, .. } = *transport {
                    *transport = Transport::Icmp { kind, code, id: 0 };
                }
            }
            _ => {}
        }
        match self.fault {
            Fault::NoFragments => packet.fragment = None,
            Fault::NoDontFragment => packet.dont_fragment = false,
            _ => {}
        }
        let mut outcome = self.oracle.judge(sender, &packet)?;
        for judgement in &mut outcome.judgements {
            judgement.rule = match (self.fault, judgement.reason) {
                (Fault::LastEntry, Reason::NetworkAcl) => judgement
                    .rule
                    .map(|number| u32::from(MAX_RULE_NUMBER).checked_sub(number).unwrap_or(number)),
                (_, Reason::NetworkAcl) => judgement.rule,
                (Fault::YoungestRule, _) => judgement.rule.map(|number| u32::MAX - number),
                _ => judgement.rule,
            };
        }
        Ok(outcome)
    }

    fn advance(&mut self, time: Duration) -> Result<()> {
        let slow = matches!(self.fault, Fault::SlowClock);
        self.oracle.advance(if slow { time.saturating_sub(Duration::from_secs(1)) } else { time })
    }

    fn flows(&mut self) -> Result<Vec<Flow>> {
        self.oracle.flows()
    }

    fn logged(&mut self) -> Result<Vec<LoggedFlow>> {
        let mut flows = self.oracle.logged()?;
        match self.fault {
            Fault::NoRejected => flows.retain(|flow| flow.accepted),
            Fault::OpeningFlags => flows.iter_mut().for_each(|flow| flow.tcp_flags &= 0b10010),
            Fault::NoEstablished => flows.retain(|flow| !flow.reasons.contains(&Reason::Flow)),
            _ => {}
        }
        Ok(flows)
    }
}

fn faulty(fault: Fault) -> [Plane; 2] {
    let faulty = Faulty { oracle: Oracle::new(), fault, world: None };
    [oracle(), Plane { name: "faulty", dataplane: Box::new(faulty) }]
}

/// A test of the tests: each fault is found, made short, and reported.
#[test]
fn faults_are_found() {
    for fault in FAULTS {
        let found = compare_at_random(|| faulty(fault), Plan { steps: 100_000, ..Plan::of(0) });
        let found = found.expect_err(&format!("{fault:?} was not found"));
        let events = found.scenario.events.len();
        assert!(events <= 10, "{fault:?} was not made short: {events} events");
        assert!(found.difference.contains("faulty"), "{fault:?}: {}", found.difference);
    }
}

/// Each fault is found by the scenario that is kept for it: a kept scenario goes on testing what it was kept for.
#[test]
fn faults_are_found_by_the_scenarios_kept_for_them() {
    let kept = kept();
    for fault in FAULTS {
        let name = format!("fault-{}", kebab(&format!("{fault:?}")));
        let found = kept.iter().find(|(kept, _)| *kept == name);
        let (_, scenario) = found.unwrap_or_else(|| panic!("no tests/regressions/{name}.json"));
        assert!(
            difference(faulty(fault), scenario).is_some(),
            "{name}.json does not find the fault any more"
        );
    }
}

/// `NoReset` as `no-reset`.
fn kebab(name: &str) -> String {
    let letters = name.char_indices().flat_map(|(i, letter)| {
        let dash = (i > 0 && letter.is_ascii_uppercase()).then_some('-');
        dash.into_iter().chain([letter.to_ascii_lowercase()])
    });
    letters.collect()
}
