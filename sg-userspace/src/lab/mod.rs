//! Labs: the file that describes one and what it becomes; and the Linux side, namespaces, links, addresses, host names,
//! processes, and their removal.
//!
//! The Linux side knows no AWS type: values come in as names, addresses and numbers, and the caller says which ENI they
//! belong to. The order for one interface is `link::Links::create`, `address::configure`, then the caller attaches the
//! programs to the host end, and only then `link::Links::set_up`: no packet passes unjudged.

pub mod file;
pub mod plan;

pub mod address;
pub mod cleanup;
pub mod client;
pub mod hold;
pub mod hosts;
pub mod link;
pub mod manifest;
pub mod namespace;
pub mod netlink;
pub mod ping;
pub mod process;
pub mod real;
pub mod server;
