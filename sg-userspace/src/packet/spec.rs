//! A packet as a value, in words rather than bytes. `build` makes the frame; the oracle judges the value itself, so the
//! frame parser is checked by everything that compares the two.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A packet from one address to another, both of one family.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PacketSpec {
    /// Source address.
    pub source: IpAddr,
    /// Destination address, of the source's family.
    pub destination: IpAddr,
    /// What it carries.
    pub transport: Transport,
    /// Its place in a fragmented packet, if it is a fragment.
    pub fragment: Option<Fragment>,
    /// Bytes after the transport header.
    pub payload_length: u16,
    /// "Don't fragment", which IPv4 has a bit for. Means nothing in IPv6, which no router fragments.
    #[serde(default)]
    pub dont_fragment: bool,
}

impl PacketSpec {
    /// A whole packet without payload.
    pub fn new(source: impl Into<IpAddr>, destination: impl Into<IpAddr>, transport: Transport) -> Self {
        Self {
            source: source.into(),
            destination: destination.into(),
            transport,
            fragment: None,
            payload_length: 0,
            dont_fragment: false,
        }
    }

    /// A whole TCP segment without payload.
    pub fn tcp(source: (IpAddr, u16), destination: (IpAddr, u16), flags: TcpFlags) -> Self {
        let transport = Transport::Tcp { source_port: source.1, destination_port: destination.1, flags };
        Self::new(source.0, destination.0, transport)
    }

    /// A whole UDP datagram without payload.
    pub fn udp(source: (IpAddr, u16), destination: (IpAddr, u16)) -> Self {
        let transport = Transport::Udp { source_port: source.1, destination_port: destination.1 };
        Self::new(source.0, destination.0, transport)
    }

    /// The same packet as a fragment of it.
    #[must_use]
    pub fn with_fragment(self, fragment: Fragment) -> Self {
        Self { fragment: Some(fragment), ..self }
    }

    /// IANA number of what it carries; ICMP's follows the address family.
    pub fn protocol(&self) -> u8 {
        match &self.transport {
            Transport::Tcp { .. } => 6,
            Transport::Udp { .. } => 17,
            Transport::Icmp { .. } | Transport::IcmpError { .. } if self.source.is_ipv4() => 1,
            Transport::Icmp { .. } | Transport::IcmpError { .. } => 58,
            Transport::Other { protocol } => *protocol,
        }
    }

    /// Whether it is a fragment with its packet's transport header, and others follow.
    pub fn is_first_fragment(&self) -> bool {
        self.fragment.is_some_and(|fragment| fragment.offset == 0 && fragment.more)
    }

    /// Whether it is a fragment without transport header.
    pub fn is_later_fragment(&self) -> bool {
        self.fragment.is_some_and(|fragment| fragment.offset > 0)
    }
}

/// What a packet carries. A later fragment (offset above 0) keeps its packet's transport here, but its frame has no
/// transport header.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// TCP.
    Tcp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
        /// Flags.
        flags: TcpFlags,
    },
    /// UDP.
    Udp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
    },
    /// ICMP or ICMPv6 by the address family, other than an error that embeds a packet.
    Icmp {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
        /// Identifier, where the type has one.
        id: u16,
    },
    /// An ICMP or ICMPv6 error about another packet.
    IcmpError {
        /// Type; none of a query's, a reply's or neighbour discovery's.
        kind: u8,
        /// Code.
        code: u8,
        /// The packet that it is about; its header and first eight bytes are embedded.
        about: Box<PacketSpec>,
    },
    /// Any other protocol, by number. ICMP's number in the other family is one of them.
    Other {
        /// IANA number; of none that [`Transport`] has otherwise, and of no IPv6 extension header.
        protocol: u8,
    },
}

/// TCP flags that tracking looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TcpFlags {
    /// SYN.
    pub syn: bool,
    /// ACK.
    pub ack: bool,
    /// FIN.
    pub fin: bool,
    /// RST.
    pub rst: bool,
}

impl TcpFlags {
    /// SYN alone.
    pub const SYN: Self = Self { syn: true, ack: false, fin: false, rst: false };
    /// SYN and ACK.
    pub const SYN_ACK: Self = Self { syn: true, ack: true, fin: false, rst: false };
    /// ACK alone.
    pub const ACK: Self = Self { syn: false, ack: true, fin: false, rst: false };
    /// FIN and ACK.
    pub const FIN_ACK: Self = Self { syn: false, ack: true, fin: true, rst: false };
    /// RST alone.
    pub const RST: Self = Self { syn: false, ack: false, fin: false, rst: true };
    /// No flag at all, as the later fragments of a segment are judged.
    pub const NONE: Self = Self { syn: false, ack: false, fin: false, rst: false };
}

/// A fragment's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fragment {
    /// Fragment identification: 16 bits in IPv4, 32 in IPv6.
    pub id: u32,
    /// Offset in units of eight bytes.
    pub offset: u16,
    /// Whether more fragments follow.
    pub more: bool,
}
