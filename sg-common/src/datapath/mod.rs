//! The decision functions: pure, generic over where the tables live, the same in the kernel and on the host.
//!
//! `judge` is one interface's judgement; `forward` is what happens to a frame: parse, judge outbound, find the receiver,
//! judge inbound.

pub mod access_list;
pub mod admit;
pub mod exempt;
pub mod flow_log;
pub mod follow;
pub mod forward;
pub mod frame;
pub mod judge;
pub mod matching;
pub mod parse;
pub mod path_mtu;
pub mod route;
pub mod rules;
pub mod screen;
pub mod search;
pub mod tables;
pub mod trace;
pub mod tracking;
pub mod tuple;
