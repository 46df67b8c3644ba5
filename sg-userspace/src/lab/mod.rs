//! Labs: the file that describes one, and what it becomes.

pub mod file;
pub mod plan;
