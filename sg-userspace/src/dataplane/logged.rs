//! What flow logs count, in terms that all evaluators share.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::aws::rule::Direction;

use super::reason::Reason;

/// What decided about packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decider {
    /// The rule with this number.
    Rule(u32),
    /// The entry with this number of the network ACL of the interface's subnet.
    AclEntry(u32),
}

/// Packets of one interface, direction and tuple about which the same was decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LoggedFlow {
    /// Number of the interface, which may be gone.
    pub interface: u32,
    /// As the interface sees it.
    pub direction: Direction,
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Source port; 0 where the protocol has none, ICMP included (F-06).
    pub source_port: u16,
    /// Destination port; likewise.
    pub destination_port: u16,
    /// IANA protocol number.
    pub protocol: u8,
    /// Whether they went on.
    pub accepted: bool,
    /// What decided, if anything of AWS's did.
    pub decider: Option<Decider>,
    /// Every reason that they had.
    pub reasons: BTreeSet<Reason>,
    /// TCP flags as AWS reports them (F-07).
    pub tcp_flags: u8,
    /// Packets.
    pub packets: u64,
    /// Bytes from the IP header on.
    pub bytes: u64,
}

impl LoggedFlow {
    /// Adds packets of the same tuple and decision.
    pub fn add(&mut self, other: &Self) {
        self.reasons.extend(&other.reasons);
        self.tcp_flags |= other.tcp_flags;
        self.packets += other.packets;
        self.bytes += other.bytes;
    }

    /// Whether the packets of the other one have the same interface, direction, tuple and decision.
    pub fn is_like(&self, other: &Self) -> bool {
        let key = |flow: &Self| {
            let tuple = (flow.source, flow.destination, flow.source_port, flow.destination_port);
            (flow.interface, flow.direction, tuple, flow.protocol, flow.accepted, flow.decider)
        };
        key(self) == key(other)
    }
}

impl fmt::Display for LoggedFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interface, direction, source, destination, source_port, destination_port, .. } = self;
        let verdict = if self.accepted { "ACCEPT" } else { "REJECT" };
        write!(f, "#{interface} {direction} proto {} {source} {source_port} > ", self.protocol)?;
        write!(f, "{destination} {destination_port} {verdict} by {:?} {:?}", self.decider, self.reasons)?;
        write!(f, ", flags {}, {} packets, {} bytes", self.tcp_flags, self.packets, self.bytes)
    }
}

/// A [`LoggedFlow`] and when it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedAt {
    /// It.
    pub flow: LoggedFlow,
    /// Tick of the first packet.
    pub first_tick: u64,
    /// Tick of the last packet.
    pub last_tick: u64,
}
