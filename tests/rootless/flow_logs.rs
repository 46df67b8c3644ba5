//! Flow logs without a kernel: what records say, how they reach their files, what the API and the command line answer.

mod api;
mod counted;
mod live;
mod records;
mod writer;

use std::collections::BTreeMap;

use sg_tests::harness::flow_log::flow_log;
use sg_tests::harness::lab::StandardLab;
use sg_userspace::aws::flow_log::{FlowLog, FlowLogResource};
use sg_userspace::aws::world::World;
use sg_userspace::dataplane::logged::{Decider, LoggedAt, LoggedFlow};
use sg_userspace::dataplane::reason::Reason;
use sg_userspace::flow_log::window::{Anchor, Roll, RuleNames, Window};

use sg_userspace::aws::rule::Direction;

/// A tick of the anchor of every window here.
const TICK: u64 = 1_000_000;

/// The standard lab with a flow log of this format on its web server's interface.
fn world_with(format: &str) -> (World, FlowLog) {
    let mut lab = StandardLab::new();
    let interface = lab.interfaces["web"].clone();
    let mut log = flow_log(9_000, FlowLogResource::NetworkInterface(interface));
    if !format.is_empty() {
        log.format = format.parse().unwrap();
    }
    lab.world.flow_logs.insert(log.id.clone(), log.clone());
    (lab.world, log)
}

/// A window of a minute that ends at the anchor.
fn window(world: &World, epoch: u32) -> Window {
    let mut rules = RuleNames::default();
    world.rules().for_each(|rule| rules.learn(rule));
    let end = 1_800_000_060;
    Window {
        epoch,
        start: end - 60,
        end,
        roll: Roll::of(world),
        rules,
        anchor: Anchor { tick: TICK, unix_nanoseconds: end * 1_000_000_000 },
        has_gap: false,
    }
}

/// TCP to the web server's port 80, ten packets of 1000 bytes, all in the window's last second.
fn logged(world: &World) -> LoggedAt {
    let interface = world.flow_logs.values().next().map(|log| log.resource.clone());
    let interface = world.network_interfaces.values().find(|it| interface.as_ref().unwrap().covers(it));
    let flow = LoggedFlow {
        interface: interface.unwrap().number,
        direction: Direction::Inbound,
        source: "203.0.113.9".parse().unwrap(),
        destination: "10.0.1.5".parse().unwrap(),
        source_port: 40_000,
        destination_port: 80,
        protocol: 6,
        accepted: true,
        decider: Some(Decider::Rule(77)),
        reasons: [Reason::Rule, Reason::Flow].into(),
        tcp_flags: 3,
        packets: 10,
        bytes: 1000,
    };
    LoggedAt { flow, first_tick: TICK - 900, last_tick: TICK }
}

/// Nothing lost.
fn none_lost() -> BTreeMap<u32, (u64, u64)> {
    BTreeMap::new()
}
