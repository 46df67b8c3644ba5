//! The console's rule types and the names of ICMP messages: words that stand for a protocol and its ports.

use crate::aws::protocol::{IpProtocol, PortRange};

const fn tcp(port: i32) -> (IpProtocol, PortRange) {
    (IpProtocol::TCP, PortRange { from_port: port, to_port: port })
}

const fn udp(port: i32) -> (IpProtocol, PortRange) {
    (IpProtocol::UDP, PortRange { from_port: port, to_port: port })
}

/// Every rule type of the console that fixes protocol and ports, by its label (section 10 of the facts).
pub const TEMPLATES: &[(&str, (IpProtocol, PortRange))] = &[
    ("All traffic", (IpProtocol::All, PortRange::ALL)),
    ("All TCP", (IpProtocol::TCP, PortRange::EVERY_PORT)),
    ("All UDP", (IpProtocol::UDP, PortRange::EVERY_PORT)),
    ("All ICMP - IPv4", (IpProtocol::ICMP, PortRange::ALL)),
    ("All ICMP - IPv6", (IpProtocol::ICMPV6, PortRange::ALL)),
    ("SSH", tcp(22)),
    ("SMTP", tcp(25)),
    ("DNS (UDP)", udp(53)),
    ("DNS (TCP)", tcp(53)),
    ("HTTP", tcp(80)),
    ("POP3", tcp(110)),
    ("IMAP", tcp(143)),
    ("LDAP", tcp(389)),
    ("HTTPS", tcp(443)),
    ("SMB", tcp(445)),
    ("SMTPS", tcp(465)),
    ("IMAPS", tcp(993)),
    ("POP3S", tcp(995)),
    ("MSSQL", tcp(1433)),
    ("Oracle-RDS", tcp(1521)),
    ("Elastic Graphics", tcp(2007)),
    ("NFS", tcp(2049)),
    ("MYSQL/Aurora", tcp(3306)),
    ("RDP", tcp(3389)),
    ("PostgreSQL", tcp(5432)),
    ("Redshift", tcp(5439)),
    ("WinRM-HTTP", tcp(5985)),
    ("WinRM-HTTPS", tcp(5986)),
    ("CQLSH / CASSANDRA", tcp(9042)),
];

/// ICMP messages by name: protocol, name, type, code (T-04).
const ICMP_NAMES: &[(IpProtocol, &str, i32, i32)] = &[
    (IpProtocol::ICMP, "echo-reply", 0, -1),
    (IpProtocol::ICMP, "dest-unreachable", 3, -1),
    (IpProtocol::ICMP, "net-unreachable", 3, 0),
    (IpProtocol::ICMP, "host-unreachable", 3, 1),
    (IpProtocol::ICMP, "protocol-unreachable", 3, 2),
    (IpProtocol::ICMP, "port-unreachable", 3, 3),
    (IpProtocol::ICMP, "frag-needed", 3, 4),
    (IpProtocol::ICMP, "source-quench", 4, -1),
    (IpProtocol::ICMP, "redirect", 5, -1),
    (IpProtocol::ICMP, "echo-request", 8, -1),
    (IpProtocol::ICMP, "router-adv", 9, -1),
    (IpProtocol::ICMP, "router-sol", 10, -1),
    (IpProtocol::ICMP, "time-exceeded", 11, -1),
    (IpProtocol::ICMP, "parameter-problem", 12, -1),
    (IpProtocol::ICMP, "timestamp", 13, -1),
    (IpProtocol::ICMP, "timestamp-reply", 14, -1),
    (IpProtocol::ICMPV6, "dest-unreachable", 1, -1),
    (IpProtocol::ICMPV6, "packet-too-big", 2, -1),
    (IpProtocol::ICMPV6, "time-exceeded", 3, -1),
    (IpProtocol::ICMPV6, "parameter-problem", 4, -1),
    (IpProtocol::ICMPV6, "echo-request", 128, -1),
    (IpProtocol::ICMPV6, "echo-reply", 129, -1),
    (IpProtocol::ICMPV6, "router-sol", 133, -1),
    (IpProtocol::ICMPV6, "router-adv", 134, -1),
    (IpProtocol::ICMPV6, "neighbor-sol", 135, -1),
    (IpProtocol::ICMPV6, "neighbor-adv", 136, -1),
    (IpProtocol::ICMPV6, "redirect", 137, -1),
];

/// The protocol and ports that a console rule type stands for, in any case.
pub fn by_name(name: &str) -> Option<(IpProtocol, PortRange)> {
    let wanted = squeezed(name);
    TEMPLATES.iter().find(|(label, _)| squeezed(label) == wanted).map(|(_, what)| *what)
}

/// The console rule type that stands for a protocol and ports, for showing rules as the console does.
pub fn name_of(protocol: IpProtocol, ports: PortRange) -> Option<&'static str> {
    TEMPLATES.iter().find(|(_, what)| *what == (protocol, ports)).map(|(label, _)| *label)
}

/// Type and code of an ICMP message by its name.
pub(super) fn icmp_by_name(protocol: IpProtocol, name: &str) -> Option<PortRange> {
    let wanted = name.replace(' ', "-");
    let named = |(of, known, ..): &&(IpProtocol, &str, i32, i32)| {
        *of == protocol && known.eq_ignore_ascii_case(&wanted)
    };
    ICMP_NAMES.iter().find(named).map(|(_, _, kind, code)| PortRange { from_port: *kind, to_port: *code })
}

/// Lower case without spaces, so that `All ICMP-IPv4` is `All ICMP - IPv4`.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_stands_for_something_of_its_own() {
        for (label, what) in TEMPLATES {
            assert_eq!(by_name(&label.to_uppercase()), Some(*what));
            assert_eq!(name_of(what.0, what.1), Some(*label));
        }
    }
}
