//! Managed prefix lists.

use std::collections::BTreeMap;

use comfy_table::Table;
use serde::Serialize;

use crate::aws::prefix_list::{AddressFamily, PrefixList, PrefixListEntry};
use crate::aws::rule::Peer;
use crate::aws::world::World;
use crate::command::prefix_list::referencing_groups;

use super::rule::RuleView;

/// A prefix list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PrefixListView {
    /// `pl-…`.
    pub id: String,
    /// Name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// `IPv4` or `IPv6`.
    pub address_family: AddressFamily,
    /// How many entries it may have, and what a rule that refers to it costs.
    pub max_entries: u32,
    /// The current version.
    pub version: u64,
    /// The oldest version that is kept.
    pub oldest_version: u64,
    /// The entries of the current version.
    pub entries: Vec<PrefixListEntry>,
    /// Rules that refer to it.
    pub rules: Vec<RuleView>,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

impl PrefixListView {
    /// The view of a list.
    pub fn new(world: &World, list: &PrefixList) -> Self {
        let peer = Peer::PrefixList(list.id.clone());
        let rules = referencing_groups(world, &list.id).flat_map(|group| {
            let naming = group.rules.iter().filter(|rule| rule.peer == peer);
            naming.map(|rule| RuleView::new(world, group, rule))
        });
        Self {
            id: list.id.to_string(),
            name: list.name.clone(),
            region: list.region.to_string(),
            address_family: list.address_family,
            max_entries: list.max_entries,
            version: list.version(),
            oldest_version: list.versions.keys().next().copied().unwrap_or_default(),
            entries: list.entries().to_vec(),
            rules: rules.collect(),
            tags: list.tags.clone(),
        }
    }
}

/// Lists as a table.
pub fn table(lists: &[PrefixListView]) -> Table {
    let mut table = super::table(&["LIST", "NAME", "FAMILY", "ENTRIES", "MAX", "VERSION", "RULES", "REGION"]);
    for list in lists {
        table.add_row([
            &list.id,
            &list.name,
            &list.address_family.to_string(),
            &list.entries.len().to_string(),
            &list.max_entries.to_string(),
            &list.version.to_string(),
            &list.rules.len().to_string(),
            &list.region,
        ]);
    }
    table
}

/// The entries of a list as a table.
pub fn entries(entries: &[PrefixListEntry]) -> Table {
    let mut table = super::table(&["CIDR", "DESCRIPTION"]);
    for entry in entries {
        table.add_row([entry.cidr.to_string().as_str(), entry.description.as_deref().unwrap_or("-")]);
    }
    table
}
