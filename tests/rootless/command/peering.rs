//! Peerings: their states, and what AWS refuses.

use sg_userspace::aws::ids::{VpcId, VpcPeeringConnectionId};
use sg_userspace::aws::peering::PeeringStatus;
use sg_userspace::aws::world::World;
use sg_userspace::command::peering::{
    AcceptVpcPeeringConnection, CreateVpcPeeringConnection, DeleteVpcPeeringConnection, MAX_REACHABLE_BLOCKS,
    RejectVpcPeeringConnection,
};
use sg_userspace::command::quota::SetQuotas;
use sg_userspace::command::vpc::DeleteVpc;
use sg_userspace::command::{Command, Reply};

use super::{applied, check_refused, made_vpc, reply, vpc};

fn create(requester: &VpcId, accepter: &VpcId) -> CreateVpcPeeringConnection {
    CreateVpcPeeringConnection {
        requester_vpc_id: requester.clone(),
        accepter_vpc_id: accepter.clone(),
        tags: Default::default(),
    }
}

fn accept(id: &VpcPeeringConnectionId) -> Command {
    AcceptVpcPeeringConnection { vpc_peering_connection_id: id.clone() }.into()
}

fn reject(id: &VpcPeeringConnectionId) -> Command {
    RejectVpcPeeringConnection { vpc_peering_connection_id: id.clone() }.into()
}

fn delete(id: &VpcPeeringConnectionId) -> Command {
    DeleteVpcPeeringConnection { vpc_peering_connection_id: id.clone() }.into()
}

/// A peering as it is after its request, which must end in this status.
#[track_caller]
fn requested(world: &mut World, a: &VpcId, b: &VpcId, expected: PeeringStatus) -> VpcPeeringConnectionId {
    let Reply::VpcPeeringConnection { id, status } = reply(world, create(a, b)) else { panic!("no peering") };
    assert_eq!((status, world.vpc_peering_connections[&id].status), (expected, expected));
    id
}

#[track_caller]
fn active(world: &mut World, a: &VpcId, b: &VpcId) -> VpcPeeringConnectionId {
    let id = requested(world, a, b, PeeringStatus::PendingAcceptance);
    applied(world, accept(&id));
    id
}

/// A world with this many VPCs that do not overlap.
fn vpcs(count: u8) -> (World, Vec<VpcId>) {
    let mut world = World::default();
    let ids = (0..count).map(|i| made_vpc(&mut world, vpc(&[&format!("10.{i}.0.0/16")], &[]))).collect();
    (world, ids)
}

fn status(world: &World, id: &VpcPeeringConnectionId) -> PeeringStatus {
    world.vpc_peering_connections[id].status
}

#[test]
fn r_23_a_peering_joins_its_vpcs_while_it_is_active() {
    let (mut world, ids) = vpcs(3);
    let peers = |world: &World, id: &VpcId| world.peers_of(id).cloned().collect::<Vec<_>>();
    let id = requested(&mut world, &ids[0], &ids[1], PeeringStatus::PendingAcceptance);
    assert!(peers(&world, &ids[0]).is_empty());
    applied(&mut world, accept(&id));
    assert_eq!(status(&world, &id), PeeringStatus::Active);
    assert_eq!(
        (peers(&world, &ids[0]), peers(&world, &ids[1])),
        (vec![ids[1].clone()], vec![ids[0].clone()])
    );
    assert!(peers(&world, &ids[2]).is_empty());
    applied(&mut world, delete(&id));
    assert!(peers(&world, &ids[0]).is_empty());
}

#[test]
fn e_13_a_deleted_peering_stays_visible_and_another_can_be_made() {
    let (mut world, ids) = vpcs(2);
    let first = active(&mut world, &ids[0], &ids[1]);
    applied(&mut world, delete(&first));
    assert_eq!(status(&world, &first), PeeringStatus::Deleted);
    let second = active(&mut world, &ids[1], &ids[0]);
    assert_eq!(
        (status(&world, &first), status(&world, &second)),
        (PeeringStatus::Deleted, PeeringStatus::Active)
    );
}

#[test]
fn peerings_change_their_state_in_aws_s_ways_only() {
    let (mut world, ids) = vpcs(2);
    let invalid = "InvalidStateTransition";
    let refused =
        |world: &mut World, id: &VpcPeeringConnectionId, command: fn(&_) -> Command, from: &str, to: &str| {
            let message =
                format!("Invalid state transition for {id}, attempted to transition from {from} to {to}");
            check_refused(world, command(id), invalid, &message);
        };
    let id = requested(&mut world, &ids[0], &ids[1], PeeringStatus::PendingAcceptance);
    applied(&mut world, reject(&id));
    assert_eq!(status(&world, &id), PeeringStatus::Rejected);
    refused(&mut world, &id, accept, "rejected", "active");
    refused(&mut world, &id, reject, "rejected", "rejected");
    refused(&mut world, &id, delete, "rejected", "deleting");

    let id = requested(&mut world, &ids[0], &ids[1], PeeringStatus::PendingAcceptance);
    applied(&mut world, delete(&id));
    refused(&mut world, &id, accept, "deleted", "active");
    refused(&mut world, &id, delete, "deleted", "deleting");

    let id = active(&mut world, &ids[0], &ids[1]);
    refused(&mut world, &id, accept, "active", "active");
    refused(&mut world, &id, reject, "active", "rejected");

    let unknown = "pcx-0123456789abcdef0".parse().unwrap();
    for command in [accept(&unknown), reject(&unknown), delete(&unknown)] {
        check_refused(&mut world, command, "InvalidVpcPeeringConnectionID.NotFound", "pcx-0123456789abcdef0");
    }
    let nowhere = "vpc-0123456789abcdef0".parse().unwrap();
    check_refused(&mut world, create(&ids[0], &nowhere), "InvalidVpcID.NotFound", "vpc-0123456789abcdef0");
    check_refused(&mut world, create(&nowhere, &ids[0]), "InvalidVpcID.NotFound", "vpc-0123456789abcdef0");
}

#[test]
fn overlapping_vpcs_get_a_peering_that_has_failed() {
    let mut world = World::default();
    let a = made_vpc(&mut world, vpc(&["10.0.0.0/16", "10.8.0.0/16"], &["2001:db8::/56"]));
    let same_ipv4 = made_vpc(&mut world, vpc(&["10.1.0.0/16", "10.8.128.0/20"], &[]));
    let same_ipv6 = made_vpc(&mut world, vpc(&["10.2.0.0/16"], &["2001:db8::/60"]));
    for other in [&same_ipv4, &same_ipv6, &a] {
        let id = requested(&mut world, &a, other, PeeringStatus::Failed);
        check_refused(&mut world, accept(&id), "InvalidStateTransition", "from failed to active");
        check_refused(&mut world, delete(&id), "InvalidStateTransition", "from failed to deleting");
    }
    assert_eq!(world.vpc_peering_connections.len(), 3);
    requested(&mut world, &same_ipv4, &same_ipv6, PeeringStatus::PendingAcceptance);
}

#[test]
fn two_vpcs_have_one_peering_at_a_time() {
    let (mut world, ids) = vpcs(3);
    let id = requested(&mut world, &ids[0], &ids[1], PeeringStatus::PendingAcceptance);
    let exists = "VpcPeeringConnectionAlreadyExists";
    for create in [create(&ids[0], &ids[1]), create(&ids[1], &ids[0])] {
        check_refused(&mut world, create, exists, "(pending-acceptance)");
    }
    applied(&mut world, accept(&id));
    check_refused(&mut world, create(&ids[1], &ids[0]), exists, id.as_str());
    active(&mut world, &ids[0], &ids[2]);
}

#[test]
fn q_17_active_peerings_per_vpc_are_limited() {
    let (mut world, ids) = vpcs(4);
    let quota = |peerings| SetQuotas { active_peerings_per_vpc: Some(peerings), ..SetQuotas::default() };
    applied(&mut world, quota(1));
    let code = "VpcPeeringConnectionsPerVpcLimitExceeded";
    let waiting = requested(&mut world, &ids[2], &ids[0], PeeringStatus::PendingAcceptance);
    active(&mut world, &ids[0], &ids[1]);
    check_refused(&mut world, accept(&waiting), code, ids[0].as_str());
    check_refused(&mut world, create(&ids[0], &ids[3]), code, ids[0].as_str());
    check_refused(&mut world, create(&ids[3], &ids[1]), code, ids[1].as_str());
    applied(&mut world, quota(2));
    applied(&mut world, accept(&waiting));
    check_refused(&mut world, quota(126), "InvalidParameterValue", "at most 125");
    applied(&mut world, quota(125));
    assert_eq!(World::default().quotas.active_peerings_per_vpc, 50);
}

#[test]
fn active_peers_of_a_vpc_do_not_overlap_each_other() {
    let (mut world, ids) = vpcs(3);
    let twin = made_vpc(&mut world, vpc(&["10.1.128.0/20"], &[]));
    // Asked for in time, accepted too late.
    let waiting = requested(&mut world, &twin, &ids[0], PeeringStatus::PendingAcceptance);
    let first = active(&mut world, &ids[0], &ids[1]);
    active(&mut world, &ids[0], &ids[2]);
    check_refused(&mut world, accept(&waiting), "InvalidParameterValue", ids[1].as_str());
    applied(&mut world, delete(&first));
    applied(&mut world, accept(&waiting));
    check_refused(&mut world, create(&ids[1], &ids[0]), "InvalidParameterValue", twin.as_str());
    // Each may still have a peer of its own.
    active(&mut world, &ids[1], &ids[2]);
}

#[test]
fn a_vpc_and_its_active_peers_have_at_most_sixteen_blocks_of_a_family() {
    let mut world = World::default();
    let five = |i: u8| -> Vec<String> { (0..5).map(|j| format!("10.{}.0.0/16", 10 * i + j)).collect() };
    let mut made = |blocks: &[String]| {
        let blocks: Vec<&str> = blocks.iter().map(String::as_str).collect();
        made_vpc(&mut world, vpc(&blocks, &[]))
    };
    let hub = made(&five(1));
    let spokes = [made(&five(2)), made(&five(3))];
    let single = made(&["10.200.0.0/16".to_owned()]);
    let one_more = made(&["10.201.0.0/16".to_owned()]);
    for spoke in &spokes {
        active(&mut world, &hub, spoke);
    }
    // Asked for in time, accepted too late.
    let waiting = requested(&mut world, &one_more, &hub, PeeringStatus::PendingAcceptance);
    let sixteenth = active(&mut world, &single, &hub);
    check_refused(&mut world, accept(&waiting), "RouteLimitExceeded", "17 IPv4 CIDR blocks");
    applied(&mut world, delete(&sixteenth));
    applied(&mut world, accept(&waiting));
    check_refused(&mut world, create(&hub, &single), "RouteLimitExceeded", hub.as_str());
    // A peer's peers are not reachable, and do not count.
    active(&mut world, &spokes[0], &single);
    assert_eq!(MAX_REACHABLE_BLOCKS, sg_common::abi::network::MAX_BLOCKS, "the data plane's room");
}

#[test]
fn a_vpc_that_is_deleted_takes_its_peerings_with_it() {
    let (mut world, ids) = vpcs(4);
    let joined = active(&mut world, &ids[0], &ids[1]);
    let pending = requested(&mut world, &ids[2], &ids[0], PeeringStatus::PendingAcceptance);
    let rejected = requested(&mut world, &ids[3], &ids[0], PeeringStatus::PendingAcceptance);
    applied(&mut world, reject(&rejected));
    let others = active(&mut world, &ids[1], &ids[2]);
    applied(&mut world, DeleteVpc { vpc_id: ids[0].clone() });
    assert_eq!(
        [&joined, &pending, &rejected, &others].map(|id| status(&world, id)),
        [PeeringStatus::Deleted, PeeringStatus::Deleted, PeeringStatus::Rejected, PeeringStatus::Active]
    );
    assert_eq!(world.peers_of(&ids[1]).collect::<Vec<_>>(), [&ids[2]]);
}
