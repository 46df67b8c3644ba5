//! Tests that need no root: `cargo test` runs them for anyone.

mod packet;
mod semantics;
