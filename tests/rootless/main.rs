//! Tests that need no root: `cargo test` runs them for anyone.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a failed test is the only error there is here")]

mod agreement;
mod analysis;
mod cli;
mod command;
mod controller;
mod ec2;
mod flow_logs;
mod frames;
mod fuzz;
mod import;
mod incremental;
mod lab_file;
mod metadata;
mod packet;
mod semantics;
mod serve;
mod store;
mod trace;
