//! Groups beyond their own VPC: associations, references over peerings, and what goes stale.

use std::collections::BTreeMap;

use sg_userspace::aws::ids::{SecurityGroupId, VpcId, VpcPeeringConnectionId};
use sg_userspace::aws::peering::{PeeringStatus, VpcPeeringConnection};
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::reference::{references, stale_rules};
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::world::World;
use sg_userspace::command::group::{DeleteSecurityGroup, default_of};
use sg_userspace::command::group_vpc::{
    AssociateSecurityGroupVpc, AssociationState, DisassociateSecurityGroupVpc,
};
use sg_userspace::command::instance::{InstanceInterface, RunInstance};
use sg_userspace::command::interface::{
    CreateNetworkInterface, DeleteNetworkInterface, ModifyInterfaceGroups,
};
use sg_userspace::command::permission::Permission;
use sg_userspace::command::rule::{Authorize, ModifyRules, RuleContent};
use sg_userspace::command::vpc::{CreateVpc, DeleteVpc};
use sg_userspace::command::{Reply, apply};

use super::{
    Account, account, applied, check_refused, made_group, made_interface, made_subnet, made_vpc, reply,
    subnet, vpc,
};

/// An account with a second VPC and a group in it.
fn two_vpcs() -> (Account, VpcId, SecurityGroupId) {
    let mut account = account();
    let other = made_vpc(&mut account.world, vpc(&["10.1.0.0/16"], &[]));
    let far = made_group(&mut account.world, &other, "far");
    (account, other, far)
}

/// Joins two VPCs by a peering of this status.
fn peer(
    world: &mut World,
    requester: &VpcId,
    accepter: &VpcId,
    status: PeeringStatus,
) -> VpcPeeringConnectionId {
    world.last_number += 1;
    let id = VpcPeeringConnectionId::mint(world.seed, world.last_number);
    let peering = VpcPeeringConnection {
        id: id.clone(),
        number: world.last_number,
        requester_vpc_id: requester.clone(),
        accepter_vpc_id: accepter.clone(),
        status,
        tags: Default::default(),
    };
    world.vpc_peering_connections.insert(id.clone(), peering);
    id
}

fn set_status(world: &mut World, id: &VpcPeeringConnectionId, status: PeeringStatus) {
    world.vpc_peering_connections.get_mut(id).unwrap().status = status;
}

/// The command that lets a group be reached on port 80 from another.
fn from_group(group_id: &SecurityGroupId, referenced: &SecurityGroupId) -> Authorize {
    let peer = Peer::ReferencedGroup(referenced.clone());
    Authorize {
        group_id: group_id.clone(),
        direction: Direction::Inbound,
        permissions: vec![Permission::new(IpProtocol::TCP, PortRange::single(80), peer)],
        tags: BTreeMap::new(),
    }
}

fn associate(group_id: &SecurityGroupId, vpc_id: &VpcId) -> AssociateSecurityGroupVpc {
    AssociateSecurityGroupVpc { group_id: group_id.clone(), vpc_id: vpc_id.clone() }
}

fn disassociate(group_id: &SecurityGroupId, vpc_id: &VpcId) -> DisassociateSecurityGroupVpc {
    DisassociateSecurityGroupVpc { group_id: group_id.clone(), vpc_id: vpc_id.clone() }
}

const NETWORKS: &str = "You have specified two resources that belong to different networks.";

#[test]
fn m_36_m_34_associations_are_for_other_vpcs_of_the_region_and_no_default_ones() {
    let (mut account, other, _) = two_vpcs();
    let (web, own) = (account.web.clone(), account.vpc.clone());
    let default_group = default_of(&account.world, &own).unwrap().id.clone();
    let default_vpc = CreateVpc { is_default: true, ..vpc(&["172.31.0.0/16"], &[]) };
    let default_vpc = made_vpc(&mut account.world, default_vpc);
    let abroad = CreateVpc { region: "eu-west-1".parse().unwrap(), ..vpc(&["10.2.0.0/16"], &[]) };
    let abroad = made_vpc(&mut account.world, abroad);
    let world = &mut account.world;
    for (command, code, message) in [
        (associate(&default_group, &other), "InvalidParameterValue", "is a default security group"),
        (associate(&web, &default_vpc), "InvalidParameterValue", "is a default VPC"),
        (associate(&web, &own), "InvalidParameterValue", "already associated"),
        (associate(&web, &abroad), "InvalidVpcID.NotFound", abroad.as_str()),
    ] {
        check_refused(world, command, code, message);
    }
    let Reply::SecurityGroupVpcAssociation(AssociationState::Associated) =
        reply(world, associate(&web, &other))
    else {
        panic!("not associated")
    };
    check_refused(world, associate(&web, &other), "InvalidParameterValue", "already associated");
    check_refused(world, disassociate(&web, &own), "InvalidParameterValue", "not associated");
    applied(world, disassociate(&web, &other));
    check_refused(world, disassociate(&web, &other), "InvalidParameterValue", "not associated");
}

#[test]
fn m_14_m_38_m_39_an_associated_group_is_carried_in_the_other_vpc_and_held_by_it() {
    let (mut account, other, far) = two_vpcs();
    let web = account.web.clone();
    let far_subnet = made_subnet(&mut account.world, subnet(&other, "10.1.1.0/24", "us-east-1a"));
    let world = &mut account.world;
    let create = CreateNetworkInterface::new(far_subnet, vec![web.clone()]);
    let run = RunInstance {
        name: None,
        interfaces: vec![InstanceInterface::New(create.clone())],
        ..RunInstance::default()
    };
    check_refused(world, create.clone(), "InvalidGroup.NotFound", NETWORKS);
    check_refused(world, run.clone(), "InvalidParameter", "belong to different networks");
    applied(world, associate(&web, &other));
    let interface_id = made_interface(world, create);
    assert!(apply(&mut world.clone(), run.into()).is_ok());
    assert_eq!(world.security_groups[&web].vpc_id, account.vpc, "its VPC stays the one it was made in");

    check_refused(world, disassociate(&web, &other), "DependencyViolation", "has a dependent object");
    let delete = DeleteSecurityGroup { group_id: web.clone() };
    applied(world, ModifyInterfaceGroups { interface_id: interface_id.clone(), groups: vec![far] });
    check_refused(world, delete.clone(), "DependencyViolation", "has a dependent object");
    applied(world, disassociate(&web, &other));
    applied(world, DeleteNetworkInterface { interface_id });
    applied(world, delete);
}

#[test]
fn m_38_a_vpc_with_an_associated_group_is_not_empty() {
    let mut account = account();
    let other = made_vpc(&mut account.world, vpc(&["10.1.0.0/16"], &[]));
    applied(&mut account.world, associate(&account.web, &other));
    let delete = DeleteVpc { vpc_id: other.clone() };
    check_refused(&mut account.world, delete.clone(), "DependencyViolation", "has dependencies");
    applied(&mut account.world, disassociate(&account.web, &other));
    applied(&mut account.world, delete);
}

#[test]
fn r_23_m_39_m_40_groups_of_one_vpc_refer_to_each_other_and_are_stale_when_they_are_not_any_more() {
    let (mut account, other, far) = two_vpcs();
    let web = account.web.clone();
    let world = &mut account.world;
    check_refused(world, from_group(&far, &web), "InvalidGroup.NotFound", NETWORKS);
    applied(world, associate(&web, &other));
    applied(world, from_group(&far, &web));
    applied(world, from_group(&web, &far));
    let delete_far = DeleteSecurityGroup { group_id: far.clone() };
    assert!(stale_rules(world, &other).is_empty());
    check_refused(world, delete_far, "DependencyViolation", "has a dependent object");

    applied(world, disassociate(&web, &other));
    let stale = stale_rules(world, &other);
    assert_eq!(stale.len(), 1);
    assert_eq!((&stale[0].group.id, stale[0].referenced_id, stale[0].peering), (&far, &web, None));
    assert_eq!(stale_rules(world, &account.vpc).len(), 1);
}

#[test]
fn r_23_r_e11_only_an_active_peering_lets_rules_refer_to_each_other() {
    let (mut account, other, far) = two_vpcs();
    let (web, own) = (account.web.clone(), account.vpc.clone());
    let id = peer(&mut account.world, &other, &own, PeeringStatus::PendingAcceptance);
    for status in [
        PeeringStatus::PendingAcceptance,
        PeeringStatus::Rejected,
        PeeringStatus::Failed,
        PeeringStatus::Deleted,
    ] {
        set_status(&mut account.world, &id, status);
        check_refused(&mut account.world, from_group(&web, &far), "InvalidGroup.NotFound", NETWORKS);
    }
    set_status(&mut account.world, &id, PeeringStatus::Active);
    applied(&mut account.world, from_group(&web, &far));
    let outbound = Authorize { direction: Direction::Outbound, ..from_group(&far, &web) };
    applied(&mut account.world, outbound);

    // Peerings are not transitive.
    let third = made_vpc(&mut account.world, vpc(&["10.2.0.0/16"], &[]));
    let third_group = made_group(&mut account.world, &third, "third");
    peer(&mut account.world, &other, &third, PeeringStatus::Active);
    check_refused(&mut account.world, from_group(&web, &third_group), "InvalidGroup.NotFound", NETWORKS);
    applied(&mut account.world, from_group(&far, &third_group));
}

#[test]
fn r_24_a_group_of_another_region_does_not_exist_even_over_a_peering() {
    let mut account = account();
    let abroad = CreateVpc { region: "eu-west-1".parse().unwrap(), ..vpc(&["10.1.0.0/16"], &[]) };
    let abroad = made_vpc(&mut account.world, abroad);
    let far = made_group(&mut account.world, &abroad, "far");
    let own = account.vpc.clone();
    peer(&mut account.world, &own, &abroad, PeeringStatus::Active);
    let message = format!("The security group '{far}' does not exist");
    check_refused(&mut account.world, from_group(&account.web, &far), "InvalidGroup.NotFound", &message);
}

#[test]
fn r_29_r_27_e_14_a_peers_reference_does_not_hold_a_group_and_goes_stale_with_it() {
    let (mut account, other, far) = two_vpcs();
    let (web, own) = (account.web.clone(), account.vpc.clone());
    let id = peer(&mut account.world, &own, &other, PeeringStatus::Active);
    let world = &mut account.world;
    applied(world, from_group(&web, &far));
    assert!(stale_rules(world, &own).is_empty());
    applied(world, DeleteSecurityGroup { group_id: far.clone() });
    let stale = stale_rules(world, &own);
    let [stale] = stale[..] else { panic!("{stale:?}") };
    assert_eq!((stale.referenced_id, stale.referenced), (&far, None));
    assert_eq!(stale.rule.referenced_vpc_id.as_ref(), Some(&other));
    assert_eq!(stale.peering.map(|it| (&it.id, it.status)), Some((&id, PeeringStatus::Active)));
    assert_eq!(world.security_groups[&web].rules_of(Direction::Inbound).count(), 1, "it stays");
}

#[test]
fn e_13_e_14_a_reference_is_stale_while_its_peering_is_gone() {
    let (mut account, other, far) = two_vpcs();
    let (web, own) = (account.web.clone(), account.vpc.clone());
    let id = peer(&mut account.world, &own, &other, PeeringStatus::Active);
    let world = &mut account.world;
    applied(world, from_group(&web, &far));
    set_status(world, &id, PeeringStatus::Deleted);
    let stale = stale_rules(world, &own);
    assert_eq!(stale[0].referenced.map(|group| &group.id), Some(&far));
    assert_eq!(stale[0].peering.map(|it| (&it.id, it.status)), Some((&id, PeeringStatus::Deleted)));
    assert!(stale_rules(world, &other).is_empty());
    peer(world, &other, &own, PeeringStatus::Active);
    assert!(stale_rules(world, &own).is_empty(), "a new peering un-stales it");
}

#[test]
fn e_14_stale_rules_count_against_the_quota_and_can_be_revoked() {
    let (mut account, other, far) = two_vpcs();
    let (web, own) = (account.web.clone(), account.vpc.clone());
    let id = peer(&mut account.world, &own, &other, PeeringStatus::Active);
    applied(&mut account.world, from_group(&web, &far));
    set_status(&mut account.world, &id, PeeringStatus::Deleted);
    let quota = sg_userspace::command::quota::SetQuotas { rules_per_group: Some(1), ..Default::default() };
    applied(&mut account.world, quota);
    let command = account.authorize(&["HTTP from 10.0.0.0/8"]);
    check_refused(&mut account.world, command, "RulesPerSecurityGroupLimitExceeded", "reached");
    let rule_ids = account.rule_ids();
    let revoke = sg_userspace::command::rule::Revoke { rule_ids, ..account.revoke(&[]) };
    applied(&mut account.world, revoke);
    account.authorized(&["HTTP from 10.0.0.0/8"]);
}

#[test]
fn r_43_a_rule_can_be_modified_to_a_peers_group_and_remembers_its_vpc() {
    let (mut account, other, far) = two_vpcs();
    let own = account.vpc.clone();
    peer(&mut account.world, &own, &other, PeeringStatus::Active);
    account.authorized(&["tcp 80 from db"]);
    let rule_id = account.rule_ids().remove(0);
    let permission = from_group(&account.web, &far).permissions.remove(0);
    let rules = vec![RuleContent { rule_id, permission }];
    applied(&mut account.world, ModifyRules { group_id: account.web.clone(), rules });
    let rule = account.world.security_groups[&account.web].rules_of(Direction::Inbound).next().unwrap();
    assert_eq!(rule.referenced_vpc_id, Some(other));
}

#[test]
fn references_from_beyond_a_peering_are_listed_once_a_vpc() {
    let (mut account, other, far) = two_vpcs();
    let (web, own) = (account.web.clone(), account.vpc.clone());
    let id = peer(&mut account.world, &own, &other, PeeringStatus::Active);
    let world = &mut account.world;
    let second = made_group(world, &other, "second");
    applied(world, from_group(&far, &web));
    applied(world, from_group(&second, &web));
    applied(world, from_group(&account.db, &web));
    let group = &world.security_groups[&web];
    let found = references(world, group);
    let [reference] = found[..] else { panic!("{found:?}") };
    assert_eq!(
        (reference.group_id, reference.referencing_vpc_id, reference.peering_id),
        (&web, &other, &id),
        "its own VPC's reference is none of these"
    );
    set_status(world, &id, PeeringStatus::Deleted);
    assert!(references(world, &world.security_groups[&web]).is_empty());
}
