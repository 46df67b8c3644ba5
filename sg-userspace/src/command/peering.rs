//! Peerings of VPCs: requested, then accepted or rejected, and deleted.
//!
//! All VPCs here are of one account, so whoever asks may also accept. A request does not expire. Rules that refer to
//! groups over a peering are not touched by what happens to it: without it they match nothing (E-13).

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::ids::{VpcId, VpcPeeringConnectionId};
use crate::aws::peering::{PeeringStatus, VpcPeeringConnection};
use crate::aws::vpc::Vpc;
use crate::aws::world::World;

use super::Reply;
use super::edit::Edit;
use super::tag;
use super::vpc::overlap;

/// The most blocks of one family that a VPC and its active peers can have together: the data plane's room for telling
/// them from the internet. AWS has no such limit, but one on routes, whose code this is.
pub const MAX_REACHABLE_BLOCKS: usize = 16;

/// Asks for a peering. VPCs whose blocks overlap, as every VPC's do with its own, get one that has failed (section 6.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateVpcPeeringConnection {
    /// Who asks.
    pub requester_vpc_id: VpcId,
    /// Who is asked.
    pub accepter_vpc_id: VpcId,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl CreateVpcPeeringConnection {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { requester_vpc_id, accepter_vpc_id, tags } = self;
        let status = if ends_overlap(edit, &requester_vpc_id, &accepter_vpc_id)? {
            PeeringStatus::Failed
        } else {
            check_only_one(edit.world(), &requester_vpc_id, &accepter_vpc_id)?;
            check_limits(edit.world(), &requester_vpc_id, &accepter_vpc_id)?;
            PeeringStatus::PendingAcceptance
        };
        let tags = tag::checked(tags)?;
        let (seed, number) = edit.next_number()?;
        let id = VpcPeeringConnectionId::mint(seed, number);
        edit.put(VpcPeeringConnection {
            id: id.clone(),
            number,
            requester_vpc_id,
            accepter_vpc_id,
            status,
            tags,
        });
        Ok(Reply::VpcPeeringConnection { id, status })
    }
}

fn ends_overlap(edit: &Edit<'_>, requester: &VpcId, accepter: &VpcId) -> Result<bool, AwsError> {
    let requester = edit.get::<Vpc>(requester)?.blocks().collect::<Vec<_>>();
    let accepter = edit.get::<Vpc>(accepter)?.blocks().collect::<Vec<_>>();
    Ok(requester.iter().any(|a| accepter.iter().any(|b| overlap(a, b))))
}

/// Refuses a peering that could neither be requested nor be active between these VPCs.
pub(super) fn check_live(edit: &Edit<'_>, requester: &VpcId, accepter: &VpcId) -> Result<(), AwsError> {
    if ends_overlap(edit, requester, accepter)? {
        let message =
            format!("The blocks of '{requester}' and '{accepter}' overlap, so no peering joins them");
        return Err(AwsError::invalid_value(message));
    }
    check_only_one(edit.world(), requester, accepter)?;
    check_blocks(edit.world(), requester, accepter)
}

/// Makes a requested peering active.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptVpcPeeringConnection {
    /// The peering.
    pub vpc_peering_connection_id: VpcPeeringConnectionId,
}

impl AcceptVpcPeeringConnection {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let peering: &VpcPeeringConnection = edit.get(&self.vpc_peering_connection_id)?;
        check_transition(peering, &[PeeringStatus::PendingAcceptance], "active")?;
        check_limits(edit.world(), &peering.requester_vpc_id, &peering.accepter_vpc_id)?;
        set_status(edit, &self.vpc_peering_connection_id, PeeringStatus::Active)
    }
}

/// Refuses a requested peering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RejectVpcPeeringConnection {
    /// The peering.
    pub vpc_peering_connection_id: VpcPeeringConnectionId,
}

impl RejectVpcPeeringConnection {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let peering: &VpcPeeringConnection = edit.get(&self.vpc_peering_connection_id)?;
        check_transition(peering, &[PeeringStatus::PendingAcceptance], "rejected")?;
        set_status(edit, &self.vpc_peering_connection_id, PeeringStatus::Rejected)
    }
}

/// Ends a peering, active or requested. It stays visible (E-13); AWS forgets it after some hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteVpcPeeringConnection {
    /// The peering.
    pub vpc_peering_connection_id: VpcPeeringConnectionId,
}

impl DeleteVpcPeeringConnection {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let peering: &VpcPeeringConnection = edit.get(&self.vpc_peering_connection_id)?;
        check_transition(peering, &[PeeringStatus::PendingAcceptance, PeeringStatus::Active], "deleting")?;
        set_status(edit, &self.vpc_peering_connection_id, PeeringStatus::Deleted)
    }
}

/// Ends every peering of a VPC that is deleted, requested ones included: AWS keeps only a request of another account.
pub(super) fn delete_all_of(edit: &mut Edit<'_>, vpc_id: &VpcId) -> Result<(), AwsError> {
    let peerings = edit.world().vpc_peering_connections.values();
    let live = peerings.filter(|peering| peering.other_end(vpc_id).is_some() && is_live(peering));
    for id in live.map(|peering| peering.id.clone()).collect::<Vec<_>>() {
        set_status(edit, &id, PeeringStatus::Deleted)?;
    }
    Ok(())
}

fn is_live(peering: &VpcPeeringConnection) -> bool {
    matches!(peering.status, PeeringStatus::PendingAcceptance | PeeringStatus::Active)
}

fn set_status(
    edit: &mut Edit<'_>,
    id: &VpcPeeringConnectionId,
    status: PeeringStatus,
) -> Result<Reply, AwsError> {
    edit.get_mut::<VpcPeeringConnection>(id)?.status = status;
    Ok(Reply::Done)
}

fn check_transition(
    peering: &VpcPeeringConnection,
    from: &[PeeringStatus],
    to: &str,
) -> Result<(), AwsError> {
    let VpcPeeringConnection { id, status, .. } = peering;
    if from.contains(status) {
        return Ok(());
    }
    Err(AwsError::new(
        "InvalidStateTransition",
        format!("Invalid state transition for {id}, attempted to transition from {status} to {to}"),
    ))
}

/// Two VPCs have one peering at a time, whoever asked. CHOICE: AWS has been seen to take a second request and to refuse
/// its acceptance.
fn check_only_one(world: &World, requester: &VpcId, accepter: &VpcId) -> Result<(), AwsError> {
    let joins_both =
        |peering: &&VpcPeeringConnection| is_live(peering) && peering.other_end(requester) == Some(accepter);
    match world.vpc_peering_connections.values().find(joins_both) {
        None => Ok(()),
        Some(peering) => Err(AwsError::new(
            "VpcPeeringConnectionAlreadyExists",
            format!(
                "A VPC peering connection between the VPCs already exists: {} ({})",
                peering.id, peering.status
            ),
        )),
    }
}

/// Refuses a block that a VPC cannot have with the peerings that it has or is asked for.
pub(super) fn check_new_block(world: &World, vpc_id: &VpcId, block: IpNet) -> Result<(), AwsError> {
    let peerings = world.vpc_peering_connections.values().filter(|peering| is_live(peering));
    for (peering, peer) in peerings.filter_map(|peering| Some((peering, peering.other_end(vpc_id)?))) {
        let mut theirs = world.vpcs.get(peer).into_iter().flat_map(Vpc::blocks);
        if let Some(theirs) = theirs.find(|other| overlap(other, &block)) {
            return Err(AwsError::new(
                "InvalidVpc.Range",
                format!(
                    "The CIDR '{block}' conflicts with {theirs} of '{peer}', which '{}' leads to",
                    peering.id
                ),
            ));
        }
    }
    // The VPC's own room, and that of each of its active peers, whose peers it is among.
    for id in world.peers_of(vpc_id).chain([vpc_id]) {
        let together = world.peers_of(id).chain([id]).filter_map(|id| world.vpcs.get(id));
        let is_ipv4 = |net: &IpNet| matches!(net, IpNet::V4(_));
        let count = together.flat_map(Vpc::blocks).filter(|net| is_ipv4(net) == is_ipv4(&block)).count();
        check_room(id, if is_ipv4(&block) { "IPv4" } else { "IPv6" }, count + 1)?;
    }
    // A peer's other peers may not overlap it either.
    let overlaps = |peer: &VpcId| {
        let others = world.peers_of(peer).filter(|other| *other != vpc_id);
        let mut blocks = others.filter_map(|other| world.vpcs.get(other)).flat_map(Vpc::blocks);
        blocks.any(|other| overlap(&other, &block))
    };
    match world.peers_of(vpc_id).find(|peer| overlaps(peer)) {
        Some(peer) => Err(AwsError::new(
            "InvalidVpc.Range",
            format!(
                "The CIDR '{block}' overlaps another active peer of '{peer}', which could not tell them apart"
            ),
        )),
        None => Ok(()),
    }
}

fn check_room(vpc_id: &VpcId, family: &str, count: usize) -> Result<(), AwsError> {
    if count > MAX_REACHABLE_BLOCKS {
        return Err(AwsError::new(
            "RouteLimitExceeded",
            format!(
                "'{vpc_id}' and its active peers would have {count} {family} CIDR blocks together; at most {MAX_REACHABLE_BLOCKS} are possible here"
            ),
        ));
    }
    Ok(())
}

/// Refuses a peering that could not become active: Q-17, and the blocks of a VPC with its peers'.
fn check_limits(world: &World, requester: &VpcId, accepter: &VpcId) -> Result<(), AwsError> {
    let limit = world.quotas.active_peerings_per_vpc as usize;
    for vpc_id in [requester, accepter] {
        if world.peers_of(vpc_id).count() >= limit {
            return Err(AwsError::new(
                "VpcPeeringConnectionsPerVpcLimitExceeded",
                format!(
                    "The maximum number of active VPC peering connections of '{vpc_id}' has been reached."
                ),
            ));
        }
    }
    check_blocks(world, requester, accepter)
}

/// Refuses a peering whose VPCs' blocks would be too many or ambiguous together with those of their peers.
fn check_blocks(world: &World, requester: &VpcId, accepter: &VpcId) -> Result<(), AwsError> {
    for (vpc_id, new_peer) in [(requester, accepter), (accepter, requester)] {
        let together =
            || world.peers_of(vpc_id).chain([vpc_id, new_peer]).filter_map(|id| world.vpcs.get(id));
        if let Some(other) = overlapping_peer(world, vpc_id, new_peer) {
            return Err(AwsError::new(
                "InvalidParameterValue",
                format!(
                    "'{new_peer}' overlaps '{other}', another active peer of '{vpc_id}'; route tables would tell them apart, and packets follow none here"
                ),
            ));
        }
        let ipv4 = together().map(|vpc| vpc.cidr_ipv4.len()).sum::<usize>();
        let ipv6 = together().map(|vpc| vpc.cidr_ipv6.len()).sum::<usize>();
        check_room(vpc_id, "IPv4", ipv4)?;
        check_room(vpc_id, "IPv6", ipv6)?;
    }
    Ok(())
}

/// An active peer of a VPC that has an address in common with one that is to be a peer. CHOICE: AWS takes both, and the
/// VPC's routes say which of the two an address means.
fn overlapping_peer<'w>(world: &'w World, vpc_id: &'w VpcId, new_peer: &VpcId) -> Option<&'w VpcId> {
    let new_blocks = world.vpcs.get(new_peer)?.blocks().collect::<Vec<_>>();
    world.peers_of(vpc_id).filter(|peer| *peer != new_peer).find(|peer| {
        let mut theirs = world.vpcs.get(*peer).into_iter().flat_map(Vpc::blocks);
        theirs.any(|block| new_blocks.iter().any(|new| overlap(&block, new)))
    })
}
