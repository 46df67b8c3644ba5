//! Images. An instance is a namespace of this machine whatever image is named, so there is an image for this machine, and
//! one for each id that an instance was launched with.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::aws::ids::ImageId;
use crate::aws::instance::Instance;

use super::instance::ARCHITECTURE;
use crate::ec2::call::{Call, Caller};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;
use crate::ec2::params::invalid;

/// The image that stands for this machine.
const OWN: &str = "ami-00000000000000000";

/// The image of an instance.
pub(super) fn of(instance: &Instance) -> String {
    instance.launch.image_id.as_ref().map_or_else(|| OWN.to_owned(), ToString::to_string)
}

const FILTERS: [&str; 7] =
    ["architecture", "image-id", "image-type", "is-public", "name", "owner-id", "state"];

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (params, caller) = (call.params, call.caller);
    call.only(&[
        "ImageIds",
        "Owners",
        "Filters",
        "MaxResults",
        "NextToken",
        "IncludeDeprecated",
        "IncludeDisabled",
    ])?;
    let filters = Filters::read(params, &FILTERS, true)?;
    let mut there = call.world.instances.values().map(of).collect::<BTreeSet<_>>();
    there.insert(OWN.to_owned());
    let asked = params.parsed_list::<ImageId>("ImageIds")?;
    if let Some(id) = asked.iter().find(|id| !there.contains(id.as_str())) {
        return Err(id.not_found().into());
    }
    let owners = params.texts("Owners");
    if let Some(owner) = owners.iter().find(|owner| owner.is_empty()) {
        return Err(invalid("Owner", owner).into());
    }
    let is_own = owners.is_empty() || owners.iter().any(|it| *it == "self" || *it == caller.account_id);
    let found = there
        .into_iter()
        .filter(|id| is_own && (asked.is_empty() || asked.iter().any(|it| it.as_str() == id)));
    let found = found.filter(|id| filters.pass(&Default::default(), |name| values(caller, id, name)));
    let (found, next) = page(params, 1..=1000, (1..).zip(found).collect())?;
    let views = found.iter().map(|id| view(caller, id)).collect::<Vec<_>>();
    Ok(json!({ "Images": views, "NextToken": next }))
}

/// What an image is called.
fn name(id: &str) -> String {
    if id == OWN { "this-machine".to_owned() } else { format!("this-machine-as-{id}") }
}

fn values(caller: &Caller, id: &str, filter: &str) -> Vec<String> {
    let value = match filter {
        "architecture" => ARCHITECTURE.to_owned(),
        "image-id" => id.to_owned(),
        "image-type" => "machine".to_owned(),
        "is-public" => "false".to_owned(),
        "name" => name(id),
        "owner-id" => caller.account_id.clone(),
        "state" => "available".to_owned(),
        _ => return Vec::new(),
    };
    vec![value]
}

fn view(caller: &Caller, id: &str) -> Value {
    json!({
        "ImageId": id,
        "Name": name(id),
        "Description": "A network namespace of this machine",
        "OwnerId": caller.account_id,
        "State": "available",
        "Public": false,
        "ImageType": "machine",
        "Architecture": ARCHITECTURE,
        "Tags": [],
    })
}
