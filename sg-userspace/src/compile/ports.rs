//! Ports tables: which rule decides for each protocol and destination port.

use ipnet::IpNet;
use sg_common::abi::policy::{KEY_ANY_PORT, KEY_END, KEY_IPV6};

use crate::aws::network_acl::{NetworkAclEntry, RuleAction};
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::rule::{Peer, SecurityGroupRule};

/// A run of keys, first and last.
pub(super) type KeyRange = (u32, u32);

/// The keys that a rule's protocol and ports cover, in the families that its peer can be of; `icmp` in IPv4 only,
/// `icmpv6` in IPv6 only. What covers every port covers fragments whose port is not known (C-30).
pub(super) fn rule_keys(rule: &SecurityGroupRule) -> Vec<KeyRange> {
    let families: &[u32] = match (&rule.peer, rule.protocol) {
        (Peer::CidrIpv6(_), IpProtocol::ICMP) | (Peer::CidrIpv4(_), IpProtocol::ICMPV6) => &[],
        (Peer::CidrIpv4(_), _) | (_, IpProtocol::ICMP) => &[KEY_IPV4],
        (Peer::CidrIpv6(_), _) | (_, IpProtocol::ICMPV6) => &[KEY_IPV6],
        (Peer::ReferencedGroup(_) | Peer::PrefixList(_), _) => &[KEY_IPV4, KEY_IPV6],
    };
    let covers_any_port = covers_every_port(rule.protocol, rule.ports);
    keys(families, rule.protocol, rule.ports, covers_any_port)
}

/// The keys that a network ACL's entry covers. Of fragments whose port is not known, an entry with ports covers those that
/// it denies: failure denies (C-30).
pub(super) fn entry_keys(entry: &NetworkAclEntry) -> Vec<KeyRange> {
    let family = if matches!(entry.cidr, IpNet::V4(_)) { KEY_IPV4 } else { KEY_IPV6 };
    let ports = match (entry.cidr, entry.protocol) {
        // ICMP's number in the other family has no types, and the entry is for all of it (N-06).
        (IpNet::V6(_), IpProtocol::ICMP) | (IpNet::V4(_), IpProtocol::ICMPV6) => PortRange::ALL,
        _ => entry.ports,
    };
    let covers_any_port = entry.action == RuleAction::Deny || covers_every_port(entry.protocol, ports);
    keys(&[family], entry.protocol, ports, covers_any_port)
}

/// IPv4's bit.
const KEY_IPV4: u32 = 0;

fn keys(families: &[u32], protocol: IpProtocol, ports: PortRange, covers_any_port: bool) -> Vec<KeyRange> {
    let number = |number: u8, (first, last): (u16, u16)| {
        (u32::from(number) << 16 | u32::from(first), u32::from(number) << 16 | u32::from(last))
    };
    let (known, unknown) = match protocol {
        IpProtocol::All => ((0, KEY_IPV6 - 1), (0, KEY_IPV6 - 1)),
        IpProtocol::Number(n) => (number(n, port_range(protocol, ports)), number(n, (0, u16::MAX))),
    };
    let of = |bits: u32, (first, last): KeyRange| (bits | first, bits | last);
    let mut keys: Vec<KeyRange> = families.iter().map(|family| of(*family, known)).collect();
    if covers_any_port {
        keys.extend(families.iter().map(|family| of(KEY_ANY_PORT | family, unknown)));
    }
    keys
}

/// Whether the protocol has no ports, or all of its ports, or types, are meant.
fn covers_every_port(protocol: IpProtocol, ports: PortRange) -> bool {
    protocol == IpProtocol::All || port_range(protocol, ports) == (0, u16::MAX)
}

/// Destination ports, or ICMP type and code as the data plane packs them.
fn port_range(protocol: IpProtocol, ports: PortRange) -> (u16, u16) {
    let clamp = |port: i32| u16::try_from(port.clamp(0, 65_535)).unwrap_or(u16::MAX);
    let (from, to) = (ports.from_port, ports.to_port);
    if protocol.has_ports() {
        (clamp(from), clamp(to))
    } else if protocol.has_icmp_types() && from >= 0 {
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
