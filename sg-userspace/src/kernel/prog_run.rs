//! One frame through the program, unattached: `BPF_PROG_TEST_RUN`.

use anyhow::{Context, Result};
use aya::Ebpf;
use aya::programs::{TestRun, TestRunOptions};

use super::object;

/// Bytes of `__sk_buff` up to and including `ifindex`; the kernel takes a shorter context as zero from there on.
const CONTEXT_BYTES: usize = 192;
/// Offset of `ifindex` in `__sk_buff`.
const IFINDEX_OFFSET: usize = 40;

/// Runs what a link's instance sends. The link must exist in the current network namespace.
///
/// # Errors
/// Where the kernel refuses the run; a verdict is not an error.
pub fn from_link(object: &mut Ebpf, link_index: u32, frame: &[u8]) -> Result<u32> {
    let program = object::classifier(object, object::FROM_LINK)?;
    let mut context = [0u8; CONTEXT_BYTES];
    context[IFINDEX_OFFSET..IFINDEX_OFFSET + 4].copy_from_slice(&link_index.to_ne_bytes());
    let options = TestRunOptions { data_in: Some(frame), ctx_in: Some(&context), ..TestRunOptions::new() };
    let result = program.test_run(options).context("BPF_PROG_TEST_RUN refused the frame")?;
    Ok(result.return_value)
}
