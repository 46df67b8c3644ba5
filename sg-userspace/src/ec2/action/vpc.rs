//! VPCs.

use std::net::Ipv6Addr;

use ipnet::Ipv6Net;
use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::ids::VpcId;
use crate::aws::vpc::Vpc;
use crate::aws::world::World;
use crate::command::Reply;
use crate::command::vpc::{CreateVpc, DeleteVpc};

use super::tag;
use crate::ec2::call::{Call, Caller, done, unexpected};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;
use crate::ec2::params::missing;

/// Where the blocks come from that Amazon would provide.
const AMAZON_PROVIDED: Ipv6Addr = Ipv6Addr::new(0x2600, 0x1f13, 0, 0, 0, 0, 0, 0);
/// Their size.
const AMAZON_PROVIDED_LENGTH: u8 = 56;

pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    call.only(&[
        "CidrBlock",
        "AmazonProvidedIpv6CidrBlock",
        "Ipv6CidrBlock",
        "InstanceTenancy",
        "TagSpecifications",
    ])?;
    let mut cidr_ipv6 = params.cidr_ipv6("Ipv6CidrBlock")?.into_iter().collect::<Vec<_>>();
    if params.flag("AmazonProvidedIpv6CidrBlock") == Some(true) {
        if !cidr_ipv6.is_empty() {
            return Err(AwsError::new(
                "InvalidParameterCombination",
                "The parameter amazonProvidedIpv6CidrBlock cannot be used with the parameter ipv6CidrBlock",
            )
            .into());
        }
        cidr_ipv6.push(provided(&call.world)?);
    }
    let command = CreateVpc {
        region: call.caller.region.clone(),
        cidr_ipv4: vec![params.cidr_ipv4("CidrBlock")?.ok_or_else(|| missing("cidrBlock"))?],
        cidr_ipv6,
        tags: params.tags_for("vpc")?,
        ..CreateVpc::default()
    };
    match call.change(command)? {
        Reply::Vpc { vpc_id, .. } => {
            let vpc = call.world.vpcs.get(&vpc_id).ok_or_else(|| vpc_id.not_found())?;
            Ok(json!({ "Vpc": view(call.caller, vpc) }))
        }
        other => Err(unexpected(&other)),
    }
}

/// The first block of Amazon's that no VPC has.
fn provided(world: &World) -> Result<Ipv6Net, Fault> {
    let taken = |net: &Ipv6Net| world.vpcs.values().flat_map(|vpc| &vpc.cidr_ipv6).any(|other| other == net);
    let step = 1_u128 << (128 - u32::from(AMAZON_PROVIDED_LENGTH));
    let mut bits = u128::from(AMAZON_PROVIDED);
    loop {
        let net = Ipv6Net::new(bits.into(), AMAZON_PROVIDED_LENGTH)
            .map_err(|error| Fault::internal(error.to_string()))?;
        if !taken(&net) {
            return Ok(net);
        }
        bits += step;
    }
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Fault> {
    let vpc_id = call.params.required("VpcId")?;
    call.change(DeleteVpc { vpc_id })?;
    done()
}

const FILTERS: [&str; 12] = [
    "cidr",
    "cidr-block-association.cidr-block",
    "cidr-block-association.state",
    "dhcp-options-id",
    "ipv6-cidr-block-association.ipv6-cidr-block",
    "ipv6-cidr-block-association.state",
    "is-default",
    "isDefault",
    "owner-id",
    "state",
    "vpc-id",
    "cidrBlock",
];

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (params, world, caller) = (call.params, &call.world, call.caller);
    let filters = Filters::read(params, &FILTERS, true)?;
    let ids = params.parsed_list::<VpcId>("VpcIds")?;
    if let Some(id) = ids.iter().find(|id| !world.vpcs.contains_key(id)) {
        return Err(id.not_found().into());
    }
    let found = world.vpcs.values().filter(|vpc| ids.is_empty() || ids.contains(&vpc.id));
    let found = found.filter(|vpc| filters.pass(&vpc.tags, |name| values(caller, vpc, name)));
    let (vpcs, next) = page(params, 5..=1000, found.map(|vpc| (vpc.number, vpc)).collect())?;
    let vpcs = vpcs.into_iter().map(|vpc| view(caller, vpc)).collect::<Vec<_>>();
    Ok(json!({ "Vpcs": vpcs, "NextToken": next }))
}

fn values(caller: &Caller, vpc: &Vpc, name: &str) -> Vec<String> {
    match name {
        "cidr" | "cidrBlock" => vpc.cidr_ipv4.iter().take(1).map(ToString::to_string).collect(),
        "cidr-block-association.cidr-block" => vpc.cidr_ipv4.iter().map(ToString::to_string).collect(),
        "ipv6-cidr-block-association.ipv6-cidr-block" => {
            vpc.cidr_ipv6.iter().map(ToString::to_string).collect()
        }
        "cidr-block-association.state" => vec!["associated".to_owned()],
        "ipv6-cidr-block-association.state" => {
            vpc.cidr_ipv6.iter().take(1).map(|_| "associated".to_owned()).collect()
        }
        "dhcp-options-id" => vec!["default".to_owned()],
        "is-default" | "isDefault" => vec![vpc.is_default.to_string()],
        "owner-id" => vec![caller.account_id.clone()],
        "state" => vec!["available".to_owned()],
        _ => vec![vpc.id.to_string()],
    }
}

/// The id of a block's association, which has none of its own here: the owner's, with the block's place.
pub(super) fn association_id(kind: &str, owner: &str, place: usize) -> String {
    let digits = owner.rsplit_once('-').map_or(owner, |(_, digits)| digits);
    format!("{kind}-{place:x}{}", digits.get(1..).unwrap_or_default())
}

fn view(caller: &Caller, vpc: &Vpc) -> Value {
    let associated = json!({ "State": "associated" });
    let ipv4 = vpc.cidr_ipv4.iter().enumerate().map(|(place, net)| {
        json!({
            "AssociationId": association_id("vpc-cidr-assoc", vpc.id.as_str(), place),
            "CidrBlock": net,
            "CidrBlockState": associated,
        })
    });
    let ipv6 = vpc.cidr_ipv6.iter().enumerate().map(|(place, net)| {
        json!({
            "AssociationId": association_id("vpc-cidr-assoc", vpc.id.as_str(), place + vpc.cidr_ipv4.len()),
            "Ipv6CidrBlock": net,
            "Ipv6CidrBlockState": associated,
            "NetworkBorderGroup": caller.region,
            "Ipv6Pool": "Amazon",
        })
    });
    json!({
        "VpcId": vpc.id,
        "OwnerId": caller.account_id,
        "State": "available",
        "CidrBlock": vpc.cidr_ipv4.first(),
        "CidrBlockAssociationSet": ipv4.collect::<Vec<_>>(),
        "Ipv6CidrBlockAssociationSet": ipv6.collect::<Vec<_>>(),
        "DhcpOptionsId": "default",
        "InstanceTenancy": "default",
        "IsDefault": vpc.is_default,
        "Tags": tag::set(&vpc.tags),
    })
}
