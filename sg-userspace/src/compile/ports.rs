//! Ports tables: which rule decides for each protocol and destination port.

use sg_common::abi::policy::{KEY_END, KEY_IPV6};

use crate::aws::protocol::IpProtocol;
use crate::aws::rule::{Peer, SecurityGroupRule};

/// A run of keys, first and last.
pub(super) type KeyRange = (u32, u32);

/// The keys that a rule's protocol and ports cover, in the families that its peer can be of; `icmp` in IPv4 only,
/// `icmpv6` in IPv6 only.
pub(super) fn key_ranges(rule: &SecurityGroupRule) -> Vec<KeyRange> {
    const IPV4: u32 = 0;
    let families: &[u32] = match (&rule.peer, rule.protocol) {
        (Peer::CidrIpv6(_), IpProtocol::ICMP) | (Peer::CidrIpv4(_), IpProtocol::ICMPV6) => &[],
        (Peer::CidrIpv4(_), _) | (_, IpProtocol::ICMP) => &[IPV4],
        (Peer::CidrIpv6(_), _) | (_, IpProtocol::ICMPV6) => &[KEY_IPV6],
        (Peer::ReferencedGroup(_) | Peer::PrefixList(_), _) => &[IPV4, KEY_IPV6],
    };
    let (first, last) = match rule.protocol {
        IpProtocol::All => (0, KEY_IPV6 - 1),
        IpProtocol::Number(number) => {
            let (first, last) = port_range(rule);
            (u32::from(number) << 16 | u32::from(first), u32::from(number) << 16 | u32::from(last))
        }
    };
    families.iter().map(|family| (family | first, family | last)).collect()
}

/// The rule's destination ports, or ICMP type and code as the data plane packs them.
fn port_range(rule: &SecurityGroupRule) -> (u16, u16) {
    let clamp = |port: i32| u16::try_from(port.clamp(0, 65_535)).unwrap_or(u16::MAX);
    let (from, to) = (rule.ports.from_port, rule.ports.to_port);
    if rule.protocol.has_ports() {
        (clamp(from), clamp(to))
    } else if rule.protocol.has_icmp_types() && from >= 0 {
        let kind = clamp(from) << 8;
        if to < 0 { (kind, kind | 0xff) } else { (kind | clamp(to), kind | clamp(to)) }
    } else {
        (0, u16::MAX)
    }
}

/// A ports table: sorted lower bounds, the first of them 0, and for each the deciding rank plus one, or 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct PortsTable {
    pub(super) bounds: Vec<u32>,
    pub(super) values: Vec<u32>,
}

impl PortsTable {
    /// Overlays ranges; where several cover a key, the smallest rank decides.
    pub(super) fn overlay(ranges: impl Iterator<Item = (KeyRange, u32)>) -> Self {
        let mut ranges: Vec<_> = ranges.collect();
        ranges.sort_by_key(|&(_, rank)| rank);
        let mut edges: Vec<u32> = vec![0];
        for &((first, last), _) in &ranges {
            edges.push(first);
            if last + 1 < KEY_END {
                edges.push(last + 1);
            }
        }
        edges.sort_unstable();
        edges.dedup();
        let mut table = Self::default();
        for edge in edges {
            let covering = ranges.iter().find(|((first, last), _)| (*first..=*last).contains(&edge));
            let value = covering.map_or(0, |&(_, rank)| rank + 1);
            if table.values.last() != Some(&value) {
                table.bounds.push(edge);
                table.values.push(value);
            }
        }
        if table.values == [0] { Self::default() } else { table }
    }
}
