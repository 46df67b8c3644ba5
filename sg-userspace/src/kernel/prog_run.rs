//! Frames through a program, unattached: `BPF_PROG_TEST_RUN`.

use std::time::Duration;

use anyhow::{Context, Result};
use aya::Ebpf;
use aya::programs::{TestRun, TestRunOptions};

use super::object;

/// Bytes of `__sk_buff` up to and including `ifindex`; the kernel takes a shorter context as zero from there on.
const SKB_BYTES: usize = 192;
/// Offset of `ifindex` in `__sk_buff`.
const SKB_IFINDEX: usize = 40;
/// Bytes of `xdp_md`.
const XDP_BYTES: usize = 24;
/// Offset of `data_end` in `xdp_md`.
const XDP_DATA_END: usize = 4;
/// Offset of `ingress_ifindex` in `xdp_md`.
const XDP_IFINDEX: usize = 12;

/// A program's hook, which says what it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramKind {
    /// TCX: a socket buffer.
    Classifier,
    /// XDP: a frame.
    Xdp,
}

/// What became of a frame that was run through a program again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// What the program returned the last time.
    pub action: u32,
    /// Of one run, by the kernel's own clock, in whole nanoseconds.
    pub took: Duration,
}

/// Runs what a link's instance sends. The link must exist in the current network namespace.
///
/// # Errors
/// Where the kernel refuses the run; a verdict is not an error.
pub fn from_link(object: &mut Ebpf, link_index: u32, frame: &[u8]) -> Result<u32> {
    run(object, ProgramKind::Classifier, object::FROM_LINK, link_index, frame, 1).map(|run| run.action)
}

/// Runs a frame through a program so many times, as if it came by a link of the current network namespace.
///
/// # Errors
/// As [`from_link`], and where the object has no such program.
pub fn run(
    object: &mut Ebpf,
    kind: ProgramKind,
    program: &str,
    link_index: u32,
    frame: &[u8],
    repeat: u32,
) -> Result<Run> {
    let (mut skb, mut xdp) = ([0u8; SKB_BYTES], [0u8; XDP_BYTES]);
    let link = link_index.to_ne_bytes();
    let options = TestRunOptions { data_in: Some(frame), repeat, ..TestRunOptions::new() };
    let result = match kind {
        ProgramKind::Classifier => {
            skb[SKB_IFINDEX..SKB_IFINDEX + link.len()].copy_from_slice(&link);
            let options = TestRunOptions { ctx_in: Some(&skb), ..options };
            object::classifier(object, program)?.test_run(options)
        }
        ProgramKind::Xdp => {
            let length = u32::try_from(frame.len()).context("a frame of more than 4 GiB")?;
            xdp[XDP_DATA_END..XDP_DATA_END + 4].copy_from_slice(&length.to_ne_bytes());
            xdp[XDP_IFINDEX..XDP_IFINDEX + link.len()].copy_from_slice(&link);
            let options = TestRunOptions { ctx_in: Some(&xdp), ..options };
            object::xdp(object, program)?.test_run(options)
        }
    };
    let result = result.context("BPF_PROG_TEST_RUN refused the frame")?;
    Ok(Run { action: result.return_value, took: result.duration })
}
