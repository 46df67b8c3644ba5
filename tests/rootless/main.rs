//! Tests that need no root: `cargo test` runs them for anyone.

mod agreement;
mod packet;
mod semantics;
