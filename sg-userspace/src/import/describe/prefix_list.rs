//! Managed prefix lists. `describe-managed-prefix-lists` says what there is, and `get-managed-prefix-list-entries` what is in
//! one of them, without saying in which: its file's name has the list's id, as in `get-managed-prefix-list-entries-pl-….json`,
//! and for another than the current version its number, as in `…-pl-…-v3.json`. `describe-prefix-lists` has the blocks of AWS's
//! own.

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::aws::ids::PrefixListId;
use crate::aws::prefix_list::{AddressFamily, PrefixList, PrefixListEntry};
use crate::aws::region::Region;
use crate::command::adopt::Existing;

use super::{Context, Pages, region_of_arn};
use crate::import::error::ImportError;
use crate::import::node::Node;

/// Entries by list and version; `None` is the current one.
type Entries = BTreeMap<(PrefixListId, Option<u64>), Vec<PrefixListEntry>>;

pub(super) fn read(pages: &Pages<'_>, context: &mut Context<'_>) -> Result<(), ImportError> {
    let mut entries = entries(pages)?;
    // AWS's own lists may stand in both calls' answers, the blocks in one of them.
    let mut lists: Vec<(PrefixListId, Vec<&Node<'_>>)> = Vec::new();
    for item in pages.get("PrefixLists") {
        let id = item.required_parsed("PrefixListId")?;
        match lists.iter_mut().find(|(other, _)| *other == id) {
            Some((_, items)) => items.push(item),
            None => lists.push((id, vec![item])),
        }
    }
    for (id, items) in lists {
        let first = items[0];
        for item in &items {
            if item.get("OwnEntries").is_some() {
                let own = item.list("OwnEntries")?.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
                entries.insert((id.clone(), None), own);
            }
            if let Some(blocks) = item.get("Cidrs") {
                let blocks = blocks.items()?;
                let blocks = blocks.iter().map(|cidr| cidr.as_network::<IpNet>());
                let blocks = blocks.collect::<Result<Vec<_>, _>>()?;
                let blocks = blocks.into_iter().map(|cidr| PrefixListEntry { cidr, description: None });
                entries.entry((id.clone(), None)).or_insert_with(|| blocks.collect());
            }
        }
        let Some(current) = entries.remove(&(id.clone(), None)) else {
            let reason = format!(
                "no file has its entries: aws ec2 get-managed-prefix-list-entries --prefix-list-id {id} > get-managed-prefix-list-entries-{id}.json"
            );
            let consequence = "rules that name it are left out, too";
            context.draft.report.leave(format!("prefix list {id}"), first.place(), &reason, consequence);
            continue;
        };
        let value = |key| items.iter().find_map(|item| item.filled(key).transpose()).transpose();
        let number = |key| items.iter().find_map(|item| item.number::<u64>(key).transpose()).transpose();
        let address_family = match (value("AddressFamily")?.as_deref(), current.first()) {
            (Some("IPv4"), _) => AddressFamily::Ipv4,
            (Some("IPv6"), _) => AddressFamily::Ipv6,
            (None, Some(entry)) => AddressFamily::of(&entry.cidr),
            _ => return Err(first.error("there is no `AddressFamily`")),
        };
        let region = match region_of_arn(first, "PrefixListArn")? {
            Some(region) => region,
            None => region_of_name(value("PrefixListName")?.as_deref())
                .unwrap_or_else(|| context.only_region(id.as_str())),
        };
        let most = number("MaxEntries")?.and_then(|most| u32::try_from(most).ok());
        let version = number("Version")?.unwrap_or(1);
        let older = entries.keys().filter(|(list, version)| *list == id && version.is_some());
        let older = older.cloned().collect::<Vec<_>>();
        let older = older.into_iter().filter_map(|key| Some((key.1?, entries.remove(&key)?)));
        let mut versions = older.collect::<BTreeMap<_, _>>();
        // AWS's own lists have no owner who says how many entries they may have.
        let max_entries = most.unwrap_or_else(|| u32::try_from(current.len()).unwrap_or(u32::MAX).max(1));
        versions.insert(version, current);
        let name = value("PrefixListName")?.unwrap_or_default();
        let tags =
            items.iter().map(|item| item.tags()).find(|tags| tags.as_ref().is_ok_and(|it| !it.is_empty()));
        let tags = tags.unwrap_or_else(|| Ok(BTreeMap::new()))?;
        let list = PrefixList { id, number: 0, region, name, address_family, max_entries, versions, tags };
        context.draft.add(first.place(), Existing::PrefixList(list));
    }
    match entries.keys().next() {
        None => Ok(()),
        Some((id, _)) => {
            let node = pages.entries.iter().find(|node| node.file().contains(id.as_str()));
            let place = node.map(Node::place).unwrap_or_default();
            Err(place.error(format!(
                "no file has the list itself, {id}: see aws ec2 describe-managed-prefix-lists"
            )))
        }
    }
}

/// The region in the name of one of AWS's own lists, such as `com.amazonaws.us-east-1.s3`.
fn region_of_name(name: Option<&str>) -> Option<Region> {
    name?.strip_prefix("com.amazonaws.")?.split('.').next()?.parse().ok()
}

fn entries(pages: &Pages<'_>) -> Result<Entries, ImportError> {
    let mut entries = Entries::new();
    for node in &pages.entries {
        let Some(key) = list_in_name(node.file()) else {
            return Err(node.error(
                "these entries do not say which prefix list they are of: name the file get-managed-prefix-list-entries-pl-….json, with the list's id",
            ));
        };
        for item in node.items()? {
            let entry = entry(&item)?;
            entries.entry(key.clone()).or_default().push(entry);
        }
        // A list may be empty.
        entries.entry(key).or_default();
    }
    Ok(entries)
}

fn entry(item: &Node<'_>) -> Result<PrefixListEntry, ImportError> {
    let cidr = item.required("Cidr")?.as_network()?;
    Ok(PrefixListEntry { cidr, description: item.filled("Description")? })
}

/// The list, and the version, that a file's name names.
fn list_in_name(file: &str) -> Option<(PrefixListId, Option<u64>)> {
    let name = file.rsplit('/').next()?;
    let from = name.find("pl-")?;
    let digits = name[from + 3..].chars().take_while(char::is_ascii_hexdigit).count();
    let end = from + 3 + digits;
    let id = name[from..end].parse().ok()?;
    let version = name[end..]
        .strip_prefix("-v")
        .and_then(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok());
    Some((id, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_name_their_list_and_version() {
        let id = "pl-0123456789abcdef0";
        for (file, version) in [
            ("a/get-managed-prefix-list-entries-pl-0123456789abcdef0.json", None),
            ("pl-0123456789abcdef0-v12.json", Some(12)),
            ("pl-0123456789abcdef0-page-2.json", None),
        ] {
            assert_eq!(list_in_name(file), Some((id.parse().unwrap(), version)), "{file}");
        }
        assert_eq!(list_in_name("get-managed-prefix-list-entries.json"), None);
    }
}
