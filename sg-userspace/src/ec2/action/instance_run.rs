//! Instances run.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::Value;

use crate::aws::error::AwsError;
use crate::aws::ids::{ImageId, NetworkInterfaceId, SecurityGroupId, SubnetId};
use crate::aws::instance::{ClientToken, InstanceSettings};
use crate::aws::world::World;
use crate::command::instance::{InstanceInterface, RunInstance, RunInstances};
use crate::command::interface::CreateNetworkInterface;
use crate::command::{self, Reply};
use crate::hash::fnv1a;

use super::{instance, interface, permission};
use crate::ec2::call::Call;
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
        "DisableApiStop",
        "DisableApiTermination",
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
    let instance = RunInstance {
        interfaces,
        instance_type: params.parsed("InstanceType")?,
        tags: instance_tags,
        image_id: params.parsed::<ImageId>("ImageId")?,
        settings: InstanceSettings {
            disable_api_termination: params.flag("DisableApiTermination").unwrap_or_default(),
            disable_api_stop: params.flag("DisableApiStop").unwrap_or_default(),
        },
        at: Some(call.caller.now),
        ..RunInstance::default()
    };
    let count = possible(&call.world, &instance, least..=most)?;
    let command = RunInstances { count, instance, client_token: client_token(call) };
    let Reply::Instances(ids) = call.change(command)? else {
        return Err(Fault::internal("the command made no instances"));
    };
    let made = ids.iter().filter_map(|id| call.world.instances.get(id)).collect::<Vec<_>>();
    let first = made.first().map(|it| it.reservation().clone());
    let first = first.ok_or_else(|| Fault::internal("the instances are gone already"))?;
    let views = made.into_iter().map(|it| {
        let mut view = instance::view(&call.world, call.caller, it);
        // As AWS answers, whose instances take a while.
        view["State"] = instance::state_view((0, "pending"));
        view
    });
    let views = views.collect();
    Ok(instance::reservation(call.caller, &first, views))
}

/// How many instances there is room for, within these bounds.
fn possible(world: &World, one: &RunInstance, bounds: RangeInclusive<u16>) -> Result<u16, AwsError> {
    let (least, most) = bounds.into_inner();
    if least == most {
        return Ok(most);
    }
    let mut trial = world.clone();
    let mut count = 0;
    while count < most {
        match command::apply(&mut trial, one.clone().into()) {
            Ok(_) => count += 1,
            Err(_) if count >= least => break,
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// The call's client token. It is kept with the instances, so that it holds as long as they are shown.
fn client_token(call: &Call<'_>) -> Option<ClientToken> {
    let token = call.params.text("ClientToken")?.to_owned();
    let request = format!("{:016x}", fnv1a(call.params.canonical_without("ClientToken").as_bytes()));
    Some(ClientToken { token, region: call.caller.region.clone(), request })
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
