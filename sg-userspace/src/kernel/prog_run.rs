//! Frames through a program, unattached: `BPF_PROG_TEST_RUN`.

use std::time::Duration;

use anyhow::{Context, Result};
use aya::programs::{ProgramError, SchedClassifier, TestRun, TestRunOptions};
use aya::{Ebpf, TestRunResult};

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
    match kind {
        ProgramKind::Classifier => {
            run_classifier(object::classifier(object, program)?, link_index, frame, repeat)
        }
        ProgramKind::Xdp => {
            let mut xdp = [0u8; XDP_BYTES];
            let link = link_index.to_ne_bytes();
            let length = u32::try_from(frame.len()).context("a frame of more than 4 GiB")?;
            xdp[XDP_DATA_END..XDP_DATA_END + 4].copy_from_slice(&length.to_ne_bytes());
            xdp[XDP_IFINDEX..XDP_IFINDEX + link.len()].copy_from_slice(&link);
            let program = object::xdp(object, program)?;
            outcome(program.test_run(TestRunOptions { ctx_in: Some(&xdp), ..options(frame, repeat) }))
        }
    }
}

/// A frame through a TCX program so many times.
fn run_classifier(program: &SchedClassifier, link_index: u32, frame: &[u8], repeat: u32) -> Result<Run> {
    let mut skb = [0u8; SKB_BYTES];
    let link = link_index.to_ne_bytes();
    skb[SKB_IFINDEX..SKB_IFINDEX + link.len()].copy_from_slice(&link);
    outcome(program.test_run(TestRunOptions { ctx_in: Some(&skb), ..options(frame, repeat) }))
}

fn options(frame: &[u8], repeat: u32) -> TestRunOptions<'_> {
    TestRunOptions { data_in: Some(frame), repeat, ..TestRunOptions::new() }
}

fn outcome(result: Result<TestRunResult, ProgramError>) -> Result<Run> {
    let result = result.context("BPF_PROG_TEST_RUN refused the frame")?;
    Ok(Run { action: result.return_value, took: result.duration })
}

/// The program of TCX ingress in another's hands: it runs frames on its thread while the data plane changes.
pub struct Prober {
    program: SchedClassifier,
}

impl Prober {
    /// A handle of its own on the program that the object has loaded.
    ///
    /// # Errors
    /// Where the kernel refuses one.
    pub fn of(object: &mut Ebpf) -> Result<Self> {
        let info = object::classifier(object, object::FROM_LINK)?.info()?;
        Ok(Self { program: SchedClassifier::from_program_info(info, object::FROM_LINK.into())? })
    }

    /// Runs a frame once, as if it came by a link of the thread's network namespace. What the program returned.
    ///
    /// # Errors
    /// As [`from_link`].
    pub fn run(&self, link_index: u32, frame: &[u8]) -> Result<u32> {
        run_classifier(&self.program, link_index, frame, 1).map(|run| run.action)
    }
}
