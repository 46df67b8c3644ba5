//! From one image to the next with the fewest writes, in an order in which no packet sees half a change.
//!
//! Whatever can fail for want of room fails before the first write. New policies are written before a slot points at them;
//! a slot that changes hands has no policy, which denies, until its new interface is in place.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use anyhow::{Context, Result, bail};
use sg_common::abi::MAX_MEMBERS;
use sg_common::abi::interface::{InterfaceRecord, PolicyPair};
use sg_common::abi::member::{MAX_GROUPS, MemberRecord};
use sg_common::abi::network::NetworkRecord;
use sg_common::abi::policy::Locator;

use super::arena::{Arena, ArenaFull, PolicyMemory};
use super::image::{BothWays, MapImage, Owner, Statements};

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
    version: u32,
    /// The maps may differ from the image: the next change writes everything.
    uncertain: bool,
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
    /// Takes over what an earlier controller left. The next image is written in full, over what is there, so that
    /// nothing that is still wanted is missing for a moment.
    pub fn adopt(memory: &dyn PolicyMemory, found: Found) -> Self {
        let locators = found.pairs.values().flat_map(|pairs| pairs.locators());
        let unknown = Owner { number: 0, slot: 0, groups: Vec::new() };
        let image = MapImage {
            interfaces: found
                .interfaces
                .into_iter()
                .map(|(slot, number)| (slot, InterfaceRecord { number, ..InterfaceRecord::default() }))
                .collect(),
            members: found.members.into_iter().map(|key| (key, unknown.clone())).collect(),
            ..MapImage::default()
        };
        Self {
            image,
            arena: Arena::adopt(memory, locators),
            pairs: found.pairs,
            version: found.version,
            uncertain: false,
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

    /// Writes what differs.
    ///
    /// # Errors
    /// Where there is no room: nothing was written. Where a map refuses a write: the old image has been written back.
    pub fn apply<S: MapSink>(&mut self, sink: &mut S, next: MapImage, now_ms: u64) -> Result<()> {
        let limit = MAX_MEMBERS as usize;
        for (family, count) in [
            ("IPv4", next.members.keys().filter(|(_, address)| address.is_ipv4()).count()),
            ("IPv6", next.members.keys().filter(|(_, address)| address.is_ipv6()).count()),
        ] {
            if count > limit {
                bail!("{count} {family} addresses do not fit: the data plane holds {limit} of a family");
            }
        }
        let next_pairs = self.place(sink, &next, now_ms)?;
        let written = self.write(sink, &next, &next_pairs);
        let (image, pairs) = match &written {
            Ok(()) => (next, next_pairs),
            Err(_) => {
                // The old image is the one to keep: write all of it again, over whatever was written.
                let (image, pairs) = (std::mem::take(&mut self.image), std::mem::take(&mut self.pairs));
                self.image.members = next.members;
                self.image.interfaces = next.interfaces;
                let restored = self.write(sink, &image, &pairs);
                self.pairs = next_pairs;
                self.release_all(now_ms);
                (self.image, self.pairs) = (image, pairs);
                self.uncertain = restored.is_err();
                restored.context("the data plane refused a change, and then refused to take it back")?;
                return written;
            }
        };
        self.release_all(now_ms);
        (self.image, self.pairs) = (image, pairs);
        self.uncertain = false;
        written
    }

    /// Places the policies of every slot. On failure nothing is held.
    fn place<S: MapSink>(
        &mut self,
        sink: &mut S,
        next: &MapImage,
        now_ms: u64,
    ) -> Result<BTreeMap<u32, Pairs>> {
        let mut placed = Vec::new();
        let mut pairs = BTreeMap::new();
        for (&slot, Statements { policies, access_lists }) in &next.statements {
            let mut place = |both: &BothWays| -> Result<PolicyPair, ArenaFull> {
                let mut locators = [Locator::default(); 2];
                for (locator, words) in locators.iter_mut().zip([&both.inbound, &both.outbound]) {
                    *locator = self.arena.place(sink, words, now_ms)?;
                    placed.push(*locator);
                }
                Ok(PolicyPair::new(locators[0].0, locators[1].0))
            };
            let both = place(policies).and_then(|policies| {
                let access_lists = access_lists.as_ref().map(&mut place).transpose()?.unwrap_or_default();
                Ok(Pairs { policies, access_lists })
            });
            match both {
                Ok(both) => pairs.insert(slot, both),
                Err(full) => {
                    placed.into_iter().for_each(|locator| self.arena.release(locator, now_ms));
                    return Err(full.into());
                }
            };
        }
        Ok(pairs)
    }

    fn write<S: MapSink>(
        &mut self,
        sink: &mut S,
        next: &MapImage,
        pairs: &BTreeMap<u32, Pairs>,
    ) -> Result<()> {
        for (&index, record) in &next.networks {
            if self.uncertain || self.image.networks.get(&index) != Some(record) {
                sink.write_network(index, record)?;
            }
        }
        // Slots that lose their interface, or get another one.
        for (&slot, old) in &self.image.interfaces {
            if next.interfaces.get(&slot).is_none_or(|new| old.number != 0 && old.number != new.number) {
                sink.write_policies(slot, PolicyPair::default())?;
                sink.write_access_lists(slot, PolicyPair::default())?;
                sink.write_interface(slot, &InterfaceRecord::default())?;
                sink.forget_link(slot);
            }
        }
        for key in self.image.members.keys().filter(|key| !next.members.contains_key(key)) {
            sink.remove_member(key.0, key.1)?;
        }
        for (&index, allowance) in &next.allowances {
            if self.uncertain || self.image.allowances.get(&index) != Some(allowance) {
                sink.write_allowance(index, allowance.limit)?;
            }
        }
        for (&slot, record) in &next.interfaces {
            if self.uncertain || self.image.interfaces.get(&slot) != Some(record) {
                sink.write_interface(slot, record)?;
            }
        }
        for (key, owner) in &next.members {
            if self.uncertain || self.image.members.get(key) != Some(owner) {
                self.version = self.version.wrapping_add(1);
                sink.write_member(key.0, key.1, &member(owner, self.version))?;
            }
        }
        for (&slot, &next_pairs) in pairs {
            let changed_hands = |old: &InterfaceRecord| {
                old.number != 0 && next.interfaces.get(&slot).is_some_and(|new| new.number != old.number)
            };
            if self.uncertain
                || self.pairs.get(&slot) != Some(&next_pairs)
                || self.image.interfaces.get(&slot).is_some_and(changed_hands)
            {
                sink.write_policies(slot, next_pairs.policies)?;
                sink.write_access_lists(slot, next_pairs.access_lists)?;
            }
        }
        for (index, _) in self.image.networks.iter().filter(|(index, _)| !next.networks.contains_key(index)) {
            sink.write_network(*index, &NetworkRecord::default())?;
        }
        Ok(())
    }

    /// Gives up the places that `self.pairs` holds.
    fn release_all(&mut self, now_ms: u64) {
        for locator in self.pairs.values().flat_map(|pairs| pairs.locators()) {
            self.arena.release(locator, now_ms);
        }
    }
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
