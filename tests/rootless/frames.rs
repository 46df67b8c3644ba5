//! Frames in and out of order, on the host data plane: the code that the kernel's programs are made of.

use sg_tests::harness::frames::{cases, check_case, world};
use sg_userspace::dataplane::Dataplane;
use sg_userspace::dataplane::host::HostDataplane;

#[test]
fn odd_frames_end_for_their_own_reason() {
    let (world, slot) = world();
    for case in cases() {
        let mut host = HostDataplane::new();
        host.set_world(&world).unwrap();
        check_case(&case, &host.judge_frame(slot, &case.frame).judgements);
    }
}
