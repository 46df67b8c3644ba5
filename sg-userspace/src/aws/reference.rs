//! Rules that refer to groups: what a reference reaches, which rules have gone stale, and who refers to a group from the
//! other side of a peering.

use super::group::SecurityGroup;
use super::ids::{SecurityGroupId, VpcId};
use super::peering::{PeeringStatus, VpcPeeringConnection};
use super::rule::{Peer, SecurityGroupRule};
use super::world::World;

/// By what way a rule of one group may refer to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach<'w> {
    /// Both can be used in one VPC: their own, or one that a group is associated with (M-39).
    Vpc,
    /// An active peering joins a VPC of the one to a VPC of the other, both in one region.
    Peering(&'w VpcPeeringConnection),
}

/// The way from one group to another, if there is one now.
pub fn reach<'w>(world: &'w World, group: &SecurityGroup, referenced: &SecurityGroup) -> Option<Reach<'w>> {
    if group.vpcs().any(|vpc_id| referenced.is_usable_in(vpc_id)) {
        return Some(Reach::Vpc);
    }
    let region = |group: &SecurityGroup| world.vpcs.get(&group.vpc_id).map(|vpc| &vpc.region);
    if region(group) != region(referenced) {
        return None;
    }
    let joins = |peering: &&VpcPeeringConnection| {
        peering.status == PeeringStatus::Active
            && group
                .vpcs()
                .filter_map(|own| peering.other_end(own))
                .any(|other| referenced.is_usable_in(other))
    };
    world.vpc_peering_connections.values().find(joins).map(Reach::Peering)
}

/// A rule that refers to a group which is gone, or which no way leads to any more (E-14, M-40).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaleRule<'w> {
    /// The rule's group.
    pub group: &'w SecurityGroup,
    /// The rule.
    pub rule: &'w SecurityGroupRule,
    /// The id that it refers to.
    pub referenced_id: &'w SecurityGroupId,
    /// The group with that id, unless it has been deleted.
    pub referenced: Option<&'w SecurityGroup>,
    /// The peering that the reference went through: active where the group was deleted, deleted where the peering was.
    pub peering: Option<&'w VpcPeeringConnection>,
}

/// The stale rules of a VPC's groups, as `DescribeStaleSecurityGroups` finds them. Nothing removes them but their owner,
/// and they count against the quota as before (E-14).
pub fn stale_rules<'w>(world: &'w World, vpc_id: &VpcId) -> Vec<StaleRule<'w>> {
    let groups = world.security_groups.values().filter(|group| group.vpc_id == *vpc_id);
    let stale = groups.flat_map(|group| group.rules.iter().filter_map(move |rule| stale(world, group, rule)));
    stale.collect()
}

fn stale<'w>(
    world: &'w World,
    group: &'w SecurityGroup,
    rule: &'w SecurityGroupRule,
) -> Option<StaleRule<'w>> {
    let Peer::ReferencedGroup(referenced_id) = &rule.peer else { return None };
    let referenced = world.security_groups.get(referenced_id);
    if referenced.is_some_and(|referenced| reach(world, group, referenced).is_some()) {
        return None;
    }
    let far = referenced.map(|referenced| &referenced.vpc_id).or(rule.referenced_vpc_id.as_ref());
    let peering = far.and_then(|far| latest_peering(world, group, far));
    Some(StaleRule { group, rule, referenced_id, referenced, peering })
}

/// Of all the peerings there have been between a group's VPCs and another, the active one, or else the last.
fn latest_peering<'w>(
    world: &'w World,
    group: &SecurityGroup,
    far: &VpcId,
) -> Option<&'w VpcPeeringConnection> {
    let joins = |peering: &&VpcPeeringConnection| group.vpcs().any(|own| peering.other_end(own) == Some(far));
    let order = |peering: &&VpcPeeringConnection| (peering.status == PeeringStatus::Active, peering.number);
    world.vpc_peering_connections.values().filter(joins).max_by_key(order)
}

/// A VPC beyond a peering whose rules refer to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupReference<'w> {
    /// The group.
    pub group_id: &'w SecurityGroupId,
    /// The VPC that refers to it.
    pub referencing_vpc_id: &'w VpcId,
    /// The active peering between them.
    pub peering_id: &'w super::ids::VpcPeeringConnectionId,
}

/// The VPCs beyond active peerings whose rules refer to a group, each once: `DescribeSecurityGroupReferences`, to be
/// asked before a peering is deleted.
pub fn references<'w>(world: &'w World, group: &'w SecurityGroup) -> Vec<GroupReference<'w>> {
    let names = |other: &&SecurityGroup| {
        let named =
            |rule: &SecurityGroupRule| matches!(&rule.peer, Peer::ReferencedGroup(id) if *id == group.id);
        other.rules.iter().any(named)
    };
    let found = world.security_groups.values().filter(names).filter_map(|other| {
        let Reach::Peering(peering) = reach(world, other, group)? else { return None };
        let (group_id, referencing_vpc_id) = (&group.id, &other.vpc_id);
        Some(GroupReference { group_id, referencing_vpc_id, peering_id: &peering.id })
    });
    let mut references = found.collect::<Vec<_>>();
    references.sort_unstable();
    references.dedup();
    references
}
