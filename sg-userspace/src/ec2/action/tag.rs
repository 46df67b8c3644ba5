//! Tags: `CreateTags`, `DeleteTags`, `DescribeTags`, and how resources show theirs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::aws::tag::ResourceId;
use crate::aws::world::World;
use crate::command::tag::{CreateTags, DeleteTags, TagToDelete};

use crate::ec2::call::{Call, done};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;

/// Tags as every reply has them.
pub(super) fn set(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (resources, tags) = (call.params.parsed_list("Resources")?, call.params.tags()?);
    call.change(CreateTags { resources, tags })?;
    done()
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Fault> {
    let resources = call.params.parsed_list("Resources")?;
    let mut tags = Vec::new();
    for tag in call.params.structures("Tags") {
        let (key, value) = (tag.required_text("Key")?.to_owned(), tag.text("Value").map(str::to_owned));
        tags.push(TagToDelete { key, value });
    }
    call.change(DeleteTags { resources, tags })?;
    done()
}

/// A resource that can have tags: its number, id, AWS's name for its type, and its tags.
type Tagged<'w> = (u32, ResourceId, &'static str, &'w BTreeMap<String, String>);

fn tagged(world: &World) -> Vec<Tagged<'_>> {
    macro_rules! all {
        ($table:ident, $kind:literal) => {
            world.$table.values().map(|it| (it.number, ResourceId::from(it.id.clone()), $kind, &it.tags))
        };
    }
    let rules = world.security_groups.values().flat_map(|group| &group.rules);
    let rules = rules.map(|it| (it.number, ResourceId::from(it.id.clone()), "security-group-rule", &it.tags));
    all!(vpcs, "vpc")
        .chain(all!(subnets, "subnet"))
        .chain(all!(instances, "instance"))
        .chain(all!(network_interfaces, "network-interface"))
        .chain(all!(security_groups, "security-group"))
        .chain(rules)
        .chain(all!(prefix_lists, "prefix-list"))
        .chain(all!(network_acls, "network-acl"))
        .chain(all!(vpc_peering_connections, "vpc-peering-connection"))
        .collect()
}

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    let filters = Filters::read(params, &["key", "resource-id", "resource-type", "value"], false)?;
    let none = BTreeMap::new();
    let mut found = Vec::new();
    for (number, id, kind, tags) in tagged(&call.world) {
        let one = tags.iter().filter(|(key, value)| {
            filters.pass(&none, |name| {
                vec![match name {
                    "key" => (*key).clone(),
                    "value" => (*value).clone(),
                    "resource-id" => id.to_string(),
                    _ => kind.to_owned(),
                }]
            })
        });
        let views = one.map(|(key, value)| {
            json!({ "ResourceId": id.to_string(), "ResourceType": kind, "Key": key, "Value": value })
        });
        // A page never ends within a resource's tags, since its token names a resource.
        let views = views.collect::<Vec<_>>();
        if !views.is_empty() {
            found.push((number, views));
        }
    }
    let (resources, next) = page(params, 5..=1000, found)?;
    let tags = resources.into_iter().flatten().collect::<Vec<_>>();
    Ok(json!({ "Tags": tags, "NextToken": next }))
}
