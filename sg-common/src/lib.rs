//! What the kernel and user space share: the records in the maps (`abi`) and the pure decision functions (`datapath`).
//!
//! No allocation, no I/O, no clock, no dependency. The same functions run as BPF in the kernel and in the host data plane.

#![cfg_attr(not(test), no_std)]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]
#![deny(unsafe_code)]

pub mod abi;
pub mod datapath;
#[cfg(feature = "user")]
mod pod;
