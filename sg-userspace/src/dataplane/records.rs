//! Between the data plane's numbers and the words that users and tests have for them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context, Result};
use sg_common::abi::address::{Address, Family};
use sg_common::abi::event::VerdictRecord;
use sg_common::abi::flow::{FlowBits, FlowEntry};
use sg_common::abi::flow_log::{FlowLogEntry, FlowLogKey};
use sg_common::abi::verdict::{DirectionCode, ReasonCode};
use sg_common::abi::{INTERNET_SLOT, ROUTER_MAC};
use sg_common::datapath::tuple::{FlowKey, is_icmp};

use crate::aws::ids::NetworkInterfaceId;
use crate::aws::interface::MacAddr;
use crate::aws::rule::Direction;
use crate::aws::world::World;

use super::logged::{Decider, LoggedAt, LoggedFlow};
use super::reason::Reason;
use super::{Flow, Judgement, Outcome, Sender};

/// The reason behind a number; `None` for a number of another version.
pub fn reason(code: ReasonCode) -> Option<Reason> {
    Reason::ALL.into_iter().find(|&reason| reason_code(reason) == code)
}

/// The number of a reason.
pub fn reason_code(reason: Reason) -> ReasonCode {
    match reason {
        Reason::Rule => ReasonCode::RULE,
        Reason::Untracked => ReasonCode::UNTRACKED,
        Reason::Flow => ReasonCode::FLOW,
        Reason::Related => ReasonCode::RELATED,
        Reason::Exempt => ReasonCode::EXEMPT,
        Reason::Neighbour => ReasonCode::NEIGHBOUR,
        Reason::EnforcementOff => ReasonCode::ENFORCEMENT_OFF,
        Reason::NoRule => ReasonCode::NO_RULE,
        Reason::FlowClosed => ReasonCode::FLOW_CLOSED,
        Reason::SourceDestCheck => ReasonCode::SOURCE_DEST_CHECK,
        Reason::SpoofedMac => ReasonCode::SPOOFED_MAC,
        Reason::Malformed => ReasonCode::MALFORMED,
        Reason::NotIp => ReasonCode::NOT_IP,
        Reason::Multicast => ReasonCode::MULTICAST,
        Reason::FragmentWithoutFirst => ReasonCode::FRAGMENT_WITHOUT_FIRST,
        Reason::FlowTableFull => ReasonCode::FLOW_TABLE_FULL,
        Reason::UnknownInterface => ReasonCode::UNKNOWN_INTERFACE,
        Reason::NoPolicy => ReasonCode::NO_POLICY,
        Reason::TornPolicy => ReasonCode::TORN_POLICY,
        Reason::NoRoute => ReasonCode::NO_ROUTE,
        Reason::NetworkAcl => ReasonCode::NETWORK_ACL,
        Reason::ConnectionAllowanceExceeded => ReasonCode::CONNECTION_ALLOWANCE_EXCEEDED,
        Reason::PacketTooBig => ReasonCode::PACKET_TOO_BIG,
    }
}

/// The direction behind a number.
pub fn direction(code: DirectionCode) -> Direction {
    if code == DirectionCode::OUTBOUND { Direction::Outbound } else { Direction::Inbound }
}

/// An address of a family.
pub fn ip_address(family: u8, address: Address) -> IpAddr {
    if family == Family::V6.0 {
        IpAddr::V6(Ipv6Addr::from(u128::from(address.high) << 64 | u128::from(address.low)))
    } else {
        IpAddr::V4(Ipv4Addr::from(address.low32()))
    }
}

/// What became of a packet, from the reports that it left. A `no-route` or a `packet-too-big` follows the sender's
/// judgement and replaces it.
pub fn outcome(records: &[VerdictRecord]) -> Outcome {
    let mut judgements: Vec<Judgement> = Vec::new();
    for record in records {
        let Some(reason) = reason(ReasonCode(record.reason)) else { continue };
        if matches!(reason, Reason::NoRoute | Reason::PacketTooBig) {
            judgements.pop();
        }
        judgements.push(Judgement {
            direction: direction(DirectionCode(record.direction)),
            reason,
            rule: (record.rule != 0).then_some(record.rule),
        });
    }
    Outcome { judgements }
}

/// Where a sender's frames enter the fabric: its slot, and the Ethernet address that they come from.
///
/// # Errors
/// Where the world has no such interface.
pub fn origin(world: &World, sender: &Sender) -> Result<(u32, MacAddr)> {
    match sender {
        Sender::Internet => Ok((INTERNET_SLOT, MacAddr(ROUTER_MAC))),
        Sender::Interface(id) => {
            let interface =
                world.network_interfaces.get(id).with_context(|| format!("no interface `{id}`"))?;
            Ok((interface.slot, interface.mac))
        }
    }
}

/// Interface ids by the numbers that flow entries and events carry.
pub fn interfaces_by_number(world: &World) -> BTreeMap<u32, NetworkInterfaceId> {
    world.network_interfaces.values().map(|interface| (interface.number, interface.id.clone())).collect()
}

/// A flow entry in shared terms; `None` if its interface is gone.
pub fn flow(
    interfaces: &BTreeMap<u32, NetworkInterfaceId>,
    key: &FlowKey,
    entry: &FlowEntry,
) -> Option<Flow> {
    let protocol = key.protocol();
    let (local_port, remote_port) = ((key.ports >> 16) as u16, (key.ports & 0xffff) as u16);
    let outbound = FlowBits(entry.bits).has(FlowBits::OPENED_OUTBOUND);
    Some(Flow {
        interface: interfaces.get(&key.interface())?.clone(),
        protocol,
        local: ip_address(key.family, key.local),
        remote: ip_address(key.family, key.remote),
        local_port,
        // An ICMP query's other half is the request's type, then who asked.
        remote_port: if is_icmp(key.family, protocol) { remote_port >> 8 } else { remote_port },
        opened: if outbound { Direction::Outbound } else { Direction::Inbound },
        rule: entry.rule,
    })
}

/// An element of the flow logs' table in shared terms.
pub fn logged(key: &FlowLogKey, entry: &FlowLogEntry) -> LoggedAt {
    let decider = (key.rule != 0).then_some(match key.verdict {
        FlowLogKey::VERDICT_REJECT_BY_ACL => Decider::AclEntry(key.rule),
        _ => Decider::Rule(key.rule),
    });
    let has = |reason: &Reason| entry.reasons & 1 << reason_code(*reason).0 != 0;
    let flow = LoggedFlow {
        interface: key.interface(),
        direction: direction(DirectionCode(key.direction)),
        source: ip_address(key.family, key.source),
        destination: ip_address(key.family, key.destination),
        source_port: (key.ports >> 16) as u16,
        destination_port: (key.ports & 0xffff) as u16,
        protocol: key.protocol(),
        accepted: key.verdict == FlowLogKey::VERDICT_ACCEPT,
        decider,
        reasons: Reason::ALL.into_iter().filter(has).collect(),
        tcp_flags: (entry.flags & 0xff) as u8,
        packets: entry.packets,
        bytes: entry.bytes,
    };
    LoggedAt { flow, first_tick: entry.first_seen, last_tick: entry.last_seen }
}
