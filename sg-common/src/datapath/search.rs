//! In which interval does a key fall: the one search behind every table of a compiled policy.
//!
//! A textbook binary search branches on every comparison, and the verifier would walk both ways of each: 2^n paths. This
//! one has a fixed number of steps and selects with arithmetic, behind a barrier that keeps the compiler from turning
//! the arithmetic back into branches.

use crate::abi::address::Address;

/// The words of a policy, relative to its start. Reading beyond its end gives an arbitrary word, never a fault.
pub trait Words {
    /// The word at this index.
    fn word(&self, index: u32) -> u32;
}

/// Hides a value's origin from the optimiser. Before a shift it keeps the shift from becoming a comparison; after it, the
/// result from being taken for a truth value.
#[cfg(target_arch = "bpf")]
#[inline(always)]
#[allow(unsafe_code, reason = "only an asm block stops the optimiser without going through memory")]
fn opaque(mut value: u64) -> u64 {
    // One move: the kernel refuses line information of an asm block without instructions.
    // SAFETY: copies a register to itself.
    unsafe {
        core::arch::asm!("{0} = {0}", inout(reg) value, options(pure, nomem, nostack, preserves_flags))
    };
    value
}

/// Hides a value's origin from the optimiser; on the host there is no need.
#[cfg(not(target_arch = "bpf"))]
#[inline(always)]
fn opaque(value: u64) -> u64 {
    value
}

/// 1 if `a < b`, else 0, for values below 2^63.
#[inline(always)]
fn below(a: u64, b: u64) -> u64 {
    opaque(opaque(a.wrapping_sub(b)) >> 63)
}

/// 1 if `a - b - borrowed` borrows, else 0, for any values: `a < b` where nothing was borrowed before.
#[inline(always)]
fn borrow(a: u64, b: u64, borrowed: u64) -> u64 {
    let difference = a.wrapping_sub(b).wrapping_sub(borrowed);
    opaque(opaque((!a & b) | ((!a | b) & difference)) >> 63)
}

/// Index of the last of `count` sorted bounds at `base` that is at most `key`; the first bound is 0. `count` is less than
/// 2^STEPS.
#[inline(always)]
pub fn search<const STEPS: u32, W: Words>(words: &W, base: u32, count: u32, key: u32) -> u32 {
    let mut position: u64 = 0;
    let mut step = 1u64 << (STEPS - 1);
    while step > 0 {
        let candidate = position + step;
        let bound = words.word(base.wrapping_add(candidate as u32));
        let inside = below(candidate, u64::from(count));
        let reached = below(u64::from(bound), u64::from(key) + 1);
        position += step & 0u64.wrapping_sub(inside & reached);
        // Opaque, so that the loop stays a loop: unrolled it needs more stack than there is.
        step = opaque(step >> 1);
    }
    position as u32
}

/// [`search`] over 128-bit bounds of four words each, most significant word first.
#[inline(always)]
pub fn search_wide<const STEPS: u32, W: Words>(words: &W, base: u32, count: u32, key: Address) -> u32 {
    let mut position: u64 = 0;
    let mut step = 1u64 << (STEPS - 1);
    while step > 0 {
        let candidate = position + step;
        // Opaque, so that it is one value and not one for each of the four words.
        let at = opaque(u64::from(base.wrapping_add((candidate as u32).wrapping_mul(4)))) as u32;
        let high = u64::from(words.word(at)) << 32 | u64::from(words.word(at.wrapping_add(1)));
        let low = u64::from(words.word(at.wrapping_add(2))) << 32 | u64::from(words.word(at.wrapping_add(3)));
        let inside = below(candidate, u64::from(count));
        // bound <= key, that is, key - bound does not borrow.
        let beyond = borrow(key.high, high, borrow(key.low, low, 0));
        position += step & 0u64.wrapping_sub(inside & (1 ^ beyond));
        // Opaque, so that the loop stays a loop: unrolled it needs more stack than there is.
        step = opaque(step >> 1);
    }
    position as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Words for Vec<u32> {
        fn word(&self, index: u32) -> u32 {
            self.get(index as usize).copied().unwrap_or(0xdead_beef)
        }
    }

    #[test]
    fn finds_the_interval_of_every_key() {
        for count in 1..=31u32 {
            let bounds: Vec<u32> = (0..count).map(|i| i * 10).collect();
            for key in 0..count * 10 + 5 {
                assert_eq!(
                    search::<5, _>(&bounds, 0, count, key),
                    (key / 10).min(count - 1),
                    "{count} {key}"
                );
            }
            assert_eq!(search::<5, _>(&bounds, 0, count, u32::MAX), count - 1);
        }
    }

    #[test]
    fn finds_the_interval_of_wide_keys() {
        let numbers: [u128; 5] = [0, 1, 1 << 63, 1 << 64, u128::MAX];
        let bounds: Vec<u32> =
            numbers.iter().flat_map(|n| [96, 64, 32, 0].map(|shift| (n >> shift) as u32)).collect();
        for (index, number) in numbers.iter().enumerate() {
            let check = |number: u128, expected: usize| {
                let key = Address::v6(number.to_be_bytes());
                assert_eq!(search_wide::<4, _>(&bounds, 0, 5, key), expected as u32, "{number:x}");
            };
            check(*number, index);
            if index > 1 {
                check(number - 1, index - 1);
            }
        }
    }
}
