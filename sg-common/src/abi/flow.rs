//! Flow entries. Keys are relative to the interface, so both directions of a flow find the same entry.

/// Key for IPv4, 16 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey4 {
    /// Interface number in the upper 24 bits, protocol in the lower 8.
    pub interface_protocol: u32,
    /// The interface's address.
    pub local: u32,
    /// The other address.
    pub remote: u32,
    /// Local port in the upper 16 bits, remote port in the lower 16. An ICMP query: its id, then the request's type and
    /// who asked. Other protocols: 0.
    pub ports: u32,
}

/// Key for IPv6, 40 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey6 {
    /// As for IPv4.
    pub interface_protocol: u32,
    /// As for IPv4.
    pub ports: u32,
    /// The interface's address, upper half.
    pub local_high: u64,
    /// Lower half.
    pub local_low: u64,
    /// The other address, upper half.
    pub remote_high: u64,
    /// Lower half.
    pub remote_low: u64,
}

/// State of a flow on one interface.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowEntry {
    /// Tick of the last packet.
    pub last_seen: u64,
    /// Of the key that the entry was made for. The memory of an entry that has gone is used again at once, so whoever holds
    /// an entry compares.
    pub identity: u64,
    /// Number of the rule that admitted it.
    pub rule: u32,
    /// `FlowBits`.
    pub bits: u32,
    /// Packets into the instance.
    pub packets_in: u64,
    /// Bytes into the instance, from the IP header on.
    pub bytes_in: u64,
    /// Packets out of the instance.
    pub packets_out: u64,
    /// Bytes out of the instance.
    pub bytes_out: u64,
}

const _: () = assert!(size_of::<FlowKey4>() == 16);
const _: () = assert!(size_of::<FlowKey6>() == 40);
const _: () = assert!(size_of::<FlowEntry>() == 56);

/// What a flow has been through. Bits are only ever set, so that two CPUs cannot undo each other.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowBits(pub u32);

impl FlowBits {
    /// The instance sent the first packet.
    pub const OPENED_OUTBOUND: u32 = 1;
    /// The other side has answered.
    pub const REPLIED: u32 = 1 << 1;
    /// UDP: the initiator has sent again after a reply.
    pub const ASKED_AGAIN: u32 = 1 << 2;
    /// UDP: a second exchange is complete.
    pub const STREAM: u32 = 1 << 3;
    /// TCP: the handshake is complete, or the flow was picked up mid-stream.
    pub const ESTABLISHED: u32 = 1 << 4;
    /// TCP: the initiator has sent FIN.
    pub const FIN_INITIATOR: u32 = 1 << 5;
    /// TCP: the responder has sent FIN.
    pub const FIN_RESPONDER: u32 = 1 << 6;
    /// TCP: either side has sent RST.
    pub const RESET: u32 = 1 << 7;

    /// Whether all of these bits are set.
    #[inline(always)]
    pub const fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }
}
