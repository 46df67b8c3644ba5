//! One policy: what a distinct set of groups allows in one direction.

use std::collections::BTreeMap;

use ipnet::IpNet;
use sg_common::abi::policy::{
    GROUP_STEPS, RETURN_TCP_IPV4, RETURN_TCP_IPV6, RETURN_UDP_IPV4, RETURN_UDP_IPV6, WORD_GROUPS,
    WORD_OPEN_IPV4, WORD_OPEN_IPV6, WORD_RETURN, WORD_RULES,
};

use crate::aws::prefix_list::PrefixListEntry;
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::rule::{Peer, SecurityGroupRule};
use crate::aws::world::World;

use super::ports::rule_keys;
use super::words::{DoesNotFit, Words, Writer, fits};

/// A rule as a policy sees it: the rule, and what its peer stands for.
#[derive(Clone, Copy, Debug)]
pub struct PolicyRule<'w> {
    /// The rule.
    pub rule: &'w SecurityGroupRule,
    /// Data plane number of the referenced group, if it references one and that exists.
    pub referenced_group: Option<u32>,
    /// Entries of the current version of the prefix list, if it refers to one.
    pub entries: &'w [PrefixListEntry],
}

impl<'w> PolicyRule<'w> {
    /// A rule as its world has it.
    pub(super) fn of(world: &'w World, rule: &'w SecurityGroupRule) -> Self {
        let mut entry = Self { rule, referenced_group: None, entries: &[] };
        match &rule.peer {
            Peer::CidrIpv4(_) | Peer::CidrIpv6(_) => {}
            Peer::ReferencedGroup(id) => {
                entry.referenced_group = world.security_groups.get(id).map(|group| group.number);
            }
            Peer::PrefixList(id) => {
                entry.entries = world.prefix_lists.get(id).map(|list| list.entries()).unwrap_or_default();
            }
        }
        entry
    }

    /// The blocks that it matches, unless it is open.
    pub(super) fn blocks(&self) -> impl Iterator<Item = IpNet> {
        let own = match &self.rule.peer {
            peer if peer.is_open() => None,
            Peer::CidrIpv4(net) => Some((*net).into()),
            Peer::CidrIpv6(net) => Some((*net).into()),
            Peer::PrefixList(_) | Peer::ReferencedGroup(_) => None,
        };
        own.into_iter().chain(self.entries.iter().map(|entry| entry.cidr))
    }
}

/// Compiles the rules of one direction. Their order does not matter.
///
/// # Errors
/// Where a table would be larger than the data plane can search.
pub fn compile(rules: &[PolicyRule<'_>]) -> Result<Words, DoesNotFit> {
    // C-06: an open rule before any other, then the oldest.
    let mut ranked: Vec<&PolicyRule<'_>> = rules.iter().collect();
    ranked.sort_by_key(|entry| (!entry.rule.peer.is_open(), entry.rule.number));
    ranked.dedup_by_key(|entry| entry.rule.number);
    let mut writer = Writer::new(ranked.iter().map(|entry| rule_keys(entry.rule)).collect());

    let is_open_v4 = |peer: &Peer| peer.is_open() && matches!(peer, Peer::CidrIpv4(_));
    let is_open_v6 = |peer: &Peer| peer.is_open() && matches!(peer, Peer::CidrIpv6(_));
    let numbers: Vec<u32> = ranked.iter().map(|entry| entry.rule.number).collect();
    writer.write_table(WORD_RULES, &numbers, &[])?;
    let open_v4 = ranks_where(&ranked, |entry| is_open_v4(&entry.rule.peer));
    let open_v6 = ranks_where(&ranked, |entry| is_open_v6(&entry.rule.peer));
    let (open_v4, open_v6) = (writer.ports_extent(&open_v4)?, writer.ports_extent(&open_v6)?);
    writer.set(WORD_OPEN_IPV4, open_v4.0);
    writer.set(WORD_OPEN_IPV6, open_v6.0);
    writer.set(WORD_RETURN, return_bits(&ranked));
    let blocks: Vec<(u32, IpNet)> =
        (0u32..).zip(&ranked).flat_map(|(rank, entry)| entry.blocks().map(move |net| (rank, net))).collect();
    writer.write_blocks(&blocks)?;
    write_groups(&mut writer, &ranked)?;
    writer.finish()
}

fn ranks_where(ranked: &[&PolicyRule<'_>], wanted: impl Fn(&PolicyRule<'_>) -> bool) -> Vec<u32> {
    (0u32..).zip(ranked).filter(|(_, entry)| wanted(entry)).map(|(rank, _)| rank).collect()
}

/// What this direction lets return without an entry: open rules that cover every port of a protocol (C-03).
fn return_bits(rules: &[&PolicyRule<'_>]) -> u32 {
    let mut bits = 0;
    for PolicyRule { rule, .. } in rules {
        if !rule.peer.is_open() {
            continue;
        }
        let covers = |protocol| {
            rule.protocol == IpProtocol::All
                || (rule.protocol == protocol && rule.ports == PortRange::EVERY_PORT)
        };
        let (tcp, udp) = match rule.peer {
            Peer::CidrIpv4(_) => (RETURN_TCP_IPV4, RETURN_UDP_IPV4),
            _ => (RETURN_TCP_IPV6, RETURN_UDP_IPV6),
        };
        if covers(IpProtocol::TCP) {
            bits |= tcp;
        }
        if covers(IpProtocol::UDP) {
            bits |= udp;
        }
    }
    bits
}

/// Writes the table of referenced groups. Bound 0 is nobody's number.
fn write_groups(writer: &mut Writer, ranked: &[&PolicyRule<'_>]) -> Result<(), DoesNotFit> {
    let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (rank, entry) in (0u32..).zip(ranked) {
        if let Some(group) = entry.referenced_group {
            groups.entry(group).or_default().push(rank);
        }
    }
    if groups.is_empty() {
        return Ok(());
    }
    fits("referenced groups", groups.len() + 1, (1 << GROUP_STEPS) - 1)?;
    let (mut bounds, mut values) = (vec![0], vec![0]);
    for (group, ranks) in groups {
        bounds.push(group);
        values.push(writer.ports_extent(&ranks)?.0);
    }
    writer.write_table(WORD_GROUPS, &bounds, &values)
}
