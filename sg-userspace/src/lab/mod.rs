//! Labs: the file that describes one, what it becomes, and the Linux side of it: namespaces, links, addresses, host
//! names, processes, and their removal.
//!
//! Apart from `file` and `plan`, nothing here knows an AWS type: values come in as names, addresses and numbers, and the
//! caller says which ENI they belong to. The order for one interface is `link::Links::create`, `address::configure`, then
//! the caller attaches the programs to the host end, and only then `link::Links::set_up`: no packet passes unjudged.

pub mod address;
pub mod cleanup;
pub mod client;
pub mod file;
pub mod hold;
pub mod hosts;
pub mod link;
pub mod manifest;
pub mod namespace;
pub mod netlink;
pub mod offload;
pub mod packet_socket;
pub mod ping;
pub mod plan;
pub mod process;
pub mod real;
pub mod server;
