//! The fuzz targets on their corpus, and on what once made them fail.

use sg_tests::harness::fuzz::{TARGETS, corpus};

#[test]
fn every_kept_input_is_taken_or_refused_in_good_order() {
    for (name, target) in TARGETS {
        for (path, bytes) in corpus(name) {
            // A failure names no file by itself.
            let ran = std::panic::catch_unwind(|| target(&bytes));
            assert!(ran.is_ok(), "{}", path.display());
        }
    }
}
