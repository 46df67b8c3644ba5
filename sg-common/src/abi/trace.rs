//! Steps of a decision, as the programs report them of marked packets, and which packets those are.

use super::address::Address;

/// Addresses that a filter can name.
pub const FILTER_ADDRESSES: usize = 16;
/// In a filter's protocol or port: any.
pub const ANY: u32 = u32::MAX;

/// Which packets are marked. One element of an array map.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceFilter {
    /// IANA protocol number, or [`ANY`].
    pub protocol: u32,
    /// Source or destination port, or [`ANY`].
    pub port: u32,
    /// Number of a sending interface; 0 = none.
    pub interface: u32,
    /// How many of `addresses` count. If none does and there is no interface, every packet is meant.
    pub count: u32,
    /// Sources or destinations.
    pub addresses: [Address; FILTER_ADDRESSES],
}

const _: () = assert!(size_of::<TraceFilter>() == 16 + 16 * FILTER_ADDRESSES);

/// What a step was. Append-only.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepCode(pub u8);

impl StepCode {
    /// A frame came in over a slot's link. a: the parser's `Kind`; b: bytes from the IP header on.
    pub const ARRIVED: Self = Self(1);
    /// The receiver was looked up. a: its slot; b: its link, 0 = there is none.
    pub const ROUTED: Self = Self(2);
    /// A later fragment looked for its first one. a: 1 if it is known; b: ports.
    pub const FRAGMENT: Self = Self(3);
    /// A network ACL was asked. a: locator; b: extent of the ports table of the address, and the rank found there.
    pub const ACCESS_LIST: Self = Self(4);
    /// The flow table was asked. a: 1 if there is an entry, 2 if it is live; b: `FlowBits`, and the rule's number.
    pub const FLOW: Self = Self(5);
    /// The flow table was asked for what an ICMP error is about. a: the live entry's rule, 0 = none.
    pub const RELATED: Self = Self(6);
    /// The rules are asked. a: locators of the policies of this direction (upper half) and of the other one.
    pub const POLICY: Self = Self(7);
    /// The open rules were asked. a: extent of their ports table, and the key; b: the rank found, or `NO_RANK`.
    pub const OPEN: Self = Self(8);
    /// The address table was asked. a: extent of the address's ports table, and the key; b: the rank found.
    pub const ADDRESS: Self = Self(9);
    /// The address has an owner whose groups count. a: its number; b: how many groups it carries.
    pub const OWNER: Self = Self(10);
    /// The groups table was asked. a: a group's number, and the extent of its ports table; b: the rank found.
    pub const GROUP: Self = Self(11);
    /// An interface has decided. a: the reason; b: the rule.
    pub const VERDICT: Self = Self(12);
}

/// One step.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepRecord {
    /// Source address of the packet.
    pub source: Address,
    /// Destination address of the packet.
    pub destination: Address,
    /// The same for every step of one packet, and for no other packet.
    pub serial: u64,
    /// Tick of the step.
    pub tick: u64,
    /// See [`StepCode`].
    pub a: u64,
    /// See [`StepCode`].
    pub b: u64,
    /// Slot of the interface that looks at the packet.
    pub slot: u32,
    /// Source port; for ICMP the id.
    pub source_port: u16,
    /// Destination port; for ICMP type and code.
    pub destination_port: u16,
    /// `StepCode`.
    pub step: u8,
    /// `DirectionCode`.
    pub direction: u8,
    /// IANA protocol number.
    pub protocol: u8,
    /// `Family`; 0 where the frame was not IP.
    pub family: u8,
    /// TCP flags as on the wire.
    pub flags: u8,
    /// `FragmentPlace`.
    pub fragment: u8,
    /// Zero.
    pub reserved: [u8; 2],
}

const _: () = assert!(size_of::<StepRecord>() == 80);

/// Two numbers as one.
#[inline(always)]
pub const fn pair(high: u32, low: u32) -> u64 {
    (high as u64) << 32 | low as u64
}
