//! Where policies lie in the memory that the programs read: content-addressed, counted, never moved.
//!
//! A policy is written whole into free words before any slot points at it, and its words are used again only after a
//! grace period, so no packet sees half of one. Should one look all the same, the generation in its locator no longer
//! matches the one in the words.

use std::collections::{BTreeMap, VecDeque};

use foldhash::HashMap;
use sg_common::abi::policy::{CHUNK_GRANULES, GRANULE_WORDS, Locator, WORD_GENERATION, WORD_LENGTH};

use super::words::Words;

/// The memory that an arena manages, in words over all chunks.
pub trait PolicyMemory {
    /// Chunks.
    fn chunks(&self) -> u32;
    /// One word.
    fn read(&self, word: usize) -> u32;
    /// Writes words.
    fn write(&mut self, word: usize, words: &[u32]);
    /// Waits until nobody reads any more what was retired before.
    fn settle(&mut self);
}

/// No free run of words is long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy memory is full: no free run of {words} words; fewer distinct sets of groups would fit")]
pub struct ArenaFull {
    words: usize,
}

/// The allocator.
#[derive(Debug, Default)]
pub struct Arena {
    /// By what they say.
    placed: HashMap<Words, Locator>,
    /// By where they are, and how many uses each has.
    uses: HashMap<u32, (Words, u32)>,
    /// Granules in use: first to count. Everything else is free.
    used: BTreeMap<u32, u32>,
    /// Freed, and when.
    retired: VecDeque<(u64, u32)>,
    generation: u32,
}

/// After this long no running program can still read a retired policy, ms.
pub const GRACE_MS: u64 = 1_000;

impl Arena {
    /// An arena that takes over what slots already point at; `locators` may repeat.
    pub fn adopt(memory: &dyn PolicyMemory, locators: impl Iterator<Item = Locator>) -> Self {
        let mut arena = Self::default();
        for locator in locators.filter(|locator| locator.0 != 0) {
            if arena.uses.contains_key(&locator.0) {
                arena.hold(locator);
                continue;
            }
            let start = word_of(locator.granule());
            let length = memory.read(start + WORD_LENGTH as usize) as usize;
            let mut words: Vec<u32> = (start..start + length).map(|word| memory.read(word)).collect();
            if let Some(word) = words.get_mut(WORD_GENERATION as usize) {
                *word = 0;
            }
            arena.generation = arena.generation.max(locator.generation());
            arena.used.insert(locator.granule(), granules(length));
            let policy: Words = words.into();
            arena.uses.insert(locator.0, (policy.clone(), 1));
            arena.placed.insert(policy, locator);
        }
        arena
    }

    /// Whether so many policies of at most so many words are sure to find places, whatever the order.
    pub fn has_room(
        &mut self,
        memory: &mut dyn PolicyMemory,
        policies: usize,
        words: usize,
        now_ms: u64,
    ) -> bool {
        let length = granules(words);
        self.reclaim(now_ms);
        if self.places(memory.chunks(), length) >= policies {
            return true;
        }
        memory.settle();
        self.reclaim(u64::MAX);
        self.places(memory.chunks(), length) >= policies
    }

    /// How many policies of a length fit. As many shorter ones do: where one finds no place, every free run is shorter than it,
    /// and so has taken as many as its own length has room for.
    fn places(&self, chunks: u32, length: u32) -> usize {
        let in_run = |start: u32, end: u32| {
            let in_chunk = |chunk: u32| {
                let (first, last) = (chunk * CHUNK_GRANULES, (chunk + 1) * CHUNK_GRANULES);
                end.min(last).saturating_sub(start.max(first)) / length.max(1)
            };
            (start / CHUNK_GRANULES..end.div_ceil(CHUNK_GRANULES)).map(in_chunk).sum::<u32>()
        };
        let (mut free_from, mut places) = (0, 0);
        for (&used, &count) in &self.used {
            places += in_run(free_from, used);
            free_from = used + count;
        }
        (places + in_run(free_from, chunks * CHUNK_GRANULES)) as usize
    }

    /// The place of a policy, written if it is new. Counts one more use.
    ///
    /// # Errors
    /// Where no free run is long enough.
    pub fn place(
        &mut self,
        memory: &mut dyn PolicyMemory,
        policy: &Words,
        now_ms: u64,
    ) -> Result<Locator, ArenaFull> {
        if let Some(&locator) = self.placed.get(policy) {
            self.hold(locator);
            return Ok(locator);
        }
        self.reclaim(now_ms);
        let length = granules(policy.len());
        let granule = match self.find(memory.chunks(), length) {
            Some(granule) => granule,
            // Much was replaced within the grace period. To wait is dear, and exact.
            None => {
                memory.settle();
                self.reclaim(u64::MAX);
                self.find(memory.chunks(), length).ok_or(ArenaFull { words: policy.len() })?
            }
        };
        self.generation = if self.generation + 1 < Locator::GENERATIONS { self.generation + 1 } else { 1 };
        let locator = Locator::new(self.generation, granule);
        let start = word_of(granule);
        // The generation last: until it is there, the words belong to no locator.
        memory.write(start, &[0]);
        memory.write(start + 1, &policy[1..]);
        memory.write(start + WORD_GENERATION as usize, &[self.generation]);
        self.used.insert(granule, length);
        self.uses.insert(locator.0, (policy.clone(), 1));
        self.placed.insert(policy.clone(), locator);
        Ok(locator)
    }

    /// Counts one more use of what has its place.
    pub fn hold(&mut self, locator: Locator) {
        if let Some((_, count)) = self.uses.get_mut(&locator.0) {
            *count += 1;
        }
    }

    /// Words in use, in whole granules.
    pub fn words_in_use(&self) -> u64 {
        self.used.values().map(|granules| u64::from(*granules) * u64::from(GRANULE_WORDS)).sum()
    }

    /// Counts one use less; after the last, the words are retired.
    pub fn release(&mut self, locator: Locator, now_ms: u64) {
        let Some((_, count)) = self.uses.get_mut(&locator.0) else { return };
        *count -= 1;
        if *count == 0 {
            if let Some((policy, _)) = self.uses.remove(&locator.0) {
                // An adopted arena may have the same words twice.
                if self.placed.get(&policy) == Some(&locator) {
                    self.placed.remove(&policy);
                }
            }
            self.retired.push_back((now_ms, locator.granule()));
        }
    }

    fn reclaim(&mut self, now_ms: u64) {
        while let Some(&(retired_at, granule)) = self.retired.front() {
            if now_ms.saturating_sub(retired_at) < GRACE_MS {
                break;
            }
            self.used.remove(&granule);
            self.retired.pop_front();
        }
    }

    /// First fit. A policy does not cross chunks.
    fn find(&self, chunks: u32, length: u32) -> Option<u32> {
        let fits_at = |start: u32, end: u32| {
            let chunk_end = (start / CHUNK_GRANULES + 1) * CHUNK_GRANULES;
            let start = if start + length > chunk_end { chunk_end } else { start };
            (start + length <= end).then_some(start)
        };
        let mut free_from = 0;
        for (&used, &count) in &self.used {
            if let Some(start) = fits_at(free_from, used) {
                return Some(start);
            }
            free_from = used + count;
        }
        fits_at(free_from, chunks * CHUNK_GRANULES)
    }
}

fn granules(words: usize) -> u32 {
    u32::try_from(words.div_ceil(GRANULE_WORDS as usize)).unwrap_or(u32::MAX)
}

fn word_of(granule: u32) -> usize {
    granule as usize * GRANULE_WORDS as usize
}
