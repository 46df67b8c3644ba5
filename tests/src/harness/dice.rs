//! Chance that can be had again: numbers that follow from a seed.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use super::agreement::from_environment;

/// Numbers from a seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    /// Those of a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    /// Those of the seed in `SGSIM_SEED`, or of a new one; says which, so that a failure can be had again.
    #[expect(clippy::print_stdout, reason = "the seed is the way back to a failure")]
    pub fn announced(what: &str) -> Self {
        let seed =
            from_environment("SGSIM_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
        println!("{what}: SGSIM_SEED={seed}");
        Self::new(seed)
    }

    /// What they follow from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }

    /// One of these, if there are any.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() { None } else { items.get(self.below(items.len())) }
    }
}
