//! AWS's objects, in AWS's words: what exists (`World`) and nothing about how it is enforced.
//!
//! These types hold values that are already valid; `command` is the only place that makes or changes them.

pub mod error;
pub mod flow_log;
pub mod flow_log_format;
pub mod group;
pub mod ids;
pub mod instance;
pub mod instance_type;
pub mod interface;
pub mod internet_gateway;
pub mod metadata_options;
pub mod network_acl;
pub mod network_insights;
pub mod peering;
pub mod prefix_list;
pub mod protocol;
pub mod quota;
pub mod reference;
pub mod region;
pub mod route_table;
pub mod rule;
pub mod tag;
pub mod time;
pub mod vpc;
pub mod world;
