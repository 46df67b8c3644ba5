//! Any bytes as frames on the links of a small lab.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| { sg_tests::harness::fuzz::frames(bytes) });
