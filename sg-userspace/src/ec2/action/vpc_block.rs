//! Blocks of VPCs and subnets, and how they are shown.

use std::net::Ipv6Addr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::vpc::{Subnet, Vpc};
use crate::aws::world::World;
use crate::command::Reply;
use crate::command::vpc_block::{
    AssociateSubnetCidrBlock, AssociateVpcCidrBlock, DisassociateSubnetCidrBlock, DisassociateVpcCidrBlock,
};

use crate::ec2::call::{Call, Caller, unexpected};
use crate::ec2::fault::Fault;
use crate::ec2::params::{Params, missing};

/// Where the blocks come from that Amazon would provide.
const AMAZON_PROVIDED: Ipv6Addr = Ipv6Addr::new(0x2600, 0x1f13, 0, 0, 0, 0, 0, 0);
/// Their size.
const AMAZON_PROVIDED_LENGTH: u8 = 56;

/// The IPv6 block that a request for a VPC asks for or brings.
pub(super) fn ipv6_of(params: Params<'_>, world: &World) -> Result<Option<Ipv6Net>, Fault> {
    let given = params.cidr_ipv6("Ipv6CidrBlock")?;
    if params.flag("AmazonProvidedIpv6CidrBlock") != Some(true) {
        return Ok(given);
    }
    if given.is_some() {
        return Err(combination("amazonProvidedIpv6CidrBlock", "ipv6CidrBlock").into());
    }
    provided(world).map(Some)
}

fn combination(one: &str, other: &str) -> AwsError {
    AwsError::new(
        "InvalidParameterCombination",
        format!("The parameter {one} cannot be used with the parameter {other}"),
    )
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

pub(super) fn associate_vpc(call: &mut Call<'_>) -> Result<Value, Fault> {
    call.only(&["VpcId", "CidrBlock", "AmazonProvidedIpv6CidrBlock", "Ipv6CidrBlock"])?;
    let params = call.params;
    let vpc_id = params.required("VpcId")?;
    let cidr = match (params.cidr_ipv4("CidrBlock")?, ipv6_of(params, &call.world)?) {
        (Some(net), None) => IpNet::V4(net),
        (None, Some(net)) => IpNet::V6(net),
        (None, None) => return Err(missing("cidrBlock").into()),
        (Some(_), Some(_)) => return Err(combination("cidrBlock", "amazonProvidedIpv6CidrBlock").into()),
    };
    let reply = call.change(AssociateVpcCidrBlock { vpc_id, cidr })?;
    vpc_reply(call.caller, reply, "associating")
}

pub(super) fn disassociate_vpc(call: &mut Call<'_>) -> Result<Value, Fault> {
    let association_id = call.params.required("AssociationId")?;
    let reply = call.change(DisassociateVpcCidrBlock { association_id })?;
    vpc_reply(call.caller, reply, "disassociating")
}

/// AWS answers before it is done; here it is done.
fn vpc_reply(caller: &Caller, reply: Reply, state: &str) -> Result<Value, Fault> {
    match reply {
        Reply::VpcCidrAssociation { vpc_id, id, cidr: IpNet::V4(net) } => {
            Ok(json!({ "VpcId": vpc_id, "CidrBlockAssociation": ipv4_view(&id, net, state) }))
        }
        Reply::VpcCidrAssociation { vpc_id, id, cidr: IpNet::V6(net) } => {
            Ok(json!({ "VpcId": vpc_id, "Ipv6CidrBlockAssociation": ipv6_view(caller, &id, net, state) }))
        }
        other => Err(unexpected(&other)),
    }
}

pub(super) fn associate_subnet(call: &mut Call<'_>) -> Result<Value, Fault> {
    call.only(&["SubnetId", "Ipv6CidrBlock"])?;
    let params = call.params;
    let subnet_id = params.required("SubnetId")?;
    let cidr_ipv6 = params.cidr_ipv6("Ipv6CidrBlock")?.ok_or_else(|| missing("ipv6CidrBlock"))?;
    let reply = call.change(AssociateSubnetCidrBlock { subnet_id, cidr_ipv6 })?;
    subnet_reply(reply, "associating")
}

pub(super) fn disassociate_subnet(call: &mut Call<'_>) -> Result<Value, Fault> {
    let association_id = call.params.required("AssociationId")?;
    let reply = call.change(DisassociateSubnetCidrBlock { association_id })?;
    subnet_reply(reply, "disassociating")
}

fn subnet_reply(reply: Reply, state: &str) -> Result<Value, Fault> {
    match reply {
        Reply::SubnetCidrAssociation { subnet_id, id, cidr_ipv6 } => {
            let association = association(&id, "Ipv6CidrBlock", cidr_ipv6.into(), state);
            Ok(json!({ "SubnetId": subnet_id, "Ipv6CidrBlockAssociation": association }))
        }
        other => Err(unexpected(&other)),
    }
}

/// An association as every reply has it: the block's name says its family.
fn association(id: &impl ToString, name: &str, net: IpNet, state: &str) -> Value {
    json!({ "AssociationId": id.to_string(), name: net, format!("{name}State"): { "State": state } })
}

fn ipv4_view(id: &impl ToString, net: Ipv4Net, state: &str) -> Value {
    association(id, "CidrBlock", net.into(), state)
}

fn ipv6_view(caller: &Caller, id: &impl ToString, net: Ipv6Net, state: &str) -> Value {
    let mut view = association(id, "Ipv6CidrBlock", net.into(), state);
    view["NetworkBorderGroup"] = json!(caller.region);
    view["Ipv6Pool"] = json!("Amazon");
    view["IpSource"] = json!("amazon");
    view["Ipv6AddressAttribute"] = json!("public");
    view
}

/// The associations of a VPC's IPv4 blocks, and of its IPv6 blocks.
pub(super) fn of_vpc(caller: &Caller, vpc: &Vpc) -> (Vec<Value>, Vec<Value>) {
    let ipv4 =
        vpc.cidr_ipv4.iter().map(|net| ipv4_view(&vpc.association_id((*net).into()), *net, "associated"));
    let ipv6 = vpc
        .cidr_ipv6
        .iter()
        .map(|net| ipv6_view(caller, &vpc.association_id((*net).into()), *net, "associated"));
    (ipv4.collect(), ipv6.collect())
}

/// The association of a subnet's IPv6 block.
pub(super) fn of_subnet(subnet: &Subnet) -> Vec<Value> {
    let nets = subnet.cidr_ipv6.iter();
    nets.map(|net| association(&subnet.association_id(*net), "Ipv6CidrBlock", (*net).into(), "associated"))
        .collect()
}
