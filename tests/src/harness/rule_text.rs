//! Rules as one reads them: `in tcp 443 VPC`, `out icmp 8/-1 web`, `in 50 0.0.0.0/0`, `out -1 ::/0`, `in udp 53 list`.

use sg_userspace::aws::ids::PrefixListId;
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::{Direction, Peer};

use super::address;
use super::lab::{Permission, StandardLab};

/// The text with the blocks that `VPC` and `VPC6` stand for.
pub fn with_blocks(text: &str) -> String {
    text.replace("VPC6", address::VPC6).replace("VPC", address::VPC)
}

/// Reads a rule: direction, protocol, ports where the protocol has them (`443`, `80-90`, `all`; `8/0` for ICMP), peer.
///
/// # Panics
/// Where the text is no rule: it stands in a test.
pub fn permission(text: &str, lab: &StandardLab) -> Permission {
    let text = with_blocks(text);
    let mut words = text.split_whitespace();
    let mut next = || words.next().unwrap_or_else(|| panic!("`{text}` ends too soon"));
    let direction = match next() {
        "in" => Direction::Inbound,
        "out" => Direction::Outbound,
        word => panic!("`{word}` in `{text}` is neither `in` nor `out`"),
    };
    let protocol = match next() {
        "-1" => IpProtocol::All,
        "tcp" => IpProtocol::TCP,
        "udp" => IpProtocol::UDP,
        "icmp" => IpProtocol::ICMP,
        "icmpv6" => IpProtocol::ICMPV6,
        number => IpProtocol::Number(number.parse().unwrap()),
    };
    let ports = if protocol.has_ports() {
        match next() {
            "all" => PortRange::EVERY_PORT,
            range => {
                let (from, to) = range.split_once('-').unwrap_or((range, range));
                PortRange { from_port: from.parse().unwrap(), to_port: to.parse().unwrap() }
            }
        }
    } else if protocol.has_icmp_types() {
        match next() {
            "all" => PortRange::ALL,
            range => {
                let (kind, code) = range.split_once('/').unwrap_or((range, "-1"));
                PortRange { from_port: kind.parse().unwrap(), to_port: code.parse().unwrap() }
            }
        }
    } else {
        PortRange::ALL
    };
    let peer = match next() {
        cidr if cidr.contains(':') => Peer::CidrIpv6(cidr.parse().unwrap()),
        cidr if cidr.contains('/') => Peer::CidrIpv4(cidr.parse().unwrap()),
        list if list.starts_with("pl-") => Peer::PrefixList(list.parse::<PrefixListId>().unwrap()),
        name => match lab.lists.get(name) {
            Some(list) => Peer::PrefixList(list.clone()),
            None => Peer::ReferencedGroup(lab.groups[name].clone()),
        },
    };
    Permission { direction, protocol, ports, peer }
}
