//! The harness, in reading order: addresses, worlds, the data planes under test, scripts and frames written by hand, scenarios made
//! at random, what holds two data planes against each other, scenarios that are kept, disks that lose power, accounts of some size,
//! and controllers and the program as a whole, with clients that load it.

pub mod address;
pub mod lab;
pub mod lab_file;
pub mod planes;
pub mod rule_text;
pub mod script;

pub mod flow_log;
pub mod frames;

pub mod twins;
pub mod universe;

pub mod network;

pub mod numbering;

pub mod traffic;

pub mod random;

pub mod agreement;

pub mod regressions;

pub mod backing;
pub mod fuzz;

pub mod walk;

#[cfg(feature = "privileged")]
pub mod kernel_plane;

pub mod account;
pub mod dice;

pub mod medium;

pub mod place;

pub mod program;

pub mod endpoint;
pub mod http;
pub mod signer;

pub mod query;

mod books;
pub mod tenant;

pub mod latency;

pub mod aws_clients;
