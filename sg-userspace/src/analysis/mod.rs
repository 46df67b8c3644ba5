//! Answers about a world without sending anything: why a flow gets through or not (`explain`), who reaches whom
//! (`reach`), and what a change would open, close and cut (`what_if`).
//!
//! Everything here is about the first packet of a new flow and the answers to it, as `docs/judgement.md` has them. It is
//! worked out from the AWS types alone: no data plane, no clock, no output. Tests hold it equal to the oracle.

pub mod ask;
pub mod code;
pub mod explain;
pub mod finding;
pub mod insights;
pub mod reach;
pub mod row;
pub mod tracking;
pub mod traffic;
pub mod what_if;

mod address;
mod answer;
mod ends;
mod ports;
mod range;
mod route;
mod side;
