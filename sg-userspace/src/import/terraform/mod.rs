//! `terraform show -json`, of a state or of a plan: AWS's resources as what describe calls would show of them. In a state every id
//! is known; in a plan what is still to be made has one that follows from its address, and references are found in the
//! configuration.

mod instance;
mod network_acl;
mod plan;
mod resource;
mod routing;
mod rule;

use serde_json::Value;

use super::draft::Report;
use super::error::{ImportError, Place};
use super::items::Items;

/// Whether a document is what `terraform show -json` prints.
pub(super) fn is_it(document: &Value) -> bool {
    document.get("format_version").is_some()
        && (document.get("values").is_some() || document.get("planned_values").is_some())
}

/// A resource: its address, type and values.
#[derive(Clone, Debug)]
struct Resource {
    address: String,
    kind: String,
    place: Place,
    values: Value,
}

/// Reads a state or a plan into items.
pub(super) fn read(
    file: &str,
    document: &Value,
    items: &mut Items,
    report: &mut Report,
) -> Result<(), ImportError> {
    let is_plan = document.get("planned_values").is_some();
    let values = if is_plan { &document["planned_values"] } else { &document["values"] };
    let mut resources = Vec::new();
    collect(file, &values["root_module"], &mut resources);
    if is_plan {
        plan::complete(document, &mut resources);
    }
    resource::read_all(&resources, items, report)
}

/// The managed resources of a module and those in it.
fn collect(file: &str, module: &Value, resources: &mut Vec<Resource>) {
    for resource in module["resources"].as_array().into_iter().flatten() {
        if resource["mode"] == "data" {
            continue;
        }
        let text = |key: &str| resource[key].as_str().unwrap_or_default().to_owned();
        let address = text("address");
        let place = Place { file: file.to_owned(), path: address.clone() };
        resources.push(Resource { address, kind: text("type"), place, values: resource["values"].clone() });
    }
    for child in module["child_modules"].as_array().into_iter().flatten() {
        collect(file, child, resources);
    }
}
