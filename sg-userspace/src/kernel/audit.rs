//! Reading the kernel back: whether the maps hold what the world compiles to, and whether the programs are on their links.

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::{Context, Result};
use sg_common::abi::address::{Address, Family};
use sg_common::abi::interface::{InterfaceRecord, PolicyPair};
use sg_common::abi::member::MemberRecord;
use sg_common::abi::network::NetworkRecord;
use sg_common::abi::policy::{GRANULE_WORDS, Locator, WORD_GENERATION, WORD_LENGTH};
use sg_common::abi::{INTERNET_SLOT, MAX_NETWORKS};

use crate::compile::apply::Pairs;
use crate::compile::arena::PolicyMemory;
use crate::compile::image::{BothWays, MapImage, Owner};
use crate::controller::build::link_name;
use crate::dataplane::records::ip_address;

use super::attach;
use super::dataplane::KernelDataplane;
use super::maps::Maps;

impl KernelDataplane {
    /// What in the kernel is not as the world wants it, a sentence each. The world is compiled anew, so that nothing that
    /// was remembered wrongly can hide.
    ///
    /// # Errors
    /// Where a map cannot be read, or the kernel does not say what is attached.
    pub fn audit(&self) -> Result<Vec<String>> {
        let image = MapImage::of(&self.world)?;
        let mut drift = Vec::new();
        self.maps.audit_interfaces(&image, &mut drift)?;
        self.maps.audit_members(&image, &mut drift)?;
        self.maps.audit_networks(&image, &mut drift)?;
        for (slot, index) in &self.maps.links {
            if !attach::is_attached(&link_name(*index)).unwrap_or(false) {
                drift.push(format!("slot {slot}: the programs are not on link {}", link_name(*index)));
            }
        }
        if let Some(pins) = &self.pins {
            let gone = attach::pinned_to_nothing(pins)?;
            drift.extend(
                gone.into_iter()
                    .map(|index| format!("{} is gone, and its programs are pinned", link_name(index))),
            );
        }
        Ok(drift)
    }
}

impl Maps {
    fn audit_interfaces(&self, image: &MapImage, drift: &mut Vec<String>) -> Result<()> {
        for slot in 0..INTERNET_SLOT {
            let mut found = self.interface(slot)?;
            found.flags &= !InterfaceRecord::FLAG_TRACE;
            let wanted = image.interfaces.get(&slot).map_or_else(InterfaceRecord::default, |record| {
                InterfaceRecord { link_index: self.links.get(&slot).copied().unwrap_or(0), ..*record }
            });
            if found != wanted {
                drift.push(format!("slot {slot}: the interface is {found:?}, not {wanted:?}"));
            }
            let statements = image.statements.get(&slot);
            let Pairs { policies, access_lists } = self.pairs(slot);
            self.audit_pair(slot, "policy", policies, statements.map(|it| &it.policies), drift);
            let wanted = statements.and_then(|it| it.access_lists.as_ref());
            self.audit_pair(slot, "access list", access_lists, wanted, drift);
        }
        for (&index, allowance) in &image.allowances {
            let found = self.allowance(index).limit;
            if found != u64::from(allowance.limit) {
                drift.push(format!("slot {index}: the allowance is {found}, not {}", allowance.limit));
            }
        }
        Ok(())
    }

    fn audit_pair(
        &self,
        slot: u32,
        what: &str,
        found: PolicyPair,
        wanted: Option<&BothWays>,
        drift: &mut Vec<String>,
    ) {
        let Some(wanted) = wanted else {
            if found != PolicyPair::default() {
                drift.push(format!("slot {slot}: there is a {what}, and should be none"));
            }
            return;
        };
        for (way, locator, words) in
            [("inbound", found.inbound(), &wanted.inbound), ("outbound", found.outbound(), &wanted.outbound)]
        {
            if !self.holds(Locator(locator), words) {
                drift.push(format!("slot {slot}: the {way} {what} is not what its rules compile to"));
            }
        }
    }

    /// Whether these words lie where a locator points, with its generation.
    fn holds(&self, locator: Locator, words: &[u32]) -> bool {
        let start = locator.granule() as usize * GRANULE_WORDS as usize;
        let is_as_wanted = |(at, word): (usize, &u32)| {
            let wanted = if at == WORD_GENERATION as usize { locator.generation() } else { *word };
            self.read(start + at) == wanted
        };
        locator.0 != 0
            && self.read(start + WORD_LENGTH as usize) as usize == words.len()
            && words.iter().enumerate().all(is_as_wanted)
    }

    fn audit_members(&self, image: &MapImage, drift: &mut Vec<String>) -> Result<()> {
        let mut found = BTreeMap::new();
        for entry in self.members4.iter() {
            let (key, record) = entry.context("cannot read the owners of IPv4 addresses")?;
            found.insert((key.network, ip_address(Family::V4.0, Address::v4(key.address))), owner(&record));
        }
        for entry in self.members6.iter() {
            let (key, record) = entry.context("cannot read the owners of IPv6 addresses")?;
            let address = Address { high: key.high, low: key.low };
            found.insert((key.network, ip_address(Family::V6.0, address)), owner(&record));
        }
        let differs = |(network, address): &(u32, IpAddr), found: Option<&Owner>, wanted: Option<&Owner>| {
            format!("network {network}: the owner of {address} is {found:?}, not {wanted:?}")
        };
        for (key, wanted) in &image.members {
            let found = found.get(key);
            if found != Some(wanted) {
                drift.push(differs(key, found, Some(wanted)));
            }
        }
        for (key, found) in found.iter().filter(|(key, _)| !image.members.contains_key(key)) {
            drift.push(differs(key, Some(found), None));
        }
        Ok(())
    }

    fn audit_networks(&self, image: &MapImage, drift: &mut Vec<String>) -> Result<()> {
        for index in 0..MAX_NETWORKS {
            let found = self.network(index)?;
            let wanted = image.networks.get(&index).copied().unwrap_or_default();
            if found != wanted {
                drift.push(format!("network {index} is {found:?}, not {wanted:?}"));
            }
        }
        Ok(())
    }

    fn network(&self, index: u32) -> Result<NetworkRecord> {
        self.networks.get(&index, 0).with_context(|| format!("cannot read network {index}"))
    }
}

fn owner(record: &MemberRecord) -> Owner {
    let groups = record.groups.iter().take(record.count as usize).copied().collect();
    Owner { number: record.number, slot: record.slot, groups }
}
