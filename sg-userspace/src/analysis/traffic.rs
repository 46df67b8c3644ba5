//! What is asked about: the protocol and the destination port, or ICMP type and code, of a flow's first packet.

use std::str::FromStr;

use crate::aws::protocol::{IpProtocol, PortRange};

/// Ports that clients send from, Linux's default (`ip_local_port_range`); what network ACLs must let answers through on
/// (N-10).
pub const EPHEMERAL_PORTS: (u16, u16) = (32_768, 60_999);

/// What a packet carries, as rules and ACL entries see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Traffic {
    /// TCP to this port.
    Tcp(u16),
    /// UDP to this port.
    Udp(u16),
    /// ICMP, or ICMPv6 between IPv6 addresses.
    Icmp {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
    },
    /// Any other protocol, by number.
    Other(u8),
}

impl Traffic {
    /// The echo request of a family.
    pub fn echo_request(is_ipv4: bool) -> Self {
        Self::Icmp { kind: if is_ipv4 { 8 } else { 128 }, code: 0 }
    }

    /// IANA protocol number in this family.
    pub fn protocol(self, is_ipv4: bool) -> u8 {
        match self {
            Self::Tcp(_) => 6,
            Self::Udp(_) => 17,
            Self::Icmp { .. } if is_ipv4 => 1,
            Self::Icmp { .. } => 58,
            Self::Other(number) => number,
        }
    }

    /// The destination port, where there is one.
    pub fn port(self) -> Option<u16> {
        match self {
            Self::Tcp(port) | Self::Udp(port) => Some(port),
            Self::Icmp { .. } | Self::Other(_) => None,
        }
    }

    /// The same protocol to another port.
    pub(super) fn to_port(self, port: u16) -> Self {
        match self {
            Self::Tcp(_) => Self::Tcp(port),
            Self::Udp(_) => Self::Udp(port),
            other @ (Self::Icmp { .. } | Self::Other(_)) => other,
        }
    }

    /// Whether this is an ICMP request that waits for a reply, which is what gets an entry (C-02, C-18).
    pub(super) fn is_icmp_query(self, is_ipv4: bool) -> bool {
        match self {
            Self::Icmp { kind, .. } if is_ipv4 => matches!(kind, 8 | 13 | 15 | 17),
            Self::Icmp { kind, .. } => kind == 128,
            _ => false,
        }
    }

    /// The reply to an ICMP query, or the same protocol back; where there are ports, the answer goes to the ephemeral one.
    /// `None` where no answer is to be expected.
    pub(super) fn answer_to(self, is_ipv4: bool, port: u16) -> Option<Self> {
        match self {
            Self::Icmp { kind: 8, .. } if is_ipv4 => Some(Self::Icmp { kind: 0, code: 0 }),
            Self::Icmp { kind, .. } if self.is_icmp_query(is_ipv4) => {
                Some(Self::Icmp { kind: kind + 1, code: 0 })
            }
            Self::Icmp { .. } => None,
            other => Some(other.to_port(port)),
        }
    }

    /// Whether a flow of it is of no use without answers.
    pub fn needs_answer(self, is_ipv4: bool) -> bool {
        matches!(self, Self::Tcp(_)) || self.is_icmp_query(is_ipv4)
    }

    /// Whether a rule or ACL entry for this protocol and these ports is about it.
    pub(super) fn is_meant_by(self, is_ipv4: bool, protocol: IpProtocol, ports: PortRange) -> bool {
        if protocol == IpProtocol::All {
            return true;
        }
        if protocol != IpProtocol::Number(self.protocol(is_ipv4)) {
            return false;
        }
        let PortRange { from_port, to_port } = ports;
        match self {
            Self::Tcp(port) | Self::Udp(port) => (from_port..=to_port).contains(&i32::from(port)),
            Self::Icmp { kind, code } => {
                (from_port == -1 || from_port == i32::from(kind))
                    && (to_port == -1 || to_port == i32::from(code))
            }
            // ICMP's number in the wrong family is not ICMP, and no rule for ICMP means it.
            Self::Other(_) => !protocol.has_icmp_types(),
        }
    }

    /// The narrowest protocol and ports of a rule that means it.
    pub fn as_rule(self, is_ipv4: bool) -> (IpProtocol, PortRange) {
        let protocol = IpProtocol::Number(self.protocol(is_ipv4));
        let ports = match self {
            Self::Tcp(port) | Self::Udp(port) => PortRange::single(port),
            Self::Icmp { kind, code } => PortRange { from_port: kind.into(), to_port: code.into() },
            Self::Other(1 | 58) => return (IpProtocol::All, PortRange::ALL),
            Self::Other(_) => PortRange::ALL,
        };
        (protocol, ports)
    }

    /// In words, such as `tcp/443`, `icmp/8:0`, `50`.
    pub fn text(self, is_ipv4: bool) -> String {
        match self {
            Self::Tcp(port) => format!("tcp/{port}"),
            Self::Udp(port) => format!("udp/{port}"),
            Self::Icmp { kind, code } => format!("{}/{kind}:{code}", if is_ipv4 { "icmp" } else { "icmpv6" }),
            Self::Other(number) => number.to_string(),
        }
    }
}

/// What was typed: traffic whose family may not be known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The same in both families.
    Traffic(Traffic),
    /// An echo request of the addresses' family.
    Echo,
    /// A message of one family's ICMP.
    Icmp {
        /// Whether it is ICMP for IPv4.
        is_ipv4: bool,
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
    },
}

impl Asked {
    /// The family that it can only be of.
    pub fn is_ipv4(self) -> Option<bool> {
        match self {
            Self::Icmp { is_ipv4, .. } => Some(is_ipv4),
            Self::Traffic(_) | Self::Echo => None,
        }
    }

    /// The traffic in a family.
    pub fn traffic(self, is_ipv4: bool) -> Traffic {
        match self {
            Self::Traffic(traffic) => traffic,
            Self::Echo => Traffic::echo_request(is_ipv4),
            Self::Icmp { kind, code, .. } => Traffic::Icmp { kind, code },
        }
    }
}

impl FromStr for Asked {
    type Err = String;

    /// # Errors
    /// Where the text is none of the forms that the message names.
    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let (protocol, rest) = lower.split_once('/').map_or((lower.as_str(), None), |(a, b)| (a, Some(b)));
        let port = || rest.and_then(|rest| rest.parse::<u16>().ok());
        let found = match (protocol, rest) {
            ("tcp", _) => port().map(|port| Self::Traffic(Traffic::Tcp(port))),
            ("udp", _) => port().map(|port| Self::Traffic(Traffic::Udp(port))),
            ("icmp" | "ping", None) => Some(Self::Echo),
            ("icmpv6", None) => Some(Self::Icmp { is_ipv4: false, kind: 128, code: 0 }),
            ("icmp" | "icmpv6", Some(rest)) => {
                let (kind, code) = rest.split_once(':').unwrap_or((rest, "0"));
                let message = kind.parse().ok().zip(code.parse().ok());
                message.map(|(kind, code)| Self::Icmp { is_ipv4: protocol == "icmp", kind, code })
            }
            (number, None) => number
                .parse::<u8>()
                .ok()
                .filter(|n| ![1, 6, 17, 58].contains(n))
                .map(|n| Self::Traffic(Traffic::Other(n))),
            _ => None,
        };
        found.ok_or_else(|| {
            "write tcp/PORT, udp/PORT, icmp, icmp/TYPE, icmp/TYPE:CODE, icmpv6/TYPE:CODE or another protocol's number"
                .to_owned()
        })
    }
}
