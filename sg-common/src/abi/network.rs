//! What the data plane knows about one VPC.

use super::address::Address;

/// Blocks per family of a VPC and of those that active peerings join to it: five at most are its own.
pub const MAX_BLOCKS: usize = 16;

/// A VPC: which addresses are its own or its peers', and so never go to the internet host.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkRecord {
    /// IPv4 blocks in use.
    pub count_ipv4: u32,
    /// IPv6 blocks in use.
    pub count_ipv6: u32,
    /// The Amazon DNS server (E-15); 0 = none.
    pub dns_ipv4: u32,
    /// The largest packet that the way to the internet host carries, in bytes from the IP header on; 0 = no way.
    pub internet_mtu: u32,
    /// IPv4 network addresses.
    pub network_ipv4: [u32; MAX_BLOCKS],
    /// IPv4 masks.
    pub mask_ipv4: [u32; MAX_BLOCKS],
    /// IPv6 network addresses.
    pub network_ipv6: [Address; MAX_BLOCKS],
    /// IPv6 masks.
    pub mask_ipv6: [Address; MAX_BLOCKS],
}

const _: () = assert!(size_of::<NetworkRecord>() == 16 + 128 + 512);
