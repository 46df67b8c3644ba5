//! The harness, in reading order: addresses, worlds, the data planes under test, scripts and frames written by hand, scenarios made
//! at random, what holds two data planes against each other, and scenarios that are kept.

pub mod address;
pub mod lab;
pub mod lab_file;
pub mod planes;
pub mod rule_text;
pub mod script;

pub mod frames;

pub mod universe;

pub mod network;

pub mod traffic;

pub mod random;

pub mod agreement;

pub mod regressions;

pub mod fuzz;

pub mod walk;

#[cfg(feature = "privileged")]
pub mod kernel_plane;
