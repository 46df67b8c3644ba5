//! Network interfaces: made, deleted, attached, detached, described.

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::ids::{NetworkInterfaceId, SubnetId};
use crate::aws::interface::{Attachment, ConnectionTrackingSpecification, NetworkInterface};
use crate::aws::world::World;
use crate::command::Reply;
use crate::command::attachment::{AttachNetworkInterface, DetachNetworkInterface};
use crate::command::interface::{CreateNetworkInterface, DeleteNetworkInterface};

use super::region::zone_id;
use super::tag;
use crate::ec2::call::{Call, Caller, done, unexpected};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;
use crate::ec2::params::{Params, invalid};

/// What an interface can be made with, alone or with its instance.
pub(super) const SPECIFICATION: [&str; 9] = [
    "SubnetId",
    "Description",
    "Groups",
    "PrivateIpAddress",
    "PrivateIpAddresses",
    "SecondaryPrivateIpAddressCount",
    "Ipv6Addresses",
    "Ipv6AddressCount",
    "ConnectionTrackingSpecification",
];

pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    let supported = SPECIFICATION
        .into_iter()
        .chain(["TagSpecifications", "ClientToken", "InterfaceType"])
        .collect::<Vec<_>>();
    call.only(&supported)?;
    if let Some(kind) = params.text("InterfaceType").filter(|kind| *kind != "interface") {
        return Err(invalid("InterfaceType", kind).into());
    }
    let mut command = specified(params, params.required("SubnetId")?)?;
    command.tags = params.tags_for("network-interface")?;
    match call.change(command)? {
        Reply::NetworkInterface(id) => {
            let interface = call.world.network_interfaces.get(&id).ok_or_else(|| id.not_found())?;
            Ok(json!({
                "NetworkInterface": view(&call.world, call.caller, interface),
                "ClientToken": params.text("ClientToken"),
            }))
        }
        other => Err(unexpected(&other)),
    }
}

/// The interface in a subnet that a request specifies, without tags.
pub(super) fn specified(params: Params<'_>, subnet_id: SubnetId) -> Result<CreateNetworkInterface, AwsError> {
    let mut private_ipv4 = Vec::new();
    let address = |text: &str| text.parse().map_err(|_| invalid("PrivateIpAddress", text));
    if let Some(text) = params.text("PrivateIpAddress") {
        private_ipv4.push(address(text)?);
    }
    let mut secondary = Vec::new();
    for specification in params.structures("PrivateIpAddresses") {
        let given = address(specification.required_text("PrivateIpAddress")?)?;
        match specification.flag("Primary") {
            Some(true) if private_ipv4.is_empty() => private_ipv4.push(given),
            Some(true) => {
                return Err(AwsError::invalid_value("Only one primary private IP address can be specified."));
            }
            _ => secondary.push(given),
        }
    }
    private_ipv4.extend(secondary);
    let ipv6 = params.structures("Ipv6Addresses").into_iter().map(|item| {
        let text = item.required_text("Ipv6Address")?;
        text.parse().map_err(|_| invalid("Ipv6Address", text))
    });
    Ok(CreateNetworkInterface {
        private_ipv4,
        secondary_ipv4_count: params.number("SecondaryPrivateIpAddressCount")?.unwrap_or_default(),
        ipv6: ipv6.collect::<Result<_, AwsError>>()?,
        ipv6_count: params.number("Ipv6AddressCount")?.unwrap_or_default(),
        connection_tracking: match params.structure("ConnectionTrackingSpecification") {
            Some(specification) => connection_tracking(specification)?,
            None => ConnectionTrackingSpecification::default(),
        },
        description: params.text("Description").unwrap_or_default().to_owned(),
        ..CreateNetworkInterface::new(subnet_id, params.parsed_list("Groups")?)
    })
}

/// `ConnectionTrackingSpecification` of a request.
pub(super) fn connection_tracking(params: Params<'_>) -> Result<ConnectionTrackingSpecification, AwsError> {
    Ok(ConnectionTrackingSpecification {
        tcp_established: params.number("TcpEstablishedTimeout")?,
        udp: params.number("UdpTimeout")?,
        udp_stream: params.number("UdpStreamTimeout")?,
    })
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Fault> {
    let interface_id = call.params.required("NetworkInterfaceId")?;
    call.change(DeleteNetworkInterface { interface_id })?;
    done()
}

pub(super) fn attach(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    call.only(&["DeviceIndex", "InstanceId", "NetworkInterfaceId"])?;
    let command = AttachNetworkInterface {
        interface_id: params.required("NetworkInterfaceId")?,
        instance_id: params.required("InstanceId")?,
        device_index: params.number("DeviceIndex")?.unwrap_or_default(),
    };
    match call.change(command)? {
        Reply::Attachment(id) => Ok(json!({ "AttachmentId": id })),
        other => Err(unexpected(&other)),
    }
}

pub(super) fn detach(call: &mut Call<'_>) -> Result<Value, Fault> {
    // A forced detachment is the same here, where none takes long.
    let attachment_id = call.params.required("AttachmentId")?;
    call.change(DetachNetworkInterface { attachment_id })?;
    done()
}

const FILTERS: [&str; 25] = [
    "addresses.primary",
    "addresses.private-ip-address",
    "attachment.attachment-id",
    "attachment.delete-on-termination",
    "attachment.device-index",
    "attachment.instance-id",
    "attachment.instance-owner-id",
    "attachment.status",
    "availability-zone",
    "availability-zone-id",
    "description",
    "group-id",
    "group-name",
    "interface-type",
    "ipv6-addresses.ipv6-address",
    "mac-address",
    "network-interface-id",
    "owner-id",
    "private-ip-address",
    "requester-managed",
    "source-dest-check",
    "status",
    "subnet-id",
    "vpc-id",
    "private-dns-name",
];

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (params, world, caller) = (call.params, &call.world, call.caller);
    let filters = Filters::read(params, &FILTERS, true)?;
    let ids = params.parsed_list::<NetworkInterfaceId>("NetworkInterfaceIds")?;
    if let Some(id) = ids.iter().find(|id| !world.network_interfaces.contains_key(id)) {
        return Err(id.not_found().into());
    }
    let found = world.network_interfaces.values().filter(|it| ids.is_empty() || ids.contains(&it.id));
    let found = found.filter(|it| filters.pass(&it.tags, |name| values(world, caller, it, name)));
    let (found, next) = page(params, 5..=1000, found.map(|it| (it.number, it)).collect())?;
    let views = found.into_iter().map(|interface| view(world, caller, interface)).collect::<Vec<_>>();
    Ok(json!({ "NetworkInterfaces": views, "NextToken": next }))
}

/// `in-use` or `available` (M-10).
pub(super) fn status(interface: &NetworkInterface) -> &'static str {
    if interface.attachment.is_some() { "in-use" } else { "available" }
}

fn zone(world: &World, interface: &NetworkInterface) -> Option<(String, String)> {
    let zone = &world.subnets.get(&interface.subnet_id)?.availability_zone;
    Some((zone.to_string(), zone_id(zone)))
}

fn values(world: &World, caller: &Caller, interface: &NetworkInterface, name: &str) -> Vec<String> {
    let of_attachment = |value: fn(&Attachment) -> String| interface.attachment.iter().map(value).collect();
    vec![match name {
        "addresses.primary" => {
            let count = interface.private_ipv4.len();
            return (0..count).map(|index| (index == 0).to_string()).collect();
        }
        "addresses.private-ip-address" => {
            return interface.private_ipv4.iter().map(ToString::to_string).collect();
        }
        "private-ip-address" => {
            return interface.private_ipv4.iter().take(1).map(ToString::to_string).collect();
        }
        "ipv6-addresses.ipv6-address" => return interface.ipv6.iter().map(ToString::to_string).collect(),
        "attachment.attachment-id" => return of_attachment(|it| it.id.to_string()),
        "attachment.delete-on-termination" => {
            return of_attachment(|it| it.delete_on_termination.to_string());
        }
        "attachment.device-index" => return of_attachment(|it| it.device_index.to_string()),
        "attachment.instance-id" => return of_attachment(|it| it.instance_id.to_string()),
        "attachment.status" => return of_attachment(|_| "attached".to_owned()),
        "attachment.instance-owner-id" => {
            return interface.attachment.iter().map(|_| caller.account_id.clone()).collect();
        }
        "availability-zone" => return zone(world, interface).into_iter().map(|(name, _)| name).collect(),
        "availability-zone-id" => return zone(world, interface).into_iter().map(|(_, id)| id).collect(),
        "group-id" => return interface.groups.iter().map(ToString::to_string).collect(),
        "group-name" => {
            let groups = interface.groups.iter().filter_map(|id| world.security_groups.get(id));
            return groups.map(|group| group.name.clone()).collect();
        }
        "private-dns-name" => return private_dns_name(caller, interface).into_iter().collect(),
        "description" => interface.description.clone(),
        "interface-type" => "interface".to_owned(),
        "mac-address" => interface.mac.to_string(),
        "owner-id" => caller.account_id.clone(),
        "requester-managed" => false.to_string(),
        "source-dest-check" => interface.source_dest_check.to_string(),
        "status" => status(interface).to_owned(),
        "subnet-id" => interface.subnet_id.to_string(),
        "vpc-id" => interface.vpc_id.to_string(),
        _ => interface.id.to_string(),
    }]
}

/// The name that AWS's DNS gives to an address.
pub(super) fn dns_name(caller: &Caller, address: std::net::Ipv4Addr) -> String {
    caller.region.private_dns_name(address)
}

fn private_dns_name(caller: &Caller, interface: &NetworkInterface) -> Option<String> {
    interface.private_ipv4.first().map(|address| dns_name(caller, *address))
}

/// Groups as interfaces and instances show them.
pub(super) fn groups(world: &World, interface: &NetworkInterface) -> Value {
    let view = |id| {
        let name = world.security_groups.get(id).map(|group| &group.name);
        json!({ "GroupId": id, "GroupName": name })
    };
    interface.groups.iter().map(view).collect()
}

/// An interface's private IPv4 addresses.
pub(super) fn addresses(caller: &Caller, interface: &NetworkInterface) -> Value {
    let view = |(index, address): (usize, &std::net::Ipv4Addr)| {
        let name = dns_name(caller, *address);
        json!({ "PrivateIpAddress": address, "Primary": index == 0, "PrivateDnsName": name })
    };
    interface.private_ipv4.iter().enumerate().map(view).collect()
}

/// Idle timeouts that an interface states itself (C-21).
pub(super) fn timeouts(specification: ConnectionTrackingSpecification) -> Value {
    let ConnectionTrackingSpecification { tcp_established, udp, udp_stream } = specification;
    if specification == ConnectionTrackingSpecification::default() {
        return Value::Null;
    }
    json!({
        "TcpEstablishedTimeout": tcp_established,
        "UdpTimeout": udp,
        "UdpStreamTimeout": udp_stream,
    })
}

/// Where an interface is attached.
pub(super) fn attachment(caller: &Caller, attachment: &Attachment) -> Value {
    json!({
        "AttachmentId": attachment.id,
        "InstanceId": attachment.instance_id,
        "InstanceOwnerId": caller.account_id,
        "DeviceIndex": attachment.device_index,
        "NetworkCardIndex": 0,
        "DeleteOnTermination": attachment.delete_on_termination,
        "Status": "attached",
    })
}

fn view(world: &World, caller: &Caller, interface: &NetworkInterface) -> Value {
    let (zone_name, zone_id) = zone(world, interface).unzip();
    let ipv6 = interface.ipv6.iter().map(|address| json!({ "Ipv6Address": address }));
    json!({
        "NetworkInterfaceId": interface.id,
        "VpcId": interface.vpc_id,
        "SubnetId": interface.subnet_id,
        "AvailabilityZone": zone_name,
        "AvailabilityZoneId": zone_id,
        "OwnerId": caller.account_id,
        "Description": interface.description,
        "InterfaceType": "interface",
        "MacAddress": interface.mac.to_string(),
        "PrivateIpAddress": interface.private_ipv4.first(),
        "PrivateDnsName": private_dns_name(caller, interface),
        "PrivateIpAddresses": addresses(caller, interface),
        "Ipv6Addresses": ipv6.collect::<Vec<_>>(),
        "Groups": groups(world, interface),
        "SourceDestCheck": interface.source_dest_check,
        "RequesterManaged": false,
        "Status": status(interface),
        "ConnectionTrackingConfiguration": timeouts(interface.connection_tracking_specification),
        "Attachment": interface.attachment.as_ref().map(|it| attachment(caller, it)),
        "TagSet": tag::set(&interface.tags),
    })
}
