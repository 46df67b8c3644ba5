//! Ports of a fragmented packet, remembered from its first fragment (C-30).

use super::address::Address;

/// Which packet a fragment belongs to.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FragmentKey {
    /// Source address.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
    /// Number of the judging interface in the upper 24 bits, protocol in the lower 8.
    pub interface_protocol: u32,
    /// Fragment identification.
    pub id: u32,
    /// `DirectionCode` of the judgement, and the family in the next byte.
    pub direction_family: u32,
    /// Zero.
    pub reserved: u32,
}

/// What the first fragment said. All zero: it is not known.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FragmentPorts {
    /// Source port in the upper 16 bits, destination port in the lower 16; for ICMP as in `Tuple`.
    pub ports: u32,
    /// A number that two keys hardly ever share, never 0: an element's memory may become another key's while it is read.
    pub identity: u32,
    /// Tick of the first fragment.
    pub seen: u64,
}

const _: () = assert!(size_of::<FragmentKey>() == 48);
const _: () = assert!(size_of::<FragmentPorts>() == 16);
