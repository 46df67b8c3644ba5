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

/// Counts a verdict that could not be reported.
#[inline(always)]
pub(crate) fn lost_event() {
    lost(0);
}

/// Counts a step that could not be told.
#[inline(always)]
pub(crate) fn lost_step() {
    lost(1);
}

#[inline(always)]
fn lost(index: u32) {
    if let Some(counter) = EVENTS_LOST.get_ptr_mut(index) {
        // SAFETY: a map element of this CPU, valid while the program runs.
        unsafe { *counter += 1 };
    }
}
