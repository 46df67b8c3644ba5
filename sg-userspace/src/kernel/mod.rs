//! The kernel data plane: the BPF programs, their maps and their links. The only directory that knows aya.
//!
//! What is pinned (below a bpffs directory of the controller's own) enforces on without this process; a later one adopts
//! it. Without a directory nothing is pinned and everything goes when the value is dropped.

pub mod allowance;
pub mod attach;
pub mod audit;
mod batch;
pub mod bpffs;
mod change;
pub mod dataplane;
pub mod enforcer;
pub mod events;
pub mod fill;
pub mod floor;
pub mod flow_log;
pub mod flows;
mod iterate;
pub mod maps;
pub mod measure;
pub mod memory;
pub mod object;
pub mod prog_run;
pub mod steps;
pub mod sweep;
pub mod sweep_in_kernel;
