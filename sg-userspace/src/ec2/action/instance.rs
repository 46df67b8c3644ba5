//! Instances as `DescribeInstances` has them: each in a reservation of its own.

use serde_json::{Value, json};

use crate::aws::ids::InstanceId;
use crate::aws::instance::Instance;
use crate::aws::interface::NetworkInterface;
use crate::aws::world::World;

use super::{interface, tag};
use crate::ec2::call::{Call, Caller};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;

const FILTERS: [&str; 21] = [
    "availability-zone",
    "dns-name",
    "group-id",
    "group-name",
    "instance.group-id",
    "instance.group-name",
    "instance-id",
    "instance-state-code",
    "instance-state-name",
    "instance-type",
    "network-interface.group-id",
    "network-interface.network-interface-id",
    "network-interface.addresses.private-ip-address",
    "network-interface.subnet-id",
    "network-interface.vpc-id",
    "owner-id",
    "private-dns-name",
    "private-ip-address",
    "reservation-id",
    "subnet-id",
    "vpc-id",
];

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (params, world, caller) = (call.params, &call.world, call.caller);
    let filters = Filters::read(params, &FILTERS, true)?;
    let ids = params.parsed_list::<InstanceId>("InstanceIds")?;
    if let Some(id) = ids.iter().find(|id| !world.instances.contains_key(id)) {
        return Err(id.not_found().into());
    }
    let found = world.instances.values().filter(|it| ids.is_empty() || ids.contains(&it.id));
    let found = found.filter(|it| filters.pass(&it.tags, |name| values(world, caller, it, name)));
    let (instances, next) = page(params, 5..=1000, found.map(|it| (it.number, it)).collect())?;
    let reservations = instances.into_iter().map(|instance| {
        json!({
            "ReservationId": reservation_id(&instance.id),
            "OwnerId": caller.account_id,
            "Groups": [],
            "Instances": [view(world, caller, instance)],
        })
    });
    Ok(json!({ "Reservations": reservations.collect::<Vec<_>>(), "NextToken": next }))
}

/// The reservation that an instance is in, which has no id of its own here.
pub(super) fn reservation_id(id: &InstanceId) -> String {
    id.as_str().replacen('i', "r", 1)
}

fn values(world: &World, caller: &Caller, instance: &Instance, name: &str) -> Vec<String> {
    let interfaces = world.interfaces_of(&instance.id);
    let primary = interfaces.first().copied();
    let group_names = |interface: &NetworkInterface| {
        let groups = interface.groups.iter().filter_map(|id| world.security_groups.get(id));
        groups.map(|group| group.name.clone()).collect::<Vec<_>>()
    };
    let group_ids =
        |interface: &NetworkInterface| interface.groups.iter().map(ToString::to_string).collect::<Vec<_>>();
    match name {
        "availability-zone" => zone(world, primary).into_iter().collect(),
        "group-id" | "instance.group-id" => primary.map(group_ids).unwrap_or_default(),
        "group-name" | "instance.group-name" => primary.map(group_names).unwrap_or_default(),
        "network-interface.group-id" => interfaces.into_iter().flat_map(group_ids).collect(),
        "network-interface.network-interface-id" => interfaces.iter().map(|it| it.id.to_string()).collect(),
        "network-interface.addresses.private-ip-address" => {
            interfaces.iter().flat_map(|it| it.private_ipv4.iter().map(ToString::to_string)).collect()
        }
        "network-interface.subnet-id" => interfaces.iter().map(|it| it.subnet_id.to_string()).collect(),
        "network-interface.vpc-id" => interfaces.iter().map(|it| it.vpc_id.to_string()).collect(),
        "instance-id" => vec![instance.id.to_string()],
        "instance-state-code" => vec!["16".to_owned()],
        "instance-state-name" => vec!["running".to_owned()],
        "instance-type" => instance.instance_type.iter().map(ToString::to_string).collect(),
        "owner-id" => vec![caller.account_id.clone()],
        "private-dns-name" => {
            address(primary).map(|it| interface::dns_name(caller, it)).into_iter().collect()
        }
        "private-ip-address" => address(primary).map(|it| it.to_string()).into_iter().collect(),
        "reservation-id" => vec![reservation_id(&instance.id)],
        "subnet-id" => primary.iter().map(|it| it.subnet_id.to_string()).collect(),
        "vpc-id" => vec![instance.vpc_id.to_string()],
        // Nothing here has a public name.
        _ => Vec::new(),
    }
}

fn zone(world: &World, primary: Option<&NetworkInterface>) -> Option<String> {
    Some(world.subnets.get(&primary?.subnet_id)?.availability_zone.to_string())
}

fn address(primary: Option<&NetworkInterface>) -> Option<std::net::Ipv4Addr> {
    primary?.private_ipv4.first().copied()
}

/// The state of every instance that there is.
pub(super) fn running() -> Value {
    json!({ "Code": 16, "Name": "running" })
}

/// An instance. Its groups and addresses are those of its primary interface (M-08).
pub(super) fn view(world: &World, caller: &Caller, instance: &Instance) -> Value {
    let interfaces = world.interfaces_of(&instance.id);
    let primary = interfaces.first().copied();
    json!({
        "InstanceId": instance.id,
        "InstanceType": instance.instance_type,
        "State": running(),
        "AmiLaunchIndex": 0,
        "Architecture": "x86_64",
        "Monitoring": { "State": "disabled" },
        "Placement": { "AvailabilityZone": zone(world, primary), "Tenancy": "default", "GroupName": "" },
        "PrivateIpAddress": address(primary),
        "PrivateDnsName": address(primary).map(|it| interface::dns_name(caller, it)),
        "Ipv6Address": primary.and_then(|it| it.ipv6.first()),
        "SubnetId": primary.map(|it| &it.subnet_id),
        "VpcId": instance.vpc_id,
        "SecurityGroups": primary.map(|it| interface::groups(world, it)),
        "SourceDestCheck": primary.map(|it| it.source_dest_check),
        "NetworkInterfaces":
            interfaces.iter().map(|it| interface_view(world, caller, it)).collect::<Vec<_>>(),
        "Tags": tag::set(&instance.tags),
    })
}

fn interface_view(world: &World, caller: &Caller, it: &NetworkInterface) -> Value {
    let ipv6 = it.ipv6.iter().map(|address| json!({ "Ipv6Address": address }));
    let attachment = it.attachment.as_ref().map(|attachment| {
        json!({
            "AttachmentId": attachment.id,
            "DeviceIndex": attachment.device_index,
            "NetworkCardIndex": 0,
            "DeleteOnTermination": attachment.delete_on_termination,
            "Status": "attached",
        })
    });
    json!({
        "NetworkInterfaceId": it.id,
        "VpcId": it.vpc_id,
        "SubnetId": it.subnet_id,
        "OwnerId": caller.account_id,
        "Description": it.description,
        "InterfaceType": "interface",
        "MacAddress": it.mac.to_string(),
        "PrivateIpAddress": it.private_ipv4.first(),
        "PrivateIpAddresses": interface::addresses(caller, it),
        "Ipv6Addresses": ipv6.collect::<Vec<_>>(),
        "Groups": interface::groups(world, it),
        "SourceDestCheck": it.source_dest_check,
        "Status": interface::status(it),
        "ConnectionTrackingConfiguration": interface::timeouts(it.connection_tracking_specification),
        "Attachment": attachment,
    })
}
