//! Sweeping a flow table inside the kernel: live entries are counted, and those that have ended are removed.
//!
//! The programs of packets run with softirqs off, one after the other. This one runs with them on, as an iterator
//! (`iter/bpf_map_elem`) over the map of orders, which has one element: so a packet may come in between, and the per-CPU rooms
//! are not for it.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::{bpf_for_each_map_elem, bpf_map_delete_elem};
use sg_common::abi::flow::{FlowBits, FlowEntry, FlowKey4, FlowKey6};
use sg_common::abi::sweep::{SweepOrder, SweepRow};
use sg_common::datapath::judge::age;
use sg_common::datapath::tracking::timeout;
use sg_common::datapath::tuple::FlowKey;

use crate::{atomic, maps};

/// The kernel's `struct bpf_iter__bpf_map_elem`.
#[repr(C)]
pub(crate) struct Element {
    meta: *const c_void,
    map: *const c_void,
    key: *const c_void,
    value: *const c_void,
}

/// What the kernel calls for each element of a table.
type Visit<K> = unsafe extern "C" fn(*mut c_void, *const K, *const FlowEntry, *mut Progress) -> i64;

/// One table's sweep as it goes.
#[repr(C)]
struct Progress {
    tick: u64,
    strangers: u64,
}

/// Carries an order out.
///
/// # Safety
/// `element` is what the kernel has given the program.
#[inline(always)]
pub(crate) unsafe fn sweep(element: *const Element) {
    // Volatile: the verifier takes a second load for another pointer, which has not been compared with null.
    // SAFETY: the caller's promise.
    let order = unsafe { core::ptr::read_volatile(&raw const (*element).value) };
    // The kernel calls once more at the end, without an element.
    if order.is_null() {
        return;
    }
    // SAFETY: the map's values are orders, and nobody else has this one meanwhile.
    let order = unsafe { &mut *order.cast::<SweepOrder>().cast_mut() };
    let mut progress = Progress { tick: order.tick, strangers: 0 };
    match order.table {
        SweepOrder::TABLE_EMBRYONIC4 => each(&maps::EMBRYONIC4, visit4, &mut progress),
        SweepOrder::TABLE_FLOWS4 => each(&maps::FLOWS4, visit4, &mut progress),
        SweepOrder::TABLE_EMBRYONIC6 => each(&maps::EMBRYONIC6, visit6, &mut progress),
        SweepOrder::TABLE_FLOWS6 => each(&maps::FLOWS6, visit6, &mut progress),
        _ => return,
    }
    order.strangers = progress.strangers;
    order.done = 1;
}

#[inline(always)]
fn each<T, K>(table: &'static T, visit: Visit<K>, progress: &mut Progress) {
    let table = core::ptr::from_ref(table).cast_mut().cast();
    // SAFETY: a map, a function that the kernel calls with its keys and values, and what that is handed.
    unsafe { bpf_for_each_map_elem(table, visit as *mut c_void, core::ptr::from_mut(progress).cast(), 0) };
}

#[inline(never)]
unsafe extern "C" fn visit4(
    table: *mut c_void,
    key: *const FlowKey4,
    entry: *const FlowEntry,
    progress: *mut Progress,
) -> i64 {
    // SAFETY: the kernel's arguments.
    let key = unsafe { core::ptr::read_volatile(key) };
    // SAFETY: as above, and a key of the table's.
    unsafe { visit(table, (&raw const key).cast(), &FlowKey::from_v4(key), entry, progress) };
    0
}

#[inline(never)]
unsafe extern "C" fn visit6(
    table: *mut c_void,
    key: *const FlowKey6,
    entry: *const FlowEntry,
    progress: *mut Progress,
) -> i64 {
    // SAFETY: the kernel's arguments.
    let key = unsafe { core::ptr::read_volatile(key) };
    // SAFETY: as above, and a key of the table's.
    unsafe { visit(table, (&raw const key).cast(), &FlowKey::from_v6(key), entry, progress) };
    0
}

/// Counts an entry, or removes it. The memory of an entry that leaves is used again at once for another flow's, perhaps while this
/// looks at it: so the key is a copy, each field is read once, and what is not of the key any more is left alone.
///
/// # Safety
/// `key` is a key of the table's, and `flow` is the same; the other arguments are what the kernel calls a [`Visit`] with.
#[inline(always)]
unsafe fn visit(
    table: *mut c_void,
    key: *const c_void,
    flow: &FlowKey,
    entry: *const FlowEntry,
    progress: *mut Progress,
) {
    // SAFETY: the element stays readable while the program runs; so for the next two.
    let last_seen = unsafe { core::ptr::read_volatile(&raw const (*entry).last_seen) };
    // SAFETY: as above.
    let bits = unsafe { core::ptr::read_volatile(&raw const (*entry).bits) };
    // SAFETY: as above.
    let identity = unsafe { core::ptr::read_volatile(&raw const (*entry).identity) };
    if identity != flow.identity() {
        return;
    }
    let number = flow.interface();
    let Some(row) = maps::SWEEP_ROWS.get_ptr_mut(SweepRow::index(number)) else { return };
    // SAFETY: an element of an array map. Nobody else writes it while a sweep goes on, and there is one at a time.
    let row = unsafe { &mut *row };
    if row.number == number && row.slot == SweepRow::DETACHED {
        return;
    }
    let interface = match maps::INTERFACES.get(row.slot) {
        Some(interface) if row.number == number && interface.number == number => interface,
        _ => {
            // SAFETY: the caller's promise.
            unsafe { (*progress).strangers += 1 };
            return;
        }
    };
    // SAFETY: the caller's promise.
    let idle = age(unsafe { (*progress).tick }, last_seen);
    let limit = timeout(flow.family, flow.protocol(), FlowBits(bits), interface);
    if idle < u64::from(limit) {
        row.present += 1;
        return;
    }
    // SAFETY: the kernel's own map, and a key of it.
    if unsafe { bpf_map_delete_elem(table, key) } != 0 {
        row.present += 1;
        return;
    }
    row.ended += 1;
    if let Some(account) = maps::ALLOWANCES.get_ptr_mut(interface.allowance) {
        // SAFETY: an element of an array map.
        let ended = unsafe { &raw mut (*account).ended };
        // SAFETY: as above; the field is aligned.
        unsafe { atomic::add(ended, 1) };
    }
}
