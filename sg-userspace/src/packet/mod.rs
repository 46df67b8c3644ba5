//! Packets as values: what a scenario sends, how it becomes bytes, how it is shown and read.

pub mod build;
pub mod describe;
pub mod spec;
pub mod text;
