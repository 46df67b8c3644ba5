//! Managed prefix lists: named sets of blocks that rules refer to by id.

use std::collections::BTreeMap;
use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::ids::PrefixListId;
use super::region::Region;

/// The one family of a prefix list's blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AddressFamily {
    /// `IPv4`.
    #[serde(rename = "IPv4")]
    Ipv4,
    /// `IPv6`.
    #[serde(rename = "IPv6")]
    Ipv6,
}

impl AddressFamily {
    /// The family of a block.
    pub fn of(block: &IpNet) -> Self {
        match block {
            IpNet::V4(_) => Self::Ipv4,
            IpNet::V6(_) => Self::Ipv6,
        }
    }
}

impl fmt::Display for AddressFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        })
    }
}

/// One block of a prefix list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixListEntry {
    /// The block, host bits masked.
    pub cidr: IpNet,
    /// Free text.
    #[serde(default)]
    pub description: Option<String>,
}

/// The most entries that a list can be made for.
pub const MAX_ENTRIES: u32 = 1000;
/// How many versions of a list are kept; then the oldest one goes.
pub const MAX_VERSIONS: usize = 1000;
/// The most rules that refer to one list.
pub const MAX_REFERENCES: usize = 10_000;
/// The most prefix lists of a region.
pub const MAX_LISTS_PER_REGION: usize = 100;

/// A customer-managed prefix list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixList {
    /// Its id.
    pub id: PrefixListId,
    /// Creation order.
    pub number: u32,
    /// Its region.
    pub region: Region,
    /// Its name.
    pub name: String,
    /// The family of its blocks.
    pub address_family: AddressFamily,
    /// How many entries it may have, which is what each rule that refers to it costs.
    pub max_entries: u32,
    /// Its versions that are kept, by number from 1; the last is the current one. Never empty.
    #[serde(with = "as_pairs")]
    pub versions: BTreeMap<u64, Vec<PrefixListEntry>>,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

/// Versions as a list of pairs: JSON has no numbers for keys.
mod as_pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::PrefixListEntry;

    type Versions = BTreeMap<u64, Vec<PrefixListEntry>>;

    pub(super) fn serialize<S: Serializer>(versions: &Versions, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(versions)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Versions, D::Error> {
        Ok(Vec::<(u64, Vec<PrefixListEntry>)>::deserialize(deserializer)?.into_iter().collect())
    }
}

impl PrefixList {
    /// Number of the current version.
    pub fn version(&self) -> u64 {
        self.versions.keys().next_back().copied().unwrap_or_default()
    }

    /// The entries that rules follow: those of the current version.
    pub fn entries(&self) -> &[PrefixListEntry] {
        self.versions.values().next_back().map_or(&[], Vec::as_slice)
    }
}
