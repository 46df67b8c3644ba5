//! The kernel judges as the oracle and the host do, on random worlds and packets.

use sg_tests::harness::agreement::check_agreement;
use sg_tests::harness::planes::{host, oracle};
use sg_tests::harness::regressions::check_kept;

use super::kernel_plane::Kernel;

/// Needs no root, but optimised code to be done soon, which this binary is made of.
#[test]
fn oracle_and_host_agree_on_a_million_steps() {
    check_agreement(|| [oracle(), host()], 1_000_000);
}

#[test]
fn oracle_and_kernel_agree() {
    let kernel = Kernel::load();
    check_agreement(|| [oracle(), kernel.plane()], 250_000);
}

#[test]
fn host_and_kernel_agree() {
    let kernel = Kernel::load();
    check_agreement(|| [host(), kernel.plane()], 250_000);
}

#[test]
fn kept_scenarios_agree() {
    let kernel = Kernel::load();
    check_kept(|| [oracle(), kernel.plane()]);
    check_kept(|| [host(), kernel.plane()]);
}

/// Every frame that enters a hook ends in exactly one counter.
#[test]
fn every_frame_is_counted_once() {
    let kernel = Kernel::load();
    let before = kernel.frames();
    let mut frames = 0;
    for length in [0, 1, 13, 14, 20, 34, 42, 54, 60, 86, 200, 1500] {
        for fill in [0x00, 0x08, 0x45, 0x60, 0x86, 0xff] {
            let mut frame = vec![fill; length.max(14)];
            for ethertype in [[0x08, 0x00], [0x08, 0x06], [0x86, 0xdd], [0x81, 0x00], [0x88, 0xcc]] {
                frame[12..14].copy_from_slice(&ethertype);
                for slot in [0, 3, sg_common::abi::INTERNET_SLOT] {
                    frames += u64::from(kernel.run_frame(slot, &frame).is_some());
                }
            }
        }
    }
    assert!(frames > 600, "the kernel took {frames} frames only");
    assert_eq!(kernel.frames() - before, frames);
}
