//! Changes of a group's rules: authorised, revoked, modified, described.

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::rule::{Direction, Peer};
use crate::command::Reply;
use crate::command::permission::{Permission, parse_cidr_ipv4, parse_cidr_ipv6};
use crate::command::rule::{
    Authorize, ModifyRules, Revoke, RuleContent, RuleDescription, UpdateRuleDescriptions,
};

use super::group::named_or_given;
use super::{permission, rule_view};
use crate::ec2::call::{Call, done, unexpected};
use crate::ec2::fault::Fault;
use crate::ec2::params::{Params, missing};

pub(super) fn authorize_ingress(call: &mut Call<'_>) -> Result<Value, Fault> {
    authorize(call, Direction::Inbound)
}

pub(super) fn authorize_egress(call: &mut Call<'_>) -> Result<Value, Fault> {
    refuse_flat(call.params)?;
    authorize(call, Direction::Outbound)
}

/// Egress rules come as permissions only (section 6.1).
fn refuse_flat(params: Params<'_>) -> Result<(), AwsError> {
    let flat = [
        "IpProtocol",
        "FromPort",
        "ToPort",
        "CidrIp",
        "SourceSecurityGroupName",
        "SourceSecurityGroupOwnerId",
    ];
    match flat.iter().find(|name| params.has(name)) {
        Some(name) => Err(AwsError::invalid_value(format!(
            "The parameter {name} is not supported for outbound rules. Use a set of IP permissions."
        ))),
        None => Ok(()),
    }
}

fn authorize(call: &mut Call<'_>, direction: Direction) -> Result<Value, Fault> {
    let group_id = named_or_given(call)?;
    let tags = call.params.tags_for("security-group-rule")?;
    let permissions = permission::read(call)?;
    if permissions.as_ref().is_some_and(Vec::is_empty) && !call.params.structures("IpPermissions").is_empty()
    {
        // R-E17: entries without peers make nothing.
        call.world.security_groups.get(&group_id).ok_or_else(|| group_id.not_found())?;
        return Ok(json!({ "Return": true, "SecurityGroupRules": [] }));
    }
    let permissions = permissions.unwrap_or_default();
    match call.change(Authorize { group_id: group_id.clone(), direction, permissions, tags })? {
        Reply::Rules(rules) => {
            let group = call.world.security_groups.get(&group_id).ok_or_else(|| group_id.not_found())?;
            let views = rules.iter().map(|rule| rule_view::view(&call.world, call.caller, group, rule));
            Ok(json!({ "Return": true, "SecurityGroupRules": views.collect::<Vec<_>>() }))
        }
        other => Err(unexpected(&other)),
    }
}

pub(super) fn revoke_ingress(call: &mut Call<'_>) -> Result<Value, Fault> {
    revoke(call, Direction::Inbound)
}

pub(super) fn revoke_egress(call: &mut Call<'_>) -> Result<Value, Fault> {
    refuse_flat(call.params)?;
    revoke(call, Direction::Outbound)
}

fn revoke(call: &mut Call<'_>, direction: Direction) -> Result<Value, Fault> {
    let group_id = named_or_given(call)?;
    let permissions = permission::read(call)?.unwrap_or_default();
    let rule_ids = call.params.parsed_list("SecurityGroupRuleIds")?;
    match call.change(Revoke { group_id: group_id.clone(), direction, permissions, rule_ids })? {
        Reply::Revoked { rules, unknown } => Ok(json!({
            "Return": true,
            "RevokedSecurityGroupRules":
                rules.iter().map(|rule| rule_view::revoked(&group_id, rule)).collect::<Vec<_>>(),
            "UnknownIpPermissions": permission::unknown(call.caller, &unknown),
        })),
        other => Err(unexpected(&other)),
    }
}

pub(super) fn modify(call: &mut Call<'_>) -> Result<Value, Fault> {
    let group_id = call.params.required("GroupId")?;
    let mut rules = Vec::new();
    for update in call.params.structures("SecurityGroupRules") {
        let rule_id = update.required("SecurityGroupRuleId")?;
        let content = update.structure("SecurityGroupRule").ok_or_else(|| missing("SecurityGroupRule"))?;
        rules.push(RuleContent { rule_id, permission: content_of(content)? });
    }
    call.change(ModifyRules { group_id, rules })?;
    done()
}

/// A rule's new content, with exactly one peer (section 6.3).
fn content_of(content: Params<'_>) -> Result<Permission, AwsError> {
    let (protocol, mut ports) = permission::protocol_and_ports(content)?;
    if !protocol.has_ports() && !protocol.has_icmp_types() {
        // What authorize disregards, modify refuses: the command decides, so it is told.
        ports.from_port = content.number("FromPort")?.unwrap_or(ports.from_port);
        ports.to_port = content.number("ToPort")?.unwrap_or(ports.to_port);
    }
    let mut peers = Vec::new();
    if let Some(text) = content.text("CidrIpv4") {
        peers.push(parse_cidr_ipv4(text)?);
    }
    if let Some(text) = content.text("CidrIpv6") {
        peers.push(parse_cidr_ipv6(text)?);
    }
    peers.extend(content.parsed("PrefixListId")?.map(Peer::PrefixList));
    peers.extend(content.parsed("ReferencedGroupId")?.map(Peer::ReferencedGroup));
    let description = content.text("Description").map(str::to_owned);
    match (peers.pop(), peers.is_empty()) {
        (Some(peer), true) => Ok(Permission { protocol, ports, peer, description }),
        (Some(_), false) => Err(AwsError::new(
            "InvalidParameterCombination",
            "Only one of cidrIp, cidrIpv6, prefixListId, or referencedGroupId can be specified",
        )),
        (None, _) => Err(AwsError::new(
            "MissingParameter",
            "The request must contain exactly one of: cidrIp, cidrIpv6, prefixListId, or referencedGroupId",
        )),
    }
}

pub(super) fn describe_ingress(call: &mut Call<'_>) -> Result<Value, Fault> {
    update_descriptions(call, Direction::Inbound)
}

pub(super) fn describe_egress(call: &mut Call<'_>) -> Result<Value, Fault> {
    update_descriptions(call, Direction::Outbound)
}

fn update_descriptions(call: &mut Call<'_>, direction: Direction) -> Result<Value, Fault> {
    let group_id = named_or_given(call)?;
    let permissions = permission::read(call)?.unwrap_or_default();
    let mut rules = Vec::new();
    for rule in call.params.structures("SecurityGroupRuleDescriptions") {
        let description = rule.text("Description").map(str::to_owned);
        rules.push(RuleDescription { rule_id: rule.required("SecurityGroupRuleId")?, description });
    }
    call.change(UpdateRuleDescriptions { group_id, direction, permissions, rules })?;
    done()
}
