//! What a rule allows, as a typed value, and how EC2's API reads and checks it. What users may type on top of that is in
//! `rule_text`; rules themselves are made in `rule`.

use std::collections::BTreeMap;

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::ids::{SecurityGroupRuleId, VpcId};
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::rule::{Direction, Peer, SecurityGroupRule};

use super::group::{PUNCTUATION, is_plain};

/// One protocol, port range and peer: AWS's `IpPermission` with exactly one peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// Protocol.
    pub protocol: IpProtocol,
    /// Ports, or ICMP type and code.
    pub ports: PortRange,
    /// Who may be at the other end.
    pub peer: Peer,
    /// Free text, not part of the identity.
    #[serde(default)]
    pub description: Option<String>,
}

impl Permission {
    /// A permission without description. [`super::apply`] checks it.
    pub fn new(protocol: IpProtocol, ports: PortRange, peer: Peer) -> Self {
        Self { protocol, ports, peer, description: None }
    }

    /// The same with a description.
    pub fn described(self, description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..self }
    }

    /// Whether a rule is this permission in this direction, whatever the descriptions.
    pub fn is_of(&self, rule: &SecurityGroupRule, direction: Direction) -> bool {
        rule.direction == direction && self.is_same(&Self::from(rule))
    }

    /// Whether two permissions are the same to AWS: all but the description.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.protocol, self.ports, &self.peer) == (other.protocol, other.ports, &other.peer)
    }

    /// The rule of this id and number that allows it.
    pub fn into_rule(
        self,
        (id, number): (SecurityGroupRuleId, u32),
        direction: Direction,
        referenced_vpc_id: Option<VpcId>,
        tags: BTreeMap<String, String>,
    ) -> SecurityGroupRule {
        let Self { protocol, ports, peer, description } = self;
        SecurityGroupRule {
            id,
            number,
            direction,
            protocol,
            ports,
            peer,
            description,
            referenced_vpc_id,
            tags,
        }
    }

    /// The form that AWS stores: host bits masked, no ports where the protocol has none, an empty
    /// description as none.
    ///
    /// # Errors
    /// Ports that the protocol cannot have (R-E3, R-E5 to R-E7) and descriptions with other characters (R-E16).
    pub(super) fn checked(self) -> Result<Self, AwsError> {
        let ports = check_ports(self.protocol, self.ports)?;
        let peer = match self.peer {
            Peer::CidrIpv4(net) => Peer::CidrIpv4(net.trunc()),
            Peer::CidrIpv6(net) => Peer::CidrIpv6(net.trunc()),
            peer @ (Peer::PrefixList(_) | Peer::ReferencedGroup(_)) => peer,
        };
        let description = check_description(self.description, &peer)?;
        Ok(Self { protocol: self.protocol, ports, peer, description })
    }

    /// AWS's words for the permission, as `InvalidPermission.Duplicate` has them (R-E1).
    pub(super) fn in_aws_words(&self) -> String {
        let protocol = match self.protocol {
            IpProtocol::All => "ALL".to_owned(),
            protocol => protocol.to_string().to_uppercase(),
        };
        let PortRange { from_port, to_port } = self.ports;
        if self.protocol.has_ports() || self.protocol.has_icmp_types() {
            format!("peer: {}, {protocol}, from port: {from_port}, to port: {to_port}, ALLOW", self.peer)
        } else {
            format!("peer: {}, {protocol}, ALLOW", self.peer)
        }
    }
}

impl From<&SecurityGroupRule> for Permission {
    fn from(rule: &SecurityGroupRule) -> Self {
        Self {
            protocol: rule.protocol,
            ports: rule.ports,
            peer: rule.peer.clone(),
            description: rule.description.clone(),
        }
    }
}

/// Reads a protocol as EC2's API does: `tcp`, `udp`, `icmp`, `icmpv6` in any case, 0 to 255, or `-1`.
///
/// # Errors
/// Every other text, `all` included (R-08, R-E9).
pub fn parse_protocol(text: &str) -> Result<IpProtocol, AwsError> {
    let unknown =
        || AwsError::invalid_value(format!("Invalid value '{text}' for IP protocol. Unknown protocol."));
    match text.to_ascii_lowercase().as_str() {
        "tcp" => Ok(IpProtocol::TCP),
        "udp" => Ok(IpProtocol::UDP),
        "icmp" => Ok(IpProtocol::ICMP),
        "icmpv6" => Ok(IpProtocol::ICMPV6),
        "-1" => Ok(IpProtocol::All),
        number if number.bytes().all(|b| b.is_ascii_digit()) => {
            number.parse().map(IpProtocol::Number).map_err(|_| unknown())
        }
        _ => Err(unknown()),
    }
}

/// Reads `FromPort` and `ToPort` as EC2's API does. Where the protocol has neither ports nor types, they are disregarded.
///
/// # Errors
/// One missing where both are needed (R-E4); ports out of range (R-E3, R-E5 to R-E7).
pub fn parse_ports(
    protocol: IpProtocol,
    from_port: Option<i32>,
    to_port: Option<i32>,
) -> Result<PortRange, AwsError> {
    match (from_port, to_port) {
        (Some(from_port), Some(to_port)) => check_ports(protocol, PortRange { from_port, to_port }),
        (None, None) if protocol == IpProtocol::ICMPV6 => Ok(PortRange::ALL),
        _ if protocol.has_ports() => Err(AwsError::invalid_value(
            "Invalid value for portRange. Must specify both from and to ports with TCP/UDP.",
        )),
        _ if protocol.has_icmp_types() => Err(AwsError::invalid_value(
            "Invalid value for portRange. Must specify both type and code with ICMP.",
        )),
        _ => Ok(PortRange::ALL),
    }
}

/// Reads the peer of an `IpRanges` entry.
///
/// # Errors
/// A bare address, an IPv6 block, and every other text that is no IPv4 block (R-E8).
pub fn parse_cidr_ipv4(text: &str) -> Result<Peer, AwsError> {
    text.parse::<Ipv4Net>().map(|net| Peer::CidrIpv4(net.trunc())).map_err(|_| malformed_cidr(text))
}

/// Reads the peer of an `Ipv6Ranges` entry.
///
/// # Errors
/// A bare address, an IPv4 block, and every other text that is no IPv6 block (R-E8).
pub fn parse_cidr_ipv6(text: &str) -> Result<Peer, AwsError> {
    text.parse::<Ipv6Net>().map(|net| Peer::CidrIpv6(net.trunc())).map_err(|_| malformed_cidr(text))
}

pub(super) fn malformed_cidr(text: &str) -> AwsError {
    AwsError::invalid_value(format!("CIDR block {text} is malformed"))
}

fn check_ports(protocol: IpProtocol, ports: PortRange) -> Result<PortRange, AwsError> {
    let PortRange { from_port, to_port } = ports;
    if protocol.has_ports() {
        for (end, port) in [("from", from_port), ("to", to_port)] {
            if !(0..=65_535).contains(&port) {
                return Err(AwsError::invalid_value(format!("TCP/UDP ({end}) port ({port}) out of range")));
            }
        }
        if from_port > to_port {
            return Err(AwsError::invalid_value(format!(
                "Invalid TCP/UDP port range ({from_port}:{to_port})"
            )));
        }
        Ok(ports)
    } else if protocol.has_icmp_types() {
        for (what, value) in [("type", from_port), ("code", to_port)] {
            if !(-1..=255).contains(&value) {
                return Err(AwsError::invalid_value(format!("ICMP {what} ({value}) out of range")));
            }
        }
        if from_port == -1 && to_port != -1 {
            // R-12, R-E7.
            return Err(AwsError::invalid_value(format!(
                "ICMP code ({to_port}) cannot be given when the ICMP type is all (-1)"
            )));
        }
        Ok(ports)
    } else {
        Ok(PortRange::ALL)
    }
}

fn check_description(description: Option<String>, peer: &Peer) -> Result<Option<String>, AwsError> {
    // `&` in descriptions of CIDR rules only.
    let is_cidr = matches!(peer, Peer::CidrIpv4(_) | Peer::CidrIpv6(_));
    let is_valid = |text: &String| is_plain(text, PUNCTUATION) && (is_cidr || !text.contains('&'));
    match description.filter(|text| !text.is_empty()) {
        Some(text) if !is_valid(&text) => Err(AwsError::invalid_value(
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        )),
        description => Ok(description),
    }
}
