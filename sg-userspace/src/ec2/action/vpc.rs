//! VPCs.

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::ids::VpcId;
use crate::aws::vpc::Vpc;
use crate::command::Reply;
use crate::command::default_vpc::CreateDefaultVpc;
use crate::command::vpc::{CreateVpc, DeleteVpc};

use super::region::ZONES;
use super::{tag, vpc_block};
use crate::ec2::call::{Call, Caller, done, unexpected};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;
use crate::ec2::params::missing;

pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    call.only(&[
        "CidrBlock",
        "AmazonProvidedIpv6CidrBlock",
        "Ipv6CidrBlock",
        "InstanceTenancy",
        "TagSpecifications",
    ])?;
    if let Some(tenancy) = params.text("InstanceTenancy").filter(|tenancy| *tenancy != "default") {
        return Err(AwsError::new(
            "UnsupportedOperation",
            format!(
                "The instance tenancy {tenancy} is not supported by sgsim: all instances are on one machine."
            ),
        )
        .into());
    }
    let command = CreateVpc {
        region: call.caller.region.clone(),
        cidr_ipv4: vec![params.cidr_ipv4("CidrBlock")?.ok_or_else(|| missing("cidrBlock"))?],
        cidr_ipv6: vpc_block::ipv6_of(params, &call.world)?.into_iter().collect(),
        tags: params.tags_for("vpc")?,
        ..CreateVpc::default()
    };
    let reply = call.change(command)?;
    made(call, &reply)
}

pub(super) fn create_default(call: &mut Call<'_>) -> Result<Value, Fault> {
    let region = call.caller.region.clone();
    let zones = ZONES.into_iter().map(|letter| region.zone(letter)).collect();
    let reply = call.change(CreateDefaultVpc { region, zones })?;
    made(call, &reply)
}

fn made(call: &Call<'_>, reply: &Reply) -> Result<Value, Fault> {
    match reply {
        Reply::Vpc { vpc_id, .. } => {
            let vpc = call.world.vpcs.get(vpc_id).ok_or_else(|| vpc_id.not_found())?;
            Ok(json!({ "Vpc": view(call.caller, vpc) }))
        }
        other => Err(unexpected(other)),
    }
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Fault> {
    let vpc_id = call.params.required("VpcId")?;
    call.change(DeleteVpc { vpc_id })?;
    done()
}

const FILTERS: [&str; 15] = [
    "cidr",
    "cidr-block-association.association-id",
    "cidr-block-association.cidr-block",
    "cidr-block-association.state",
    "dhcp-options-id",
    "ipv6-cidr-block-association.association-id",
    "ipv6-cidr-block-association.ipv6-cidr-block",
    "ipv6-cidr-block-association.ipv6-pool",
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
        "cidr-block-association.association-id" => {
            vpc.cidr_ipv4.iter().map(|net| vpc.association_id((*net).into()).to_string()).collect()
        }
        "ipv6-cidr-block-association.association-id" => {
            vpc.cidr_ipv6.iter().map(|net| vpc.association_id((*net).into()).to_string()).collect()
        }
        "ipv6-cidr-block-association.ipv6-pool" => {
            vpc.cidr_ipv6.iter().take(1).map(|_| "Amazon".to_owned()).collect()
        }
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

fn view(caller: &Caller, vpc: &Vpc) -> Value {
    let (ipv4, ipv6) = vpc_block::of_vpc(caller, vpc);
    json!({
        "VpcId": vpc.id,
        "OwnerId": caller.account_id,
        "State": "available",
        "CidrBlock": vpc.cidr_ipv4.first(),
        "CidrBlockAssociationSet": ipv4,
        "Ipv6CidrBlockAssociationSet": ipv6,
        "DhcpOptionsId": "default",
        "InstanceTenancy": "default",
        "IsDefault": vpc.is_default,
        "Tags": tag::set(&vpc.tags),
    })
}
