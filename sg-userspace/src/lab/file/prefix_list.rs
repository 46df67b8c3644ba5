//! Prefix lists in a lab file.

use std::fmt;

use ipnet::IpNet;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor, value};

use crate::aws::prefix_list::{AddressFamily, PrefixListEntry};
use crate::aws::region::Region;

use super::position::{At, FromText, Written};

/// A prefix list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PrefixListFile {
    /// Region, if not the file's.
    #[serde(default)]
    pub region: Option<Written<Region>>,
    /// The family of its blocks; that of the first entry if absent.
    #[serde(default)]
    pub family: Option<Written<AddressFamily>>,
    /// How many entries it may have, which is what a rule that names it costs; as many as it has if absent.
    #[serde(default)]
    pub max_entries: Option<u32>,
    /// Its blocks, each alone or with a description.
    #[serde(default)]
    pub entries: Vec<At<EntryText>>,
}

/// A block of a prefix list: `10.0.0.0/8`, or `{cidr: 10.0.0.0/8, description: offices}`.
#[derive(Clone, Debug)]
pub struct EntryText(pub PrefixListEntry);

/// A block as a mapping.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryMapping {
    cidr: Written<IpNet>,
    #[serde(default)]
    description: Option<String>,
}

impl<'de> Deserialize<'de> for EntryText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entry;

        impl<'de> Visitor<'de> for Entry {
            type Value = EntryText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a block such as 10.0.0.0/8, or {cidr: 10.0.0.0/8, description: offices}")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<EntryText, E> {
                let cidr = IpNet::from_text(text)
                    .ok_or_else(|| E::custom(format!("`{text}` is not {}", IpNet::EXPECTED)))?;
                Ok(EntryText(PrefixListEntry { cidr, description: None }))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EntryText, A::Error> {
                let EntryMapping { cidr, description } =
                    EntryMapping::deserialize(value::MapAccessDeserializer::new(map))?;
                Ok(EntryText(PrefixListEntry { cidr: cidr.0, description }))
            }
        }

        deserializer.deserialize_any(Entry)
    }
}
