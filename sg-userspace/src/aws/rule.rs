//! A security group rule: one allow statement. AWS has no deny rules.

use std::collections::BTreeMap;
use std::fmt;

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::ids::{PrefixListId, SecurityGroupId, SecurityGroupRuleId, VpcId};
use super::protocol::{IpProtocol, PortRange};

/// Which way a packet goes, always as the instance sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Into the instance: AWS's ingress rules.
    Inbound,
    /// Out of the instance: AWS's egress rules.
    Outbound,
}

impl Direction {
    /// The word before the other end in a rule: `from` or `to`.
    pub fn toward(self) -> &'static str {
        match self {
            Self::Inbound => "from",
            Self::Outbound => "to",
        }
    }

    /// The other direction.
    pub fn opposite(self) -> Self {
        match self {
            Self::Inbound => Self::Outbound,
            Self::Outbound => Self::Inbound,
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        })
    }
}

/// The remote side of a rule: the source of an inbound rule, the destination of an outbound one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Peer {
    /// An IPv4 block, host bits masked.
    CidrIpv4(Ipv4Net),
    /// An IPv6 block, host bits masked.
    CidrIpv6(Ipv6Net),
    /// A managed prefix list.
    PrefixList(PrefixListId),
    /// The private addresses of the interfaces that carry this group (E-06).
    ReferencedGroup(SecurityGroupId),
}

impl Peer {
    /// Whether this is exactly `0.0.0.0/0` or `::/0`: the only peers that can leave a flow untracked (C-03, C-05).
    pub fn is_open(&self) -> bool {
        match self {
            Self::CidrIpv4(net) => net.prefix_len() == 0,
            Self::CidrIpv6(net) => net.prefix_len() == 0,
            Self::PrefixList(_) | Self::ReferencedGroup(_) => false,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CidrIpv4(net) => f.pad(&net.to_string()),
            Self::CidrIpv6(net) => f.pad(&net.to_string()),
            Self::PrefixList(id) => id.fmt(f),
            Self::ReferencedGroup(id) => id.fmt(f),
        }
    }
}

/// One allow statement of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRule {
    /// Immutable id; a revoked and re-authorised rule gets a new one.
    pub id: SecurityGroupRuleId,
    /// Creation order over all rules of this world: a smaller number is an older rule. Flow entries carry it.
    pub number: u32,
    /// Ingress or egress.
    pub direction: Direction,
    /// Protocol.
    pub protocol: IpProtocol,
    /// Ports, or ICMP type and code.
    pub ports: PortRange,
    /// Who may be at the other end.
    pub peer: Peer,
    /// Free text, not part of the rule's identity.
    pub description: Option<String>,
    /// VPC of the group that the rule refers to, which AWS still tells when that group is gone.
    pub referenced_vpc_id: Option<VpcId>,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

impl SecurityGroupRule {
    /// Whether two rules are the same to AWS: all but id, number, description and tags.
    pub fn is_same_permission(&self, other: &Self) -> bool {
        (self.direction, self.protocol, self.ports, &self.peer)
            == (other.direction, other.protocol, other.ports, &other.peer)
    }
}
