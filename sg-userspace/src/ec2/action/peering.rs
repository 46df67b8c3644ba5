//! Peerings of VPCs. The two ends may be in different regions; each sees the peering.

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::ids::{VpcId, VpcPeeringConnectionId};
use crate::aws::peering::{PeeringStatus, VpcPeeringConnection};
use crate::aws::region::Region;
use crate::aws::world::World;
use crate::command::Reply;
use crate::command::peering::{
    AcceptVpcPeeringConnection, CreateVpcPeeringConnection, DeleteVpcPeeringConnection,
    RejectVpcPeeringConnection,
};

use super::tag;
use crate::ec2::call::{Call, Caller, done, unexpected};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;
use crate::ec2::params::missing;

pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    call.only(&["VpcId", "PeerVpcId", "PeerOwnerId", "PeerRegion", "TagSpecifications"])?;
    let requester_vpc_id: VpcId = params.required("VpcId")?;
    let accepter_vpc_id: VpcId = params.parsed("PeerVpcId")?.ok_or_else(|| missing("peerVpcId"))?;
    if !call.world.vpcs.contains_key(&requester_vpc_id) {
        return Err(requester_vpc_id.not_found().into());
    }
    // There is one account here.
    let is_foreign = params.text("PeerOwnerId").is_some_and(|owner| owner != call.caller.account_id);
    let region: Region = params.parsed("PeerRegion")?.unwrap_or_else(|| call.caller.region.clone());
    call.see_all_regions()?;
    match call.world.vpcs.get(&accepter_vpc_id) {
        Some(vpc) if vpc.region == region && !is_foreign => {}
        _ => return Err(accepter_vpc_id.not_found().into()),
    }
    let tags = params.tags_for("vpc-peering-connection")?;
    match call.change(CreateVpcPeeringConnection { requester_vpc_id, accepter_vpc_id, tags })? {
        Reply::VpcPeeringConnection { id, status } => {
            let mut reply = shown(call, &id)?;
            if status == PeeringStatus::PendingAcceptance {
                // AWS answers before it has asked; here the accepter has been asked.
                let message = format!("Initiating Request to {}", call.caller.account_id);
                reply["VpcPeeringConnection"]["Status"] =
                    json!({ "Code": "initiating-request", "Message": message });
            }
            Ok(reply)
        }
        other => Err(unexpected(&other)),
    }
}

fn shown(call: &mut Call<'_>, id: &VpcPeeringConnectionId) -> Result<Value, Fault> {
    let peering = call.world.vpc_peering_connections.get(id).ok_or_else(|| id.not_found())?;
    Ok(json!({ "VpcPeeringConnection": view(&call.world, call.caller, peering) }))
}

/// The peering of a request, of which one end at least is in the caller's region.
fn given(call: &mut Call<'_>) -> Result<VpcPeeringConnectionId, Fault> {
    let id: VpcPeeringConnectionId = call.params.required("VpcPeeringConnectionId")?;
    if !call.world.vpc_peering_connections.contains_key(&id) {
        return Err(id.not_found().into());
    }
    call.see_all_regions()?;
    Ok(id)
}

/// The peering of a request that its accepter answers, whose region the caller must be in.
fn to_answer(call: &mut Call<'_>) -> Result<VpcPeeringConnectionId, Fault> {
    let id = given(call)?;
    let peering = call.world.vpc_peering_connections.get(&id);
    let accepter = peering.and_then(|peering| call.world.vpcs.get(&peering.accepter_vpc_id));
    if accepter.is_some_and(|vpc| vpc.region != call.caller.region) {
        let message = format!("The vpcPeeringConnection '{id}' is answered in the region of its accepter.");
        return Err(AwsError::new("OperationNotPermitted", message).into());
    }
    Ok(id)
}

pub(super) fn accept(call: &mut Call<'_>) -> Result<Value, Fault> {
    let id = to_answer(call)?;
    call.change(AcceptVpcPeeringConnection { vpc_peering_connection_id: id.clone() })?;
    shown(call, &id)
}

pub(super) fn reject(call: &mut Call<'_>) -> Result<Value, Fault> {
    let vpc_peering_connection_id = to_answer(call)?;
    call.change(RejectVpcPeeringConnection { vpc_peering_connection_id })?;
    done()
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Fault> {
    let vpc_peering_connection_id = given(call)?;
    call.change(DeleteVpcPeeringConnection { vpc_peering_connection_id })?;
    done()
}

const FILTERS: [&str; 9] = [
    "accepter-vpc-info.cidr-block",
    "accepter-vpc-info.owner-id",
    "accepter-vpc-info.vpc-id",
    "requester-vpc-info.cidr-block",
    "requester-vpc-info.owner-id",
    "requester-vpc-info.vpc-id",
    "status-code",
    "status-message",
    "vpc-peering-connection-id",
];

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let visible = call.world.vpc_peering_connections.clone();
    call.see_all_regions()?;
    let (params, world, caller) = (call.params, &call.world, call.caller);
    let filters = Filters::read(params, &FILTERS, true)?;
    let ids = params.parsed_list::<VpcPeeringConnectionId>("VpcPeeringConnectionIds")?;
    if let Some(id) = ids.iter().find(|id| !visible.contains_key(id)) {
        return Err(id.not_found().into());
    }
    let found = visible.values().filter(|peering| ids.is_empty() || ids.contains(&peering.id));
    let found = found.filter(|it| filters.pass(&it.tags, |name| values(world, caller, it, name)));
    let (peerings, next) = page(params, 5..=1000, found.map(|it| (it.number, it)).collect())?;
    let views = peerings.into_iter().map(|peering| view(world, caller, peering)).collect::<Vec<_>>();
    Ok(json!({ "VpcPeeringConnections": views, "NextToken": next }))
}

fn values(world: &World, caller: &Caller, peering: &VpcPeeringConnection, name: &str) -> Vec<String> {
    let block = |id: &VpcId| {
        let vpc = world.vpcs.get(id).and_then(|vpc| vpc.cidr_ipv4.first());
        vpc.iter().map(ToString::to_string).collect()
    };
    vec![match name {
        "accepter-vpc-info.cidr-block" => return block(&peering.accepter_vpc_id),
        "requester-vpc-info.cidr-block" => return block(&peering.requester_vpc_id),
        "accepter-vpc-info.owner-id" | "requester-vpc-info.owner-id" => caller.account_id.clone(),
        "accepter-vpc-info.vpc-id" => peering.accepter_vpc_id.to_string(),
        "requester-vpc-info.vpc-id" => peering.requester_vpc_id.to_string(),
        "status-code" => peering.status.to_string(),
        "status-message" => message(caller, peering.status),
        _ => peering.id.to_string(),
    }]
}

fn message(caller: &Caller, status: PeeringStatus) -> String {
    match status {
        PeeringStatus::PendingAcceptance => format!("Pending Acceptance by {}", caller.account_id),
        PeeringStatus::Active => "Active".to_owned(),
        PeeringStatus::Rejected => format!("Rejected by {}", caller.account_id),
        PeeringStatus::Failed => {
            "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range".to_owned()
        }
        PeeringStatus::Deleted => format!("Deleted by {}", caller.account_id),
    }
}

fn end(world: &World, caller: &Caller, id: &VpcId) -> Value {
    let Some(vpc) = world.vpcs.get(id) else {
        return json!({ "VpcId": id, "OwnerId": caller.account_id });
    };
    json!({
        "VpcId": id,
        "OwnerId": caller.account_id,
        "Region": vpc.region,
        "CidrBlock": vpc.cidr_ipv4.first(),
        "CidrBlockSet": vpc.cidr_ipv4.iter().map(|net| json!({ "CidrBlock": net })).collect::<Vec<_>>(),
        "Ipv6CidrBlockSet": vpc.cidr_ipv6.iter().map(|net| json!({ "Ipv6CidrBlock": net })).collect::<Vec<_>>(),
    })
}

fn view(world: &World, caller: &Caller, peering: &VpcPeeringConnection) -> Value {
    json!({
        "VpcPeeringConnectionId": peering.id,
        "RequesterVpcInfo": end(world, caller, &peering.requester_vpc_id),
        "AccepterVpcInfo": end(world, caller, &peering.accepter_vpc_id),
        "Status": { "Code": peering.status.to_string(), "Message": message(caller, peering.status) },
        "Tags": tag::set(&peering.tags),
    })
}
