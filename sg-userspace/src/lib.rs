//! `sgsim` as a library, in reading order: AWS's objects, the commands that change them, the three evaluators, the
//! compiler between model and data plane, what runs a lab, and what people and programs see of it.
//!
//! Data flows one way: `command` changes `aws::World`, `compile` turns it into map writes, a data plane applies them.
//! `oracle` knows only `aws`, `packet` and the vocabulary of `dataplane`.

pub mod analysis;
pub mod aws;
pub mod cli;
pub mod command;
pub mod compile;
pub mod controller;
pub mod dataplane;
pub mod durable;
pub mod ec2;
pub mod flow_log;
pub mod hash;
pub mod import;
#[cfg(feature = "kernel")]
pub mod kernel;
pub mod lab;
pub mod metadata;
pub mod oracle;
pub mod packet;
pub mod report;
pub mod scenario;
pub mod serve;
pub mod store;
