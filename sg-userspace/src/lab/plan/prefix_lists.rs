//! The prefix lists of a lab file.

use crate::aws::prefix_list::AddressFamily;
use crate::aws::region::Region;
use crate::command::Reply;
use crate::command::prefix_list::CreateManagedPrefixList;
use crate::lab::file::position::{At, LabError, Named};
use crate::lab::file::prefix_list::{EntryText, PrefixListFile};

use super::{Place, Planner};

/// Makes the file's prefix lists.
pub(super) fn create(
    planner: &mut Planner,
    default_region: &Region,
    files: &Named<PrefixListFile>,
) -> Result<(), LabError> {
    for (name, file) in &files.0 {
        create_one(planner, default_region, name, file)?;
    }
    Ok(())
}

fn create_one(
    planner: &mut Planner,
    default_region: &Region,
    name: &At<String>,
    file: &PrefixListFile,
) -> Result<(), LabError> {
    let place = Place::of(name, format!("prefix-lists.{}", name.value));
    let entries: Vec<_> = file.entries.iter().map(|entry| entry.value.0.clone()).collect();
    let of_first = entries.first().map(|entry| AddressFamily::of(&entry.cidr));
    let Some(address_family) = file.family.as_ref().map(|written| written.0).or(of_first) else {
        return Err(
            place.error("a prefix list has `entries`, or a `family` (IPv4 or IPv6) and room for them")
        );
    };
    let is_other = |entry: &&At<EntryText>| AddressFamily::of(&entry.value.0.cidr) != address_family;
    // AWS says that there is one; the file says where.
    let place = match file.entries.iter().find(is_other) {
        Some(entry) => place.at(entry.at),
        None => place,
    };
    let command = CreateManagedPrefixList {
        region: file.region.as_ref().map_or(default_region, |written| &written.0).clone(),
        name: name.value.clone(),
        address_family,
        max_entries: file.max_entries.unwrap_or(u32::try_from(entries.len()).unwrap_or(u32::MAX)),
        entries,
        tags: super::named(&name.value),
    };
    if let Reply::PrefixList { prefix_list_id, .. } = planner.apply(&place, command)? {
        planner.lab.prefix_lists.insert(name.value.clone(), prefix_list_id);
    }
    Ok(())
}
