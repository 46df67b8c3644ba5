//! What the data plane reports: new flows and denials, and with `FLAG_TRACE` every judgement.

use super::address::Address;

/// One judgement.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerdictRecord {
    /// Source address of the packet.
    pub source: Address,
    /// Destination address of the packet.
    pub destination: Address,
    /// Tick of the judgement.
    pub tick: u64,
    /// Slot of the judging interface.
    pub slot: u32,
    /// Number of the judging interface; 0 = none.
    pub number: u32,
    /// Number of the rule that decided; 0 = none.
    pub rule: u32,
    /// Source port; for ICMP the id.
    pub source_port: u16,
    /// Destination port; for ICMP type and code.
    pub destination_port: u16,
    /// Bytes from the IP header on.
    pub length: u32,
    /// `ReasonCode`.
    pub reason: u8,
    /// `DirectionCode`.
    pub direction: u8,
    /// IANA protocol number.
    pub protocol: u8,
    /// `Family`; 0 where the frame was not IP.
    pub family: u8,
    /// TCP flags as on the wire.
    pub flags: u8,
    /// Zero.
    pub reserved: [u8; 7],
}

const _: () = assert!(size_of::<VerdictRecord>() == 72);
