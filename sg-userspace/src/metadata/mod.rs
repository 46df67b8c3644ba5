//! Instance metadata at 169.254.169.254, as every EC2 instance has it.
//!
//! A process of its own answers for all instances of a lab: it takes listening sockets and what to answer from the
//! controller, over an inherited socket, and tells nobody anything else. What comes from instances is parsed there and
//! nowhere else, without root's powers and in a network namespace without links.

pub mod channel;
pub mod document;
pub mod service;
mod token;
