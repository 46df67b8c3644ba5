//! What the data plane knows about one VPC.

use super::address::Address;

/// Blocks of a VPC per family.
pub const MAX_BLOCKS: usize = 5;

/// A VPC: which addresses are its own, and so never go to the internet host.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkRecord {
    /// IPv4 blocks in use.
    pub count_ipv4: u32,
    /// IPv6 blocks in use.
    pub count_ipv6: u32,
    /// The Amazon DNS server (E-15); 0 = none.
    pub dns_ipv4: u32,
    /// 1 while the VPC reaches the internet host.
    pub internet: u32,
    /// IPv4 network addresses.
    pub network_ipv4: [u32; MAX_BLOCKS],
    /// IPv4 masks.
    pub mask_ipv4: [u32; MAX_BLOCKS],
    /// IPv6 network addresses.
    pub network_ipv6: [Address; MAX_BLOCKS],
    /// IPv6 masks.
    pub mask_ipv6: [Address; MAX_BLOCKS],
}

const _: () = assert!(size_of::<NetworkRecord>() == 16 + 40 + 160);
