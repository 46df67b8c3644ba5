//! Subnets.

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::ids::{SubnetId, VpcId};
use crate::aws::region::AvailabilityZone;
use crate::aws::vpc::Subnet;
use crate::aws::world::World;
use crate::command::Reply;
use crate::command::default_vpc::CreateDefaultSubnet;
use crate::command::subnet::{CreateSubnet, DeleteSubnet};

use super::region::{ZONES, zone_id};
use super::{tag, vpc_block};
use crate::ec2::call::{Call, Caller, done, unexpected};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;
use crate::ec2::params::missing;

pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    call.only(&[
        "AvailabilityZone",
        "AvailabilityZoneId",
        "CidrBlock",
        "Ipv6CidrBlock",
        "VpcId",
        "TagSpecifications",
    ])?;
    let command = CreateSubnet {
        vpc_id: params.required::<VpcId>("VpcId")?,
        availability_zone: zone_of(call)?,
        cidr_ipv4: params.cidr_ipv4("CidrBlock")?.ok_or_else(|| missing("cidrBlock"))?,
        cidr_ipv6: params.cidr_ipv6("Ipv6CidrBlock")?,
        tags: params.tags_for("subnet")?,
    };
    let reply = call.change(command)?;
    made(call, &reply)
}

pub(super) fn create_default(call: &mut Call<'_>) -> Result<Value, Fault> {
    call.only(&["AvailabilityZone", "AvailabilityZoneId"])?;
    if !["AvailabilityZone", "AvailabilityZoneId"].iter().any(|name| call.params.has(name)) {
        return Err(missing("availabilityZone").into());
    }
    let reply = call.change(CreateDefaultSubnet { availability_zone: zone_of(call)? })?;
    made(call, &reply)
}

fn made(call: &Call<'_>, reply: &Reply) -> Result<Value, Fault> {
    match reply {
        Reply::Subnet(id) => {
            let subnet = call.world.subnets.get(id).ok_or_else(|| id.not_found())?;
            Ok(json!({ "Subnet": view(&call.world, call.caller, subnet) }))
        }
        other => Err(unexpected(other)),
    }
}

/// The zone that is asked for, or else the region's first: where AWS picks one.
fn zone_of(call: &Call<'_>) -> Result<AvailabilityZone, AwsError> {
    let (params, region) = (call.params, &call.caller.region);
    match (params.text("AvailabilityZone"), params.text("AvailabilityZoneId")) {
        (Some(text), _) => text.parse().map_err(|_| {
            let zones = ZONES.map(|letter| region.zone(letter).to_string()).join(", ");
            AwsError::invalid_value(format!(
                "Value ({text}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: {zones}."
            ))
        }),
        (None, Some(id)) => {
            ('a'..='z').map(|letter| region.zone(letter)).find(|zone| zone_id(zone) == id).ok_or_else(|| {
                AwsError::invalid_value(format!("Value ({id}) for parameter availabilityZoneId is invalid."))
            })
        }
        (None, None) => Ok(region.zone('a')),
    }
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Fault> {
    let subnet_id = call.params.required("SubnetId")?;
    call.change(DeleteSubnet { subnet_id })?;
    done()
}

const FILTERS: [&str; 25] = [
    "availability-zone",
    "availabilityZone",
    "availability-zone-id",
    "availabilityZoneId",
    "available-ip-address-count",
    "cidr-block",
    "cidr",
    "cidrBlock",
    "default-for-az",
    "defaultForAz",
    "enable-dns64",
    "map-customer-owned-ip-on-launch",
    "map-public-ip-on-launch",
    "private-dns-name-options-on-launch.enable-resource-name-dns-a-record",
    "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record",
    "private-dns-name-options-on-launch.hostname-type",
    "ipv6-cidr-block-association.association-id",
    "ipv6-cidr-block-association.ipv6-cidr-block",
    "ipv6-cidr-block-association.state",
    "owner-id",
    "state",
    "subnet-arn",
    "subnet-id",
    "vpc-id",
    "ipv6-native",
];

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (params, world, caller) = (call.params, &call.world, call.caller);
    let filters = Filters::read(params, &FILTERS, true)?;
    let ids = params.parsed_list::<SubnetId>("SubnetIds")?;
    if let Some(id) = ids.iter().find(|id| !world.subnets.contains_key(id)) {
        return Err(id.not_found().into());
    }
    let found = world.subnets.values().filter(|subnet| ids.is_empty() || ids.contains(&subnet.id));
    let found = found.filter(|it| filters.pass(&it.tags, |name| values(world, caller, it, name)));
    let (subnets, next) = page(params, 5..=1000, found.map(|subnet| (subnet.number, subnet)).collect())?;
    let subnets = subnets.into_iter().map(|subnet| view(world, caller, subnet)).collect::<Vec<_>>();
    Ok(json!({ "Subnets": subnets, "NextToken": next }))
}

fn values(world: &World, caller: &Caller, subnet: &Subnet, name: &str) -> Vec<String> {
    vec![match name {
        "availability-zone" | "availabilityZone" => subnet.availability_zone.to_string(),
        "availability-zone-id" | "availabilityZoneId" => zone_id(&subnet.availability_zone),
        "available-ip-address-count" => available(world, subnet).to_string(),
        "cidr-block" | "cidr" | "cidrBlock" => subnet.cidr_ipv4.to_string(),
        "default-for-az" | "defaultForAz" => subnet.default_for_az.to_string(),
        "map-public-ip-on-launch" => subnet.map_public_ip_on_launch.to_string(),
        "enable-dns64" | "ipv6-native" | "map-customer-owned-ip-on-launch" => false.to_string(),
        "private-dns-name-options-on-launch.hostname-type" => "ip-name".to_owned(),
        "private-dns-name-options-on-launch.enable-resource-name-dns-a-record"
        | "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record" => false.to_string(),
        "ipv6-cidr-block-association.association-id" => match subnet.cidr_ipv6 {
            Some(net) => subnet.association_id(net).to_string(),
            None => return Vec::new(),
        },
        "ipv6-cidr-block-association.ipv6-cidr-block" => match subnet.cidr_ipv6 {
            Some(net) => net.to_string(),
            None => return Vec::new(),
        },
        "ipv6-cidr-block-association.state" => match subnet.cidr_ipv6 {
            Some(_) => "associated".to_owned(),
            None => return Vec::new(),
        },
        "owner-id" => caller.account_id.clone(),
        "state" => "available".to_owned(),
        "subnet-arn" => caller.arn("subnet", &subnet.id),
        "vpc-id" => subnet.vpc_id.to_string(),
        _ => subnet.id.to_string(),
    }]
}

/// How many IPv4 addresses are free: all but five (M-05) and those that interfaces have.
fn available(world: &World, subnet: &Subnet) -> u64 {
    let interfaces = world.network_interfaces.values().filter(|interface| interface.subnet_id == subnet.id);
    let taken = interfaces.map(|interface| interface.private_ipv4.len() as u64).sum::<u64>();
    (1_u64 << (32 - subnet.cidr_ipv4.prefix_len())).saturating_sub(5 + taken)
}

fn view(world: &World, caller: &Caller, subnet: &Subnet) -> Value {
    json!({
        "SubnetId": subnet.id,
        "SubnetArn": caller.arn("subnet", &subnet.id),
        "VpcId": subnet.vpc_id,
        "OwnerId": caller.account_id,
        "State": "available",
        "CidrBlock": subnet.cidr_ipv4,
        "Ipv6CidrBlockAssociationSet": vpc_block::of_subnet(subnet),
        "AvailabilityZone": subnet.availability_zone,
        "AvailabilityZoneId": zone_id(&subnet.availability_zone),
        "AvailableIpAddressCount": available(world, subnet),
        "DefaultForAz": subnet.default_for_az,
        "MapPublicIpOnLaunch": subnet.map_public_ip_on_launch,
        "MapCustomerOwnedIpOnLaunch": false,
        "AssignIpv6AddressOnCreation": subnet.assign_ipv6_address_on_creation,
        "Ipv6Native": false,
        "EnableDns64": false,
        // AWS's default. Names resolve through hosts files here, whatever it says.
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": false,
            "EnableResourceNameDnsAAAARecord": false,
        },
        "Tags": tag::set(&subnet.tags),
    })
}
