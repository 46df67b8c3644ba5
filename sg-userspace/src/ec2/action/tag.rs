//! Tags: `CreateTags`, `DeleteTags`, `DescribeTags`, and how resources show theirs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::aws::tag::Tagged;
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

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    let filters = Filters::read(params, &["key", "resource-id", "resource-type", "value"], false)?;
    let none = BTreeMap::new();
    let mut found = Vec::new();
    for Tagged { number, id, kind, tags } in call.world.tagged() {
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
