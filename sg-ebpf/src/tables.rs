//! The tables that a judgement asks, answered from the maps.
//!
//! Concurrency: several CPUs may judge packets of one flow. State bits are only ORed in, counters only added to, both
//! atomically; the last-seen tick is a plain store, and the worst that two CPUs can do to each other is to store an
//! earlier tick of the same moment. Flow entries are never updated through the map, only made, moved and deleted.

use core::ops::Deref;

use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::helpers::generated::bpf_ktime_get_coarse_ns;
use aya_ebpf::maps::{HashMap, LruHashMap};
use sg_common::abi::ABI_VERSION;
use sg_common::abi::address::{Address, Family};
use sg_common::abi::allowance::AllowanceRecord;
use sg_common::abi::flow::FlowEntry;
use sg_common::abi::fragment::FragmentPorts;
use sg_common::abi::interface::{InterfaceRecord, PolicyPair};
use sg_common::abi::member::{MemberKey4, MemberKey6, MemberRecord};
use sg_common::abi::network::NetworkRecord;
use sg_common::abi::policy::Locator;
use sg_common::abi::settings::tick_of;
use sg_common::abi::trace::StepCode;
use sg_common::datapath::judge::{Bench, Decision};
use sg_common::datapath::tables::{Admission, FlowCell, FlowState, Full, MemberCell, Passage, Tables};
use sg_common::datapath::tuple::{FlowKey, Packet};

use crate::atomic;
use crate::maps;
use crate::policy::PolicyInChunk;
use crate::scratch::scratch;
use crate::stages;

/// A map element in place.
pub(crate) struct InPlace<T>(*const T);

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
    fn is(&self, other: &Self) -> bool {
        core::ptr::eq(self.0, other.0)
    }

    #[inline(always)]
    fn version(&self) -> u32 {
        // SAFETY: as for `deref`; volatile, because the element may be used again meanwhile.
        unsafe { core::ptr::read_volatile(&raw const (*self.0).version) }
    }
}

/// A flow entry in its map.
pub(crate) struct FlowInMap(*mut FlowEntry);

impl FlowCell for FlowInMap {
    #[inline(always)]
    fn state(&self) -> FlowState {
        // SAFETY: the element stays readable while the program runs.
        let entry = unsafe { &*self.0 };
        FlowState { last_seen: entry.last_seen, identity: entry.identity, rule: entry.rule, bits: entry.bits }
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

/// What the kernel answers where a key is there already.
const EXISTS: i32 = -17;

/// Puts one more entry on an account, if its limit allows it. An entry that takes another's place needs no room.
#[inline(always)]
fn charge(account: *mut AllowanceRecord, replaces: bool) -> bool {
    // SAFETY: an element of an array map; the field is aligned.
    let admitted = unsafe { atomic::fetch_add(&raw mut (*account).admitted, 1) };
    // SAFETY: as above; volatile, because other CPUs and the controller write it.
    let ended = unsafe { core::ptr::read_volatile(&raw const (*account).ended) };
    // SAFETY: as above.
    let limit = unsafe { core::ptr::read_volatile(&raw const (*account).limit) };
    // Signed: another CPU may take its own back in between.
    if (admitted.wrapping_sub(ended) as i64) < limit.wrapping_add(u64::from(replaces)) as i64 {
        return true;
    }
    refund(account);
    // SAFETY: as above.
    unsafe { atomic::add(&raw mut (*account).exceeded, 1) };
    false
}

/// Takes an entry off an account that was not made after all.
#[inline(always)]
fn refund(account: *mut AllowanceRecord) {
    // SAFETY: an element of an array map; the field is aligned.
    unsafe { atomic::add(&raw mut (*account).admitted, u64::MAX) };
}

/// Moves an entry from the table of flows without a reply to the other, if it still is this flow's.
#[inline(always)]
fn protect<K>(
    flows: &HashMap<K, FlowEntry>,
    embryonic: &LruHashMap<K, FlowEntry>,
    key: &K,
    identity: u64,
    copy: &mut FlowEntry,
) -> Result<(), Full> {
    let Some(entry) = embryonic.get_ptr(key) else { return Ok(()) };
    // SAFETY: the element stays readable while the program runs.
    *copy = unsafe { *entry };
    if copy.identity != identity {
        return Ok(());
    }
    match flows.insert(key, &*copy, u64::from(BPF_NOEXIST)) {
        // Another CPU may have moved it first.
        Ok(()) | Err(EXISTS) => {
            // What another CPU has seen of the flow since the copy was made.
            // SAFETY: as above; volatile, because that CPU writes it.
            let late = unsafe { core::ptr::read_volatile(&raw const (*entry).bits) };
            if late != copy.bits
                && let Some(moved) = flows.get_ptr_mut(key)
            {
                // SAFETY: as above.
                let bits = unsafe { &raw mut (*moved).bits };
                // SAFETY: as above; the field is aligned.
                unsafe { atomic::set_bits(bits, late) };
            }
            let _ = embryonic.remove(key);
            Ok(())
        }
        Err(_) => Err(Full),
    }
}

/// The maps.
pub(crate) struct Maps;

impl Tables for Maps {
    type Flow = FlowInMap;
    type Policy = PolicyInChunk;
    type Member = InPlace<MemberRecord>;
    type Interface = InPlace<InterfaceRecord>;
    type Network = InPlace<NetworkRecord>;

    #[inline(always)]
    fn is_set_up(&self) -> bool {
        match maps::SETTINGS.get(0) {
            Some(settings) => settings.abi_version == ABI_VERSION,
            None => false,
        }
    }

    #[inline(always)]
    fn is_enforced(&self) -> bool {
        match maps::SETTINGS.get(0) {
            Some(settings) => settings.enforcement_off == 0,
            None => true,
        }
    }

    #[inline(always)]
    fn tick(&self) -> u64 {
        let offset = match maps::SETTINGS.get(0) {
            Some(settings) => settings.clock_offset_ns,
            None => 0,
        };
        // SAFETY: reads a clock. Coarse: a seventh of the cost of the exact one, and a tick is a millisecond.
        let now = unsafe { bpf_ktime_get_coarse_ns() };
        let tick = tick_of(now.wrapping_add(offset));
        // Every stage judges at the same moment, and a clock costs a call.
        if let Some(scratch) = scratch() {
            scratch.tick = tick;
        }
        tick
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
    fn access_lists(&self, slot: u32) -> PolicyPair {
        match maps::ACCESS_LISTS.get_ptr(slot) {
            // SAFETY: as for the policies.
            Some(pair) => unsafe { core::ptr::read_volatile(pair) },
            None => PolicyPair::default(),
        }
    }

    #[inline(always)]
    fn policy(&self, locator: Locator) -> Option<Self::Policy> {
        PolicyInChunk::at(locator)
    }

    #[inline(always)]
    fn network(&self, index: u32) -> Option<Self::Network> {
        maps::NETWORKS.get_ptr(index).map(InPlace)
    }

    #[inline(always)]
    fn member(&self, network: u32, family: u8, address: Address) -> Option<Self::Member> {
        let scratch = scratch()?;
        let found = if family == Family::V4.0 {
            scratch.member4 = MemberKey4 { network, address: address.low32() };
            maps::MEMBERS4.get_ptr(&scratch.member4)
        } else {
            scratch.member6 = MemberKey6 { network, reserved: 0, high: address.high, low: address.low };
            maps::MEMBERS6.get_ptr(&scratch.member6)
        };
        found.map(InPlace)
    }

    #[inline(always)]
    fn flow(&self, key: &FlowKey) -> Option<Self::Flow> {
        let scratch = scratch()?;
        let found = if key.family == Family::V4.0 {
            scratch.key4 = key.to_v4();
            maps::FLOWS4.get_ptr_mut(&scratch.key4).or_else(|| maps::EMBRYONIC4.get_ptr_mut(&scratch.key4))
        } else {
            scratch.key6 = key.to_v6();
            maps::FLOWS6.get_ptr_mut(&scratch.key6).or_else(|| maps::EMBRYONIC6.get_ptr_mut(&scratch.key6))
        };
        found.map(FlowInMap)
    }

    #[inline(always)]
    fn admit(&self, key: &FlowKey, entry: FlowEntry, allowance: u32, replaces: bool) -> Admission {
        let Some(account) = maps::ALLOWANCES.get_ptr_mut(allowance) else { return Admission::TABLE_FULL };
        if !charge(account, replaces) {
            return Admission::ALLOWANCE_EXCEEDED;
        }
        if replaces {
            // An entry that has ended is still there.
            self.remove(key, allowance);
        }
        let Some(scratch) = scratch() else { return Admission::TABLE_FULL };
        scratch.entry = entry;
        let inserted = if key.family == Family::V4.0 {
            scratch.key4 = key.to_v4();
            maps::EMBRYONIC4.insert(&scratch.key4, &scratch.entry, u64::from(BPF_NOEXIST))
        } else {
            scratch.key6 = key.to_v6();
            maps::EMBRYONIC6.insert(&scratch.key6, &scratch.entry, u64::from(BPF_NOEXIST))
        };
        if inserted.is_ok() {
            return Admission::ADMITTED;
        }
        refund(account);
        // Another CPU may have made the same entry first.
        if inserted == Err(EXISTS) { Admission::ADMITTED } else { Admission::TABLE_FULL }
    }

    #[inline(always)]
    fn remove(&self, key: &FlowKey, allowance: u32) {
        let Some(scratch) = scratch() else { return };
        let removed = if key.family == Family::V4.0 {
            scratch.key4 = key.to_v4();
            u64::from(maps::FLOWS4.remove(&scratch.key4).is_ok())
                + u64::from(maps::EMBRYONIC4.remove(&scratch.key4).is_ok())
        } else {
            scratch.key6 = key.to_v6();
            u64::from(maps::FLOWS6.remove(&scratch.key6).is_ok())
                + u64::from(maps::EMBRYONIC6.remove(&scratch.key6).is_ok())
        };
        if removed != 0
            && let Some(account) = maps::ALLOWANCES.get_ptr_mut(allowance)
        {
            // SAFETY: an element of an array map; the field is aligned.
            unsafe { atomic::add(&raw mut (*account).ended, removed) };
        }
    }

    #[inline(always)]
    fn protect(&self, key: &FlowKey) -> Result<(), Full> {
        let Some(scratch) = scratch() else { return Err(Full) };
        if key.family == Family::V4.0 {
            scratch.key4 = key.to_v4();
            protect(&maps::FLOWS4, &maps::EMBRYONIC4, &scratch.key4, key.identity(), &mut scratch.entry)
        } else {
            scratch.key6 = key.to_v6();
            protect(&maps::FLOWS6, &maps::EMBRYONIC6, &scratch.key6, key.identity(), &mut scratch.entry)
        }
    }

    #[inline(always)]
    fn fragment(&self, packet: &Packet, bench: &Bench<'_>) -> FragmentPorts {
        let Some(scratch) = scratch() else { return FragmentPorts::default() };
        scratch.fragment = packet.fragment_key(bench.interface.number, bench.direction);
        // SAFETY: the element stays readable while the program runs.
        match unsafe { maps::FRAGMENTS.get(&scratch.fragment) } {
            Some(ports) => *ports,
            None => FragmentPorts::default(),
        }
    }

    #[inline(always)]
    fn remember_fragment(&self, packet: &Packet, bench: &Bench<'_>) {
        let Some(scratch) = scratch() else { return };
        scratch.fragment = packet.fragment_key(bench.interface.number, bench.direction);
        // A failed insert denies the later fragments, which is how failure ends here.
        let _ = maps::FRAGMENTS.insert(&scratch.fragment, &packet.fragment_ports(bench.tick), 0);
    }

    #[inline(always)]
    fn log_flow(&self, _packet: &Packet, bench: &Bench<'_>, decision: Decision) {
        // The packet is where `stages` finds it.
        stages::log_flow_for(bench, decision);
    }

    #[inline(always)]
    fn report(&self, _packet: &Packet, bench: &Bench<'_>, decision: Decision) {
        // The packet is where `stages` finds it.
        stages::report_for(bench, decision);
    }

    #[inline(always)]
    fn mark(&self, _packet: &mut Packet, number: u32) {
        if let Some(settings) = maps::SETTINGS.get(0)
            && settings.tracing != 0
        {
            stages::sg_mark(number);
        }
    }

    #[inline(always)]
    fn trace(&self, _packet: &Packet, bench: &Bench<'_>, step: StepCode, a: u64, b: u64) {
        stages::trace_for(bench, step, a, b);
    }

    #[inline(always)]
    fn complete(&self, _packet: &mut Packet, bench: &Bench<'_>) {
        stages::complete_for(bench);
    }

    #[inline(always)]
    fn network_acl(&self, _packet: &Packet, bench: &Bench<'_>) -> Decision {
        stages::network_acl_for(bench)
    }

    #[inline(always)]
    fn follow(&self, _packet: &mut Packet, bench: &Bench<'_>) -> Decision {
        stages::follow_for(bench)
    }

    #[inline(always)]
    fn match_rules(&self, _packet: &mut Packet, bench: &Bench<'_>) -> Decision {
        stages::match_rules_for(bench)
    }

    #[inline(always)]
    fn admit_packet(&self, _packet: &Packet, bench: &Bench<'_>, rule: u32) -> Decision {
        stages::admit_packet_for(bench, rule)
    }
}
