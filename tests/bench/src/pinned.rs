//! A thread kept on one processor.

use anyhow::{Context, Result};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// The calling thread, which stays on one processor until this is dropped; so do processes that it starts meanwhile.
pub(crate) struct Pinned {
    before: CpuSet,
}

impl Pinned {
    /// Moves the thread.
    pub(crate) fn to(processor: usize) -> Result<Self> {
        let this_thread = Pid::from_raw(0);
        let before = sched_getaffinity(this_thread)?;
        let mut processors = CpuSet::new();
        processors.set(processor)?;
        sched_setaffinity(this_thread, &processors)
            .with_context(|| format!("cannot have processor {processor}; two are needed"))?;
        Ok(Self { before })
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let _ = sched_setaffinity(Pid::from_raw(0), &self.before);
    }
}
