//! Array maps mapped into this process: policies are written, and slots flipped, without a system call.

use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use anyhow::{Context, Result};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// The elements of a `BPF_F_MMAPABLE` array, as one run of bytes.
pub struct MappedArray {
    start: NonNull<std::ffi::c_void>,
    bytes: usize,
}

// SAFETY: the mapping is this value's own; all access goes through atomics.
unsafe impl Send for MappedArray {}

impl MappedArray {
    /// Maps a whole array.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn map(map: impl AsFd, bytes: usize) -> Result<Self> {
        let length = NonZeroUsize::new(bytes).context("an array map has no elements")?;
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new shared mapping of a map's memory; nothing else is replaced.
        let start = unsafe { mmap(None, length, protection, MapFlags::MAP_SHARED, map, 0) }
            .context("cannot map a BPF array into memory")?;
        Ok(Self { start, bytes })
    }

    /// The 32-bit word at an index.
    pub fn word32(&self, index: usize) -> &AtomicU32 {
        assert!((index + 1) * size_of::<u32>() <= self.bytes, "word {index} is beyond the mapped array");
        // SAFETY: inside the mapping, as just asserted.
        let word = unsafe { self.start.cast::<u32>().add(index) };
        // SAFETY: aligned, since mappings start at a page; valid as long as `self`.
        unsafe { AtomicU32::from_ptr(word.as_ptr()) }
    }

    /// The 64-bit word at an index.
    pub fn word64(&self, index: usize) -> &AtomicU64 {
        assert!((index + 1) * size_of::<u64>() <= self.bytes, "word {index} is beyond the mapped array");
        // SAFETY: inside the mapping, as just asserted.
        let word = unsafe { self.start.cast::<u64>().add(index) };
        // SAFETY: aligned, since mappings start at a page; valid as long as `self`.
        unsafe { AtomicU64::from_ptr(word.as_ptr()) }
    }

    /// Stores words in order.
    pub fn store32(&self, index: usize, words: &[u32]) {
        for (at, &word) in (index..).zip(words) {
            self.word32(at).store(word, Ordering::Release);
        }
    }
}

impl Drop for MappedArray {
    fn drop(&mut self) {
        // SAFETY: the mapping that `map` made, and no reference outlives `self`.
        let _ = unsafe { munmap(self.start, self.bytes) };
    }
}
