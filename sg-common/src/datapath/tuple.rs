//! What the headers of a packet say, and the flow keys made from it.

use crate::abi::address::{Address, Family};
use crate::abi::flow::{FlowKey4, FlowKey6};
use crate::abi::fragment::{FragmentKey, FragmentPorts};
use crate::abi::policy::{KEY_ANY_PORT, port_key};
use crate::abi::verdict::DirectionCode;

/// IANA protocol numbers that are treated apart.
pub mod protocol {
    /// ICMP.
    pub const ICMP: u8 = 1;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// ICMPv6.
    pub const ICMPV6: u8 = 58;
}

/// TCP flag bits as on the wire.
pub mod tcp {
    /// FIN.
    pub const FIN: u8 = 0x01;
    /// SYN.
    pub const SYN: u8 = 0x02;
    /// RST.
    pub const RST: u8 = 0x04;
    /// ACK.
    pub const ACK: u8 = 0x10;
}

/// The five fields as on the wire.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FiveTuple {
    /// Source address.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
    /// Source port; for ICMP the id of a query; 0 otherwise.
    pub source_port: u16,
    /// Destination port; for ICMP type << 8 | code; 0 otherwise.
    pub destination_port: u16,
    /// IANA protocol number.
    pub protocol: u8,
    /// Zero.
    pub reserved: [u8; 3],
}

/// Whether a packet is a fragment.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FragmentPlace(pub u8);

impl FragmentPlace {
    /// A whole packet.
    pub const WHOLE: Self = Self(0);
    /// The first fragment, which has the ports.
    pub const FIRST: Self = Self(1);
    /// A later fragment, which has none.
    pub const LATER: Self = Self(2);
}

/// A parsed packet. The kernel keeps it in a per-CPU map, where it costs no stack and the verifier does not follow its
/// contents, so it holds integers only.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    /// The five fields.
    pub tuple: FiveTuple,
    /// For an ICMP error: the five fields of the packet that it is about.
    pub about: FiveTuple,
    /// 1 where `about` counts.
    pub has_about: u8,
    /// 4 or 6.
    pub family: u8,
    /// TCP flags; 0 for everything else and for later fragments.
    pub flags: u8,
    /// Whether it is a fragment.
    pub fragment: FragmentPlace,
    /// Fragment identification.
    pub fragment_id: u32,
    /// Bytes from the IP header on.
    pub length: u32,
    /// Offset of the transport header in the frame.
    pub transport: u32,
    /// Bytes from the IP header to the end of TCP's or UDP's; 0 for other protocols.
    pub header_length: u32,
    /// What the path between the internet host and a VPC carries, in bytes from the IP header on.
    pub path_mtu: u32,
    /// 1 where no router may fragment it: IPv6, and IPv4 with "don't fragment".
    pub dont_fragment: u8,
    /// 1 where it comes into or goes out of the judging interface's subnet (N-01).
    pub crosses_subnet: u8,
    /// 1 for a later fragment whose first one is not known (C-30).
    pub ports_unknown: u8,
    /// `ENTRY_*`: whether the flow that the judging interface would make has an entry already.
    pub entry: u8,
    /// 1 where its steps are told.
    pub marked: u8,
    /// 1 where the rule that allows it is open (C-03).
    pub open: u8,
    /// Zero.
    pub reserved: [u8; 2],
    /// Which packet its steps are about.
    pub serial: u64,
}

/// A flow's key, of either family.
///
/// A struct with "no flow" as a value rather than an `Option` of an enum: see `Receiver`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// Interface number in the upper 24 bits, protocol in the lower 8.
    pub interface_protocol: u32,
    /// As in [`FlowKey4`].
    pub ports: u32,
    /// The interface's address.
    pub local: Address,
    /// The other address.
    pub remote: Address,
    /// 4 or 6; 0 = the packet belongs to no flow.
    pub family: u8,
}

impl FlowKey {
    /// Whether there is a flow to have an entry.
    #[inline(always)]
    pub fn is_flow(&self) -> bool {
        self.family != 0
    }

    /// Number of the interface.
    pub fn interface(&self) -> u32 {
        self.interface_protocol >> 8
    }

    /// IANA protocol number.
    #[inline(always)]
    pub fn protocol(&self) -> u8 {
        (self.interface_protocol & 0xff) as u8
    }

    /// A number that two keys hardly ever share (see `FlowEntry::identity`).
    #[inline(always)]
    pub fn identity(&self) -> u64 {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = (u64::from(self.interface_protocol) << 32 | u64::from(self.ports)).wrapping_mul(ODD);
        mixed = (mixed ^ self.local.high ^ self.remote.low).wrapping_mul(ODD);
        (mixed ^ self.local.low.rotate_left(32) ^ self.remote.high.rotate_left(17)).wrapping_mul(ODD)
    }

    /// As the IPv4 table has it.
    #[inline(always)]
    pub fn to_v4(&self) -> FlowKey4 {
        FlowKey4 {
            interface_protocol: self.interface_protocol,
            local: self.local.low32(),
            remote: self.remote.low32(),
            ports: self.ports,
        }
    }

    /// As the IPv6 table has it.
    #[inline(always)]
    pub fn to_v6(&self) -> FlowKey6 {
        FlowKey6 {
            interface_protocol: self.interface_protocol,
            ports: self.ports,
            local_high: self.local.high,
            local_low: self.local.low,
            remote_high: self.remote.high,
            remote_low: self.remote.low,
        }
    }

    /// From the IPv4 table.
    pub fn from_v4(key: FlowKey4) -> Self {
        Self {
            interface_protocol: key.interface_protocol,
            ports: key.ports,
            local: Address::v4(key.local),
            remote: Address::v4(key.remote),
            family: Family::V4.0,
        }
    }

    /// From the IPv6 table.
    pub fn from_v6(key: FlowKey6) -> Self {
        Self {
            interface_protocol: key.interface_protocol,
            ports: key.ports,
            local: Address { high: key.local_high, low: key.local_low },
            remote: Address { high: key.remote_high, low: key.remote_low },
            family: Family::V6.0,
        }
    }
}

/// What an ICMP message is to tracking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpRole {
    /// A query, which opens a flow.
    Request,
    /// The answer to a query.
    Reply,
    /// Anything else: never tracked by itself.
    Other,
}

/// Whether a protocol is the family's own ICMP. Protocol 1 in IPv6 and 58 in IPv4 are protocols like any other.
#[inline(always)]
pub fn is_icmp(family: u8, protocol: u8) -> bool {
    protocol == if family == Family::V4.0 { protocol::ICMP } else { protocol::ICMPV6 }
}

/// The role of an ICMP type, and the request's type that names its kind of query (C-18).
#[inline(always)]
pub fn icmp_role(family: u8, kind: u8) -> (IcmpRole, u8) {
    if family == Family::V4.0 {
        match kind {
            8 | 13 | 15 | 17 => (IcmpRole::Request, kind),
            0 => (IcmpRole::Reply, 8),
            14 | 16 | 18 => (IcmpRole::Reply, kind - 1),
            _ => (IcmpRole::Other, 0),
        }
    } else {
        match kind {
            128 => (IcmpRole::Request, 128),
            129 => (IcmpRole::Reply, 128),
            _ => (IcmpRole::Other, 0),
        }
    }
}

impl FiveTuple {
    /// The ICMP type.
    #[inline(always)]
    pub fn icmp_kind(&self) -> u8 {
        (self.destination_port >> 8) as u8
    }

    /// Whether a packet without a live entry can make one: an ICMP message other than a query cannot (C-18).
    #[inline(always)]
    pub fn opens_flow(&self, family: u8) -> bool {
        !is_icmp(family, self.protocol) || icmp_role(family, self.icmp_kind()).0 == IcmpRole::Request
    }

    /// The key of the flow that a packet going this way past an interface belongs to, if any.
    #[inline(always)]
    pub fn flow_key(&self, family: u8, number: u32, direction: DirectionCode) -> FlowKey {
        let outbound = direction == DirectionCode::OUTBOUND;
        let (local, remote) =
            if outbound { (self.source, self.destination) } else { (self.destination, self.source) };
        let mut key = FlowKey {
            interface_protocol: number << 8 | self.protocol as u32,
            ports: 0,
            local,
            remote,
            family,
        };
        if self.protocol == protocol::TCP || self.protocol == protocol::UDP {
            key.ports = if outbound {
                (self.source_port as u32) << 16 | self.destination_port as u32
            } else {
                (self.destination_port as u32) << 16 | self.source_port as u32
            };
        } else if is_icmp(family, self.protocol) {
            let (role, request) = icmp_role(family, self.icmp_kind());
            let asked_outbound = outbound == (role == IcmpRole::Request);
            key.ports = (self.source_port as u32) << 16 | (request as u32) << 8 | asked_outbound as u32;
            if role == IcmpRole::Other {
                key.family = 0;
            }
        }
        key
    }
}

impl Packet {
    /// It has none.
    pub const ENTRY_NONE: u8 = 0;
    /// It has one that is no longer live.
    pub const ENTRY_ENDED: u8 = 1;
    /// It has a live one that a SYN may begin anew.
    pub const ENTRY_STARTS_OVER: u8 = 2;

    /// Its key into ports tables.
    #[inline(always)]
    pub fn port_key(&self) -> u32 {
        let key = port_key(Family(self.family), self.tuple.protocol, self.tuple.destination_port);
        if self.ports_unknown != 0 { key | KEY_ANY_PORT } else { key }
    }

    /// The key under which an interface remembers this packet's first fragment.
    #[inline(always)]
    pub fn fragment_key(&self, number: u32, direction: DirectionCode) -> FragmentKey {
        FragmentKey {
            source: self.tuple.source,
            destination: self.tuple.destination,
            interface_protocol: number << 8 | self.tuple.protocol as u32,
            id: self.fragment_id,
            direction_family: (self.family as u32) << 8 | direction.0 as u32,
            reserved: 0,
        }
    }

    /// A number that fragments of two packets hardly ever share; never 0.
    #[inline(always)]
    pub fn fragment_identity(&self) -> u32 {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let (source, destination) = (self.tuple.source, self.tuple.destination);
        let mut mixed = (source.high ^ destination.low).wrapping_mul(ODD);
        mixed = (mixed ^ source.low.rotate_left(32) ^ destination.high.rotate_left(17)).wrapping_mul(ODD);
        mixed = (mixed ^ u64::from(self.fragment_id)).wrapping_mul(ODD);
        (mixed >> 32) as u32 | 1
    }

    /// What an interface remembers of this packet if it is a first fragment.
    #[inline(always)]
    pub fn fragment_ports(&self, tick: u64) -> FragmentPorts {
        let ports = (self.tuple.source_port as u32) << 16 | self.tuple.destination_port as u32;
        FragmentPorts { ports, identity: self.fragment_identity(), seen: tick }
    }
}
