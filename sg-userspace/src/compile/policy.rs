//! One policy: what a distinct set of groups allows in one direction. The layout is `sg_common::abi::policy`'s.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ipnet::IpNet;
use sg_common::abi::policy::{
    ADDRESS_STEPS, CHUNK_WORDS, EXTENT_SHIFT, Extent, GROUP_STEPS, HEADER_WORDS, PORT_STEPS, RETURN_TCP_IPV4,
    RETURN_TCP_IPV6, RETURN_UDP_IPV4, RETURN_UDP_IPV6, WORD_GROUPS, WORD_IPV4, WORD_IPV6, WORD_LENGTH,
    WORD_OPEN_IPV4, WORD_OPEN_IPV6, WORD_RETURN, WORD_RULES,
};

use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::rule::{Peer, SecurityGroupRule};

use super::ports::{PortsTable, key_ranges};

/// A compiled policy, without its generation.
pub type Policy = std::sync::Arc<[u32]>;

/// A rule as a policy sees it: the rule, and the number of the group that it references, if it does and the group exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRule {
    /// The rule.
    pub rule: SecurityGroupRule,
    /// Data plane number of the referenced group.
    pub referenced_group: Option<u32>,
}

/// A policy that is larger than the data plane's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the rules of this set of groups need {needed} {what}, and the data plane holds at most {limit}; use fewer or wider rules"
)]
pub struct DoesNotFit {
    what: &'static str,
    needed: usize,
    limit: usize,
}

fn fits(what: &'static str, needed: usize, limit: usize) -> Result<(), DoesNotFit> {
    if needed <= limit { Ok(()) } else { Err(DoesNotFit { what, needed, limit }) }
}

/// Compiles the rules of one direction. Their order does not matter.
///
/// # Errors
/// Where a table would be larger than the data plane can search.
pub fn compile(rules: &[PolicyRule]) -> Result<Policy, DoesNotFit> {
    // C-06: an open rule before any other, then the oldest.
    let mut ranked: Vec<&PolicyRule> = rules.iter().collect();
    ranked.sort_by_key(|entry| (!entry.rule.peer.is_open(), entry.rule.number));
    ranked.dedup_by_key(|entry| entry.rule.number);
    let mut writer = Writer::new(ranked);

    let is_open_v4 = |peer: &Peer| peer.is_open() && matches!(peer, Peer::CidrIpv4(_));
    let is_open_v6 = |peer: &Peer| peer.is_open() && matches!(peer, Peer::CidrIpv6(_));
    let numbers: Vec<u32> = writer.ranked.iter().map(|entry| entry.rule.number).collect();
    writer.write_extent(WORD_RULES, &numbers, &[])?;
    let open_v4 = writer.ranks_where(|entry| is_open_v4(&entry.rule.peer));
    let open_v6 = writer.ranks_where(|entry| is_open_v6(&entry.rule.peer));
    writer.words[WORD_OPEN_IPV4 as usize] = writer.ports_extent(&open_v4)?.0;
    writer.words[WORD_OPEN_IPV6 as usize] = writer.ports_extent(&open_v6)?.0;
    writer.words[WORD_RETURN as usize] = return_bits(&writer.ranked);
    writer.write_addresses(WORD_IPV4, 32)?;
    writer.write_addresses(WORD_IPV6, 128)?;
    writer.write_groups()?;
    writer.finish()
}

/// What this direction lets return without an entry: open rules that cover every port of a protocol (C-03).
fn return_bits(rules: &[&PolicyRule]) -> u32 {
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

struct Writer<'a> {
    ranked: Vec<&'a PolicyRule>,
    words: Vec<u32>,
    /// Ports tables already written, by the ranks that they were made from.
    ports: HashMap<BTreeSet<u32>, Extent>,
}

impl<'a> Writer<'a> {
    fn new(ranked: Vec<&'a PolicyRule>) -> Self {
        Self { ranked, words: vec![0; HEADER_WORDS as usize], ports: HashMap::new() }
    }

    fn ranks_where(&self, mut wanted: impl FnMut(&PolicyRule) -> bool) -> BTreeSet<u32> {
        (0u32..).zip(&self.ranked).filter(|(_, entry)| wanted(entry)).map(|(rank, _)| rank).collect()
    }

    /// Appends a table and returns where it is.
    fn append(&mut self, bounds: &[u32], values: &[u32], count: usize) -> Result<Extent, DoesNotFit> {
        self.words.resize(self.words.len().next_multiple_of(1 << EXTENT_SHIFT), 0);
        fits("words", self.words.len() + bounds.len() + values.len(), CHUNK_WORDS as usize)?;
        let full = |_| DoesNotFit { what: "words", needed: self.words.len(), limit: CHUNK_WORDS as usize };
        let units = u16::try_from(self.words.len() >> EXTENT_SHIFT).map_err(full)?;
        let extent = Extent::new(units, u16::try_from(count).map_err(full)?);
        self.words.extend(bounds);
        self.words.extend(values);
        Ok(extent)
    }

    fn write_extent(&mut self, header: u32, bounds: &[u32], values: &[u32]) -> Result<(), DoesNotFit> {
        self.words[header as usize] = self.append(bounds, values, bounds.len())?.0;
        Ok(())
    }

    /// The ports table of a set of rules, by rank; each distinct set is written once.
    fn ports_extent(&mut self, ranks: &BTreeSet<u32>) -> Result<Extent, DoesNotFit> {
        if ranks.is_empty() {
            return Ok(Extent::default());
        }
        if let Some(extent) = self.ports.get(ranks) {
            return Ok(*extent);
        }
        let table = PortsTable::overlay(ranks.iter().flat_map(|&rank| {
            key_ranges(&self.ranked[rank as usize].rule).into_iter().map(move |range| (range, rank))
        }));
        fits("port ranges", table.bounds.len(), (1 << PORT_STEPS) - 1)?;
        let extent = self.append(&table.bounds, &table.values, table.bounds.len())?;
        self.ports.insert(ranks.clone(), extent);
        Ok(extent)
    }

    /// Writes the table of one family's CIDR rules that are not open. Between two neighbouring edges the same rules apply.
    fn write_addresses(&mut self, header: u32, bits: u32) -> Result<(), DoesNotFit> {
        let mut starts: BTreeMap<u128, Vec<u32>> = BTreeMap::new();
        let mut ends: BTreeMap<u128, Vec<u32>> = BTreeMap::new();
        for (rank, entry) in (0u32..).zip(&self.ranked) {
            let net = match &entry.rule.peer {
                Peer::CidrIpv4(net) if bits == 32 => IpNet::V4(*net),
                Peer::CidrIpv6(net) if bits == 128 => IpNet::V6(*net),
                _ => continue,
            };
            if net.prefix_len() == 0 {
                continue;
            }
            let first = match net.network() {
                std::net::IpAddr::V4(address) => u128::from(u32::from(address)),
                std::net::IpAddr::V6(address) => u128::from(address),
            };
            let last =
                first | (1u128.checked_shl(bits - u32::from(net.prefix_len())).unwrap_or(0).wrapping_sub(1));
            starts.entry(first).or_default().push(rank);
            let space = if bits == 32 { u128::from(u32::MAX) } else { u128::MAX };
            if last < space {
                ends.entry(last + 1).or_default().push(rank);
            }
        }
        if starts.is_empty() {
            return Ok(());
        }
        let edges: BTreeSet<u128> =
            std::iter::once(0).chain(starts.keys().copied()).chain(ends.keys().copied()).collect();
        let mut active = BTreeSet::new();
        let (mut bounds, mut values): (Vec<u128>, Vec<u32>) = (Vec::new(), Vec::new());
        for edge in edges {
            for rank in ends.get(&edge).into_iter().flatten() {
                active.remove(rank);
            }
            active.extend(starts.get(&edge).into_iter().flatten().copied());
            let value = self.ports_extent(&active)?.0;
            if values.last() != Some(&value) {
                bounds.push(edge);
                values.push(value);
            }
        }
        fits("address ranges", bounds.len(), (1 << ADDRESS_STEPS) - 1)?;
        let words: Vec<u32> = if bits == 32 {
            bounds.iter().map(|&bound| low_word(bound, 0)).collect()
        } else {
            bounds.iter().flat_map(|&bound| [96, 64, 32, 0].map(|shift| low_word(bound, shift))).collect()
        };
        self.words[header as usize] = self.append(&words, &values, bounds.len())?.0;
        Ok(())
    }

    /// Writes the table of referenced groups. Bound 0 is nobody's number.
    fn write_groups(&mut self) -> Result<(), DoesNotFit> {
        let mut groups: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for (rank, entry) in (0u32..).zip(&self.ranked) {
            if let Some(group) = entry.referenced_group {
                groups.entry(group).or_default().insert(rank);
            }
        }
        if groups.is_empty() {
            return Ok(());
        }
        fits("referenced groups", groups.len() + 1, (1 << GROUP_STEPS) - 1)?;
        let (mut bounds, mut values) = (vec![0], vec![0]);
        for (group, ranks) in groups {
            bounds.push(group);
            values.push(self.ports_extent(&ranks)?.0);
        }
        self.write_extent(WORD_GROUPS, &bounds, &values)
    }

    fn finish(mut self) -> Result<Policy, DoesNotFit> {
        let length = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        fits("words", self.words.len(), CHUNK_WORDS as usize)?;
        self.words[WORD_LENGTH as usize] = length;
        Ok(self.words.into())
    }
}

/// 32 bits of a number.
fn low_word(number: u128, shift: u32) -> u32 {
    ((number >> shift) & u128::from(u32::MAX)) as u32
}
