//! Reasons and directions as numbers. Append-only: a number is never used for another reason.

/// Why a packet was allowed or denied; also the index of its counter (after [`DirectionCode`]).
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReasonCode(pub u8);

impl ReasonCode {
    /// Allowed by a rule, and tracked from here on.
    pub const RULE: Self = Self(1);
    /// Allowed by a rule, without an entry (C-03).
    pub const UNTRACKED: Self = Self(2);
    /// Allowed by a live entry (C-01).
    pub const FLOW: Self = Self(3);
    /// An ICMP error about a live entry (C-17, C-19).
    pub const RELATED: Self = Self(4);
    /// For a service that AWS does not filter (E-15).
    pub const EXEMPT: Self = Self(5);
    /// ARP or neighbour discovery, which the fabric answers (E-16).
    pub const NEIGHBOUR: Self = Self(6);
    /// Enforcement is switched off for measuring.
    pub const ENFORCEMENT_OFF: Self = Self(7);
    /// No rule of any group of the interface allows it (E-01).
    pub const NO_RULE: Self = Self(16);
    /// Its connection was reset (C-24).
    pub const FLOW_CLOSED: Self = Self(17);
    /// An address that is not the interface's own (M-17).
    pub const SOURCE_DEST_CHECK: Self = Self(18);
    /// An Ethernet source that is not the interface's own.
    pub const SPOOFED_MAC: Self = Self(19);
    /// Truncated or contradictory headers.
    pub const MALFORMED: Self = Self(20);
    /// Neither IPv4 nor IPv6, or behind a VLAN tag.
    pub const NOT_IP: Self = Self(21);
    /// Broadcast, multicast or another destination that a VPC does not deliver (M-07).
    pub const MULTICAST: Self = Self(22);
    /// A later fragment whose first fragment was not allowed or not seen (C-30).
    pub const FRAGMENT_WITHOUT_FIRST: Self = Self(23);
    /// No room for a new tracked flow (C-26).
    pub const FLOW_TABLE_FULL: Self = Self(24);
    /// Sent on a link that no interface is known for.
    pub const UNKNOWN_INTERFACE: Self = Self(25);
    /// The interface has no policy.
    pub const NO_POLICY: Self = Self(26);
    /// The policy's memory was reused while this packet was judged.
    pub const TORN_POLICY: Self = Self(27);
    /// Nobody has the destination address.
    pub const NO_ROUTE: Self = Self(28);
    /// The subnet's network ACL does not let it through (N-01).
    pub const NETWORK_ACL: Self = Self(29);
    /// The instance tracks as many connections as it may (C-26).
    pub const CONNECTION_ALLOWANCE_EXCEEDED: Self = Self(30);
    /// Larger than the path carries, and not to be fragmented (C-17).
    pub const PACKET_TOO_BIG: Self = Self(31);

    /// Whether packets with this reason go on.
    #[inline(always)]
    pub const fn is_allow(self) -> bool {
        self.0 < Self::NO_RULE.0
    }
}

/// Direction, as the instance sees it.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirectionCode(pub u8);

impl DirectionCode {
    /// Into the instance.
    pub const INBOUND: Self = Self(0);
    /// Out of the instance.
    pub const OUTBOUND: Self = Self(1);
}

/// Counters per direction; the index of a frame's counter is `direction * COUNTERS_PER_DIRECTION + reason`.
pub const COUNTERS_PER_DIRECTION: u32 = 64;
/// All counters.
pub const COUNTERS: u32 = 2 * COUNTERS_PER_DIRECTION;

/// Where a frame is counted. Every frame that enters a hook is counted exactly once, by its last judgement.
#[inline(always)]
pub const fn counter_index(direction: DirectionCode, reason: ReasonCode) -> u32 {
    direction.0 as u32 * COUNTERS_PER_DIRECTION + (reason.0 as u32 & (COUNTERS_PER_DIRECTION - 1))
}
