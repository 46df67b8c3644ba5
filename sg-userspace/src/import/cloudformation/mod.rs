//! CloudFormation templates: the EC2 resources that security groups act between, as what describe calls would show of them once
//! the stack is there.

mod attributes;
mod instance;
mod resolve;
mod resource;
mod routing;
mod yaml;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::aws::region::Region;

use super::draft::Report;
use super::error::{ImportError, Place};
use super::items::Items;
use resolve::Template;

pub(super) use yaml::parse;

/// Whether a document is a template.
pub(super) fn is_it(document: &Value) -> bool {
    document.get("AWSTemplateFormatVersion").is_some()
        || document.get("Resources").and_then(Value::as_object).is_some_and(|resources| {
            resources.values().any(|it| it["Type"].as_str().is_some_and(|kind| kind.starts_with("AWS::")))
        })
}

/// Reads a template into items.
pub(super) fn read(
    file: &str,
    document: &Value,
    given: &BTreeMap<String, String>,
    region: Option<&Region>,
    items: &mut Items,
    report: &mut Report,
) -> Result<(), ImportError> {
    let stem = file.rsplit('/').next().unwrap_or(file);
    let stack = stem.split('.').next().unwrap_or(stem).to_owned();
    let region = region.cloned().unwrap_or_default();
    let mut template = Template { file, document, parameters: BTreeMap::new(), stack, region };
    template.parameters = parameters(&template, given)?;
    if document.get("Transform").is_some() {
        let reason = "macros are AWS's to expand";
        let consequence = "what they would add is not there: import the processed template (get-template)";
        report.leave("Transform", template.place("Transform"), reason, consequence);
    }
    let resources = document["Resources"].as_object();
    let resources = resources.ok_or_else(|| template.place("Resources").error("there are none"))?;
    let names = resources.keys().collect::<Vec<_>>();
    // What others are completed by comes last.
    let (completing, plain): (Vec<_>, Vec<_>) = names
        .into_iter()
        .partition(|name| resource::completes(resources[*name]["Type"].as_str().unwrap_or_default()));
    for name in plain.into_iter().chain(completing) {
        if let Some(found) = template.resource(name)? {
            resource::read(&template, name, found, items, report)?;
        }
    }
    Ok(())
}

/// Values of parameters: what is given, or else the default.
fn parameters(
    template: &Template<'_>,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Value>, ImportError> {
    let declared = template.document["Parameters"].as_object().cloned().unwrap_or_default();
    if let Some(unknown) = given.keys().find(|key| !declared.contains_key(*key)) {
        let names = declared.keys().cloned().collect::<Vec<_>>().join(", ");
        let message = format!("the template has no parameter `{unknown}`; it has: {names}");
        return Err(Place::file(template.file).error(message));
    }
    let mut values = BTreeMap::new();
    for (name, declaration) in &declared {
        let place = template.place(&format!("Parameters.{name}"));
        let default = || resolve::plain_text(&declaration["Default"]);
        let Some(text) = given.get(name).cloned().or_else(default) else {
            return Err(place.error(format!("it has no default: give it with --parameter {name}=VALUE")));
        };
        let allowed = declaration["AllowedValues"].as_array();
        let is_allowed =
            |allowed: &Vec<Value>| allowed.iter().any(|it| resolve::plain_text(it).as_ref() == Some(&text));
        if allowed.is_some_and(|allowed| !is_allowed(allowed)) {
            return Err(place.error(format!("`{text}` is not among its AllowedValues")));
        }
        let kind = declaration["Type"].as_str().unwrap_or("String");
        let is_list = kind == "CommaDelimitedList" || kind.starts_with("List<");
        let value = if is_list {
            text.split(',').map(|part| Value::from(part.trim())).collect()
        } else {
            json!(text)
        };
        values.insert(name.clone(), value);
    }
    Ok(values)
}
