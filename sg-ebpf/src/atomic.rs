//! Atomic additions to map memory.
//!
//! The BPF target has them as instructions but, having no compare-and-swap on its oldest CPU version, offers no
//! `fetch_*` methods; so the instructions are written out.

use core::arch::asm;

/// Adds to a number that other CPUs add to as well.
///
/// # Safety
/// `number` points to an aligned `u64` in a map element that is valid while the program runs.
#[inline(always)]
pub(crate) unsafe fn add(number: *mut u64, value: u64) {
    // SAFETY: the caller's promise; one instruction.
    unsafe { asm!("lock *(u64 *)({0} + 0) += {1}", in(reg) number, in(reg) value, options(nostack)) };
}

/// [`add`], and what the number was before.
///
/// # Safety
/// As for [`add`].
#[inline(always)]
pub(crate) unsafe fn fetch_add(number: *mut u64, value: u64) -> u64 {
    let mut before = value;
    // SAFETY: the caller's promise; one instruction.
    unsafe {
        asm!("{0} = atomic_fetch_add((u64 *)({1} + 0), {0})", inout(reg) before, in(reg) number, options(nostack))
    };
    before
}

/// [`set_bits`] in a number of 64 bits.
///
/// # Safety
/// As for [`add`].
#[inline(always)]
pub(crate) unsafe fn set_bits64(number: *mut u64, bits: u64) {
    // SAFETY: the caller's promise; one instruction.
    unsafe { asm!("lock *(u64 *)({0} + 0) |= {1}", in(reg) number, in(reg) bits, options(nostack)) };
}

/// Sets bits in a number in which other CPUs set bits as well.
///
/// # Safety
/// `number` points to an aligned `u32` in a map element that is valid while the program runs.
#[inline(always)]
pub(crate) unsafe fn set_bits(number: *mut u32, bits: u32) {
    // SAFETY: the caller's promise; one instruction.
    unsafe { asm!("lock *(u32 *)({0} + 0) |= {1}", in(reg) number, in(wreg) bits, options(nostack)) };
}
