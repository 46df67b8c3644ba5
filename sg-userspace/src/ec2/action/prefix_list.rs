//! Managed prefix lists and their versions.

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::ids::PrefixListId;
use crate::aws::prefix_list::{AddressFamily, PrefixList, PrefixListEntry};
use crate::command::Reply;
use crate::command::prefix_list::{
    CreateManagedPrefixList, DeleteManagedPrefixList, ModifyManagedPrefixList,
    RestoreManagedPrefixListVersion, referencing_groups,
};

use super::tag;
use crate::ec2::call::{Call, Caller, unexpected};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;
use crate::ec2::params::{Params, invalid, missing};

pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    let family = match params.required_text("AddressFamily")? {
        "IPv4" => AddressFamily::Ipv4,
        "IPv6" => AddressFamily::Ipv6,
        other => return Err(invalid("AddressFamily", other).into()),
    };
    let command = CreateManagedPrefixList {
        region: call.caller.region.clone(),
        name: params.required_text("PrefixListName")?.to_owned(),
        address_family: family,
        max_entries: params.number("MaxEntries")?.ok_or_else(|| missing("MaxEntries"))?,
        entries: added(params, "Entries")?,
        tags: params.tags_for("prefix-list")?,
    };
    let reply = call.change(command)?;
    changed(call, &reply, "create-complete")
}

fn added(params: Params<'_>, name: &str) -> Result<Vec<PrefixListEntry>, AwsError> {
    let entry = |entry: Params<'_>| {
        let description = entry.text("Description").map(str::to_owned);
        Ok(PrefixListEntry { cidr: entry.required_cidr("Cidr")?, description })
    };
    params.structures(name).into_iter().map(entry).collect()
}

pub(super) fn modify(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    call.only(&[
        "PrefixListId",
        "CurrentVersion",
        "PrefixListName",
        "MaxEntries",
        "AddEntries",
        "RemoveEntries",
    ])?;
    let removed = params.structures("RemoveEntries").into_iter().map(|entry| entry.required_cidr("Cidr"));
    let command = ModifyManagedPrefixList {
        current_version: params.number("CurrentVersion")?,
        name: params.text("PrefixListName").map(str::to_owned),
        max_entries: params.number("MaxEntries")?,
        add_entries: added(params, "AddEntries")?,
        remove_entries: removed.collect::<Result<_, AwsError>>()?,
        ..ModifyManagedPrefixList::new(params.required("PrefixListId")?)
    };
    let reply = call.change(command)?;
    changed(call, &reply, "modify-complete")
}

pub(super) fn restore(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    let command = RestoreManagedPrefixListVersion {
        prefix_list_id: params.required("PrefixListId")?,
        previous_version: params.number("PreviousVersion")?.ok_or_else(|| missing("PreviousVersion"))?,
        current_version: params.number("CurrentVersion")?.ok_or_else(|| missing("CurrentVersion"))?,
    };
    let reply = call.change(command)?;
    changed(call, &reply, "restore-complete")
}

fn changed(call: &Call<'_>, reply: &Reply, state: &str) -> Result<Value, Fault> {
    let Reply::PrefixList { prefix_list_id: id, .. } = reply else { return Err(unexpected(reply)) };
    let list = call.world.prefix_lists.get(id).ok_or_else(|| id.not_found())?;
    Ok(json!({ "PrefixList": view(call.caller, list, state) }))
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Fault> {
    let id: PrefixListId = call.params.required("PrefixListId")?;
    let list = call.world.prefix_lists.get(&id).cloned().ok_or_else(|| id.not_found())?;
    call.change(DeleteManagedPrefixList { prefix_list_id: id })?;
    Ok(json!({ "PrefixList": view(call.caller, &list, "delete-complete") }))
}

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (params, world, caller) = (call.params, &call.world, call.caller);
    let filters = Filters::read(params, &["owner-id", "prefix-list-id", "prefix-list-name"], true)?;
    let ids = params.parsed_list::<PrefixListId>("PrefixListIds")?;
    if let Some(id) = ids.iter().find(|id| !world.prefix_lists.contains_key(id)) {
        return Err(id.not_found().into());
    }
    let found = world.prefix_lists.values().filter(|list| ids.is_empty() || ids.contains(&list.id));
    let found = found.filter(|list| {
        filters.pass(&list.tags, |name| {
            vec![match name {
                "owner-id" => caller.account_id.clone(),
                "prefix-list-name" => list.name.clone(),
                _ => list.id.to_string(),
            }]
        })
    });
    let (lists, next) = page(params, 1..=100, found.map(|list| (list.number, list)).collect())?;
    let state = |list: &PrefixList| if list.version() > 1 { "modify-complete" } else { "create-complete" };
    let views = lists.into_iter().map(|list| view(caller, list, state(list))).collect::<Vec<_>>();
    Ok(json!({ "PrefixLists": views, "NextToken": next }))
}

fn view(caller: &Caller, list: &PrefixList, state: &str) -> Value {
    json!({
        "PrefixListId": list.id,
        "PrefixListArn": caller.arn("prefix-list", &list.id),
        "PrefixListName": list.name,
        "AddressFamily": list.address_family.to_string(),
        "MaxEntries": list.max_entries,
        "Version": list.version(),
        "State": state,
        "OwnerId": caller.account_id,
        "Tags": tag::set(&list.tags),
    })
}

fn given<'c>(call: &'c Call<'_>) -> Result<&'c PrefixList, AwsError> {
    let id: PrefixListId = call.params.required("PrefixListId")?;
    call.world.prefix_lists.get(&id).ok_or_else(|| id.not_found())
}

pub(super) fn entries(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (params, list) = (call.params, given(call)?);
    let entries = match params.number("TargetVersion")? {
        Some(version) => list.versions.get(&version).map(Vec::as_slice).ok_or_else(|| {
            AwsError::invalid_value(format!("The prefix list '{}' has no version {version}.", list.id))
        })?,
        None => list.entries(),
    };
    let numbered = (1..).zip(entries).collect();
    let (entries, next) = page(params, 1..=100, numbered)?;
    let views = entries.iter().map(|entry| json!({ "Cidr": entry.cidr, "Description": entry.description }));
    Ok(json!({ "Entries": views.collect::<Vec<_>>(), "NextToken": next }))
}

pub(super) fn associations(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (params, list) = (call.params, given(call)?);
    let groups = referencing_groups(&call.world, &list.id).map(|group| (group.number, &group.id)).collect();
    let (groups, next) = page(params, 5..=255, groups)?;
    let views = groups.iter().map(|id| json!({ "ResourceId": id, "ResourceOwner": call.caller.account_id }));
    Ok(json!({ "PrefixListAssociations": views.collect::<Vec<_>>(), "NextToken": next }))
}
