//! Why a packet was allowed or denied: the words that users, tests and all evaluators share. The numbers in the kernel's
//! records are `sg_common::abi::verdict`'s; the conversion stands beside the host data plane.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The reason for a verdict. See `docs/judgement.md` for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Allowed by a rule, and tracked from here on.
    Rule,
    /// Allowed by a rule, without an entry: every packet is judged (C-03).
    Untracked,
    /// Allowed by a live entry (C-01).
    Flow,
    /// An ICMP error about a live entry (C-17, C-19).
    Related,
    /// For a service that AWS does not filter (E-15).
    Exempt,
    /// ARP or neighbour discovery, which the fabric answers (E-16).
    Neighbour,
    /// Enforcement is switched off for measuring.
    EnforcementOff,
    /// No rule of any group of the interface allows it (E-01).
    NoRule,
    /// Its connection was reset (C-24).
    FlowClosed,
    /// An address that is not the interface's own (M-17).
    SourceDestCheck,
    /// An Ethernet source that is not the interface's own.
    SpoofedMac,
    /// Truncated or contradictory headers.
    Malformed,
    /// Neither IPv4 nor IPv6, or behind a VLAN tag.
    NotIp,
    /// Broadcast, multicast or another destination that a VPC does not deliver (M-07).
    Multicast,
    /// A later fragment whose first fragment was not allowed or not seen (C-30).
    FragmentWithoutFirst,
    /// No room for a new tracked flow (C-26).
    FlowTableFull,
    /// Sent on a link that no interface is known for.
    UnknownInterface,
    /// The interface has no policy.
    NoPolicy,
    /// The memory of the policy was reused while this packet was judged.
    TornPolicy,
    /// Nobody has the destination address.
    NoRoute,
    /// The subnet's network ACL does not let it through (N-01).
    NetworkAcl,
    /// The instance tracks as many connections as it may (C-26).
    ConnectionAllowanceExceeded,
    /// Larger than the path carries, and not to be fragmented (C-17).
    PacketTooBig,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 23] = [
        Self::Rule,
        Self::Untracked,
        Self::Flow,
        Self::Related,
        Self::Exempt,
        Self::Neighbour,
        Self::EnforcementOff,
        Self::NoRule,
        Self::FlowClosed,
        Self::SourceDestCheck,
        Self::SpoofedMac,
        Self::Malformed,
        Self::NotIp,
        Self::Multicast,
        Self::FragmentWithoutFirst,
        Self::FlowTableFull,
        Self::UnknownInterface,
        Self::NoPolicy,
        Self::TornPolicy,
        Self::NoRoute,
        Self::NetworkAcl,
        Self::ConnectionAllowanceExceeded,
        Self::PacketTooBig,
    ];

    /// Whether packets with this reason go on.
    pub fn is_allow(self) -> bool {
        matches!(
            self,
            Self::Rule
                | Self::Untracked
                | Self::Flow
                | Self::Related
                | Self::Exempt
                | Self::Neighbour
                | Self::EnforcementOff
        )
    }

    /// The reason's name, as `docs/judgement.md` and all output have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Untracked => "untracked",
            Self::Flow => "flow",
            Self::Related => "related",
            Self::Exempt => "exempt",
            Self::Neighbour => "neighbour",
            Self::EnforcementOff => "enforcement-off",
            Self::NoRule => "no-rule",
            Self::FlowClosed => "flow-closed",
            Self::SourceDestCheck => "source-dest-check",
            Self::SpoofedMac => "spoofed-mac",
            Self::Malformed => "malformed",
            Self::NotIp => "not-ip",
            Self::Multicast => "multicast",
            Self::FragmentWithoutFirst => "fragment-without-first",
            Self::FlowTableFull => "flow-table-full",
            Self::UnknownInterface => "unknown-interface",
            Self::NoPolicy => "no-policy",
            Self::TornPolicy => "torn-policy",
            Self::NoRoute => "no-route",
            Self::NetworkAcl => "network-acl",
            Self::ConnectionAllowanceExceeded => "connection-allowance-exceeded",
            Self::PacketTooBig => "packet-too-big",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
