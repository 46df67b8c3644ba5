//! How many connections the interfaces of one instance may track at a time (C-26).

/// One instance's allowance, at the slot of its primary interface. Kernel and controller both write it, each counter only
/// ever by atomic additions.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AllowanceRecord {
    /// Entries ever made, less those that could not be made after all.
    pub admitted: u64,
    /// Entries that are gone. `admitted` less this is what is tracked now.
    pub ended: u64,
    /// Packets denied because the allowance was used up: AWS's `conntrack_allowance_exceeded` (C-27).
    pub exceeded: u64,
    /// The allowance.
    pub limit: u64,
}

const _: () = assert!(size_of::<AllowanceRecord>() == 32);

impl AllowanceRecord {
    /// Entries now. Both counters may have gone round; between two of a CPU's additions the difference may be below zero.
    pub const fn in_use(&self) -> u64 {
        let difference = self.admitted.wrapping_sub(self.ended);
        if difference > i64::MAX as u64 { 0 } else { difference }
    }

    /// AWS's `conntrack_allowance_available` (C-27).
    pub const fn available(&self) -> u64 {
        self.limit.saturating_sub(self.in_use())
    }
}
