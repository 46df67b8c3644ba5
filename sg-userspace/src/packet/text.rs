//! Reads the line that `describe` writes, so that people and test tables can write packets as text.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use super::describe::ICMP_NAMES;
use super::spec::{Fragment, PacketSpec, TcpFlags, Transport};

/// Why a line is not a packet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found `{found}`")]
pub struct PacketTextError {
    /// What would have been right there.
    pub expected: &'static str,
    /// What is there; empty at the end of the line.
    pub found: String,
}

/// The words of a line that are still to be read. Parentheses are words of their own.
struct Words(Vec<String>);

impl Words {
    fn of(text: &str) -> Self {
        let spaced = text.replace('(', " ( ").replace(')', " ) ");
        Self(spaced.split_whitespace().rev().map(str::to_owned).collect())
    }

    fn peek(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        self.0.pop().unwrap_or_default()
    }

    /// Takes the next word if it is this one.
    fn take(&mut self, word: &str) -> bool {
        let is_next = self.peek() == word;
        if is_next {
            self.0.pop();
        }
        is_next
    }

    fn expect(&mut self, word: &'static str) -> Result<(), PacketTextError> {
        if self.take(word) { Ok(()) } else { Err(expected(word, self.peek())) }
    }

    fn parse<T: FromStr>(&mut self, what: &'static str) -> Result<T, PacketTextError> {
        let word = self.next();
        word.parse().map_err(|_| expected(what, word))
    }

    /// Two ends with `>` between them.
    fn ends<T: FromStr>(&mut self, what: &'static str) -> Result<(T, T), PacketTextError> {
        let source = self.parse(what)?;
        self.expect(">")?;
        Ok((source, self.parse(what)?))
    }
}

fn expected(expected: &'static str, found: impl Display) -> PacketTextError {
    PacketTextError { expected, found: found.to_string() }
}

impl FromStr for PacketSpec {
    type Err = PacketTextError;

    /// # Errors
    /// Where the text is not what [`PacketSpec`]'s `Display` writes, give or take spaces.
    fn from_str(text: &str) -> Result<Self, PacketTextError> {
        let mut words = Words::of(text);
        let packet = packet(&mut words)?;
        if words.0.is_empty() { Ok(packet) } else { Err(expected("the end", words.peek())) }
    }
}

fn packet(words: &mut Words) -> Result<PacketSpec, PacketTextError> {
    let word = words.next();
    let (source, destination, transport) = match word.as_str() {
        "tcp" => {
            let (source, destination) = words.ends::<SocketAddr>("an address and port")?;
            let flags = words.parse("TCP flags such as `S.` or `none`")?;
            let (source_port, destination_port) = (source.port(), destination.port());
            (source.ip(), destination.ip(), Transport::Tcp { source_port, destination_port, flags })
        }
        "udp" => {
            let (source, destination) = words.ends::<SocketAddr>("an address and port")?;
            let (source_port, destination_port) = (source.port(), destination.port());
            (source.ip(), destination.ip(), Transport::Udp { source_port, destination_port })
        }
        "icmp" | "icmpv6" => {
            let (source, destination) = words.ends::<IpAddr>("an address")?;
            let protocol = if word == "icmp" { 1 } else { 58 };
            (source, destination, icmp(words, protocol)?)
        }
        "proto" => {
            let protocol = words.parse("a protocol number")?;
            let (source, destination) = words.ends::<IpAddr>("an address")?;
            (source, destination, Transport::Other { protocol })
        }
        _ => return Err(expected("`tcp`, `udp`, `icmp`, `icmpv6` or `proto`", word)),
    };
    let is_in_wrong_family = match word.as_str() {
        "icmp" => source.is_ipv6(),
        "icmpv6" => source.is_ipv4(),
        _ => false,
    };
    if is_in_wrong_family || source.is_ipv4() != destination.is_ipv4() {
        return Err(expected("addresses of one family, the protocol's", format!("{source} > {destination}")));
    }
    let fragment = if words.take("fragment") {
        let id = words.parse("a fragment identification")?;
        words.expect("at")?;
        let offset = words.parse("a fragment offset")?;
        Some(Fragment { id, offset, more: words.take("more") })
    } else {
        None
    };
    let payload_length = if words.take("length") { words.parse("a length")? } else { 0 };
    let dont_fragment = words.take("df");
    Ok(PacketSpec { source, destination, transport, fragment, payload_length, dont_fragment })
}

fn icmp(words: &mut Words, protocol: u8) -> Result<Transport, PacketTextError> {
    let named = ICMP_NAMES.iter().find(|(p, _, name)| *p == protocol && *name == words.peek());
    let (kind, code) = if let Some((_, kind, _)) = named {
        words.next();
        (*kind, 0)
    } else {
        words.expect("type")?;
        let kind = words.parse("an ICMP type")?;
        words.expect("code")?;
        (kind, words.parse("an ICMP code")?)
    };
    if words.take("about") {
        words.expect("(")?;
        let about = Box::new(packet(words)?);
        words.expect(")")?;
        return Ok(Transport::IcmpError { kind, code, about });
    }
    words.expect("id")?;
    Ok(Transport::Icmp { kind, code, id: words.parse("an ICMP identifier")? })
}

impl FromStr for TcpFlags {
    type Err = PacketTextError;

    /// # Errors
    /// Where a letter is none of `S`, `F`, `R` and `.`.
    fn from_str(text: &str) -> Result<Self, PacketTextError> {
        let mut flags = Self::NONE;
        if text == "none" {
            return Ok(flags);
        }
        for letter in text.chars() {
            match letter {
                'S' => flags.syn = true,
                'F' => flags.fin = true,
                'R' => flags.rst = true,
                '.' => flags.ack = true,
                _ => return Err(expected("TCP flags out of `SFR.`", text)),
            }
        }
        if text.is_empty() { Err(expected("TCP flags such as `S.` or `none`", text)) } else { Ok(flags) }
    }
}
