//! The entries of a prefix list, and what a call may do to them.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::aws::error::AwsError;
use crate::aws::prefix_list::{AddressFamily, PrefixList, PrefixListEntry};
use crate::command::group::MAX_TEXT;

/// The entries of a list after removals and additions, in this order.
pub(super) fn changed(
    list: &PrefixList,
    add: Vec<PrefixListEntry>,
    remove: Vec<IpNet>,
) -> Result<Vec<PrefixListEntry>, AwsError> {
    let mut entries = list.entries().to_vec();
    let removed: BTreeSet<IpNet> = remove.iter().map(IpNet::trunc).collect();
    if removed.len() < remove.len() {
        return Err(twice());
    }
    if let Some(entry) = add.iter().find(|entry| removed.contains(&entry.cidr.trunc())) {
        return Err(AwsError::invalid_value(format!(
            "Request cannot contain Cidr {} in both AddPrefixListEntries and RemovePrefixListEntries",
            entry.cidr.trunc()
        )));
    }
    for cidr in &removed {
        let index = entries.iter().position(|entry| entry.cidr == *cidr).ok_or_else(|| {
            AwsError::new(
                "InvalidPrefixListModification",
                format!("An entry with the CIDR ({cidr}) does not exist."),
            )
        })?;
        entries.remove(index);
    }
    added(entries, list.address_family, add)
}

/// Entries with further ones: host bits masked, of the list's family, none twice.
pub(super) fn added(
    mut entries: Vec<PrefixListEntry>,
    family: AddressFamily,
    add: Vec<PrefixListEntry>,
) -> Result<Vec<PrefixListEntry>, AwsError> {
    let existing = entries.len();
    for PrefixListEntry { cidr, description } in add {
        let (cidr, other) = (cidr.trunc(), AddressFamily::of(&cidr));
        let description = description.filter(|text| !text.is_empty());
        if other != family {
            return Err(AwsError::invalid_value(format!(
                "An ({family}) prefix list cannot contain an ({other}) CIDR."
            )));
        }
        if description.as_ref().is_some_and(|text| text.chars().count() > MAX_TEXT) {
            return Err(AwsError::invalid_value(format!(
                "The description of entry {cidr} is too long: descriptions have up to {MAX_TEXT} characters."
            )));
        }
        match entries.iter().position(|entry| entry.cidr == cidr) {
            Some(index) if index >= existing => return Err(twice()),
            Some(index) if entries[index].description == description => {
                let description = description.unwrap_or_default();
                return Err(AwsError::new(
                    "InvalidPrefixListModification",
                    format!(
                        "An entry with the CIDR ({cidr}) and description ({description}) already exists."
                    ),
                ));
            }
            // A description changes by removing the entry in one call and adding it in the next.
            Some(_) => {
                return Err(AwsError::new(
                    "InvalidRequest",
                    format!(
                        "The request received was invalid: an entry with the CIDR ({cidr}) already exists."
                    ),
                ));
            }
            None => entries.push(PrefixListEntry { cidr, description }),
        }
    }
    Ok(entries)
}

fn twice() -> AwsError {
    AwsError::invalid_value("The same CIDR must not appear multiple times")
}
