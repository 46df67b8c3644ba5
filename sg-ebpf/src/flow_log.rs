//! The flow logs' table: packets of interfaces that a flow log covers, counted by tuple and decision.
//!
//! An element is made once, by whichever CPU is first, and then only added to. User space deletes those of a window that is
//! over, once no program can still be adding to them.

use aya_ebpf::bindings::BPF_NOEXIST;
use sg_common::abi::flow_log::{FlowLogEntry, FlowLogLoss};
use sg_common::datapath::flow_log::{entry_of, key_of};
use sg_common::datapath::judge::{Bench, Decision};
use sg_common::datapath::tuple::Packet;

use crate::atomic;
use crate::maps::{FLOW_LOG, FLOW_LOG_LOST, SETTINGS};
use crate::scratch::Scratch;

/// Counts a packet: 1 if there was room.
#[inline(always)]
pub(crate) fn count(scratch: &mut Scratch, packet: &Packet, bench: &Bench<'_>, decision: Decision) -> u32 {
    let Some(settings) = SETTINGS.get(0) else { return 0 };
    scratch.log_key = key_of(packet, bench, decision, settings.flow_log_epoch);
    let added = entry_of(packet, bench, decision.reason);
    if let Some(entry) = FLOW_LOG.get_ptr_mut(&scratch.log_key) {
        add(entry, &added);
        return 1;
    }
    scratch.log_entry = FlowLogEntry { first_seen: added.first_seen, ..FlowLogEntry::default() };
    // Another CPU may make it first; then there is one all the same.
    let _ = FLOW_LOG.insert(&scratch.log_key, &scratch.log_entry, u64::from(BPF_NOEXIST));
    if let Some(entry) = FLOW_LOG.get_ptr_mut(&scratch.log_key) {
        add(entry, &added);
        return 1;
    }
    if let Some(lost) = FLOW_LOG_LOST.get_ptr_mut(bench.slot) {
        lose(lost, &added);
    }
    0
}

#[inline(always)]
fn add(entry: *mut FlowLogEntry, added: &FlowLogEntry) {
    // SAFETY: the element stays in place while the program runs; so below.
    let (packets, bytes) = unsafe { (&raw mut (*entry).packets, &raw mut (*entry).bytes) };
    // SAFETY: as above; the field is aligned; so below.
    unsafe { atomic::add(packets, added.packets) };
    // SAFETY: as above.
    unsafe { atomic::add(bytes, added.bytes) };
    // SAFETY: as above; one aligned store.
    unsafe { core::ptr::write_volatile(&raw mut (*entry).last_seen, added.last_seen) };
    // SAFETY: as above.
    unsafe { atomic::set_bits64(&raw mut (*entry).reasons, added.reasons) };
    if added.flags != 0 {
        // SAFETY: as above.
        unsafe { atomic::set_bits(&raw mut (*entry).flags, added.flags) };
    }
}

#[inline(always)]
fn lose(lost: *mut FlowLogLoss, added: &FlowLogEntry) {
    // SAFETY: an element of an array map; the field is aligned.
    unsafe { atomic::add(&raw mut (*lost).packets, added.packets) };
    // SAFETY: as above.
    unsafe { atomic::add(&raw mut (*lost).bytes, added.bytes) };
}
