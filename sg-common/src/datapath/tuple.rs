//! What the headers of a packet say, and the flow keys made from it.

use crate::abi::address::{Address, Family};
use crate::abi::flow::{FlowKey4, FlowKey6};
use crate::abi::fragment::FragmentKey;
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
}

/// Whether a packet is a fragment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum FragmentPlace {
    /// A whole packet.
    #[default]
    Whole,
    /// The first fragment, which has the ports.
    First,
    /// A later fragment, which has none.
    Later,
}

/// A parsed packet.
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
}

/// A flow's key, of either family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowKey {
    /// IPv4.
    V4(FlowKey4),
    /// IPv6.
    V6(FlowKey6),
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

    /// The ports half of the flow key of a packet that goes this way past an interface, or `None` if such a packet
    /// belongs to no flow.
    #[inline(always)]
    fn flow_ports(&self, family: u8, direction: DirectionCode) -> Option<u32> {
        let outbound = direction == DirectionCode::OUTBOUND;
        match self.protocol {
            protocol::TCP | protocol::UDP => {
                let (local, remote) = if outbound {
                    (self.source_port, self.destination_port)
                } else {
                    (self.destination_port, self.source_port)
                };
                Some((local as u32) << 16 | remote as u32)
            }
            _ if is_icmp(family, self.protocol) => {
                let (role, request) = icmp_role(family, self.icmp_kind());
                let asked_outbound = match role {
                    IcmpRole::Request => outbound,
                    IcmpRole::Reply => !outbound,
                    IcmpRole::Other => return None,
                };
                Some((self.source_port as u32) << 16 | (request as u32) << 8 | asked_outbound as u32)
            }
            _ => Some(0),
        }
    }

    /// The key of the flow that a packet going this way past an interface belongs to, or `None` if it can belong to none.
    #[inline(always)]
    pub fn flow_key(&self, family: u8, number: u32, direction: DirectionCode) -> Option<FlowKey> {
        let ports = self.flow_ports(family, direction)?;
        let interface_protocol = number << 8 | self.protocol as u32;
        let (local, remote) = if direction == DirectionCode::OUTBOUND {
            (self.source, self.destination)
        } else {
            (self.destination, self.source)
        };
        Some(if family == Family::V4.0 {
            FlowKey::V4(FlowKey4 { interface_protocol, local: local.low32(), remote: remote.low32(), ports })
        } else {
            FlowKey::V6(FlowKey6 {
                interface_protocol,
                ports,
                local_high: local.high,
                local_low: local.low,
                remote_high: remote.high,
                remote_low: remote.low,
            })
        })
    }
}

impl Packet {
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
}
