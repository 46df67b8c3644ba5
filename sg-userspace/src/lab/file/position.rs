//! Where things stand in a lab file, and errors that say so.

use std::fmt;
use std::marker::PhantomData;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::aws::error::AwsError;
use crate::aws::instance_type::InstanceType;
use crate::aws::prefix_list::AddressFamily;
use crate::aws::region::{AvailabilityZone, Region};

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// What is wrong with a lab file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabError {
    /// Where, if known.
    pub at: Option<Position>,
    /// The path of keys, such as `vpcs.lab.subnets.public`; empty where the YAML itself is wrong.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// AWS's error code, where it is AWS that would refuse.
    pub code: Option<String>,
}

impl LabError {
    pub(super) fn from_yaml(error: &serde_saphyr::Error) -> Self {
        let location = error.location();
        let at = location.map(|it| Position { line: it.line(), column: it.column() });
        // The place stands in front already.
        let text = error.without_snippet().to_string();
        let message = text.split(" at line ").next().unwrap_or_default();
        let message = in_plain_words(message.trim_end_matches(':'));
        Self { at, path: String::new(), message, code: None }
    }
}

impl fmt::Display for LabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = self.at {
            write!(f, "{at}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.code {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for LabError {}

/// A value and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub at: Position,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_saphyr::Spanned::<T>::deserialize(deserializer)?;
        let at = Position { line: spanned.referenced.line(), column: spanned.referenced.column() };
        Ok(Self { value: spanned.value, at })
    }
}

/// A mapping from names, in the file's order.
#[derive(Clone, Debug)]
pub struct Named<T>(pub Vec<(At<String>, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Named<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names, each with what it is (NAME: {...})")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry::<At<String>, T>()? {
                    entries.push(entry);
                }
                Ok(Named(entries))
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// One value, or a list of them.
#[derive(Clone, Debug)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Values<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one value or a list")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMany<T>, E> {
                T::deserialize(de::value::StrDeserializer::new(text)).map(|value| OneOrMany(vec![value]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany<T>, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    values.push(value);
                }
                Ok(OneOrMany(values))
            }
        }

        deserializer.deserialize_any(Values(PhantomData))
    }
}

/// A value that is written as text, such as a block or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written<T>(pub T);

/// What can be [`Written`].
pub trait FromText: Sized {
    /// What to write, with an example.
    const EXPECTED: &'static str;

    /// Reads it.
    fn from_text(text: &str) -> Option<Self>;
}

macro_rules! from_text {
    ($($kind:ty: $expected:literal,)*) => {
        $(impl FromText for $kind {
            const EXPECTED: &'static str = $expected;

            fn from_text(text: &str) -> Option<Self> {
                text.trim().parse().ok()
            }
        })*
    };
}

from_text! {
    Ipv4Net: "an IPv4 block such as 10.0.0.0/16",
    Ipv6Net: "an IPv6 block such as 2001:db8:10::/56",
    Ipv4Addr: "an IPv4 address such as 10.0.1.10",
    Ipv6Addr: "an IPv6 address such as 2001:db8:10:1::10",
    Region: "a region such as us-east-1",
    AvailabilityZone: "an availability zone such as us-east-1a",
    IpNet: "a block such as 10.0.0.0/8 or 2001:db8::/32",
    InstanceType: "an instance type such as m8i.large",
}

impl FromText for AddressFamily {
    const EXPECTED: &'static str = "IPv4 or IPv6";

    fn from_text(text: &str) -> Option<Self> {
        [Self::Ipv4, Self::Ipv6]
            .into_iter()
            .find(|family| family.to_string().eq_ignore_ascii_case(text.trim()))
    }
}

impl<'de, T: FromText> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Value<T>(PhantomData<T>);

        impl<T: FromText> Visitor<'_> for Value<T> {
            type Value = Written<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::EXPECTED)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Written<T>, E> {
                let value = T::from_text(text);
                value.map(Written).ok_or_else(|| E::custom(format!("`{text}` is not {}", T::EXPECTED)))
            }
        }

        deserializer.deserialize_str(Value(PhantomData))
    }
}

/// The YAML reader's terms, said for somebody who writes the file.
fn in_plain_words(message: &str) -> String {
    if let Some(key) = message.strip_prefix("duplicate mapping key: ") {
        let key = key.split(',').next().unwrap_or_default();
        return format!("`{key}` is here twice; remove or rename one");
    }
    match message {
        "expected mapping start" => "expected `key: value` entries; write `{}` for none".to_owned(),
        "expected sequence start" => "expected a list: `- item` lines or `[item, item]`".to_owned(),
        "unexpected end of input" => "the file ends too early; a lab file starts with `vpcs:`".to_owned(),
        "invalid boolean" => "expected `true` or `false`".to_owned(),
        other => other.to_owned(),
    }
}

/// What to do about AWS's refusal, where its own words do not say.
fn remedy(code: &str) -> Option<&'static str> {
    Some(match code {
        "InvalidVpc.Range" => {
            "a VPC's blocks are /16 to /28 (IPv6: /44 to /60 in steps of four), apart from each other and private or public unicast"
        }
        "InvalidSubnet.Range" => {
            "a subnet lies inside its VPC's `cidr` and is /16 to /28 (IPv6: inside the VPC's `ipv6`, /44 to /64 in steps of four)"
        }
        "InvalidSubnet.Conflict" => "give it a block that no other subnet of the VPC covers",
        "NetworkAclEntryLimitExceeded" => "raise it with `quotas: {rules-per-network-acl: N}`, to 40 at most",
        "NetworkAclLimitExceeded" => "raise it with `quotas: {network-acls-per-vpc: N}`",
        "VpcPeeringConnectionsPerVpcLimitExceeded" => "raise it with `quotas: {active-peerings-per-vpc: N}`",
        "VpcPeeringConnectionAlreadyExists" => "two VPCs have one peering at a time; remove one of the two",
        "InvalidGroup.Duplicate" => "names are unique in a VPC without regard to case; rename one",
        "InvalidPermission.Duplicate" => "remove one of the two",
        "SecurityGroupsPerInterfaceLimitExceeded" => {
            "name fewer groups, or raise it with `quotas: {groups-per-interface: N}`"
        }
        "RulesPerSecurityGroupLimitExceeded" => "raise it with `quotas: {rules-per-group: N}`",
        "InsufficientFreeAddressesInSubnet" => "give the subnet a larger block",
        _ => return None,
    })
}

/// Puts a place, a path and a remedy to AWS's refusal.
pub(crate) fn refused(at: Option<Position>, path: impl Into<String>, error: AwsError) -> LabError {
    let AwsError { code, mut message } = error;
    if let Some(remedy) = remedy(&code) {
        message = format!("{}: {remedy}", message.trim_end_matches('.'));
    }
    LabError { at, path: path.into(), message, code: Some(code) }
}
