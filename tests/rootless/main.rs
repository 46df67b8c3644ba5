//! The rootless tier: everything that a plain `cargo test` can check.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail it by panicking")]

mod cli;
mod command;
mod controller;
mod lab_file;
mod packet;
mod semantics;
mod store;
