//! `sgsim` as a library, in reading order: AWS's objects, the commands that change them, the three evaluators, the
//! compiler between model and data plane, and what runs a lab.
//!
//! Data flows one way: `command` changes `aws::World`, `compile` turns it into map writes, a data plane applies them.
//! `oracle` knows only `aws` and `packet`.

pub mod aws;
pub mod compile;
pub mod dataplane;
pub mod oracle;
#[cfg(feature = "kernel")]
pub mod kernel;
pub mod packet;
pub mod scenario;
