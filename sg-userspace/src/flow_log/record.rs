//! Records: lines of AWS's format out of what the data plane counted.
//!
//! # Invariants
//! Packets and bytes of an interface's records add up to what was counted of it, whatever fields a format has; a field only
//! decides what is told apart.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use crate::aws::flow_log::FlowLog;
use crate::aws::flow_log_format::Field;
use crate::aws::rule::Direction;
use crate::dataplane::logged::{Decider, LoggedAt, LoggedFlow};

use super::window::{Coverage, Covered, RuleNames, Window};

/// What cannot be said, or means nothing.
const NONE: &str = "-";

/// What the data plane counted in a window.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Packets.
    pub flows: Vec<LoggedAt>,
    /// Packets and bytes by slot for which there was no room.
    pub lost: BTreeMap<u32, (u64, u64)>,
}

/// How a record ends (F-05).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Ok,
    NoData,
    SkipData,
}

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::NoData => "NODATA",
            Self::SkipData => "SKIPDATA",
        }
    }
}

/// What tells one record from another. Ports, addresses and the like, as far as the format shows them.
type RecordKey = (Direction, IpAddr, IpAddr, u16, u16, u8, bool, Option<(IpAddr, IpAddr)>, Option<Decider>);

/// Turns what was counted into lines, by flow log and interface.
pub struct Records<'a> {
    window: &'a Window,
    flows: HashMap<u32, Vec<&'a LoggedAt>>,
    lost: &'a BTreeMap<u32, (u64, u64)>,
}

impl<'a> Records<'a> {
    /// Of a window.
    pub fn new(window: &'a Window, counted: &'a Counted) -> Self {
        let mut flows: HashMap<u32, Vec<&LoggedAt>> = HashMap::new();
        for flow in &counted.flows {
            flows.entry(flow.flow.interface).or_default().push(flow);
        }
        Self { window, flows, lost: &counted.lost }
    }

    /// The lines of one flow log about one interface: a record for each flow; one that says that there was none; one that
    /// says that some are missing.
    pub fn lines(&self, coverage: &Coverage) -> Vec<String> {
        let Coverage { log, interface } = coverage;
        let of_interface = self.flows.get(&interface.number).map_or(&[][..], Vec::as_slice);
        let mut lines: Vec<String> = self
            .merged(log, interface, of_interface)
            .values()
            .map(|flow| self.line(coverage, Status::Ok, Some(flow), (0, 0)))
            .collect();
        let lost = self.lost.get(&interface.slot).copied().unwrap_or_default();
        if lost != (0, 0) || self.window.has_gap {
            lines.push(self.line(coverage, Status::SkipData, None, lost));
        } else if of_interface.is_empty() {
            lines.push(self.line(coverage, Status::NoData, None, lost));
        }
        lines
    }

    /// Flows that the format does not tell apart become one.
    fn merged(
        &self,
        log: &FlowLog,
        interface: &Covered,
        flows: &[&LoggedAt],
    ) -> BTreeMap<RecordKey, LoggedAt> {
        let shows_packets = log.format.has(Field::PktSrcAddr) || log.format.has(Field::PktDstAddr);
        let shows_rules = log.format.has(Field::SgsimRule);
        let mut merged: BTreeMap<RecordKey, LoggedAt> = BTreeMap::new();
        for found in flows.iter().filter(|found| log.traffic_type.has(found.flow.accepted)) {
            let flow = &found.flow;
            let (source, destination) = shown_addresses(interface, flow);
            let key = (
                flow.direction,
                source,
                destination,
                flow.source_port,
                flow.destination_port,
                flow.protocol,
                flow.accepted,
                shows_packets.then_some((flow.source, flow.destination)),
                flow.decider.filter(|_| shows_rules),
            );
            match merged.get_mut(&key) {
                Some(record) => {
                    record.flow.add(flow);
                    record.first_tick = record.first_tick.min(found.first_tick);
                    record.last_tick = record.last_tick.max(found.last_tick);
                }
                None => {
                    merged.insert(key, (*found).clone());
                }
            }
        }
        merged
    }

    fn line(&self, coverage: &Coverage, status: Status, flow: Option<&LoggedAt>, lost: (u64, u64)) -> String {
        let value = |field: &Field| {
            self.of_interface(*field, coverage, status, flow, lost)
                .or_else(|| {
                    flow.and_then(|flow| of_flow(*field, &coverage.interface, flow, &self.window.rules))
                })
                .unwrap_or_else(|| NONE.to_owned())
        };
        coverage.log.format.fields().iter().map(value).collect::<Vec<_>>().join(" ")
    }

    /// What every record of an interface says.
    fn of_interface(
        &self,
        field: Field,
        Coverage { log, interface }: &Coverage,
        status: Status,
        flow: Option<&LoggedAt>,
        lost: (u64, u64),
    ) -> Option<String> {
        let zone = interface.availability_zone.as_ref();
        let time = |of_flow: fn(&LoggedAt) -> u64, of_window: u64| {
            flow.map_or(of_window, |flow| self.window.anchor.unix_seconds(of_flow(flow)))
        };
        let skipped = |number: u64| (status == Status::SkipData).then(|| number.to_string());
        match field {
            Field::Version => Some(log.format.version().to_string()),
            Field::AccountId => Some(log.account_id.clone()),
            Field::InterfaceId => Some(interface.id.to_string()),
            Field::VpcId => Some(interface.vpc_id.to_string()),
            Field::SubnetId => Some(interface.subnet_id.to_string()),
            Field::InstanceId => interface.instance_id.as_ref().map(ToString::to_string),
            Field::Region => zone.map(|zone| zone.region().to_string()),
            Field::AzId => zone.map(|zone| zone.zone_id()),
            Field::Start => Some(time(|flow| flow.first_tick, self.window.start).to_string()),
            Field::End => Some(time(|flow| flow.last_tick, self.window.end).to_string()),
            Field::LogStatus => Some(status.as_str().to_owned()),
            Field::SgsimLostPackets => skipped(lost.0),
            Field::SgsimLostBytes => skipped(lost.1),
            _ => None,
        }
    }
}

/// The addresses that `srcaddr` and `dstaddr` show: the interface's end by its primary address (F-09).
fn shown_addresses(interface: &Covered, flow: &LoggedFlow) -> (IpAddr, IpAddr) {
    let own = |address: IpAddr| match interface.primary_ipv4 {
        Some(primary) if address.is_ipv4() => IpAddr::V4(primary),
        _ => address,
    };
    match flow.direction {
        Direction::Outbound => (own(flow.source), flow.destination),
        Direction::Inbound => (flow.source, own(flow.destination)),
    }
}

/// What a record says of its packets.
fn of_flow(
    field: Field,
    interface: &Covered,
    LoggedAt { flow, .. }: &LoggedAt,
    rules: &RuleNames,
) -> Option<String> {
    let (source, destination) = shown_addresses(interface, flow);
    let text = match field {
        Field::SrcAddr => source.to_string(),
        Field::DstAddr => destination.to_string(),
        Field::PktSrcAddr => flow.source.to_string(),
        Field::PktDstAddr => flow.destination.to_string(),
        Field::SrcPort => flow.source_port.to_string(),
        Field::DstPort => flow.destination_port.to_string(),
        Field::Protocol => flow.protocol.to_string(),
        Field::Packets => flow.packets.to_string(),
        Field::Bytes => flow.bytes.to_string(),
        Field::Action => if flow.accepted { "ACCEPT" } else { "REJECT" }.to_owned(),
        Field::TcpFlags => flow.tcp_flags.to_string(),
        Field::Type => if flow.source.is_ipv4() { "IPv4" } else { "IPv6" }.to_owned(),
        Field::FlowDirection => match flow.direction {
            Direction::Inbound => "ingress".to_owned(),
            Direction::Outbound => "egress".to_owned(),
        },
        // What was refused took no way.
        Field::TrafficPath if flow.direction == Direction::Outbound && flow.accepted => {
            interface.path_to(flow.destination).to_string()
        }
        Field::SgsimRule => match flow.decider? {
            Decider::Rule(number) => rules.name(number),
            Decider::AclEntry(number) => {
                let acl = interface.network_acl_id.as_ref()?;
                format!("{acl}/{number}")
            }
        },
        Field::SgsimReason => {
            let reasons: BTreeSet<&str> = flow.reasons.iter().map(|reason| reason.name()).collect();
            reasons.into_iter().collect::<Vec<_>>().join(",")
        }
        _ => return None,
    };
    Some(text)
}
