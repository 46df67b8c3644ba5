//! The rootless tier: everything that a plain `cargo test` can check.

mod cli;
mod command;
mod controller;
mod lab_file;
mod packet;
mod semantics;
mod store;
