//! A rule's protocol and ports, as EC2's API has them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `IpProtocol` of a rule: all protocols (`-1`), or one by its IANA number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum IpProtocol {
    /// `-1`: every protocol, every port.
    All,
    /// One protocol by number, 0 to 255.
    Number(u8),
}

impl IpProtocol {
    /// ICMP for IPv4, number 1.
    pub const ICMP: Self = Self::Number(1);
    /// TCP, number 6.
    pub const TCP: Self = Self::Number(6);
    /// UDP, number 17.
    pub const UDP: Self = Self::Number(17);
    /// ICMP for IPv6, number 58.
    pub const ICMPV6: Self = Self::Number(58);

    /// Whether rules of this protocol have a port range.
    pub fn has_ports(self) -> bool {
        self == Self::TCP || self == Self::UDP
    }

    /// Whether rules of this protocol have an ICMP type and code.
    pub fn has_icmp_types(self) -> bool {
        self == Self::ICMP || self == Self::ICMPV6
    }
}

impl fmt::Display for IpProtocol {
    /// AWS's normalised spelling: `tcp`, `udp`, `icmp`, `icmpv6`, `-1`, else the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::All => f.pad("-1"),
            Self::ICMP => f.pad("icmp"),
            Self::TCP => f.pad("tcp"),
            Self::UDP => f.pad("udp"),
            Self::ICMPV6 => f.pad("icmpv6"),
            Self::Number(number) => f.pad(&number.to_string()),
        }
    }
}

/// `FromPort` and `ToPort` of a rule, both inclusive.
///
/// TCP and UDP: destination ports 0 to 65535, `from_port` at most `to_port`. ICMP and ICMPv6: type and code, each
/// −1 (all) to 255. Every other protocol and `-1`: always [`PortRange::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PortRange {
    /// First port, or ICMP type.
    pub from_port: i32,
    /// Last port, or ICMP code.
    pub to_port: i32,
}

impl PortRange {
    /// −1/−1: all ports, or all ICMP types and codes.
    pub const ALL: Self = Self { from_port: -1, to_port: -1 };
    /// 0–65535, as "all TCP" and "all UDP" are stored.
    pub const EVERY_PORT: Self = Self { from_port: 0, to_port: 65_535 };

    /// A single TCP or UDP port.
    pub fn single(port: u16) -> Self {
        Self { from_port: i32::from(port), to_port: i32::from(port) }
    }
}
