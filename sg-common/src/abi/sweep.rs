//! What the controller and the program that sweeps the flow tables tell each other.

use super::MAX_INTERFACES;

/// What to sweep, and what came of it. One element.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepOrder {
    /// As of when entries are judged.
    pub tick: u64,
    /// `TABLE_*`.
    pub table: u32,
    /// Zero; 1 once the program has been through the table.
    pub done: u32,
    /// Entries whose interface has no row, which were left alone.
    pub strangers: u64,
}

const _: () = assert!(size_of::<SweepOrder>() == 24);

impl SweepOrder {
    /// IPv4 flows without a reply.
    pub const TABLE_EMBRYONIC4: u32 = 0;
    /// IPv4 flows that have had a reply.
    pub const TABLE_FLOWS4: u32 = 1;
    /// IPv6 flows without a reply.
    pub const TABLE_EMBRYONIC6: u32 = 2;
    /// IPv6 flows that have had a reply.
    pub const TABLE_FLOWS6: u32 = 3;
    /// In this order: an entry moves from a table without replies to one with, so none is missed.
    pub const TABLES: [u32; 4] =
        [Self::TABLE_EMBRYONIC4, Self::TABLE_FLOWS4, Self::TABLE_EMBRYONIC6, Self::TABLE_FLOWS6];
}

/// What a sweep knows and counts of an interface.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepRow {
    /// Its number; 0 = no interface has this row.
    pub number: u32,
    /// Its slot; [`SweepRow::DETACHED`] = it has none now, and its entries are left alone.
    pub slot: u32,
    /// Entries that live, or could not be removed.
    pub present: u32,
    /// Entries that had ended and were removed.
    pub ended: u32,
}

const _: () = assert!(size_of::<SweepRow>() == 16);

impl SweepRow {
    /// Beyond all slots.
    pub const DETACHED: u32 = MAX_INTERFACES;

    /// Index of an interface's row, by its number. Two numbers may lead to one row, which then is one's: entries of the
    /// other are strangers.
    #[inline(always)]
    pub const fn index(number: u32) -> u32 {
        number % MAX_INTERFACES
    }
}
