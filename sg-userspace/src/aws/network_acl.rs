//! Network ACLs: numbered allow and deny statements at the border of a subnet, without memory (section 9).

use std::collections::BTreeMap;
use std::fmt;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::ids::{NetworkAclId, VpcId};
use super::protocol::{IpProtocol, PortRange};
use super::rule::Direction;

/// The greatest number that an entry can have (N-03).
pub const MAX_RULE_NUMBER: u16 = 32_766;
/// Number of the implicit last entry for IPv4, shown as `*` (N-04).
pub const DEFAULT_DENY_IPV4: u16 = 32_767;
/// Number of the implicit last entry for IPv6 (N-04).
pub const DEFAULT_DENY_IPV6: u16 = 32_768;

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleAction {
    /// Lets the packet through.
    Allow,
    /// Drops it.
    Deny,
}

impl fmt::Display for RuleAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        })
    }
}

/// One numbered statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAclEntry {
    /// Its number, unique in its direction, 1 to [`MAX_RULE_NUMBER`]; the smallest that matches decides (N-03).
    pub rule_number: u16,
    /// Into the subnet or out of it.
    pub direction: Direction,
    /// Protocol.
    pub protocol: IpProtocol,
    /// Destination ports, or ICMP type and code, as in a security group rule; every port where the protocol has none.
    pub ports: PortRange,
    /// The other end: source of what comes in, destination of what goes out; host bits masked.
    pub cidr: IpNet,
    /// What it does.
    pub action: RuleAction,
}

impl NetworkAclEntry {
    /// What the entries of an ACL are sorted by, and what no two of them share (N-03).
    pub fn order(&self) -> (Direction, u16) {
        (self.direction, self.rule_number)
    }
}

/// A network ACL. Which subnets it serves is the subnets' to say (N-02).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAcl {
    /// Its id.
    pub id: NetworkAclId,
    /// Creation order.
    pub number: u32,
    /// Its VPC.
    pub vpc_id: VpcId,
    /// Whether it came with its VPC (N-05).
    pub is_default: bool,
    /// Its entries of both directions, by direction and number, without the implicit last ones.
    pub entries: Vec<NetworkAclEntry>,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

impl NetworkAcl {
    /// The entries of one direction, in the order in which they are evaluated (N-03).
    pub fn entries_of(&self, direction: Direction) -> impl Iterator<Item = &NetworkAclEntry> {
        self.entries.iter().filter(move |entry| entry.direction == direction)
    }

    /// The entry of one direction with this number, the implicit last ones included.
    pub fn entry(&self, direction: Direction, rule_number: u16) -> Option<NetworkAclEntry> {
        let is_it = |entry: &NetworkAclEntry| entry.rule_number == rule_number;
        let own = self.entries_of(direction).find(|entry| is_it(entry)).cloned();
        own.or_else(|| Self::implicit_entries(direction, true).into_iter().find(is_it))
    }

    /// The last entries of one direction, which every ACL has and nobody can change (N-04).
    pub fn implicit_entries(direction: Direction, has_ipv6: bool) -> Vec<NetworkAclEntry> {
        let deny = |rule_number, cidr| NetworkAclEntry {
            rule_number,
            direction,
            protocol: IpProtocol::All,
            ports: PortRange::ALL,
            cidr,
            action: RuleAction::Deny,
        };
        let ipv4 = deny(DEFAULT_DENY_IPV4, Ipv4Net::default().into());
        let ipv6 = has_ipv6.then(|| deny(DEFAULT_DENY_IPV6, Ipv6Net::default().into()));
        [Some(ipv4), ipv6].into_iter().flatten().collect()
    }
}
