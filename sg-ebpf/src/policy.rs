//! Policies in their chunks, and their tables as functions that the verifier checks once.
//!
//! A global BPF function is verified by itself, for any arguments, and its callers see an unknown number come back. So
//! these take numbers only and find the chunk again, which costs two instructions; without them every path of a judgement
//! would be verified through every search, and the searches of sixteen groups alone pass the verifier's limit.

use sg_common::abi::address::Address;
use sg_common::abi::policy::{CHUNK_WORDS, Extent, Locator};
use sg_common::datapath::rules::{
    NO_RANK, PolicyTables, ports_of_group, ports_of_ipv4, ports_of_ipv6, rank_in,
};
use sg_common::datapath::search::Words;

use crate::maps::POLICY_WORDS;

/// A policy in its chunk.
pub(crate) struct PolicyInChunk {
    chunk: *const u32,
    locator: Locator,
}

impl PolicyInChunk {
    /// The policy at a locator; `None` beyond the array.
    #[inline(always)]
    pub(crate) fn at(locator: Locator) -> Option<Self> {
        let chunk = POLICY_WORDS.get_ptr(locator.chunk())?;
        Some(Self { chunk: chunk.cast(), locator })
    }
}

impl Words for PolicyInChunk {
    #[inline(always)]
    fn word(&self, index: u32) -> u32 {
        let at = (self.locator.word().wrapping_add(index) & (CHUNK_WORDS - 1)) as usize;
        // SAFETY: masked to the chunk, which is an element of an array map.
        let word = unsafe { self.chunk.add(at) };
        // SAFETY: as above; volatile, because the controller may use the words again meanwhile.
        unsafe { core::ptr::read_volatile(word) }
    }
}

impl PolicyTables for PolicyInChunk {
    #[inline(always)]
    fn rank_in(&self, ports: Extent, key: u32) -> u32 {
        sg_rank_in(self.locator.0, ports.0, key)
    }

    #[inline(always)]
    fn ports_of_ipv4(&self, address: u32) -> Extent {
        Extent(sg_ports_of_ipv4(self.locator.0, address))
    }

    #[inline(always)]
    fn ports_of_ipv6(&self, address: Address) -> Extent {
        Extent(sg_ports_of_ipv6(self.locator.0, address.high, address.low))
    }

    #[inline(always)]
    fn ports_of_group(&self, group: u32) -> Extent {
        Extent(sg_ports_of_group(self.locator.0, group))
    }
}

#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn sg_rank_in(locator: u32, ports: u32, key: u32) -> u32 {
    match PolicyInChunk::at(Locator(locator)) {
        Some(policy) => rank_in(&policy, Extent(ports), key),
        None => NO_RANK,
    }
}

#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn sg_ports_of_ipv4(locator: u32, address: u32) -> u32 {
    match PolicyInChunk::at(Locator(locator)) {
        Some(policy) => ports_of_ipv4(&policy, address).0,
        None => 0,
    }
}

#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn sg_ports_of_ipv6(locator: u32, high: u64, low: u64) -> u32 {
    match PolicyInChunk::at(Locator(locator)) {
        Some(policy) => ports_of_ipv6(&policy, Address { high, low }).0,
        None => 0,
    }
}

#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn sg_ports_of_group(locator: u32, group: u32) -> u32 {
    match PolicyInChunk::at(Locator(locator)) {
        Some(policy) => ports_of_group(&policy, group).0,
        None => 0,
    }
}
