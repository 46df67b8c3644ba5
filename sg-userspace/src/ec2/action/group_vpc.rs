//! Groups beyond their own VPC: associations with others, references over peerings, and rules that have gone stale.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::aws::group::SecurityGroup;
use crate::aws::ids::{SecurityGroupId, VpcId};
use crate::aws::reference::{StaleRule, references, stale_rules};
use crate::aws::rule::Direction;
use crate::command::group_vpc::{AssociateSecurityGroupVpc, AssociationState, DisassociateSecurityGroupVpc};

use super::tag;
use crate::ec2::call::{Call, Caller};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;

// AWS answers before it is done (M-37); here it is done, and the state says so all the same, since clients wait for it.

pub(super) fn associate(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (group_id, vpc_id) = (call.params.required("GroupId")?, call.params.required("VpcId")?);
    call.change(AssociateSecurityGroupVpc { group_id, vpc_id })?;
    Ok(json!({ "State": "associating" }))
}

pub(super) fn disassociate(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (group_id, vpc_id) = (call.params.required("GroupId")?, call.params.required("VpcId")?);
    call.change(DisassociateSecurityGroupVpc { group_id, vpc_id })?;
    Ok(json!({ "State": "disassociating" }))
}

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (params, caller) = (call.params, call.caller);
    let names = ["group-id", "group-owner-id", "state", "vpc-id", "vpc-owner-id"];
    let filters = Filters::read(params, &names, false)?;
    let groups = call.world.security_groups.values();
    let all = groups.flat_map(|group| group.associated_vpcs.iter().map(move |vpc_id| (group, vpc_id)));
    let found = all.filter(|(group, vpc_id)| {
        filters.pass(&BTreeMap::new(), |name| {
            vec![match name {
                "group-id" => group.id.to_string(),
                "state" => AssociationState::Associated.to_string(),
                "vpc-id" => vpc_id.to_string(),
                _ => caller.account_id.clone(),
            }]
        })
    });
    let (found, next) = page(params, 5..=1000, (1..).zip(found).collect())?;
    let views = found.into_iter().map(|(group, vpc_id)| {
        json!({
            "GroupId": group.id,
            "VpcId": vpc_id,
            "GroupOwnerId": caller.account_id,
            "VpcOwnerId": caller.account_id,
            "State": AssociationState::Associated.to_string(),
        })
    });
    Ok(json!({ "SecurityGroupVpcAssociations": views.collect::<Vec<_>>(), "NextToken": next }))
}

pub(super) fn for_vpc(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (params, caller) = (call.params, call.caller);
    let vpc_id: VpcId = params.required("VpcId")?;
    call.world.vpcs.get(&vpc_id).ok_or_else(|| vpc_id.not_found())?;
    let names = ["group-id", "description", "group-name", "owner-id", "primary-vpc-id"];
    let filters = Filters::read(params, &names, true)?;
    let found = call.world.security_groups.values().filter(|group| group.is_usable_in(&vpc_id));
    let found = found.filter(|group| {
        filters.pass(&group.tags, |name| {
            vec![match name {
                "group-id" => group.id.to_string(),
                "description" => group.description.clone(),
                "group-name" => group.name.clone(),
                "primary-vpc-id" => group.vpc_id.to_string(),
                _ => caller.account_id.clone(),
            }]
        })
    });
    let (groups, next) = page(params, 5..=1000, found.map(|group| (group.number, group)).collect())?;
    let views = groups.into_iter().map(|group| {
        json!({
            "GroupId": group.id,
            "GroupName": group.name,
            "Description": group.description,
            "OwnerId": caller.account_id,
            "PrimaryVpcId": group.vpc_id,
            "Tags": tag::set(&group.tags),
        })
    });
    Ok(json!({ "SecurityGroupForVpcs": views.collect::<Vec<_>>(), "NextToken": next }))
}

pub(super) fn describe_references(call: &mut Call<'_>) -> Result<Value, Fault> {
    let mut views = Vec::new();
    for id in call.params.parsed_list::<SecurityGroupId>("GroupId")? {
        let group = call.world.security_groups.get(&id).ok_or_else(|| id.not_found())?;
        views.extend(references(&call.world, group).into_iter().map(|reference| {
            json!({
                "GroupId": reference.group_id,
                "ReferencingVpcId": reference.referencing_vpc_id,
                "VpcPeeringConnectionId": reference.peering_id,
            })
        }));
    }
    Ok(json!({ "SecurityGroupReferenceSet": views }))
}

pub(super) fn describe_stale(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (params, world) = (call.params, &call.world);
    let vpc_id: VpcId = params.required("VpcId")?;
    world.vpcs.get(&vpc_id).ok_or_else(|| vpc_id.not_found())?;
    let mut groups: BTreeMap<u32, (&SecurityGroup, Vec<StaleRule<'_>>)> = BTreeMap::new();
    for stale in stale_rules(world, &vpc_id) {
        groups.entry(stale.group.number).or_insert_with(|| (stale.group, Vec::new())).1.push(stale);
    }
    let (groups, next) = page(params, 5..=255, groups.into_iter().collect())?;
    let views = groups.into_iter().map(|(group, rules)| {
        json!({
            "GroupId": group.id,
            "GroupName": group.name,
            "Description": group.description,
            "VpcId": group.vpc_id,
            "StaleIpPermissions": stale_permissions(call.caller, &rules, Direction::Inbound),
            "StaleIpPermissionsEgress": stale_permissions(call.caller, &rules, Direction::Outbound),
        })
    });
    Ok(json!({ "StaleSecurityGroupSet": views.collect::<Vec<_>>(), "NextToken": next }))
}

/// Only the references are told, each with the way that it went (section 6.1).
fn stale_permissions(caller: &Caller, rules: &[StaleRule<'_>], direction: Direction) -> Value {
    let of_direction = rules.iter().filter(|stale| stale.rule.direction == direction);
    let views = of_direction.map(|stale| {
        let StaleRule { rule, referenced_id, referenced, peering, .. } = stale;
        let vpc_id = referenced.map(|group| &group.vpc_id).or(rule.referenced_vpc_id.as_ref());
        let mut view = Map::new();
        view.insert("IpProtocol".to_owned(), json!(rule.protocol.to_string()));
        if rule.protocol.has_ports() || rule.protocol.has_icmp_types() {
            view.insert("FromPort".to_owned(), json!(rule.ports.from_port));
            view.insert("ToPort".to_owned(), json!(rule.ports.to_port));
        }
        let pair = json!({
            "GroupId": referenced_id,
            // owner and name are forgotten with the group.
            "GroupName": referenced.map(|group| &group.name),
            "UserId": referenced.map(|_| &caller.account_id),
            "VpcId": vpc_id,
            "VpcPeeringConnectionId": peering.map(|peering| &peering.id),
            "PeeringStatus": peering.map(|peering| peering.status.to_string()),
            "Description": rule.description,
        });
        view.insert("UserIdGroupPairs".to_owned(), json!([pair]));
        Value::Object(view)
    });
    views.collect()
}
