//! Managed prefix lists: made, changed by versions, restored and deleted.

mod entries;

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::group::SecurityGroup;
use crate::aws::ids::{PrefixListId, SecurityGroupId};
use crate::aws::prefix_list::{
    AddressFamily, MAX_ENTRIES, MAX_LISTS_PER_REGION, MAX_VERSIONS, PrefixList, PrefixListEntry,
};
use crate::aws::region::Region;
use crate::aws::rule::Peer;
use crate::aws::world::World;

use super::Reply;
use super::edit::Edit;
use super::group::MAX_TEXT;
use super::rule_count::RuleCount;
use super::tag;

/// The most entries that one call adds, and the most that it removes.
const MAX_CHANGES: usize = 100;
/// What names of AWS's own lists start with.
const RESERVED_NAMES: [&str; 3] = ["com.amazonaws.", "com.amazon.", "com.aws."];

/// Makes a prefix list, in version 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateManagedPrefixList {
    /// Its region.
    #[serde(default)]
    pub region: Region,
    /// Its name; lists may share one.
    pub name: String,
    /// The one family of its entries.
    pub address_family: AddressFamily,
    /// How many entries it may have, 1 to 1000: what each rule that refers to it costs.
    pub max_entries: u32,
    /// Its first entries.
    #[serde(default)]
    pub entries: Vec<PrefixListEntry>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl CreateManagedPrefixList {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        check_name(&self.name)?;
        check_max_entries(self.max_entries, self.entries.len())?;
        check_changes(self.entries.len())?;
        let entries = entries::added(Vec::new(), self.address_family, self.entries)?;
        let lists = edit.world().prefix_lists.values();
        if lists.filter(|list| list.region == self.region).count() >= MAX_LISTS_PER_REGION {
            //
            return Err(AwsError::new(
                "PrefixListLimitExceeded",
                format!("The maximum number of prefix lists for region {} has been reached.", self.region),
            ));
        }
        let tags = tag::checked(self.tags)?;
        let (seed, number) = edit.next_number()?;
        let id = PrefixListId::mint(seed, number);
        edit.put(PrefixList {
            id: id.clone(),
            number,
            region: self.region,
            name: self.name,
            address_family: self.address_family,
            max_entries: self.max_entries,
            versions: BTreeMap::from([(1, entries)]),
            tags,
        });
        Ok(Reply::PrefixList { prefix_list_id: id, version: 1 })
    }
}

/// Changes a prefix list. Other entries make a new version; another name or size does not. Rules that refer to it
/// follow at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModifyManagedPrefixList {
    /// The list.
    pub prefix_list_id: PrefixListId,
    /// The version that the caller has seen last; needed where entries change.
    #[serde(default)]
    pub current_version: Option<u64>,
    /// Its name from now on.
    #[serde(default)]
    pub name: Option<String>,
    /// How many entries it may have from now on; not together with entries.
    #[serde(default)]
    pub max_entries: Option<u32>,
    /// Entries to add.
    #[serde(default)]
    pub add_entries: Vec<PrefixListEntry>,
    /// Blocks of entries to remove.
    #[serde(default)]
    pub remove_entries: Vec<IpNet>,
}

impl ModifyManagedPrefixList {
    /// A change of nothing yet.
    pub fn new(prefix_list_id: PrefixListId) -> Self {
        Self {
            prefix_list_id,
            current_version: None,
            name: None,
            max_entries: None,
            add_entries: Vec::new(),
            remove_entries: Vec::new(),
        }
    }

    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let id = self.prefix_list_id;
        let list: &PrefixList = edit.get(&id)?;
        let has_entries = !self.add_entries.is_empty() || !self.remove_entries.is_empty();
        if !has_entries && self.name.is_none() && self.max_entries.is_none() {
            return Err(missing("PrefixListName, MaxEntries, AddEntries or RemoveEntries"));
        }
        if has_entries && self.max_entries.is_some() {
            //
            return Err(AwsError::new(
                "InvalidParameterCombination",
                "You cannot modify the entries and the maximum number of entries for the prefix list in the same request.",
            ));
        }
        match self.current_version {
            Some(version) => check_version(list, version)?,
            None if has_entries => return Err(missing("CurrentVersion")),
            None => {}
        }
        if let Some(name) = self.name {
            check_name(&name)?;
            edit.get_mut::<PrefixList>(&id)?.name = name;
        }
        if let Some(max_entries) = self.max_entries {
            resize(edit, &id, max_entries)?;
        }
        if has_entries {
            check_changes(self.add_entries.len())?;
            check_changes(self.remove_entries.len())?;
            let list: &PrefixList = edit.get(&id)?;
            let entries = entries::changed(list, self.add_entries, self.remove_entries)?;
            push_version(edit, &id, entries)?;
        }
        version_reply(edit, id)
    }
}

/// Gives a prefix list the entries that it had in an earlier version, as a new version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestoreManagedPrefixListVersion {
    /// The list.
    pub prefix_list_id: PrefixListId,
    /// The version to restore.
    pub previous_version: u64,
    /// The version that the caller has seen last.
    pub current_version: u64,
}

impl RestoreManagedPrefixListVersion {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let list: &PrefixList = edit.get(&self.prefix_list_id)?;
        check_version(list, self.current_version)?;
        if self.previous_version >= self.current_version {
            return Err(AwsError::invalid_value(format!(
                "The specified value for version is not valid. The value must be less than ({}).",
                self.current_version
            )));
        }
        let entries = list.versions.get(&self.previous_version).cloned().ok_or_else(|| {
            AwsError::invalid_value(format!(
                "The prefix list '{}' has no version {}; the last {MAX_VERSIONS} are kept.",
                list.id, self.previous_version
            ))
        })?;
        push_version(edit, &self.prefix_list_id, entries)?;
        version_reply(edit, self.prefix_list_id)
    }
}

/// Deletes a prefix list that no rule refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteManagedPrefixList {
    /// The list.
    pub prefix_list_id: PrefixListId,
}

impl DeleteManagedPrefixList {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let id = &self.prefix_list_id;
        edit.get::<PrefixList>(id)?;
        if referencing_groups(edit.world(), id).next().is_some() {
            // CHOICE: AWS's code is not documented; this is the one for everything else that is in use.
            return Err(AwsError::new(
                "DependencyViolation",
                format!("resource {id} has a dependent object"),
            ));
        }
        edit.remove::<PrefixList>(id);
        Ok(Reply::Done)
    }
}

/// The groups whose rules refer to a list: `GetManagedPrefixListAssociations`.
pub fn referencing_groups<'w>(
    world: &'w World,
    id: &PrefixListId,
) -> impl Iterator<Item = &'w SecurityGroup> {
    let refers = move |group: &&SecurityGroup| {
        group.rules.iter().any(|rule| matches!(&rule.peer, Peer::PrefixList(peer) if peer == id))
    };
    world.security_groups.values().filter(refers)
}

/// The lists of a region with this name; names need not be unique.
pub fn by_name<'w>(world: &'w World, region: &Region, name: &str) -> Vec<&'w PrefixList> {
    let lists = world.prefix_lists.values();
    lists.filter(|list| list.region == *region && list.name == name).collect()
}

/// Gives a list another size, if its entries fit and every group that refers to it can bear the cost.
fn resize(edit: &mut Edit<'_>, id: &PrefixListId, max_entries: u32) -> Result<(), AwsError> {
    check_max_entries(max_entries, edit.get::<PrefixList>(id)?.entries().len())?;
    let before = referencing_groups(edit.world(), id)
        .map(|group| (group.id.clone(), RuleCount::of(edit.world(), group)))
        .collect::<Vec<(SecurityGroupId, RuleCount)>>();
    edit.get_mut::<PrefixList>(id)?.max_entries = max_entries;
    for (group_id, before) in before {
        let group: &SecurityGroup = edit.get(&group_id)?;
        RuleCount::of(edit.world(), group).check_growth(&before, edit.world()).map_err(
            |AwsError { code, message }| {
                AwsError::new(code, format!("{message} The security group '{group_id}' refers to '{id}'."))
            },
        )?;
    }
    Ok(())
}

/// Makes these entries the current version, if there is room for them, and drops the oldest version that is too many.
fn push_version(
    edit: &mut Edit<'_>,
    id: &PrefixListId,
    entries: Vec<PrefixListEntry>,
) -> Result<(), AwsError> {
    let list: &mut PrefixList = edit.get_mut(id)?;
    if entries.len() > list.max_entries as usize {
        return Err(AwsError::new(
            "PrefixListMaxEntriesExceeded",
            format!(
                "You've reached the maximum number of entries for the prefix list: {}, and there would be {}.",
                list.max_entries,
                entries.len()
            ),
        ));
    }
    list.versions.insert(list.version() + 1, entries);
    if list.versions.len() > MAX_VERSIONS {
        list.versions.pop_first();
    }
    Ok(())
}

fn version_reply(edit: &Edit<'_>, prefix_list_id: PrefixListId) -> Result<Reply, AwsError> {
    let version = edit.get::<PrefixList>(&prefix_list_id)?.version();
    Ok(Reply::PrefixList { prefix_list_id, version })
}

fn check_version(list: &PrefixList, version: u64) -> Result<(), AwsError> {
    if list.version() == version {
        return Ok(());
    }
    let message = "The prefix list has the incorrect version number.";
    Err(AwsError::new("PrefixListVersionMismatch", message))
}

fn check_name(name: &str) -> Result<(), AwsError> {
    if name.is_empty() {
        return Err(missing("PrefixListName"));
    }
    if name.chars().count() > MAX_TEXT {
        return Err(AwsError::invalid_value(format!(
            "The prefix list name is too long: names have up to {MAX_TEXT} characters."
        )));
    }
    if is_reserved(name) {
        return Err(AwsError::invalid_value(format!(
            "The prefix list name cannot begin with ({}).",
            RESERVED_NAMES.join(", ")
        )));
    }
    Ok(())
}

fn check_max_entries(max_entries: u32, entries: usize) -> Result<(), AwsError> {
    if !(1..=MAX_ENTRIES).contains(&max_entries) {
        return Err(AwsError::invalid_value(format!(
            "Value ({max_entries}) for parameter MaxEntries is invalid. It must be between 1 and {MAX_ENTRIES}."
        )));
    }
    if entries > max_entries as usize {
        return Err(AwsError::invalid_value(
            "The number of entries cannot be greater than the maximum number of entries",
        ));
    }
    Ok(())
}

/// Checks a list that exists elsewhere, in each of its versions. AWS's own lists have names that nobody else can give, and no
/// owner who says how many entries they may have.
pub(super) fn check_existing(list: &PrefixList) -> Result<(), AwsError> {
    if !is_reserved(&list.name) {
        check_name(&list.name)?;
    }
    let most = list.versions.values().map(Vec::len).max().unwrap_or_default();
    check_max_entries(list.max_entries, most)?;
    if list.versions.is_empty() || list.versions.len() > MAX_VERSIONS {
        let message = format!("'{}' has {} versions", list.id, list.versions.len());
        return Err(AwsError::invalid_value(message));
    }
    for entries in list.versions.values() {
        let checked = entries::added(Vec::new(), list.address_family, entries.clone())?;
        if checked != *entries {
            return Err(AwsError::invalid_value(format!("'{}' has blocks with host bits", list.id)));
        }
    }
    Ok(())
}

fn is_reserved(name: &str) -> bool {
    RESERVED_NAMES.iter().any(|prefix| name.starts_with(prefix))
}

fn check_changes(count: usize) -> Result<(), AwsError> {
    if count > MAX_CHANGES {
        return Err(AwsError::invalid_value(format!(
            "The request cannot contain more than {MAX_CHANGES} entry additions or removals."
        )));
    }
    Ok(())
}

fn missing(parameter: &str) -> AwsError {
    AwsError::new("MissingParameter", format!("The request must contain the parameter {parameter}"))
}
