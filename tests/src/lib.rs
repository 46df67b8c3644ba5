//! What the test binaries share: named addresses, small worlds, scripts, and scenarios made at random.

#![forbid(unsafe_code)]

pub mod harness;
