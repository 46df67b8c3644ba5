//! Writes the tables of a policy or an access list as words. The layout is `sg_common::abi::policy`'s.

use std::collections::BTreeMap;
use std::net::IpAddr;

use foldhash::HashMap;
use ipnet::IpNet;
use sg_common::abi::policy::{
    ADDRESS_STEPS, CHUNK_WORDS, EXTENT_SHIFT, Extent, HEADER_WORDS, PORT_STEPS, WORD_IPV4, WORD_IPV6,
    WORD_LENGTH,
};

use super::ports::{KeyRange, PortsTable};

/// Compiled words, without their generation.
pub type Words = std::sync::Arc<[u32]>;

/// More than the data plane's tables hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the rules of this set of groups, or the entries of this network ACL, need {needed} {what}, and the data plane holds at most {limit}; use fewer or wider ones"
)]
pub struct DoesNotFit {
    what: &'static str,
    needed: usize,
    limit: usize,
}

pub(super) fn fits(what: &'static str, needed: usize, limit: usize) -> Result<(), DoesNotFit> {
    if needed <= limit { Ok(()) } else { Err(DoesNotFit { what, needed, limit }) }
}

/// Where a family's addresses end, and how wide they are.
#[derive(Clone, Copy)]
struct Family {
    header: u32,
    bits: u32,
    last: u128,
}

const IPV4: Family = Family { header: WORD_IPV4, bits: 32, last: u32::MAX as u128 };
const IPV6: Family = Family { header: WORD_IPV6, bits: 128, last: u128::MAX };

/// Writes tables of statements, which are known by their rank: the smallest decides.
pub(super) struct Writer {
    /// The port keys that each statement covers, by rank.
    keys: Vec<Vec<KeyRange>>,
    words: Vec<u32>,
    /// Ports tables already written, by the ranks that they were made from.
    ports: HashMap<Vec<u32>, Extent>,
}

impl Writer {
    pub(super) fn new(keys: Vec<Vec<KeyRange>>) -> Self {
        Self { keys, words: vec![0; HEADER_WORDS as usize], ports: HashMap::default() }
    }

    /// Sets a word of the header.
    pub(super) fn set(&mut self, header: u32, word: u32) {
        self.words[header as usize] = word;
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

    /// Appends a table that the header points at.
    pub(super) fn write_table(
        &mut self,
        header: u32,
        bounds: &[u32],
        values: &[u32],
    ) -> Result<(), DoesNotFit> {
        let extent = self.append(bounds, values, bounds.len())?;
        self.set(header, extent.0);
        Ok(())
    }

    /// The ports table of a set of statements, by rank, sorted; each distinct set is written once.
    pub(super) fn ports_extent(&mut self, ranks: &[u32]) -> Result<Extent, DoesNotFit> {
        if ranks.is_empty() {
            return Ok(Extent::default());
        }
        if let Some(extent) = self.ports.get(ranks) {
            return Ok(*extent);
        }
        let ranges =
            ranks.iter().flat_map(|&rank| self.keys[rank as usize].iter().map(move |&range| (range, rank)));
        let table = PortsTable::overlay(ranges);
        fits("port ranges", table.bounds.len(), (1 << PORT_STEPS) - 1)?;
        let extent = self.append(&table.bounds, &table.values, table.bounds.len())?;
        self.ports.insert(ranks.to_vec(), extent);
        Ok(extent)
    }

    /// Writes the address tables of both families: which statements apply to which addresses.
    pub(super) fn write_blocks(&mut self, blocks: &[(u32, IpNet)]) -> Result<(), DoesNotFit> {
        for family in [IPV4, IPV6] {
            let is_of_family = |net: &IpNet| matches!(net, IpNet::V4(_)) == (family.bits == 32);
            // Statements without keys, as about ICMP in IPv6 blocks, match nothing. Left in, their empty tables of ports, which
            // take no words, could not be told apart.
            let matches_some = |rank: u32| !self.keys[rank as usize].is_empty();
            let of_family: Vec<_> =
                blocks.iter().filter(|(rank, net)| is_of_family(net) && matches_some(*rank)).collect();
            if !of_family.is_empty() {
                self.write_family(family, &of_family)?;
            }
        }
        Ok(())
    }

    /// Between two neighbouring edges the same statements apply.
    fn write_family(&mut self, family: Family, blocks: &[&(u32, IpNet)]) -> Result<(), DoesNotFit> {
        // Where blocks end, and where they begin.
        let mut edges: Vec<(u128, u32, bool)> = Vec::with_capacity(2 * blocks.len());
        for (rank, net) in blocks {
            edges.push((number(net.network()), *rank, true));
            let last = number(net.broadcast());
            if last < family.last {
                edges.push((last + 1, *rank, false));
            }
        }
        edges.sort_unstable();
        // How many blocks of each statement the edge is inside: a prefix list's may lie in each other.
        let mut depth: BTreeMap<u32, i32> = BTreeMap::new();
        let (mut bounds, mut values): (Vec<u128>, Vec<u32>) = (Vec::new(), Vec::new());
        if edges.first().is_some_and(|(first, ..)| *first > 0) {
            bounds.push(0);
            values.push(Extent::default().0);
        }
        let mut ranks = Vec::new();
        for at_edge in edges.chunk_by(|a, b| a.0 == b.0) {
            for (_, rank, begins) in at_edge {
                *depth.entry(*rank).or_default() += if *begins { 1 } else { -1 };
            }
            depth.retain(|_, count| *count > 0);
            ranks.clear();
            ranks.extend(depth.keys());
            let value = self.ports_extent(&ranks)?.0;
            if values.last() != Some(&value) {
                bounds.push(at_edge[0].0);
                values.push(value);
            }
        }
        fits("address ranges", bounds.len(), (1 << ADDRESS_STEPS) - 1)?;
        let words: Vec<u32> = if family.bits == 32 {
            bounds.iter().map(|&bound| low_word(bound, 0)).collect()
        } else {
            bounds.iter().flat_map(|&bound| [96, 64, 32, 0].map(|shift| low_word(bound, shift))).collect()
        };
        let extent = self.append(&words, &values, bounds.len())?;
        self.set(family.header, extent.0);
        Ok(())
    }

    /// The words, with their length.
    pub(super) fn finish(mut self) -> Result<Words, DoesNotFit> {
        let length = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        fits("words", self.words.len(), CHUNK_WORDS as usize)?;
        self.set(WORD_LENGTH, length);
        Ok(self.words.into())
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// 32 bits of a number.
fn low_word(number: u128, shift: u32) -> u32 {
    ((number >> shift) & u128::from(u32::MAX)) as u32
}
