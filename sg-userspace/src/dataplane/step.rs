//! The steps of a decision, as a marked packet told them: what was looked up in which compiled table, and what it answered.
//!
//! Rules, groups and interfaces are numbers here, as in the tables; `report` turns them into names.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::aws::ids::NetworkInterfaceId;
use crate::aws::rule::Direction;

use super::reason::Reason;

/// Which packets to trace. What is not said may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Sent by this interface, from any address, …
    pub interface: Option<NetworkInterfaceId>,
    /// … or from or to one of these addresses.
    pub addresses: Vec<IpAddr>,
    /// IANA protocol number.
    pub protocol: Option<u8>,
    /// Source or destination port.
    pub port: Option<u16>,
}

/// The most addresses in a [`Filter`].
pub const MAX_ADDRESSES: usize = sg_common::abi::trace::FILTER_ADDRESSES;

/// One step of one packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The same for every step of one packet.
    pub serial: u64,
    /// Who looks at the packet; `None` on the internet host's link, and where no interface is known.
    pub interface: Option<NetworkInterfaceId>,
    /// As the interface sees the packet.
    pub direction: Direction,
    /// IANA protocol number.
    pub protocol: u8,
    /// Source address; `None` in a frame that has none.
    pub source: Option<IpAddr>,
    /// Destination address; `None` in a frame that has none.
    pub destination: Option<IpAddr>,
    /// Source port, or the identifier of an ICMP query.
    pub source_port: u16,
    /// Destination port, or type and code of an ICMP message.
    pub destination_port: u16,
    /// TCP flags as on the wire.
    pub flags: u8,
    /// What happened.
    pub event: StepEvent,
}

/// Where in a compiled table a key fell: an interval of ports, and the rule that decides there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortsHit {
    /// First word of the ports table in its policy.
    pub table: u32,
    /// Index of the interval.
    pub interval: u32,
    /// Intervals of the table.
    pub intervals: u32,
    /// First port, or ICMP type and code, of the interval.
    pub first: u32,
    /// Last one.
    pub last: u32,
    /// Rank of the deciding rule; `None` = no rule.
    pub rank: Option<u32>,
    /// The rule's number, or the ACL entry's.
    pub rule: Option<u32>,
}

/// What happened at a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum StepEvent {
    /// A frame came in over a link.
    Arrived {
        /// `ip`, `arp`, `neighbour-discovery`, `not-ip` or `malformed`.
        kind: String,
        /// Bytes from the IP header on.
        length: u32,
        /// `whole`, `first` or `later`.
        fragment: String,
    },
    /// The receiver was looked up.
    Routed {
        /// The receiving interface.
        interface: Option<NetworkInterfaceId>,
        /// Whether it is the internet host.
        internet: bool,
    },
    /// A later fragment looked for its first one.
    Fragment {
        /// Whether that was remembered.
        known: bool,
    },
    /// The network ACL of the interface's subnet was asked.
    NetworkAcl {
        /// First granule of its compiled list; `None` = there is none, which denies.
        list: Option<u32>,
        /// Its first entry lets everything of this family through.
        allows_all: bool,
        /// Where the packet's port fell among those of its address.
        hit: Option<PortsHit>,
        /// Whether that entry denies; the implicit last one does where there is no hit.
        denies: bool,
    },
    /// The flow table was asked.
    Flow {
        /// Whether there is an entry.
        found: bool,
        /// Whether it has not idled out.
        live: bool,
        /// Its state bits.
        state: Vec<String>,
        /// The rule that admitted it.
        rule: Option<u32>,
    },
    /// The flow table was asked for what an ICMP error is about.
    Related {
        /// The live entry's rule.
        rule: Option<u32>,
    },
    /// The rules are asked.
    Policy {
        /// First granule of the compiled policy.
        policy: u32,
        /// Its words.
        words: u32,
        /// Its rules.
        rules: u32,
    },
    /// The rules for `0.0.0.0/0` or `::/0` were asked.
    Open {
        /// Where the port fell.
        hit: Option<PortsHit>,
    },
    /// The rules for blocks were asked.
    Address {
        /// The interval of addresses: first and last.
        block: Option<(IpAddr, IpAddr)>,
        /// Where the port fell.
        hit: Option<PortsHit>,
    },
    /// The address belongs to an interface whose groups count.
    Owner {
        /// It.
        interface: Option<NetworkInterfaceId>,
        /// How many groups it carries.
        groups: u32,
    },
    /// The rules for one of its groups were asked.
    Group {
        /// Number of the group.
        group: u32,
        /// Where the port fell; `None` where no rule names the group.
        hit: Option<PortsHit>,
    },
    /// The interface has decided.
    Verdict {
        /// Why.
        reason: Reason,
        /// Number of the rule, or of the ACL's entry.
        rule: Option<u32>,
    },
}

/// Steps since the last look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steps {
    /// Them, oldest first.
    pub steps: Vec<Step>,
    /// How many were lost because the buffer was full.
    pub lost: u64,
}
