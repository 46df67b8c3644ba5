//! The counters. Per CPU, so a plain increment is enough: BPF programs on one CPU do not interrupt each other here.

use sg_common::abi::verdict::counter_index;
use sg_common::datapath::forward::Fate;

use crate::maps::{COUNTERS_BY_REASON, EVENTS_LOST};

/// Counts a frame under its fate.
#[inline(always)]
pub(crate) fn frame(fate: &Fate) {
    if let Some(counter) = COUNTERS_BY_REASON.get_ptr_mut(counter_index(fate.direction, fate.reason)) {
        // SAFETY: a map element of this CPU, valid while the program runs.
        unsafe { *counter += 1 };
    }
}

/// Counts a lost event.
#[inline(always)]
pub(crate) fn lost_event() {
    if let Some(counter) = EVENTS_LOST.get_ptr_mut(0) {
        // SAFETY: a map element of this CPU, valid while the program runs.
        unsafe { *counter += 1 };
    }
}
