//! Any bytes as form bodies of the EC2 API.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sg_tests::harness::fuzz::forms(bytes));
