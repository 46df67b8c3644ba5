//! Tests that need no root: `cargo test` runs them for anyone.

mod command;
mod lab_file;
mod packet;
mod semantics;
