//! Every program passes the verifier.

use sg_userspace::kernel::attach::Hook;
use sg_userspace::kernel::dataplane::KernelDataplane;

#[test]
fn every_program_passes_the_verifier() {
    super::require_root();
    let kernel =
        KernelDataplane::load(None, 1_000_000, Hook::Tcx).unwrap_or_else(|error| panic!("{error:#}"));
    assert!(!kernel.is_adopted());
}
