//! Security groups: `CreateSecurityGroup`, `DeleteSecurityGroup`, `DescribeSecurityGroups`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::group::SecurityGroup;
use crate::aws::ids::{SecurityGroupId, VpcId};
use crate::aws::rule::{Direction, Peer, SecurityGroupRule};
use crate::aws::world::World;
use crate::command::Reply;
use crate::command::group::{CreateSecurityGroup, DeleteSecurityGroup};

use super::{permission, tag};
use crate::ec2::call::{Call, Caller, unexpected};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;
use crate::ec2::params::missing;

/// How many groups a page has.
const PAGE: std::ops::RangeInclusive<i64> = 5..=1000;

pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    let vpc_id: VpcId = match params.parsed("VpcId")? {
        Some(id) => id,
        None => call.default_vpc()?.id.clone(),
    };
    let tags = params.tags_for("security-group")?;
    let command = CreateSecurityGroup {
        vpc_id,
        name: params.required_text("GroupName")?.to_owned(),
        description: params.required_text("Description")?.to_owned(),
        tags: tags.clone(),
    };
    match call.change(command)? {
        Reply::SecurityGroup(id) => Ok(json!({
            "GroupId": id,
            "SecurityGroupArn": call.caller.arn("security-group", &id),
            "Tags": tag::set(&tags),
        })),
        other => Err(unexpected(&other)),
    }
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Fault> {
    let group_id = named_or_given(call)?;
    call.change(DeleteSecurityGroup { group_id: group_id.clone() })?;
    Ok(json!({ "Return": true, "GroupId": group_id }))
}

/// The group of a request: by id, or by name in the default VPC.
pub(super) fn named_or_given(call: &Call<'_>) -> Result<SecurityGroupId, AwsError> {
    match (call.params.parsed("GroupId")?, call.params.text("GroupName")) {
        (Some(_), Some(_)) => Err(AwsError::new(
            "InvalidParameterCombination",
            "The parameter groupName cannot be used with the parameter groupId",
        )),
        (Some(id), None) => Ok(id),
        (None, Some(name)) => permission::named(call, name),
        (None, None) => Err(missing("GroupId")),
    }
}

/// Filters of `DescribeSecurityGroups` besides those about rules.
const FILTERS: [&str; 5] = ["description", "group-id", "group-name", "owner-id", "vpc-id"];
/// Filters about rules, after `ip-permission.` or `egress.ip-permission.`.
const RULE_FILTERS: [&str; 9] = [
    "cidr",
    "ipv6-cidr",
    "from-port",
    "to-port",
    "protocol",
    "group-id",
    "group-name",
    "user-id",
    "prefix-list-id",
];

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (params, world, caller) = (call.params, &call.world, call.caller);
    let rule_filters = RULE_FILTERS
        .iter()
        .flat_map(|name| [format!("ip-permission.{name}"), format!("egress.ip-permission.{name}")]);
    let rule_filters = rule_filters.collect::<Vec<_>>();
    let names = FILTERS.into_iter().chain(rule_filters.iter().map(String::as_str)).collect::<Vec<_>>();
    let filters = Filters::read(params, &names, true)?;
    let ids = params.parsed_list::<SecurityGroupId>("GroupIds")?;
    let mut wanted = BTreeSet::new();
    for id in &ids {
        // an id that names nothing is an error.
        wanted.insert(world.security_groups.get(id).ok_or_else(|| id.not_found())?.id.clone());
    }
    for name in params.texts("GroupNames") {
        wanted.insert(permission::named(call, name)?);
    }
    let by_name = !wanted.is_empty();
    let groups = world.security_groups.values().filter(|group| !by_name || wanted.contains(&group.id));
    let groups = groups.filter(|group| filters.pass(&group.tags, |name| values(world, caller, group, name)));
    let (groups, next) = page(params, PAGE, groups.map(|group| (group.number, group)).collect())?;
    let groups = groups.into_iter().map(|group| view(world, caller, group)).collect::<Vec<_>>();
    Ok(json!({ "SecurityGroups": groups, "NextToken": next }))
}

fn view(world: &World, caller: &Caller, group: &SecurityGroup) -> Value {
    json!({
        "GroupId": group.id,
        "GroupName": group.name,
        "Description": group.description,
        "VpcId": group.vpc_id,
        "OwnerId": caller.account_id,
        "SecurityGroupArn": caller.arn("security-group", &group.id),
        "IpPermissions": permission::of_group(world, caller, group, Direction::Inbound),
        "IpPermissionsEgress": permission::of_group(world, caller, group, Direction::Outbound),
        "Tags": tag::set(&group.tags),
    })
}

fn values(world: &World, caller: &Caller, group: &SecurityGroup, name: &str) -> Vec<String> {
    let of_rules = |direction: Direction, name: &str| {
        group.rules_of(direction).flat_map(|rule| rule_values(world, caller, rule, name)).collect()
    };
    if let Some(name) = name.strip_prefix("ip-permission.") {
        return of_rules(Direction::Inbound, name);
    }
    if let Some(name) = name.strip_prefix("egress.ip-permission.") {
        return of_rules(Direction::Outbound, name);
    }
    vec![match name {
        "description" => group.description.clone(),
        "group-id" => group.id.to_string(),
        "group-name" => group.name.clone(),
        "owner-id" => caller.account_id.clone(),
        "vpc-id" => group.vpc_id.to_string(),
        _ => return Vec::new(),
    }]
}

fn rule_values(world: &World, caller: &Caller, rule: &SecurityGroupRule, name: &str) -> Option<String> {
    match (name, &rule.peer) {
        ("protocol", _) => Some(rule.protocol.to_string()),
        ("from-port", _) => Some(rule.ports.from_port.to_string()),
        ("to-port", _) => Some(rule.ports.to_port.to_string()),
        ("cidr", Peer::CidrIpv4(net)) => Some(net.to_string()),
        ("ipv6-cidr", Peer::CidrIpv6(net)) => Some(net.to_string()),
        ("prefix-list-id", Peer::PrefixList(id)) => Some(id.to_string()),
        ("group-id", Peer::ReferencedGroup(id)) => Some(id.to_string()),
        ("group-name", Peer::ReferencedGroup(id)) => {
            world.security_groups.get(id).map(|group| group.name.clone())
        }
        ("user-id", Peer::ReferencedGroup(_)) => Some(caller.account_id.clone()),
        _ => None,
    }
}
