//! What applies to the whole data plane. One element of an array map.

/// Settings, written by the controller.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// [`super::ABI_VERSION`] of the programs; 0 = not set up, which denies everything.
    pub abi_version: u32,
    /// Link index of slot 0; slot s is link `link_base + s`.
    pub link_base: u32,
    /// 1 = packets are delivered without being judged, for measuring.
    pub enforcement_off: u32,
    /// 1 = packets that the filter means are marked, and their steps told.
    pub tracing: u32,
    /// Added to the kernel's monotonic clock, ns, so that tests and demonstrations can pass days in a moment.
    pub clock_offset_ns: u64,
    /// The window that flow logs count in now; only grows.
    pub flow_log_epoch: u32,
    /// Zero.
    pub reserved: u32,
    /// When it began: Unix seconds, the clock's offset included. For the controller, who may die.
    pub flow_log_start: u64,
}

const _: () = assert!(size_of::<Settings>() == 40);

/// A tick is 2^20 ns, about a millisecond: a shift instead of a division per packet.
pub const TICK_SHIFT: u32 = 20;

/// A moment in ticks.
#[inline(always)]
pub const fn tick_of(nanoseconds: u64) -> u64 {
    nanoseconds >> TICK_SHIFT
}

/// A duration in ticks, rounded down.
pub const fn ticks(seconds: u32) -> u32 {
    ((seconds as u64 * 1_000_000_000) >> TICK_SHIFT) as u32
}
