//! A packet in one line, much as tcpdump has it. `text` reads the same line back.
//!
//! ```text
//! tcp 10.0.1.4:40000 > 10.0.1.5:443 S
//! udp [2600:1f18::4]:5353 > [2600:1f18::5]:53 length 12
//! icmp 10.0.1.4 > 10.0.1.5 echo-request id 7
//! icmp 10.0.1.5 > 10.0.1.4 type 3 code 1 about (tcp 10.0.1.4:40000 > 10.0.1.5:443 S)
//! proto 50 10.0.1.4 > 10.0.1.5 fragment 7 at 0 more
//! udp 10.0.1.4:5353 > 203.0.113.9:53 length 1473 df
//! ```

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::spec::{PacketSpec, TcpFlags, Transport};

/// Names of ICMP messages with code 0, by protocol and type.
pub(super) const ICMP_NAMES: [(u8, u8, &str); 4] =
    [(1, 8, "echo-request"), (1, 0, "echo-reply"), (58, 128, "echo-request"), (58, 129, "echo-reply")];

impl fmt::Display for PacketSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = self.protocol();
        match &self.transport {
            Transport::Tcp { source_port, destination_port, flags } => {
                write_ends(f, "tcp", (self.source, *source_port), (self.destination, *destination_port))?;
                write!(f, " {flags}")?;
            }
            Transport::Udp { source_port, destination_port } => {
                write_ends(f, "udp", (self.source, *source_port), (self.destination, *destination_port))?;
            }
            Transport::Icmp { kind, code, id } => {
                write!(f, "{} {} > {}", icmp_word(protocol), self.source, self.destination)?;
                match ICMP_NAMES.iter().find(|(p, k, _)| (*p, *k, 0) == (protocol, *kind, *code)) {
                    Some((_, _, name)) => write!(f, " {name} id {id}")?,
                    None => write!(f, " type {kind} code {code} id {id}")?,
                }
            }
            Transport::IcmpError { kind, code, about } => {
                write!(f, "{} {} > {}", icmp_word(protocol), self.source, self.destination)?;
                write!(f, " type {kind} code {code} about ({about})")?;
            }
            Transport::Other { protocol } => {
                write!(f, "proto {protocol} {} > {}", self.source, self.destination)?
            }
        }
        if let Some(fragment) = self.fragment {
            write!(f, " fragment {} at {}", fragment.id, fragment.offset)?;
            if fragment.more {
                f.write_str(" more")?;
            }
        }
        if self.payload_length > 0 {
            write!(f, " length {}", self.payload_length)?;
        }
        if self.dont_fragment {
            f.write_str(" df")?;
        }
        Ok(())
    }
}

fn icmp_word(protocol: u8) -> &'static str {
    if protocol == 1 { "icmp" } else { "icmpv6" }
}

fn write_ends(
    f: &mut fmt::Formatter<'_>,
    word: &str,
    source: (IpAddr, u16),
    destination: (IpAddr, u16),
) -> fmt::Result {
    write!(f, "{word} {} > {}", SocketAddr::from(source), SocketAddr::from(destination))
}

impl fmt::Display for TcpFlags {
    /// tcpdump's letters: `S` SYN, `F` FIN, `R` RST, `.` ACK; `none` without any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = [(self.syn, 'S'), (self.fin, 'F'), (self.rst, 'R'), (self.ack, '.')];
        let text: String = letters.iter().filter(|(is_set, _)| *is_set).map(|(_, letter)| *letter).collect();
        f.pad(if text.is_empty() { "none" } else { &text })
    }
}
