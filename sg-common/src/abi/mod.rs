//! The records in the maps, their capacities, and the layout of a compiled policy.
//!
//! Integers and byte arrays only; numbers in host byte order, addresses too (as numbers), so that they can be compared.
//! Every record has its size asserted and no implicit padding: hash maps compare all bytes of a key.

pub mod address;
pub mod allowance;
pub mod event;
pub mod flow;
pub mod flow_log;
pub mod fragment;
pub mod interface;
pub mod member;
pub mod network;
pub mod policy;
pub mod settings;
pub mod sweep;
pub mod trace;
pub mod verdict;

/// Changes whenever a record or a map changes; pinned maps of another version are not adopted.
pub const ABI_VERSION: u32 = 5;

/// Slots of the interface arrays.
pub const MAX_INTERFACES: u32 = 65_536;
/// Slot of the internet host's link.
pub const INTERNET_SLOT: u32 = MAX_INTERFACES - 1;
/// The internet host's number: the greatest of 24 bits, which no interface gets.
pub const INTERNET_NUMBER: u32 = (1 << 24) - 1;
/// Networks (VPCs): the index is the VPC's number modulo this.
pub const MAX_NETWORKS: u32 = 4_096;
/// Private addresses of all interfaces together, per family.
pub const MAX_MEMBERS: u32 = 131_072;
/// Flows that have had a reply, per family. Full: a flow that would become one is refused (C-26).
pub const MAX_FLOWS: u32 = 131_072;
/// Flows that have had no reply yet, per family. Full: the least recently used one goes.
pub const MAX_EMBRYONIC: u32 = 65_536;
/// First fragments remembered. Full: the least recently used one goes.
pub const MAX_FRAGMENTS: u32 = 8_192;
/// What is counted for flow logs until it is read, old and new window together. Full: the packet is counted as lost.
pub const MAX_FLOW_LOG: u32 = 262_144;
/// Policy memory, in chunks of [`policy::CHUNK_WORDS`] words.
pub const MAX_POLICY_CHUNKS: u32 = 16;
/// Bytes of the event ring; full: events are lost and counted.
pub const EVENT_BYTES: u32 = 1 << 20;

/// Bytes of the ring of traced steps.
pub const STEP_BYTES: u32 = 1 << 18;

/// Where the metadata service listens on an instance's loopback: `tcpmux`, which nobody serves any more. Port 80 of its
/// address leads there.
pub const METADATA_PORT: u16 = 1;

/// The Ethernet address of the VPC router, on every link.
pub const ROUTER_MAC: [u8; 6] = [0x02, 0x73, 0x67, 0x00, 0x00, 0x01];
