//! Real state in and out: what AWS's clients, CloudFormation and Terraform write about a network becomes a world, and a world
//! becomes what the AWS CLI would print about it.
//!
//! A source is read into the model's own types (`describe`), which make a world in the order in which they need each other
//! (`draft`), each held to what commands hold new objects to (`command::adopt`). What has no place here is left out and told,
//! never passed over; what contradicts itself is an error, and nothing is built.

mod cloudformation;
mod describe;
mod draft;
mod error;
pub mod export;
mod items;
mod lab;
mod names;
mod node;
pub mod source;
mod terraform;

pub use draft::{LeftOut, Report};
pub use error::{ImportError, Place};

/// A number that follows from a text and from nothing else: what has no id of its own gets one from what it is.
fn digest(text: &str) -> u64 {
    crate::hash::fnv1a(text.as_bytes())
}
