//! The maps of a data plane in plain memory.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use anyhow::{Result, bail};
use sg_common::abi::MAX_POLICY_CHUNKS;
use sg_common::abi::interface::{InterfaceRecord, PolicyPair};
use sg_common::abi::member::MemberRecord;
use sg_common::abi::network::NetworkRecord;
use sg_common::abi::policy::{GRANULE_WORDS, Locator, WORD_GENERATION};
use sg_userspace::compile::apply::MapSink;
use sg_userspace::compile::arena::PolicyMemory;
use sg_userspace::compile::image::{BothWays, MapImage};
use sg_userspace::compile::words::Words;

/// Maps that hold what is written, and may refuse.
#[derive(Default)]
pub(super) struct Maps {
    words: Vec<u32>,
    policies: BTreeMap<u32, PolicyPair>,
    access_lists: BTreeMap<u32, PolicyPair>,
    interfaces: BTreeMap<u32, InterfaceRecord>,
    networks: BTreeMap<u32, NetworkRecord>,
    limits: BTreeMap<u32, u32>,
    members: BTreeMap<(u32, IpAddr), (u32, u32, Vec<u32>)>,
    /// So many writes pass, then so many are refused.
    pub(super) fault: Option<(u32, u32)>,
}

impl Maps {
    fn may(&mut self) -> Result<()> {
        match &mut self.fault {
            Some((0, 0)) | None => Ok(()),
            Some((0, refusals)) => {
                *refusals -= 1;
                bail!("refused")
            }
            Some((passes, _)) => {
                *passes -= 1;
                Ok(())
            }
        }
    }

    /// What differs from an image, in words.
    pub(super) fn drift(&self, image: &MapImage) -> Option<String> {
        let vacant = |record: &&InterfaceRecord| **record != InterfaceRecord::default();
        let interfaces: BTreeMap<u32, &InterfaceRecord> = self
            .interfaces
            .iter()
            .map(|(slot, record)| (*slot, record))
            .filter(|(_, it)| vacant(it))
            .collect();
        if interfaces != image.interfaces.iter().map(|(slot, record)| (*slot, record)).collect() {
            return Some("interfaces".to_owned());
        }
        let networks = self.networks.iter().filter(|(_, record)| **record != NetworkRecord::default());
        if !networks.eq(&image.networks) {
            return Some("networks".to_owned());
        }
        // An account that nobody is on any more keeps its limit.
        if image.allowances.iter().any(|(slot, wanted)| self.limits.get(slot) != Some(&wanted.limit)) {
            return Some("allowances".to_owned());
        }
        let wanted = image.members.iter().map(|(key, it)| (*key, (it.number, it.slot, it.groups.to_vec())));
        if self.members != wanted.collect() {
            return Some("members".to_owned());
        }
        let slots: BTreeSet<u32> = self.policies.keys().chain(image.statements.keys()).copied().collect();
        slots.into_iter().find_map(|slot| {
            let wanted = image.statements.get(&slot);
            let pair = |of: &BTreeMap<u32, PolicyPair>| of.get(&slot).copied().unwrap_or_default();
            let is_right = self.holds(pair(&self.policies), wanted.map(|it| &it.policies))
                && self.holds(pair(&self.access_lists), wanted.and_then(|it| it.access_lists.as_ref()));
            (!is_right).then(|| format!("the statements of slot {slot}"))
        })
    }

    fn holds(&self, pair: PolicyPair, wanted: Option<&BothWays>) -> bool {
        let Some(wanted) = wanted else { return pair == PolicyPair::default() };
        let lies_at = |locator: u32, words: &Words| {
            let locator = Locator(locator);
            let start = locator.granule() as usize * GRANULE_WORDS as usize;
            let mut expected = words.to_vec();
            expected[WORD_GENERATION as usize] = locator.generation();
            self.words.get(start..start + words.len()) == Some(&expected)
        };
        lies_at(pair.inbound(), &wanted.inbound) && lies_at(pair.outbound(), &wanted.outbound)
    }
}

impl PolicyMemory for Maps {
    fn chunks(&self) -> u32 {
        MAX_POLICY_CHUNKS
    }

    fn read(&self, word: usize) -> u32 {
        self.words.get(word).copied().unwrap_or_default()
    }

    fn write(&mut self, word: usize, words: &[u32]) {
        let end = word + words.len();
        self.words.resize(self.words.len().max(end), 0);
        self.words[word..end].copy_from_slice(words);
    }

    fn settle(&mut self) {}
}

impl MapSink for Maps {
    fn write_network(&mut self, index: u32, record: &NetworkRecord) -> Result<()> {
        self.may()?;
        self.networks.insert(index, *record);
        Ok(())
    }

    fn write_interface(&mut self, slot: u32, record: &InterfaceRecord) -> Result<()> {
        self.may()?;
        self.interfaces.insert(slot, *record);
        Ok(())
    }

    fn write_policies(&mut self, slot: u32, pair: PolicyPair) -> Result<()> {
        self.may()?;
        self.policies.insert(slot, pair);
        Ok(())
    }

    fn write_access_lists(&mut self, slot: u32, pair: PolicyPair) -> Result<()> {
        self.may()?;
        self.access_lists.insert(slot, pair);
        Ok(())
    }

    fn write_allowance(&mut self, index: u32, limit: u32) -> Result<()> {
        self.may()?;
        self.limits.insert(index, limit);
        Ok(())
    }

    fn forget_link(&mut self, _slot: u32) {}

    fn write_member(&mut self, network: u32, address: IpAddr, record: &MemberRecord) -> Result<()> {
        self.may()?;
        let groups = record.groups[..record.count as usize].to_vec();
        self.members.insert((network, address), (record.number, record.slot, groups));
        Ok(())
    }

    fn remove_member(&mut self, network: u32, address: IpAddr) -> Result<()> {
        self.may()?;
        self.members.remove(&(network, address));
        Ok(())
    }
}
