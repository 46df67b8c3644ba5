//! Packets as values: what a scenario sends, how it becomes bytes, how it is shown.

pub mod build;
pub mod spec;
