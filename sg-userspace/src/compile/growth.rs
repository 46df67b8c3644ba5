//! What a change adds to rules, and how long a policy may get by it: told without compiling.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use ipnet::IpNet;
use sg_common::abi::address::Address;
use sg_common::abi::policy::{
    ADDRESS_STEPS, CHUNK_WORDS, EXTENT_SHIFT, Extent, GROUP_STEPS, PORT_STEPS, WORD_GROUPS, WORD_IPV4,
    WORD_IPV6, WORD_OPEN_IPV4, WORD_OPEN_IPV6,
};
use sg_common::datapath::search::{Words, search, search_wide};

use crate::aws::group::SecurityGroup;
use crate::aws::rule::Direction;
use crate::aws::world::World;

use super::policy::PolicyRule;
use super::ports::rule_keys;

/// What rules allow that they did not allow before. It may say too much, never too little.
#[derive(Clone, Debug, Default)]
pub(super) struct Growth {
    /// Rules that are new, or apply to more addresses.
    rules: usize,
    /// Their ranges of port keys.
    ranges: usize,
    /// Blocks that they did not apply to before.
    blocks: Vec<IpNet>,
    /// Whether something is allowed no longer.
    pub(super) shrinks: bool,
}

impl Growth {
    /// Of a group's rules in one direction. It may exist in one of the worlds only.
    pub(super) fn of(
        (old, before): (&World, Option<&SecurityGroup>),
        (new, after): (&World, Option<&SecurityGroup>),
        direction: Direction,
    ) -> Self {
        let before = rules(old, before, direction);
        let after = rules(new, after, direction);
        let mut growth =
            Self { shrinks: before.keys().any(|number| !after.contains_key(number)), ..Self::default() };
        for (number, rule) in &after {
            let blocks = |rule: &PolicyRule<'_>| rule.blocks().collect::<HashSet<IpNet>>();
            let is = blocks(rule);
            let was = match before.get(number) {
                Some(was) if was.rule == rule.rule && was.referenced_group == rule.referenced_group => {
                    let was = blocks(was);
                    growth.shrinks |= !was.is_subset(&is);
                    if was.is_superset(&is) {
                        continue;
                    }
                    was
                }
                other => {
                    growth.shrinks |= other.is_some();
                    HashSet::new()
                }
            };
            growth.rules += 1;
            growth.ranges += rule_keys(rule.rule).len();
            growth.blocks.extend(is.difference(&was));
        }
        growth
    }

    /// Adds that of another group.
    pub(super) fn add(&mut self, other: &Self) {
        self.rules += other.rules;
        self.ranges += other.ranges;
        self.blocks.extend(&other.blocks);
        self.shrinks |= other.shrinks;
    }

    /// Whether anything is allowed that was not.
    pub(super) fn grows(&self) -> bool {
        self.rules > 0
    }

    /// How many words a policy has at most once its rules have grown. `None` where that cannot be told, or a table of it may
    /// get longer than the data plane can search.
    ///
    /// Which ports table holds somewhere is told by which rules apply there. Where rules are added, there will be tables with
    /// these beside those of before, each range of theirs adding two bounds at most; each of their blocks adds two edges to
    /// the addresses, and with each edge perhaps one more table.
    pub(super) fn most_words(&self, policy: &[u32]) -> Option<usize> {
        if !self.grows() {
            // Where a rule hid others and is gone, tables may be longer. What does not fit then is taken back, as rules that go may.
            return Some(policy.len());
        }
        if self.shrinks {
            return None;
        }
        let mut longest = 1;
        // A ports table of so many bounds, grown.
        let mut grown = |bounds: usize| {
            longest = longest.max(bounds.max(1) + 2 * self.ranges);
            aligned(2 * (bounds.max(1) + 2 * self.ranges))
        };
        let mut words = policy.len() + aligned(self.rules) + (1 << EXTENT_SHIFT);
        words += [WORD_OPEN_IPV4, WORD_OPEN_IPV6]
            .map(|header| grown(count(extent(policy, header))))
            .iter()
            .sum::<usize>();

        let groups = extent(policy, WORD_GROUPS);
        let widest = values(policy, groups, 1).iter().map(|value| count(Extent(*value))).max();
        words += self.rules * (2 + grown(widest.unwrap_or_default())) + aligned(2);
        fits(count(groups) + self.rules + 1, GROUP_STEPS)?;

        for (header, width) in [(WORD_IPV4, 1), (WORD_IPV6, 4)] {
            let addresses = extent(policy, header);
            let met = self.meet(policy, addresses, width);
            words += met.pieces * grown(met.widest) + aligned((2 * met.blocks + 1) * (width + 1));
            fits(count(addresses) + 2 * met.blocks + 1, ADDRESS_STEPS)?;
        }
        fits(longest, PORT_STEPS)?;
        (words <= CHUNK_WORDS as usize).then_some(words)
    }

    /// Where the added blocks of a family fall in its table of addresses.
    fn meet(&self, policy: &[u32], addresses: Extent, width: usize) -> Met {
        let mut met = Met::default();
        let values = values(policy, addresses, width);
        for block in self.blocks.iter().filter(|block| width_of(block) == width) {
            let [first, last] =
                [block.network(), block.broadcast()].map(|address| interval(policy, addresses, address));
            let touched = first..(last + 1).min(values.len());
            met.blocks += 1;
            met.pieces += touched.len() + 2;
            let widest = values[touched].iter().map(|value| count(Extent(*value))).max();
            met.widest = met.widest.max(widest.unwrap_or_default());
        }
        met
    }
}

/// A compiled policy, as the data plane's search reads it.
struct Compiled<'p>(&'p [u32]);

impl Words for Compiled<'_> {
    fn word(&self, index: u32) -> u32 {
        self.0.get(index as usize).copied().unwrap_or_default()
    }
}

/// Index of the interval that an address falls into; 0 in an empty table.
fn interval(policy: &[u32], addresses: Extent, address: IpAddr) -> usize {
    let (base, count) = (addresses.offset(), addresses.count());
    let interval = match address {
        IpAddr::V4(address) => search::<ADDRESS_STEPS, _>(&Compiled(policy), base, count, u32::from(address)),
        IpAddr::V6(address) => {
            search_wide::<ADDRESS_STEPS, _>(&Compiled(policy), base, count, Address::v6(address.octets()))
        }
    };
    interval as usize
}

/// What added blocks of a family meet.
#[derive(Default)]
struct Met {
    /// So many blocks there are.
    blocks: usize,
    /// Intervals of addresses that they cover or make, at most.
    pieces: usize,
    /// Bounds of the longest ports table there.
    widest: usize,
}

/// A group's rules of one direction by number.
fn rules<'w>(
    world: &'w World,
    group: Option<&'w SecurityGroup>,
    direction: Direction,
) -> BTreeMap<u32, PolicyRule<'w>> {
    let rules = group.into_iter().flat_map(|group| group.rules_of(direction));
    rules.map(|rule| (rule.number, PolicyRule::of(world, rule))).collect()
}

fn extent(policy: &[u32], header: u32) -> Extent {
    Extent(policy[header as usize])
}

fn count(extent: Extent) -> usize {
    extent.count() as usize
}

/// The values of a table whose bounds take `width` words each.
fn values(policy: &[u32], table: Extent, width: usize) -> &[u32] {
    let start = table.offset() as usize + count(table) * width;
    &policy[start..start + count(table)]
}

fn aligned(words: usize) -> usize {
    words.next_multiple_of(1 << EXTENT_SHIFT)
}

fn fits(bounds: usize, steps: u32) -> Option<()> {
    (bounds < 1 << steps).then_some(())
}

fn width_of(block: &IpNet) -> usize {
    if matches!(block, IpNet::V4(_)) { 1 } else { 4 }
}
