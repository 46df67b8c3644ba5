//! Frames in and out of order, on the kernel.

use sg_tests::harness::frames::{cases, check_case, world};
use sg_userspace::dataplane::Dataplane;

use super::kernel_plane::Kernel;

#[test]
fn odd_frames_end_for_their_own_reason() {
    let mut kernel = Kernel::load();
    let (world, slot) = world();
    for case in cases() {
        let _ = kernel.plane();
        kernel.set_world(&world).unwrap();
        let before = kernel.frames();
        match kernel.run_frame(slot, &case.frame) {
            Some(outcome) => {
                check_case(&case, &outcome.judgements);
                assert_eq!(kernel.frames() - before, 1, "{}", case.what);
            }
            // `BPF_PROG_TEST_RUN` itself refuses IP without a whole header.
            None => assert!(case.what.contains("header") && case.frame.len() < 54, "{}", case.what),
        }
    }
}
