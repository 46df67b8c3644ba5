//! The maps as the image writer sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use aya::Ebpf;
use aya::maps::{Array, HashMap, IterableMap, MapData, PerCpuArray, RingBuf};
use sg_common::abi::address::{Address, Family};
use sg_common::abi::allowance::AllowanceRecord;
use sg_common::abi::flow::{FlowEntry, FlowKey4, FlowKey6};
use sg_common::abi::fragment::{FragmentKey, FragmentPorts};
use sg_common::abi::interface::{InterfaceRecord, PolicyPair};
use sg_common::abi::member::{MemberKey4, MemberKey6, MemberRecord};
use sg_common::abi::network::NetworkRecord;
use sg_common::abi::policy::CHUNK_WORDS;
use sg_common::abi::settings::Settings;
use sg_common::abi::trace::TraceFilter;
use sg_common::abi::{INTERNET_SLOT, MAX_INTERFACES, MAX_POLICY_CHUNKS};

use crate::compile::apply::{Found, MapSink, Pairs};
use crate::compile::arena::PolicyMemory;
use crate::compile::place::address;
use crate::dataplane::records::ip_address;

use super::flow_log::{FlowLogTable, no_program_runs};
use super::flows::remove;
use super::memory::MappedArray;
use super::sweep_in_kernel::SweepTables;

/// Typed handles on every map that user space touches.
pub struct Maps {
    pub(super) settings: Array<MapData, Settings>,
    interfaces: Array<MapData, InterfaceRecord>,
    pub(super) networks: Array<MapData, NetworkRecord>,
    pub(super) members4: HashMap<MapData, MemberKey4, MemberRecord>,
    pub(super) members6: HashMap<MapData, MemberKey6, MemberRecord>,
    pub(super) flows4: HashMap<MapData, FlowKey4, FlowEntry>,
    pub(super) flows6: HashMap<MapData, FlowKey6, FlowEntry>,
    pub(super) embryonic4: HashMap<MapData, FlowKey4, FlowEntry>,
    pub(super) embryonic6: HashMap<MapData, FlowKey6, FlowEntry>,
    pub(super) fragments: HashMap<MapData, FragmentKey, FragmentPorts>,
    pub(super) flow_log: FlowLogTable,
    pub(super) events: RingBuf<MapData>,
    pub(super) events_lost: PerCpuArray<MapData, u64>,
    pub(super) counters: PerCpuArray<MapData, u64>,
    pub(super) steps: RingBuf<MapData>,
    pub(super) trace_filter: Array<MapData, TraceFilter>,
    policies: MappedArray,
    access_lists: MappedArray,
    allowances: MappedArray,
    words: MappedArray,
    pub(super) sweep: SweepTables,
    /// Steps lost that somebody was told of.
    lost_steps: u64,
    /// Addresses of a family that there is room for.
    member_room: u32,
    /// Links by slot; an interface without one is not attached.
    pub(super) links: BTreeMap<u32, u32>,
    /// Slots of which every judgement is reported.
    pub(super) traced: BTreeSet<u32>,
}

pub(super) fn take<T>(object: &mut Ebpf, name: &str) -> Result<T>
where
    T: TryFrom<aya::maps::Map, Error = aya::maps::MapError>,
{
    let map = object.take_map(name).with_context(|| format!("the BPF object has no map {name}"))?;
    T::try_from(map).with_context(|| format!("the map {name} is not of the expected kind"))
}

pub(super) fn mapped(object: &Ebpf, name: &str, bytes: usize) -> Result<MappedArray> {
    let Some(aya::maps::Map::Array(map)) = object.map(name) else {
        anyhow::bail!("the BPF object has no array {name}");
    };
    MappedArray::map(map.fd(), bytes)
}

impl Maps {
    /// Takes the maps out of a loaded object.
    ///
    /// # Errors
    /// Where one is missing or of another kind.
    pub fn take(object: &mut Ebpf) -> Result<Self> {
        let chunk_bytes = CHUNK_WORDS as usize * size_of::<u32>();
        let members4: HashMap<_, MemberKey4, MemberRecord> = take(object, "MEMBERS4")?;
        Ok(Self {
            member_room: members4.map().info()?.max_entries(),
            policies: mapped(object, "POLICIES", MAX_INTERFACES as usize * size_of::<PolicyPair>())?,
            access_lists: mapped(object, "ACCESS_LISTS", MAX_INTERFACES as usize * size_of::<PolicyPair>())?,
            allowances: mapped(object, "ALLOWANCES", MAX_INTERFACES as usize * size_of::<AllowanceRecord>())?,
            words: mapped(object, "POLICY_WORDS", MAX_POLICY_CHUNKS as usize * chunk_bytes)?,
            sweep: SweepTables::take(object)?,
            settings: take(object, "SETTINGS")?,
            interfaces: take(object, "INTERFACES")?,
            networks: take(object, "NETWORKS")?,
            members4,
            members6: take(object, "MEMBERS6")?,
            flows4: take(object, "FLOWS4")?,
            flows6: take(object, "FLOWS6")?,
            embryonic4: take(object, "EMBRYONIC4")?,
            embryonic6: take(object, "EMBRYONIC6")?,
            fragments: take(object, "FRAGMENTS")?,
            flow_log: FlowLogTable::take(object)?,
            events: take(object, "EVENTS")?,
            events_lost: take(object, "EVENTS_LOST")?,
            counters: take(object, "COUNTERS_BY_REASON")?,
            steps: take(object, "STEPS")?,
            trace_filter: take(object, "TRACE_FILTER")?,
            lost_steps: 0,
            links: BTreeMap::new(),
            traced: BTreeSet::new(),
        })
    }

    /// The settings in force.
    ///
    /// # Errors
    /// Where the map refuses.
    pub fn settings(&self) -> Result<Settings> {
        self.settings.get(&0, 0).context("cannot read the settings")
    }

    /// Replaces the settings.
    ///
    /// # Errors
    /// Where the map refuses.
    pub fn set_settings(&mut self, settings: Settings) -> Result<()> {
        self.settings.set(0, settings, 0).context("cannot write the settings")
    }

    /// The interface in a slot.
    ///
    /// # Errors
    /// Where the map refuses.
    pub fn interface(&self, slot: u32) -> Result<InterfaceRecord> {
        self.interfaces.get(&slot, 0).with_context(|| format!("cannot read the interface in slot {slot}"))
    }

    /// Where a slot's policies and its access lists lie.
    pub(super) fn pairs(&self, slot: u32) -> Pairs {
        let pair = |pairs: &MappedArray| PolicyPair(pairs.word64(slot as usize).load(Ordering::Acquire));
        Pairs { policies: pair(&self.policies), access_lists: pair(&self.access_lists) }
    }

    /// Writes an interface as it is, link included.
    ///
    /// # Errors
    /// Where the map refuses.
    pub fn set_interface(&mut self, slot: u32, record: &InterfaceRecord) -> Result<()> {
        self.interfaces
            .set(slot, record, 0)
            .with_context(|| format!("cannot write the interface in slot {slot}"))
    }

    /// Writes the interface in a slot again, after its link or tracing changed.
    ///
    /// # Errors
    /// Where the map refuses.
    pub fn refresh_interface(&mut self, slot: u32) -> Result<()> {
        let record = self.interface(slot)?;
        self.write_interface(slot, &record)
    }

    /// How many steps were lost since the last call, of so many in all.
    pub(super) fn newly_lost_steps(&mut self, lost: u64) -> u64 {
        lost.saturating_sub(std::mem::replace(&mut self.lost_steps, lost))
    }

    /// What is in the maps now.
    ///
    /// # Errors
    /// Where a map cannot be read.
    pub fn found(&mut self) -> Result<Found> {
        let mut found = Found::default();
        for slot in 0..INTERNET_SLOT {
            let pairs = self.pairs(slot);
            if pairs != Pairs::default() {
                found.pairs.insert(slot, pairs);
            }
            let record = self.interface(slot)?;
            if record.number != 0 {
                found.interfaces.insert(slot, record.number);
                if record.link_index != 0 {
                    self.links.insert(slot, record.link_index);
                }
            }
        }
        for entry in self.members4.iter() {
            let (key, member) = entry.context("cannot read the owners of IPv4 addresses")?;
            found.members.insert((key.network, ip_address(Family::V4.0, Address::v4(key.address))));
            found.version = found.version.max(member.version);
        }
        for entry in self.members6.iter() {
            let (key, member) = entry.context("cannot read the owners of IPv6 addresses")?;
            let address = Address { high: key.high, low: key.low };
            found.members.insert((key.network, ip_address(Family::V6.0, address)));
            found.version = found.version.max(member.version);
        }
        Ok(found)
    }
}

/// The fields of an [`AllowanceRecord`], in its order.
#[derive(Clone, Copy)]
pub(super) enum Account {
    Admitted,
    Ended,
    Exceeded,
    Limit,
}

impl Maps {
    /// One field of an allowance, which the programs may change at the same time.
    pub(super) fn allowance_word(&self, index: u32, field: Account) -> &AtomicU64 {
        const FIELDS: usize = size_of::<AllowanceRecord>() / size_of::<u64>();
        self.allowances.word64(index as usize * FIELDS + field as usize)
    }
}

impl PolicyMemory for Maps {
    fn chunks(&self) -> u32 {
        MAX_POLICY_CHUNKS
    }

    fn read(&self, word: usize) -> u32 {
        self.words.word32(word).load(Ordering::Acquire)
    }

    fn write(&mut self, word: usize, words: &[u32]) {
        self.words.store32(word, words);
    }

    fn settle(&mut self) {
        no_program_runs();
    }
}

impl MapSink for Maps {
    fn write_network(&mut self, index: u32, record: &NetworkRecord) -> Result<()> {
        self.networks.set(index, record, 0).with_context(|| format!("cannot write network {index}"))
    }

    fn write_interface(&mut self, slot: u32, record: &InterfaceRecord) -> Result<()> {
        let mut record = *record;
        if record.number != 0 {
            record.link_index = self.links.get(&slot).copied().unwrap_or(0);
            record.flags &= !InterfaceRecord::FLAG_TRACE;
            if self.traced.contains(&slot) {
                record.flags |= InterfaceRecord::FLAG_TRACE;
            }
        }
        self.set_interface(slot, &record)
    }

    fn member_room(&self) -> u32 {
        self.member_room
    }

    fn forget_link(&mut self, slot: u32) {
        self.links.remove(&slot);
    }

    fn write_policies(&mut self, slot: u32, pair: PolicyPair) -> Result<()> {
        self.policies.word64(slot as usize).store(pair.0, Ordering::Release);
        Ok(())
    }

    fn write_access_lists(&mut self, slot: u32, pair: PolicyPair) -> Result<()> {
        self.access_lists.word64(slot as usize).store(pair.0, Ordering::Release);
        Ok(())
    }

    fn write_allowance(&mut self, index: u32, limit: u32) -> Result<()> {
        self.allowance_word(index, Account::Limit).store(u64::from(limit), Ordering::Release);
        Ok(())
    }

    fn write_member(&mut self, network: u32, ip: IpAddr, record: &MemberRecord) -> Result<()> {
        let address = address(ip);
        match ip {
            IpAddr::V4(_) => {
                self.members4.insert(MemberKey4 { network, address: address.low32() }, record, 0)
            }
            IpAddr::V6(_) => {
                let key = MemberKey6 { network, reserved: 0, high: address.high, low: address.low };
                self.members6.insert(key, record, 0)
            }
        }
        .with_context(|| format!("cannot write the owner of {ip}"))
    }

    fn remove_member(&mut self, network: u32, ip: IpAddr) -> Result<()> {
        let address = address(ip);
        match ip {
            IpAddr::V4(_) => remove(&mut self.members4, &MemberKey4 { network, address: address.low32() }),
            IpAddr::V6(_) => {
                let key = MemberKey6 { network, reserved: 0, high: address.high, low: address.low };
                remove(&mut self.members6, &key)
            }
        }
        .with_context(|| format!("cannot remove the owner of {ip}"))
    }
}
