//! The parts of a lab file that can be written in more than one way: rules, servers and addresses.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor, value};
use serde::{Deserialize, Serialize};

use super::position::{At, FromText, OneOrMany};

/// A number or a word, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;

        impl Visitor<'_> for Scalar {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a number")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }
        }

        deserializer.deserialize_any(Scalar)
    }
}

/// A rule as written.
#[derive(Clone, Debug)]
pub enum RuleText {
    /// `HTTP from anywhere`.
    Line(String),
    /// `{type: HTTP, source: anywhere}`.
    Mapping(Box<RuleMapping>),
}

/// A rule as a mapping.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RuleMapping {
    /// A console rule type such as `HTTP`; or else `protocol` and `ports`.
    #[serde(default, rename = "type")]
    pub kind: Option<At<Text>>,
    /// Protocol.
    #[serde(default)]
    pub protocol: Option<At<Text>>,
    /// Ports, or ICMP type and code.
    #[serde(default)]
    pub ports: Option<At<Text>>,
    /// Who may send, in an inbound rule.
    #[serde(default)]
    pub source: Option<OneOrMany<Text>>,
    /// Who may be sent to, in an outbound rule.
    #[serde(default)]
    pub destination: Option<OneOrMany<Text>>,
    /// Description.
    #[serde(default)]
    pub description: Option<String>,
    /// `allow`, the only action there is. Read so that anything else is refused in so many words.
    #[serde(default)]
    pub action: Option<Text>,
    /// The same under IAM's name.
    #[serde(default)]
    pub effect: Option<Text>,
    /// Never accepted, for the same reason.
    #[serde(default)]
    pub deny: Option<de::IgnoredAny>,
}

impl<'de> Deserialize<'de> for RuleText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rule;

        impl<'de> Visitor<'de> for Rule {
            type Value = RuleText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rule such as `HTTP from anywhere` or {type: HTTP, source: anywhere}")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RuleText, E> {
                Ok(RuleText::Line(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RuleText, A::Error> {
                let mapping = RuleMapping::deserialize(value::MapAccessDeserializer::new(map))?;
                Ok(RuleText::Mapping(Box::new(mapping)))
            }
        }

        deserializer.deserialize_any(Rule)
    }
}

/// A server to run: `http 80` or `{http: 80}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Server {
    /// Built-in TCP server on this port: echoes.
    Tcp(u16),
    /// Built-in UDP server on this port: echoes.
    Udp(u16),
    /// Built-in HTTP server on this port.
    Http(u16),
    /// A real nginx on this port.
    Nginx(u16),
    /// A real PostgreSQL on this port.
    Postgres(u16),
    /// Any command, run by the shell in the instance's namespace.
    Run(String),
}

impl Server {
    fn from_words(kind: &str, rest: &str) -> Result<Self, String> {
        const EXPECTED: &str =
            "a server is `tcp PORT`, `udp PORT`, `http PORT`, `nginx PORT`, `postgres PORT` or `run COMMAND`";
        let rest = rest.trim();
        let make = match kind.to_ascii_lowercase().as_str() {
            "tcp" => Self::Tcp,
            "udp" => Self::Udp,
            "http" => Self::Http,
            "nginx" => Self::Nginx,
            "postgres" => Self::Postgres,
            "run" if !rest.is_empty() => return Ok(Self::Run(rest.to_owned())),
            _ => return Err(format!("unknown server `{kind} {rest}`: {EXPECTED}")),
        };
        match rest.parse() {
            Ok(port) if port > 0 => Ok(make(port)),
            _ => Err(format!("`{rest}` is not a port from 1 to 65535: {EXPECTED}")),
        }
    }

    /// Whether its port is one of UDP, rather than of TCP.
    pub fn is_udp(&self) -> bool {
        matches!(self, Self::Udp(_))
    }

    /// The port that it listens on, where it is known.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(port)
            | Self::Udp(port)
            | Self::Http(port)
            | Self::Nginx(port)
            | Self::Postgres(port) => Some(*port),
            Self::Run(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Server {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;

        impl<'de> Visitor<'de> for Words {
            type Value = Server;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a server such as `http 80`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Server, E> {
                let (kind, rest) = text.trim().split_once(char::is_whitespace).unwrap_or((text, ""));
                Server::from_words(kind, rest).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Server, A::Error> {
                let Some((kind, rest)) = map.next_entry::<String, Text>()? else {
                    return Err(de::Error::custom("an empty server: write one such as `http: 80`"));
                };
                if map.next_entry::<String, de::IgnoredAny>()?.is_some() {
                    return Err(de::Error::custom("two servers in one entry: give each its own dash"));
                }
                Server::from_words(&kind, &rest.0).map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(Words)
    }
}

/// Secondary private IPv4 addresses: how many, or which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecondaryAddresses {
    /// This many automatic ones.
    Count(u16),
    /// These.
    List(Vec<Ipv4Addr>),
}

impl<'de> Deserialize<'de> for SecondaryAddresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parse = |text: &str| match text.parse() {
            Ok(count) => Ok(Self::Count(count)),
            Err(_) => address(text).map(|address| Self::List(vec![address])),
        };
        let list = |texts: Vec<Text>| {
            texts.iter().map(|text| address(&text.0)).collect::<Result<_, _>>().map(Self::List)
        };
        deserializer.deserialize_any(TextOrList {
            parse,
            list,
            expected: "how many, or a list of IPv4 addresses",
        })
    }
}

/// IPv6 addresses of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ipv6Choice {
    /// One automatic address where the subnet has IPv6.
    Auto,
    /// None.
    None,
    /// These.
    List(Vec<Ipv6Addr>),
}

impl<'de> Deserialize<'de> for Ipv6Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parse = |text: &str| match text {
            "auto" => Ok(Self::Auto),
            "none" => Ok(Self::None),
            text => address(text).map(|address| Self::List(vec![address])),
        };
        let list = |texts: Vec<Text>| {
            texts.iter().map(|text| address(&text.0)).collect::<Result<_, _>>().map(Self::List)
        };
        deserializer.deserialize_any(TextOrList {
            parse,
            list,
            expected: "`auto`, `none`, or IPv6 addresses",
        })
    }
}

fn address<T: FromText>(text: &str) -> Result<T, String> {
    T::from_text(text).ok_or_else(|| format!("`{text}` is not {}", T::EXPECTED))
}

/// Reads a word or number, or a list of them.
struct TextOrList<P, L> {
    parse: P,
    list: L,
    expected: &'static str,
}

impl<'de, V, P, L> Visitor<'de> for TextOrList<P, L>
where
    P: FnOnce(&str) -> Result<V, String>,
    L: FnOnce(Vec<Text>) -> Result<V, String>,
{
    type Value = V;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<V, E> {
        (self.parse)(text.trim()).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<V, E> {
        (self.parse)(&number.to_string()).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<V, E> {
        (self.parse)(&number.to_string()).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<V, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = seq.next_element()? {
            texts.push(text);
        }
        (self.list)(texts).map_err(de::Error::custom)
    }
}
