//! The tables that a judgement asks, answered from the maps.
//!
//! Concurrency: several CPUs may judge packets of one flow. State bits are only ORed in, counters only added to, both
//! atomically; the last-seen tick is a plain store, and the worst that two CPUs can do to each other is to store an
//! earlier tick of the same moment. Flow entries are never updated through the map, only made, moved and deleted.

use core::ops::Deref;

use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::helpers::generated::bpf_ktime_get_coarse_ns;
use sg_common::abi::address::{Address, Family};
use sg_common::abi::event::VerdictRecord;
use sg_common::abi::flow::FlowEntry;
use sg_common::abi::fragment::{FragmentKey, FragmentPorts};
use sg_common::abi::interface::{InterfaceRecord, PolicyPair};
use sg_common::abi::member::{MemberKey4, MemberKey6, MemberRecord};
use sg_common::abi::network::NetworkRecord;
use sg_common::abi::policy::{CHUNK_WORDS, Locator};
use sg_common::abi::settings::{Settings, tick_of};
use sg_common::datapath::search::Words;
use sg_common::datapath::tables::{FlowCell, FlowState, Full, MemberCell, Passage, Tables};
use sg_common::datapath::tuple::FlowKey;

use crate::atomic;
use crate::count;
use crate::maps;

/// A map element in place.
pub struct InPlace<T>(*const T);

impl<T> Deref for InPlace<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: elements of array maps live as long as the map; elements of hash maps stay readable while the
        // program runs.
        unsafe { &*self.0 }
    }
}

impl MemberCell for InPlace<MemberRecord> {
    #[inline(always)]
    fn record(&self) -> &MemberRecord {
        self
    }

    #[inline(always)]
    fn version(&self) -> u32 {
        // SAFETY: as for `deref`; volatile, because the element may be used again meanwhile.
        unsafe { core::ptr::read_volatile(&raw const (*self.0).version) }
    }
}

/// A policy in its chunk.
pub struct PolicyInChunk {
    chunk: *const u32,
    start: u32,
}

impl Words for PolicyInChunk {
    #[inline(always)]
    fn word(&self, index: u32) -> u32 {
        let at = (self.start.wrapping_add(index) & (CHUNK_WORDS - 1)) as usize;
        // SAFETY: masked to the chunk, which is an element of an array map.
        let word = unsafe { self.chunk.add(at) };
        // SAFETY: as above; volatile, because the controller may use the words again meanwhile.
        unsafe { core::ptr::read_volatile(word) }
    }
}

/// A flow entry in its map.
pub struct FlowInMap(*mut FlowEntry);

impl FlowCell for FlowInMap {
    #[inline(always)]
    fn state(&self) -> FlowState {
        // SAFETY: the element stays readable while the program runs.
        let entry = unsafe { &*self.0 };
        FlowState { last_seen: entry.last_seen, rule: entry.rule, bits: entry.bits }
    }

    #[inline(always)]
    fn record(&self, passage: &Passage) {
        // SAFETY: as for `state`; one aligned store.
        unsafe { core::ptr::write_volatile(&raw mut (*self.0).last_seen, passage.tick) };
        if passage.bits != passage.before {
            // SAFETY: as for `state`.
            let bits = unsafe { &raw mut (*self.0).bits };
            // SAFETY: as for `state`; the field is aligned.
            unsafe { atomic::set_bits(bits, passage.bits) };
        }
        let (packets, bytes) = if passage.outbound {
            // SAFETY: as for `state`.
            unsafe { (&raw mut (*self.0).packets_out, &raw mut (*self.0).bytes_out) }
        } else {
            // SAFETY: as for `state`.
            unsafe { (&raw mut (*self.0).packets_in, &raw mut (*self.0).bytes_in) }
        };
        // SAFETY: as for `state`; the field is aligned.
        unsafe { atomic::add(packets, u64::from(passage.packets)) };
        // SAFETY: as for `state`; the field is aligned.
        unsafe { atomic::add(bytes, u64::from(passage.bytes)) };
    }
}

/// The maps.
pub struct Maps;

impl Tables for Maps {
    type Flow = FlowInMap;
    type Policy = PolicyInChunk;
    type Member = InPlace<MemberRecord>;
    type Interface = InPlace<InterfaceRecord>;
    type Network = InPlace<NetworkRecord>;

    #[inline(always)]
    fn settings(&self) -> Option<Settings> {
        maps::SETTINGS.get(0).copied()
    }

    #[inline(always)]
    fn tick(&self) -> u32 {
        let offset = match maps::SETTINGS.get(0) {
            Some(settings) => settings.clock_offset_ns,
            None => 0,
        };
        // SAFETY: reads a clock. Coarse: a seventh of the cost of the exact one, and a tick is a millisecond.
        let now = unsafe { bpf_ktime_get_coarse_ns() };
        tick_of(now.wrapping_add(offset))
    }

    #[inline(always)]
    fn interface(&self, slot: u32) -> Option<Self::Interface> {
        maps::INTERFACES.get_ptr(slot).map(InPlace)
    }

    #[inline(always)]
    fn policies(&self, slot: u32) -> PolicyPair {
        match maps::POLICIES.get_ptr(slot) {
            // SAFETY: an element of an array map; one aligned load, so both directions are of one moment.
            Some(pair) => unsafe { core::ptr::read_volatile(pair) },
            None => PolicyPair::default(),
        }
    }

    #[inline(always)]
    fn policy(&self, locator: Locator) -> Option<Self::Policy> {
        let chunk = maps::POLICY_WORDS.get_ptr(locator.chunk())?;
        Some(PolicyInChunk { chunk: chunk.cast(), start: locator.word() })
    }

    #[inline(always)]
    fn network(&self, index: u32) -> Option<Self::Network> {
        maps::NETWORKS.get_ptr(index).map(InPlace)
    }

    #[inline(always)]
    fn member(&self, network: u32, family: u8, address: Address) -> Option<Self::Member> {
        if family == Family::V4.0 {
            maps::MEMBERS4.get_ptr(MemberKey4 { network, address: address.low32() }).map(InPlace)
        } else {
            let key = MemberKey6 { network, reserved: 0, high: address.high, low: address.low };
            maps::MEMBERS6.get_ptr(key).map(InPlace)
        }
    }

    #[inline(always)]
    fn flow(&self, key: &FlowKey) -> Option<Self::Flow> {
        let found = match key {
            FlowKey::V4(key) => maps::FLOWS4.get_ptr_mut(key).or_else(|| maps::EMBRYONIC4.get_ptr_mut(key)),
            FlowKey::V6(key) => maps::FLOWS6.get_ptr_mut(key).or_else(|| maps::EMBRYONIC6.get_ptr_mut(key)),
        };
        found.map(FlowInMap)
    }

    #[inline(always)]
    fn admit(&self, key: &FlowKey, entry: &FlowEntry) -> Result<(), Full> {
        // An entry that has ended may still be there, in either table.
        let inserted = match key {
            FlowKey::V4(key) => {
                let _ = maps::FLOWS4.remove(key);
                let _ = maps::EMBRYONIC4.remove(key);
                maps::EMBRYONIC4.insert(key, entry, 0)
            }
            FlowKey::V6(key) => {
                let _ = maps::FLOWS6.remove(key);
                let _ = maps::EMBRYONIC6.remove(key);
                maps::EMBRYONIC6.insert(key, entry, 0)
            }
        };
        inserted.map_err(|_| Full)
    }

    #[inline(always)]
    fn protect(&self, key: &FlowKey) -> Result<(), Full> {
        const EXISTS: i32 = -17;
        let moved = match key {
            FlowKey::V4(key) => match maps::EMBRYONIC4.get_ptr(key) {
                // SAFETY: the element stays readable while the program runs; the map copies it.
                Some(entry) => maps::FLOWS4.insert(key, unsafe { &*entry }, u64::from(BPF_NOEXIST)),
                None => Ok(()),
            },
            FlowKey::V6(key) => match maps::EMBRYONIC6.get_ptr(key) {
                // SAFETY: as above.
                Some(entry) => maps::FLOWS6.insert(key, unsafe { &*entry }, u64::from(BPF_NOEXIST)),
                None => Ok(()),
            },
        };
        // Another CPU may have moved it first.
        if moved.is_err_and(|error| error != EXISTS) {
            return Err(Full);
        }
        let _ = match key {
            FlowKey::V4(key) => maps::EMBRYONIC4.remove(key),
            FlowKey::V6(key) => maps::EMBRYONIC6.remove(key),
        };
        Ok(())
    }

    #[inline(always)]
    fn fragment(&self, key: &FragmentKey) -> Option<FragmentPorts> {
        // SAFETY: the element stays readable while the program runs.
        unsafe { maps::FRAGMENTS.get(key) }.copied()
    }

    #[inline(always)]
    fn remember_fragment(&self, key: &FragmentKey, ports: &FragmentPorts) {
        // A failed insert denies the later fragments, which is how failure ends here.
        let _ = maps::FRAGMENTS.insert(key, ports, 0);
    }

    #[inline(always)]
    fn report(&self, record: &VerdictRecord) {
        match maps::EVENTS.reserve::<VerdictRecord>(0) {
            Some(mut entry) => {
                entry.write(*record);
                entry.submit(0);
            }
            None => count::lost_event(),
        }
    }
}
