//! Attributes of instances, one a call.

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::ids::{InstanceId, NetworkInterfaceId};
use crate::aws::instance::UserData;
use crate::command::instance_setting::{InstanceChange, ModifyInstance};
use crate::command::interface::{ModifyInterfaceGroups, ModifySourceDestCheck};

use super::interface;
use crate::ec2::call::{Call, done};
use crate::ec2::fault::Fault;
use crate::ec2::params::{Params, invalid, missing, not_one_attribute};

/// What can be changed.
const ATTRIBUTES: [&str; 6] =
    ["Groups", "SourceDestCheck", "DisableApiTermination", "DisableApiStop", "InstanceType", "UserData"];

pub(super) fn modify(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    call.only(&[&ATTRIBUTES[..], &["InstanceId", "Attribute", "Value"]].concat())?;
    let id: InstanceId = params.required("InstanceId")?;
    call.world.instances.get(&id).ok_or_else(|| id.not_found())?;
    if params.has("Attribute") != params.has("Value") {
        return Err(missing(if params.has("Value") { "Attribute" } else { "Value" }).into());
    }
    let mut given = ATTRIBUTES.iter().copied().filter(|name| params.has(name)).collect::<Vec<_>>();
    if let Some(name) = params.text("Attribute") {
        given.push(name);
    }
    match given[..] {
        ["Groups"] => {
            let interface_id = only_interface(call, &id)?;
            call.change(ModifyInterfaceGroups { interface_id, groups: params.parsed_list("Groups")? })?;
        }
        ["SourceDestCheck" | "sourceDestCheck"] => {
            let interface_id = only_interface(call, &id)?;
            let source_dest_check = flag(params, "SourceDestCheck")?;
            call.change(ModifySourceDestCheck { interface_id, source_dest_check })?;
        }
        [name] => {
            let change = change(params, name)?;
            call.change(ModifyInstance { instance_id: id, change })?;
        }
        _ => return Err(not_one_attribute(&given).into()),
    }
    done()
}

fn change(params: Params<'_>, name: &str) -> Result<InstanceChange, AwsError> {
    Ok(match name {
        "DisableApiTermination" | "disableApiTermination" => {
            InstanceChange::DisableApiTermination(flag(params, "DisableApiTermination")?)
        }
        "DisableApiStop" | "disableApiStop" => {
            InstanceChange::DisableApiStop(flag(params, "DisableApiStop")?)
        }
        "InstanceType" | "instanceType" => {
            InstanceChange::InstanceType(value(params, "InstanceType")?.parse()?)
        }
        // It is changed, and not run: it has had its one time.
        "UserData" | "userData" => match value(params, "UserData") {
            Ok(text) => InstanceChange::UserData(Some(UserData::new(text, false)?)),
            Err(_) => InstanceChange::UserData(None),
        },
        other => return Err(invalid("attribute", other)),
    })
}

/// The value of an attribute, given in its own structure or beside its name.
fn value<'p>(params: Params<'p>, name: &str) -> Result<&'p str, AwsError> {
    let given = params.structure(name).map_or(params, |own| own);
    given.text("Value").ok_or_else(|| missing(&format!("{name}.Value")))
}

fn flag(params: Params<'_>, name: &str) -> Result<bool, AwsError> {
    match params.structure(name) {
        Some(own) => own.flag("Value").ok_or_else(|| missing(&format!("{name}.Value"))),
        None => {
            let text = value(params, name)?;
            text.parse().map_err(|_| invalid("value", text))
        }
    }
}

/// The interface of an instance that has one (section 6.4).
fn only_interface(call: &Call<'_>, id: &InstanceId) -> Result<NetworkInterfaceId, AwsError> {
    match call.world.interfaces_of(id)[..] {
        [interface] => Ok(interface.id.clone()),
        [] => {
            let message = format!("The instance '{id}' is terminated, and has no interface.");
            Err(AwsError::new("IncorrectInstanceState", message))
        }
        _ => {
            let message = format!(
                "There are multiple interfaces attached to instance '{id}'. Please specify an interface ID for the operation instead."
            );
            Err(AwsError::new("InvalidInstanceID", message))
        }
    }
}

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    let id: InstanceId = params.required("InstanceId")?;
    let instance = call.world.instances.get(&id).ok_or_else(|| id.not_found())?;
    let interfaces = call.world.interfaces_of(&id);
    let primary = interfaces.first().copied();
    let settings = instance.settings;
    let attribute = params.required_text("Attribute")?;
    let (name, value) = match attribute {
        "disableApiStop" => ("DisableApiStop", json!({ "Value": settings.disable_api_stop })),
        "disableApiTermination" => {
            ("DisableApiTermination", json!({ "Value": settings.disable_api_termination }))
        }
        "groupSet" => ("Groups", json!(primary.map(|it| interface::groups(&call.world, it)))),
        "instanceInitiatedShutdownBehavior" => {
            // A namespace does not shut itself down.
            ("InstanceInitiatedShutdownBehavior", json!({ "Value": "stop" }))
        }
        "instanceType" => ("InstanceType", json!({ "Value": instance.type_name() })),
        "sourceDestCheck" => ("SourceDestCheck", json!({ "Value": primary.map(|it| it.source_dest_check) })),
        // A namespace has none of these.
        "blockDeviceMapping" => ("BlockDeviceMappings", json!([])),
        "ebsOptimized" => ("EbsOptimized", json!({ "Value": false })),
        "enaSupport" => ("EnaSupport", json!({ "Value": false })),
        "enclaveOptions" => ("EnclaveOptions", json!({ "Enabled": false })),
        "kernel" => ("KernelId", json!({})),
        "productCodes" => ("ProductCodes", json!([])),
        "ramdisk" => ("RamdiskId", json!({})),
        "rootDeviceName" => ("RootDeviceName", json!({})),
        "sriovNetSupport" => ("SriovNetSupport", json!({})),
        "userData" => {
            let data = instance.user_data.as_ref();
            ("UserData", json!({ "Value": data.map(|data| data.base64()) }))
        }
        other => {
            let message = format!("Value ({other}) for parameter attribute is invalid. Unknown attribute.");
            return Err(AwsError::invalid_value(message).into());
        }
    };
    Ok(json!({ "InstanceId": id, name: value }))
}
