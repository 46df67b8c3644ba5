//! Instances run, terminated, and given other groups.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::ids::{InstanceId, NetworkInterfaceId, SecurityGroupId, SubnetId};
use crate::command::Reply;
use crate::command::instance::{InstanceInterface, RunInstance, TerminateInstance};
use crate::command::interface::{CreateNetworkInterface, ModifyInterfaceGroups, ModifySourceDestCheck};

use super::{instance, interface, permission};
use crate::ec2::call::{Call, done, unexpected};
use crate::ec2::fault::Fault;
use crate::ec2::params::{Params, missing};

/// The most instances of one call: each is a namespace with its links.
const MOST: u16 = 50;

/// What an instance's interface can be specified with here, besides what makes an interface.
const ATTACHMENT: [&str; 3] = ["DeviceIndex", "NetworkInterfaceId", "DeleteOnTermination"];

pub(super) fn run(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    // Any image does: an instance is a namespace of this machine.
    call.only(&[
        "ImageId",
        "InstanceType",
        "MinCount",
        "MaxCount",
        "SubnetId",
        "SecurityGroupIds",
        "SecurityGroups",
        "PrivateIpAddress",
        "Ipv6Addresses",
        "Ipv6AddressCount",
        "NetworkInterfaces",
        "TagSpecifications",
        "ClientToken",
    ])?;
    let least: u16 = params.number("MinCount")?.ok_or_else(|| missing("MinCount"))?;
    let most: u16 = params.number("MaxCount")?.ok_or_else(|| missing("MaxCount"))?;
    if least == 0 || least > most || most > MOST {
        return Err(AwsError::invalid_value(format!(
            "Invalid value for MinCount ({least}) and MaxCount ({most}): 1 to {MOST}, the least first."
        ))
        .into());
    }
    let (instance_tags, interface_tags) = tags(params)?;
    let mut interfaces = interfaces(call)?;
    for spec in &mut interfaces {
        if let InstanceInterface::New(new) | InstanceInterface::NewKept(new) = spec {
            new.tags.clone_from(&interface_tags);
        }
    }
    let command = RunInstance {
        name: None,
        interfaces,
        instance_type: params.parsed("InstanceType")?,
        connection_allowance: None,
        tags: instance_tags,
    };
    let mut made: Vec<InstanceId> = Vec::new();
    while made.len() < usize::from(most) {
        match call.change(command.clone()) {
            Ok(Reply::Instance { instance_id, .. }) => made.push(instance_id),
            Ok(other) => return Err(unexpected(&other)),
            Err(_) if made.len() >= usize::from(least) => break,
            Err(fault) => {
                for instance_id in made {
                    call.change(TerminateInstance { instance_id })?;
                }
                return Err(fault);
            }
        }
    }
    let instances = made.iter().filter_map(|id| call.world.instances.get(id));
    let views = instances.map(|it| instance::view(&call.world, call.caller, it)).collect::<Vec<_>>();
    Ok(json!({
        "ReservationId": made.first().map(instance::reservation_id),
        "OwnerId": call.caller.account_id,
        "Groups": [],
        "Instances": views,
    }))
}

type Tags = BTreeMap<String, String>;

/// Tags of the instances and of their new interfaces.
fn tags(params: Params<'_>) -> Result<(Tags, Tags), AwsError> {
    let (mut instance, mut interface) = (Tags::new(), Tags::new());
    for specification in params.structures("TagSpecifications") {
        let tags = specification.tags()?;
        match specification.text("ResourceType") {
            Some("instance") => instance.extend(tags),
            Some("network-interface") => interface.extend(tags),
            other => {
                return Err(AwsError::invalid_value(format!(
                    "'{}' is not a valid taggable resource type for this operation.",
                    other.unwrap_or_default()
                )));
            }
        }
    }
    Ok((instance, interface))
}

fn interfaces(call: &Call<'_>) -> Result<Vec<InstanceInterface>, AwsError> {
    let params = call.params;
    let mut specified = params.structures("NetworkInterfaces");
    if specified.is_empty() {
        let mut groups = params.parsed_list::<SecurityGroupId>("SecurityGroupIds")?;
        for name in params.texts("SecurityGroups") {
            if params.has("SubnetId") {
                return Err(AwsError::new(
                    "InvalidParameterCombination",
                    "The parameter groupName cannot be used with the parameter subnet",
                ));
            }
            groups.push(permission::named(call, name)?);
        }
        let subnet_id = match params.parsed("SubnetId")? {
            Some(id) => id,
            None => default_subnet(call)?,
        };
        let addresses = interface::specified(params, subnet_id)?;
        return Ok(vec![InstanceInterface::New(CreateNetworkInterface { groups, ..addresses })]);
    }
    if ["SecurityGroupIds", "SecurityGroups"].iter().any(|name| params.has(name)) {
        return Err(AwsError::new(
            "InvalidParameterCombination",
            "Network interfaces and an instance-level security groups may not be specified on the same request",
        ));
    }
    if let Some(name) = ["SubnetId", "PrivateIpAddress", "Ipv6Addresses", "Ipv6AddressCount"]
        .iter()
        .find(|name| params.has(name))
    {
        return Err(AwsError::new(
            "InvalidParameterCombination",
            format!(
                "Network interfaces and an instance-level {name} may not be specified on the same request"
            ),
        ));
    }
    specified.sort_by_key(|it| it.integer("DeviceIndex"));
    for (index, it) in (0_i64..).zip(&specified) {
        if it.integer("DeviceIndex") != Some(index) {
            return Err(AwsError::invalid_value(
                "Each network interface requires a device index: 0, 1 and so on, each once.",
            ));
        }
    }
    specified.into_iter().map(|it| one_interface(call, it)).collect()
}

fn one_interface(call: &Call<'_>, spec: Params<'_>) -> Result<InstanceInterface, AwsError> {
    if let Some(name) = spec.other_than(&[&ATTACHMENT[..], &interface::SPECIFICATION].concat()) {
        return Err(AwsError::new(
            "UnsupportedOperation",
            format!("The parameter NetworkInterfaces.{name} is not supported by sgsim."),
        ));
    }
    if let Some(id) = spec.parsed::<NetworkInterfaceId>("NetworkInterfaceId")? {
        return Ok(InstanceInterface::Existing(id));
    }
    let subnet_id = match spec.parsed("SubnetId")? {
        Some(id) => id,
        None => default_subnet(call)?,
    };
    let new = interface::specified(spec, subnet_id)?;
    Ok(match spec.flag("DeleteOnTermination") {
        Some(false) => InstanceInterface::NewKept(new),
        _ => InstanceInterface::New(new),
    })
}

/// The first subnet of the default VPC.
fn default_subnet(call: &Call<'_>) -> Result<SubnetId, AwsError> {
    let vpc = call.default_vpc()?;
    let subnets = call.world.subnets.values().filter(|subnet| subnet.vpc_id == vpc.id);
    let first = subnets.min_by_key(|subnet| subnet.number);
    first.map(|subnet| subnet.id.clone()).ok_or_else(|| {
        AwsError::new(
            "MissingInput",
            format!("No subnets found for the default VPC '{}'. Please specify a subnet.", vpc.id),
        )
    })
}

pub(super) fn terminate(call: &mut Call<'_>) -> Result<Value, Fault> {
    // An instance's end is the same here however it is asked for.
    call.only(&["InstanceIds", "Force", "SkipOsShutdown"])?;
    let ids = call.params.parsed_list::<InstanceId>("InstanceIds")?;
    // All of them or none.
    if let Some(id) = ids.iter().find(|id| !call.world.instances.contains_key(id)) {
        return Err(id.not_found().into());
    }
    let mut views = Vec::new();
    for instance_id in ids {
        call.change(TerminateInstance { instance_id: instance_id.clone() })?;
        views.push(json!({
            "InstanceId": instance_id,
            "PreviousState": instance::running(),
            "CurrentState": { "Code": 48, "Name": "terminated" },
        }));
    }
    Ok(json!({ "TerminatingInstances": views }))
}

pub(super) fn modify(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    call.only(&["InstanceId", "Groups", "SourceDestCheck"])?;
    let id: InstanceId = params.required("InstanceId")?;
    call.world.instances.get(&id).ok_or_else(|| id.not_found())?;
    let interfaces = call.world.interfaces_of(&id);
    let [interface] = interfaces[..] else {
        // Section 6.4.
        let message = format!(
            "There are multiple interfaces attached to instance '{id}'. Please specify an interface ID for the operation instead."
        );
        return Err(AwsError::new("InvalidInstanceID", message).into());
    };
    let interface_id = interface.id.clone();
    match (params.has("Groups"), params.structure("SourceDestCheck")) {
        (true, None) => {
            call.change(ModifyInterfaceGroups { interface_id, groups: params.parsed_list("Groups")? })?;
        }
        (false, Some(value)) => {
            let source_dest_check = value.flag("Value").ok_or_else(|| missing("SourceDestCheck.Value"))?;
            call.change(ModifySourceDestCheck { interface_id, source_dest_check })?;
        }
        (false, None) => return Err(missing("Attribute").into()),
        (true, Some(_)) => {
            return Err(AwsError::new(
                "InvalidParameterCombination",
                "Fields for multiple attribute types specified. Please specify only one attribute type to modify.",
            )
            .into());
        }
    }
    done()
}
