//! Any bytes as request lines, commands and a lab file.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| { sg_tests::harness::fuzz::commands(bytes) });
