//! The rootless tier: everything that a plain `cargo test` can check.

mod command;
mod lab_file;
