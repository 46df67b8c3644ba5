//! What the data plane knows about one interface.

use super::address::Address;

/// A slot's policies, or its subnet's access lists, packed so that one store replaces both directions.
///
/// Each half is a policy's locator (see `policy::Locator`); 0 means no policy, which denies.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyPair(pub u64);

impl PolicyPair {
    /// Inbound in the low half, outbound in the high half.
    pub const fn new(inbound: u32, outbound: u32) -> Self {
        Self((outbound as u64) << 32 | inbound as u64)
    }

    /// Locator of the inbound policy.
    #[inline(always)]
    pub const fn inbound(self) -> u32 {
        self.0 as u32
    }

    /// Locator of the outbound policy.
    #[inline(always)]
    pub const fn outbound(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// One interface. All zero: no interface in this slot.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterfaceRecord {
    /// Identity, 24 bits, never used twice; 0 = none.
    pub number: u32,
    /// Index of its network.
    pub network: u32,
    /// Index of its link on the host side; 0 = not attached.
    pub link_index: u32,
    /// `FLAG_*`.
    pub flags: u32,
    /// Idle timeout of established TCP flows, in ticks (see `settings`).
    pub tcp_established: u32,
    /// Idle timeout of UDP flows, in ticks.
    pub udp: u32,
    /// Idle timeout of UDP streams, in ticks.
    pub udp_stream: u32,
    /// Primary private IPv4 address; 0 = none.
    pub primary_ipv4: u32,
    /// The router's IPv4 address in the subnet.
    pub router_ipv4: u32,
    /// The subnet's last IPv4 address, which nobody may use (M-05).
    pub broadcast_ipv4: u32,
    /// Number of its subnet.
    pub subnet: u32,
    /// Index of its instance's connection allowance.
    pub allowance: u32,
    /// Ethernet address.
    pub mac: [u8; 6],
    /// Zero.
    pub reserved: [u8; 2],
    /// First IPv6 address; zero = none.
    pub primary_ipv6: Address,
    /// The router's IPv6 address in the subnet; zero = none.
    pub router_ipv6: Address,
}

const _: () = assert!(size_of::<InterfaceRecord>() == 88);

impl InterfaceRecord {
    /// Packets with foreign source addresses are dropped (M-17).
    pub const FLAG_SOURCE_DEST_CHECK: u32 = 1;
    /// The internet host: not an interface of a VPC, not judged.
    pub const FLAG_INTERNET: u32 = 2;
    /// Every judgement of this interface is reported, not only new flows and denials.
    pub const FLAG_TRACE: u32 = 4;
    /// A flow log covers it: what it carries is counted by tuple and decision.
    pub const FLAG_FLOW_LOG: u32 = 8;
}
