//! Writes a patch of the image that is in the maps with the fewest writes, in an order in which no packet sees half a change.
//!
//! Whatever can fail for want of room fails before the first write. New policies are written before a slot points at them;
//! a slot that changes hands has no policy, which denies, until its new interface is in place.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use anyhow::{Context, Result, bail};
use sg_common::abi::MAX_MEMBERS;
use sg_common::abi::interface::{InterfaceRecord, PolicyPair};
use sg_common::abi::member::{MAX_GROUPS, MemberRecord};
use sg_common::abi::network::NetworkRecord;
use sg_common::abi::policy::Locator;

use super::arena::{Arena, ArenaFull, PolicyMemory};
use super::image::{BothWays, MapImage, Owner, Patch, Statements};
use super::words::Words;

/// The maps of a data plane, as the writer sees them.
pub trait MapSink: PolicyMemory {
    /// Writes a network.
    ///
    /// # Errors
    /// Where the map refuses; so for all writes.
    fn write_network(&mut self, index: u32, record: &NetworkRecord) -> Result<()>;
    /// Writes an interface; the sink knows its link.
    ///
    /// # Errors
    /// Where the map refuses.
    fn write_interface(&mut self, slot: u32, record: &InterfaceRecord) -> Result<()>;
    /// Writes both policies of a slot in one store.
    ///
    /// # Errors
    /// Where the map refuses.
    fn write_policies(&mut self, slot: u32, pair: PolicyPair) -> Result<()>;
    /// Writes both access lists of a slot in one store.
    ///
    /// # Errors
    /// Where the map refuses.
    fn write_access_lists(&mut self, slot: u32, pair: PolicyPair) -> Result<()>;
    /// Sets an allowance; what it has counted stays.
    ///
    /// # Errors
    /// Where the map refuses.
    fn write_allowance(&mut self, index: u32, limit: u32) -> Result<()>;
    /// Addresses of a family that there is room for.
    fn member_room(&self) -> u32 {
        MAX_MEMBERS
    }
    /// Forgets a slot's link: whoever has the slot next has another.
    fn forget_link(&mut self, slot: u32);
    /// Writes the owner of an address.
    ///
    /// # Errors
    /// Where the map refuses.
    fn write_member(&mut self, network: u32, address: IpAddr, record: &MemberRecord) -> Result<()>;
    /// Removes the owner of an address.
    ///
    /// # Errors
    /// Where the map refuses.
    fn remove_member(&mut self, network: u32, address: IpAddr) -> Result<()>;
}

/// What is in the maps.
#[derive(Debug, Default)]
pub struct Applied {
    image: MapImage,
    arena: Arena,
    pairs: BTreeMap<u32, Pairs>,
    /// Of IPv4 and of IPv6.
    addresses: [usize; 2],
    version: u32,
    /// What was refused and could not be taken back: the maps may differ from the image in it, and the next change writes
    /// everything.
    torn: Option<Patch>,
}

/// Where a slot's statements lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// Its policies.
    pub policies: PolicyPair,
    /// Its subnet's access lists.
    pub access_lists: PolicyPair,
}

impl Pairs {
    fn locators(self) -> impl Iterator<Item = Locator> {
        let Self { policies, access_lists } = self;
        [policies.inbound(), policies.outbound(), access_lists.inbound(), access_lists.outbound()]
            .into_iter()
            .map(Locator)
            .filter(|locator| locator.0 != 0)
    }
}

/// What a restarted controller found in the maps.
#[derive(Debug, Default)]
pub struct Found {
    /// Slots in use, and where their statements lie.
    pub pairs: BTreeMap<u32, Pairs>,
    /// Slots with an interface, and its number.
    pub interfaces: BTreeMap<u32, u32>,
    /// Addresses with an owner.
    pub members: BTreeSet<(u32, IpAddr)>,
    /// The greatest version among them.
    pub version: u32,
}

impl Applied {
    /// Takes over what an earlier controller left. Whatever the next image has is written, over what is there, so that
    /// nothing that is still wanted is missing for a moment.
    pub fn adopt(memory: &dyn PolicyMemory, found: Found) -> Self {
        let locators = found.pairs.values().flat_map(|pairs| pairs.locators());
        // What is not known differs from everything that is wanted.
        let unknown = Owner { number: 0, slot: 0, groups: [].into() };
        let nothing = BothWays { inbound: [].into(), outbound: [].into() };
        let unread = Statements { policies: nothing, access_lists: None };
        let image = MapImage {
            interfaces: found
                .interfaces
                .into_iter()
                .map(|(slot, number)| (slot, InterfaceRecord { number, ..InterfaceRecord::default() }))
                .collect(),
            members: found.members.into_iter().map(|key| (key, unknown.clone())).collect(),
            statements: found.pairs.keys().map(|slot| (*slot, unread.clone())).collect(),
            ..MapImage::default()
        };
        let of_ipv6 = image.members.keys().filter(|(_, address)| address.is_ipv6()).count();
        Self {
            addresses: [image.members.len() - of_ipv6, of_ipv6],
            image,
            arena: Arena::adopt(memory, locators),
            pairs: found.pairs,
            version: found.version,
            torn: None,
        }
    }

    /// The image in force.
    pub fn image(&self) -> &MapImage {
        &self.image
    }

    /// Words of policy memory in use.
    pub fn words_in_use(&self) -> u64 {
        self.arena.words_in_use()
    }

    /// Whether so many new policies of at most so many words are sure to have room, and nothing else waits to be written.
    pub(super) fn has_room<S: MapSink>(
        &mut self,
        sink: &mut S,
        policies: usize,
        words: usize,
        now_ms: u64,
    ) -> bool {
        self.torn.is_none() && self.arena.has_room(sink, policies, words, now_ms)
    }

    /// Writes a patch of [`Applied::image`].
    ///
    /// # Errors
    /// Where there is no room: nothing was written. Where a map refuses a write: the old image has been written back.
    pub fn apply<S: MapSink>(&mut self, sink: &mut S, patch: Patch, now_ms: u64) -> Result<()> {
        let patch = match &self.torn {
            None => patch,
            Some(torn) => {
                let mut everything = torn.inverse(&self.image);
                everything.overlay(self.image.whole());
                everything.overlay(patch);
                everything
            }
        };
        let addresses = self.count(&patch, sink.member_room())?;
        let placed = self.place(sink, &patch, now_ms)?;
        let torn = || self.torn.iter().flat_map(|torn| torn.interfaces.keys()).copied().collect();
        let differs = |slot: &u32| self.torn.is_some() || self.pairs.get(slot) != placed.get(slot);
        let mut write = Write {
            was: &|slot| self.image.interfaces.get(&slot).map(|record| record.number),
            pairs: &|slot| placed.get(&slot).or_else(|| self.pairs.get(&slot)).copied().unwrap_or_default(),
            doors: placed.keys().copied().filter(differs).collect(),
            torn: torn(),
            version: self.version,
        };
        let written = write.patch(sink, &patch);
        self.version = write.version;
        if let Err(refusal) = written {
            let inverse = patch.inverse(&self.image);
            let mut write = Write {
                was: &|slot| patch.interfaces.get(&slot)?.as_ref().map(|record| record.number),
                pairs: &|slot| self.pairs.get(&slot).copied().unwrap_or_default(),
                doors: placed.keys().chain(patch.interfaces.keys()).copied().collect(),
                torn: torn(),
                version: self.version,
            };
            let restored = write.patch(sink, &inverse);
            self.version = write.version;
            self.release(placed.into_values(), now_ms);
            if restored.is_err() {
                self.torn.get_or_insert_default().overlay(patch);
            }
            restored.context("the data plane refused a change, and then refused to take it back")?;
            return Err(refusal);
        }
        for (slot, statements) in &patch.statements {
            let next = statements.as_ref().and_then(|_| placed.get(slot)).copied();
            let before = match next {
                Some(next) => self.pairs.insert(*slot, next),
                None => self.pairs.remove(slot),
            };
            self.release(before, now_ms);
        }
        self.image.update(patch);
        self.addresses = addresses;
        self.torn = None;
        Ok(())
    }

    /// How many addresses of each family there will be. They have to fit before anything is written.
    fn count(&self, patch: &Patch, room: u32) -> Result<[usize; 2]> {
        let mut counts = self.addresses;
        for (key, owner) in &patch.members {
            let count = &mut counts[usize::from(key.1.is_ipv6())];
            *count += usize::from(owner.is_some());
            *count -= usize::from(self.image.members.contains_key(key));
        }
        for (family, count) in ["IPv4", "IPv6"].into_iter().zip(counts) {
            if count > room as usize {
                bail!("{count} {family} addresses do not fit: the data plane holds {room} of a family");
            }
        }
        Ok(counts)
    }

    /// Places the policies of the slots of a patch; a slot that has none any more has no place. On failure nothing is held.
    fn place<S: MapSink>(
        &mut self,
        sink: &mut S,
        patch: &Patch,
        now_ms: u64,
    ) -> Result<BTreeMap<u32, Pairs>, ArenaFull> {
        let mut placing = Placing { arena: &mut self.arena, known: HashMap::new(), now_ms };
        let mut placed = BTreeMap::new();
        for (&slot, statements) in &patch.statements {
            let pairs = match statements {
                Some(statements) => placing.pairs(sink, statements),
                None => Ok(Pairs::default()),
            };
            match pairs {
                Ok(pairs) => placed.insert(slot, pairs),
                Err(full) => {
                    self.release(placed.into_values(), now_ms);
                    return Err(full);
                }
            };
        }
        Ok(placed)
    }

    /// Gives up places.
    fn release(&mut self, pairs: impl IntoIterator<Item = Pairs>, now_ms: u64) {
        for locator in pairs.into_iter().flat_map(Pairs::locators) {
            self.arena.release(locator, now_ms);
        }
    }
}

/// Places the statements of many slots, most of which share their words: those are looked up by where they are, and only the
/// first time by what they say.
struct Placing<'a> {
    arena: &'a mut Arena,
    known: HashMap<*const u32, Locator>,
    now_ms: u64,
}

impl Placing<'_> {
    /// On failure nothing of this slot's is held.
    fn pairs<S: MapSink>(&mut self, sink: &mut S, statements: &Statements) -> Result<Pairs, ArenaFull> {
        let policies = self.pair(sink, &statements.policies)?;
        let access_lists = match &statements.access_lists {
            Some(lists) => self.pair(sink, lists),
            None => Ok(PolicyPair::default()),
        };
        access_lists.map(|access_lists| Pairs { policies, access_lists }).inspect_err(|_| {
            let half = Pairs { policies, access_lists: PolicyPair::default() };
            half.locators().for_each(|locator| self.arena.release(locator, self.now_ms));
        })
    }

    fn pair<S: MapSink>(&mut self, sink: &mut S, both: &BothWays) -> Result<PolicyPair, ArenaFull> {
        let inbound = self.locator(sink, &both.inbound)?;
        let outbound = self.locator(sink, &both.outbound).inspect_err(|_| {
            self.arena.release(inbound, self.now_ms);
        })?;
        Ok(PolicyPair::new(inbound.0, outbound.0))
    }

    fn locator<S: MapSink>(&mut self, sink: &mut S, words: &Words) -> Result<Locator, ArenaFull> {
        if let Some(locator) = self.known.get(&words.as_ptr()) {
            self.arena.hold(*locator);
            return Ok(*locator);
        }
        let locator = self.arena.place(sink, words, self.now_ms)?;
        self.known.insert(words.as_ptr(), locator);
        Ok(locator)
    }
}

/// What a writer has to know beside the patch.
struct Write<'a> {
    /// Number of the interface that a slot may have now.
    was: &'a dyn Fn(u32) -> Option<u32>,
    /// Where a slot's statements lie from now on.
    pairs: &'a dyn Fn(u32) -> Pairs,
    /// Slots whose statements lie elsewhere than before.
    doors: BTreeSet<u32>,
    /// Slots that may have anybody's interface now.
    torn: Vec<u32>,
    /// Of the last member written.
    version: u32,
}

impl Write<'_> {
    fn patch<S: MapSink>(&mut self, sink: &mut S, patch: &Patch) -> Result<()> {
        for (index, record) in &patch.networks {
            if let Some(record) = record {
                sink.write_network(*index, record)?;
            }
        }
        for &slot in &self.torn {
            vacate(sink, slot)?;
        }
        // Slots that lose their interface, or get another one.
        for (&slot, new) in &patch.interfaces {
            let Some(old) = (self.was)(slot) else { continue };
            if new.as_ref().is_none_or(|new| old != 0 && old != new.number) {
                vacate(sink, slot)?;
                sink.forget_link(slot);
                if new.is_some() {
                    self.doors.insert(slot);
                }
            }
        }
        for ((network, address), owner) in &patch.members {
            if owner.is_none() {
                sink.remove_member(*network, *address)?;
            }
        }
        for (index, allowance) in &patch.allowances {
            if let Some(allowance) = allowance {
                sink.write_allowance(*index, allowance.limit)?;
            }
        }
        for (slot, record) in &patch.interfaces {
            if let Some(record) = record {
                sink.write_interface(*slot, record)?;
            }
        }
        for ((network, address), owner) in &patch.members {
            if let Some(owner) = owner {
                self.version = self.version.wrapping_add(1);
                sink.write_member(*network, *address, &member(owner, self.version))?;
            }
        }
        for &slot in &self.doors {
            let pairs = (self.pairs)(slot);
            sink.write_policies(slot, pairs.policies)?;
            sink.write_access_lists(slot, pairs.access_lists)?;
        }
        for (index, record) in &patch.networks {
            if record.is_none() {
                sink.write_network(*index, &NetworkRecord::default())?;
            }
        }
        Ok(())
    }
}

/// Leaves nobody in a slot: whatever comes by it is denied.
fn vacate<S: MapSink>(sink: &mut S, slot: u32) -> Result<()> {
    sink.write_policies(slot, PolicyPair::default())?;
    sink.write_access_lists(slot, PolicyPair::default())?;
    sink.write_interface(slot, &InterfaceRecord::default())
}

fn member(owner: &Owner, version: u32) -> MemberRecord {
    let mut record =
        MemberRecord { number: owner.number, slot: owner.slot, version, ..MemberRecord::default() };
    for (place, &group) in record.groups.iter_mut().zip(owner.groups.iter().take(MAX_GROUPS)) {
        *place = group;
        record.count += 1;
    }
    record
}
