//! What interfaces with a flow log carried, by tuple and decision: all that a record of AWS's format is made from.

use super::address::Address;

/// Whose packets an element counts. Every field is part of the key, so that no record mixes two decisions.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowLogKey {
    /// Source address.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
    /// Number of the interface in the upper 24 bits, protocol in the lower 8.
    pub interface_protocol: u32,
    /// Source port in the upper 16 bits, destination port in the lower 16; 0 where the protocol has none (F-06).
    pub ports: u32,
    /// The window that it belongs to: `Settings::flow_log_epoch` when the element was made.
    pub epoch: u32,
    /// Number of the rule that decided, or of the network ACL's entry; 0 = none did.
    pub rule: u32,
    /// `Family`.
    pub family: u8,
    /// `DirectionCode`.
    pub direction: u8,
    /// `VERDICT_*`.
    pub verdict: u8,
    /// Zero.
    pub reserved: [u8; 5],
}

impl FlowLogKey {
    /// The packets went on.
    pub const VERDICT_ACCEPT: u8 = 0;
    /// They did not.
    pub const VERDICT_REJECT: u8 = 1;
    /// They did not, and `rule` is the number of a network ACL's entry.
    pub const VERDICT_REJECT_BY_ACL: u8 = 2;

    /// Number of the interface.
    pub const fn interface(&self) -> u32 {
        self.interface_protocol >> 8
    }

    /// IANA protocol number.
    pub const fn protocol(&self) -> u8 {
        (self.interface_protocol & 0xff) as u8
    }
}

/// What they were. Counters only grow and bits are only ever set, so that CPUs cannot undo each other.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowLogEntry {
    /// Packets.
    pub packets: u64,
    /// Bytes from the IP header on.
    pub bytes: u64,
    /// Tick of the first packet.
    pub first_seen: u64,
    /// Tick of the last packet.
    pub last_seen: u64,
    /// A bit for each `ReasonCode`.
    pub reasons: u64,
    /// TCP flags as AWS reports them (F-07), ORed.
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
}

/// What a slot's interface carried for which there was no room. Only grows.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowLogLoss {
    /// Packets.
    pub packets: u64,
    /// Bytes from the IP header on.
    pub bytes: u64,
}

const _: () = assert!(size_of::<FlowLogKey>() == 56);
const _: () = assert!(size_of::<FlowLogEntry>() == 48);
const _: () = assert!(size_of::<FlowLogLoss>() == 16);
