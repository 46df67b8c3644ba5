//! What the test binaries share: named addresses, small worlds, scripts, and scenarios made at random.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a failed test is the only error there is here")]

pub mod harness;
