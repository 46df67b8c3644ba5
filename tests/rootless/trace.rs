//! What marked packets tell of their way, held against what became of them.

use std::time::Duration;

use anyhow::Result;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use sg_common::abi::address::Address;
use sg_common::abi::event::VerdictRecord;
use sg_common::abi::trace::{ANY, FILTER_ADDRESSES, StepCode, StepRecord, TraceFilter};
use sg_common::abi::verdict::ReasonCode;
use sg_common::datapath::rules::NO_RANK;
use sg_common::datapath::trace::is_marked;
use sg_common::datapath::tuple::Packet;
use sg_tests::harness::random::scenario;
use sg_userspace::aws::world::World;
use sg_userspace::dataplane::host::HostDataplane;
use sg_userspace::dataplane::logged::LoggedFlow;
use sg_userspace::dataplane::{Dataplane, Flow, Outcome, Sender, records};
use sg_userspace::packet::spec::PacketSpec;
use sg_userspace::scenario;

const EVERYTHING: TraceFilter = TraceFilter {
    protocol: ANY,
    port: ANY,
    interface: 0,
    count: 0,
    addresses: [Address { high: 0, low: 0 }; FILTER_ADDRESSES],
};

/// The host data plane, which checks every walk.
struct Walked {
    host: HostDataplane,
    packets: usize,
}

impl Dataplane for Walked {
    fn set_world(&mut self, world: &World) -> Result<()> {
        self.host.set_world(world)
    }

    fn judge(&mut self, sender: &Sender, packet: &PacketSpec) -> Result<Outcome> {
        let outcome = self.host.judge(sender, packet)?;
        check(&self.host.take_steps(), &outcome);
        self.packets += 1;
        Ok(outcome)
    }

    fn advance(&mut self, time: Duration) -> Result<()> {
        self.host.advance(time)
    }

    fn flows(&mut self) -> Result<Vec<Flow>> {
        self.host.flows()
    }

    fn logged(&mut self) -> Result<Vec<LoggedFlow>> {
        self.host.logged()
    }
}

/// A walk begins with the frame, ends with the verdict, and its verdicts are what became of the packet; what allowed it is
/// where it was looked for last.
#[track_caller]
fn check(steps: &[StepRecord], outcome: &Outcome) {
    assert_eq!(steps.first().map(|step| step.step), Some(StepCode::ARRIVED.0), "{outcome:?}");
    assert_eq!(steps.last().map(|step| step.step), Some(StepCode::VERDICT.0), "{outcome:?}");
    let verdicts: Vec<VerdictRecord> = steps
        .iter()
        .filter(|step| step.step == StepCode::VERDICT.0)
        .map(|step| VerdictRecord {
            reason: step.a as u8,
            rule: step.b as u32,
            direction: step.direction,
            ..VerdictRecord::default()
        })
        .collect();
    assert_eq!(records::outcome(&verdicts), *outcome, "{steps:?}");
    for (at, verdict) in steps.iter().enumerate().filter(|(_, step)| step.step == StepCode::VERDICT.0) {
        let told = |code: StepCode| {
            steps[..at].iter().rev().find(|step| step.direction == verdict.direction && step.step == code.0)
        };
        match ReasonCode(verdict.a as u8) {
            ReasonCode::RULE | ReasonCode::UNTRACKED => {
                let tables = [StepCode::OPEN, StepCode::ADDRESS, StepCode::GROUP];
                let found = steps[..at].iter().any(|step| {
                    let is_answer = tables.iter().any(|table| table.0 == step.step);
                    is_answer && step.direction == verdict.direction && step.b as u32 != NO_RANK
                });
                assert!(found && told(StepCode::POLICY).is_some(), "{steps:?}");
            }
            ReasonCode::FLOW => {
                let flow = told(StepCode::FLOW).expect("the flow table was asked");
                assert_eq!((flow.a, flow.b as u32), (2, verdict.b as u32), "{steps:?}");
                assert!(told(StepCode::POLICY).is_none(), "no rule was asked: {steps:?}");
            }
            ReasonCode::RELATED => assert_eq!(told(StepCode::RELATED).map(|step| step.a), Some(verdict.b)),
            ReasonCode::NETWORK_ACL => assert!(told(StepCode::ACCESS_LIST).is_some(), "{steps:?}"),
            _ => {}
        }
    }
}

#[test]
fn a_walk_ends_where_the_packet_did_and_says_what_decided() {
    let mut runner = TestRunner::deterministic();
    let mut packets = 0;
    for _ in 0..150 {
        let scenario = scenario().new_tree(&mut runner).unwrap().current();
        let mut walked = Walked { host: HostDataplane::new(), packets: 0 };
        walked.host.mark_packets(EVERYTHING);
        scenario::run(&mut walked, &scenario).unwrap();
        packets += walked.packets;
    }
    assert!(packets > 2000, "{packets} packets are too few to say much");
}

#[test]
fn without_a_filter_nothing_is_told() {
    let mut runner = TestRunner::deterministic();
    let scenario = scenario().new_tree(&mut runner).unwrap().current();
    let mut host = HostDataplane::new();
    scenario::run(&mut host, &scenario).unwrap();
    assert!(host.take_steps().is_empty());
}

#[test]
fn a_filter_means_what_it_says() {
    let mut packet = Packet { family: 4, ..Packet::default() };
    (packet.tuple.source, packet.tuple.destination) = (Address::v4(1), Address::v4(2));
    (packet.tuple.source_port, packet.tuple.destination_port) = (40_000, 443);
    packet.tuple.protocol = 6;
    let mut named = EVERYTHING;
    (named.addresses[0], named.count) = (Address::v4(2), 1);
    let meant = |filter: TraceFilter| is_marked(&filter, &packet, 7);

    assert!(meant(EVERYTHING));
    assert!(
        meant(TraceFilter { protocol: 6, ..EVERYTHING })
            && !meant(TraceFilter { protocol: 17, ..EVERYTHING })
    );
    assert!(
        meant(TraceFilter { port: 443, ..EVERYTHING }) && meant(TraceFilter { port: 40_000, ..EVERYTHING })
    );
    assert!(!meant(TraceFilter { port: 80, ..EVERYTHING }));
    assert!(
        meant(TraceFilter { interface: 7, ..EVERYTHING })
            && !meant(TraceFilter { interface: 8, ..EVERYTHING })
    );
    assert!(meant(named), "its destination is named");
    assert!(meant(TraceFilter { interface: 8, ..named }), "an address or the sender");
    assert!(!meant(TraceFilter { protocol: 17, ..named }), "and the protocol");
    named.addresses[0] = Address::v4(3);
    assert!(!meant(named));
}
