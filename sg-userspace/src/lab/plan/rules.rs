//! The rules of a lab file's groups. A group's outbound rules, where the file gives any, stand in place of AWS's own.

use std::collections::BTreeMap;

use crate::aws::error::AwsError;
use crate::aws::ids::{SecurityGroupId, SecurityGroupRuleId, VpcId};
use crate::aws::rule::Direction;
use crate::command::permission::Permission;
use crate::command::rule::{Authorize, Revoke};
use crate::command::rule_text::{self, Context};
use crate::lab::file::GroupFile;
use crate::lab::file::position::{At, LabError, OneOrMany, refused};
use crate::lab::file::shorthand::{RuleMapping, RuleText, Text};

use super::{Place, Planner};

/// Gives a group the rules that the file gives it.
pub(super) fn authorize(
    planner: &mut Planner,
    vpc_name: &str,
    vpc_id: &VpcId,
    name: &At<String>,
    group: &GroupFile,
) -> Result<(), LabError> {
    let path = format!("vpcs.{vpc_name}.security-groups.{}", name.value);
    let Some(group_id) = planner.lab.security_groups.get(&format!("{vpc_name}.{}", name.value)).cloned()
    else {
        return Ok(());
    };
    for (direction, rules) in [(Direction::Inbound, &group.inbound), (Direction::Outbound, &group.outbound)] {
        let Some(rules) = rules else { continue };
        let place = Place::of(name, format!("{path}.{direction}"));
        revoke_first_rules(planner, &place, &group_id, direction)?;
        for (index, rule) in rules.iter().enumerate() {
            let place = Place { at: Some(rule.at), path: format!("{path}.{direction}[{index}]") };
            let context = Context {
                world: &planner.world,
                vpc_id,
                own_group: Some(&group_id),
                my_ip: Some(planner.lab.internet.ipv4),
            };
            let permissions = permissions(&rule.value, direction, context)
                .map_err(|error| with_groups(planner, vpc_name, refused(place.at, &place.path, error)))?;
            planner.apply(
                &place,
                Authorize { group_id: group_id.clone(), direction, permissions, tags: BTreeMap::new() },
            )?;
        }
    }
    Ok(())
}

/// Takes away the rules that AWS gave the group.
fn revoke_first_rules(
    planner: &mut Planner,
    place: &Place,
    group_id: &SecurityGroupId,
    direction: Direction,
) -> Result<(), LabError> {
    let group = planner.world.security_groups.get(group_id);
    let rule_ids: Vec<SecurityGroupRuleId> =
        group.into_iter().flat_map(|group| group.rules_of(direction)).map(|rule| rule.id.clone()).collect();
    if !rule_ids.is_empty() {
        let group_id = group_id.clone();
        planner.apply(place, Revoke { group_id, direction, permissions: Vec::new(), rule_ids })?;
    }
    Ok(())
}

/// Says which groups there are, where one is not found.
pub(super) fn with_groups(planner: &Planner, vpc_name: &str, error: LabError) -> LabError {
    if error.code.as_deref() != Some("InvalidGroup.NotFound") {
        return error;
    }
    let prefix = format!("{vpc_name}.");
    let names: Vec<_> =
        planner.lab.security_groups.keys().filter_map(|key| key.strip_prefix(&prefix)).collect();
    LabError { message: format!("{}; VPC {vpc_name} has: {}", error.message, names.join(", ")), ..error }
}

fn permissions(
    rule: &RuleText,
    direction: Direction,
    context: Context<'_>,
) -> Result<Vec<Permission>, AwsError> {
    match rule {
        RuleText::Line(text) => rule_text::parse_rule(text, direction, context),
        RuleText::Mapping(mapping) => of_mapping(mapping, direction, context),
    }
}

fn of_mapping(
    mapping: &RuleMapping,
    direction: Direction,
    context: Context<'_>,
) -> Result<Vec<Permission>, AwsError> {
    for action in [&mapping.action, &mapping.effect].into_iter().flatten() {
        rule_text::check_allows(&action.0)?;
        if !action.0.eq_ignore_ascii_case("allow") {
            return Err(AwsError::invalid_value(format!(
                "Invalid action `{}`: security group rules only allow; leave the key out",
                action.0
            )));
        }
    }
    if mapping.deny.is_some() {
        rule_text::check_allows("deny")?;
    }
    let (who, key, other) = match direction {
        Direction::Inbound => (&mapping.source, "source", &mapping.destination),
        Direction::Outbound => (&mapping.destination, "destination", &mapping.source),
    };
    let (Some(OneOrMany(who)), None) = (who, other) else {
        return Err(AwsError::invalid_value(format!(
            "Invalid {direction} rule: an {direction} rule has a `{key}` and nothing else of the kind, such as `{key}: anywhere`"
        )));
    };
    let (protocol, ports) = what(mapping)?;
    let mut permissions = Vec::new();
    for Text(who) in who {
        let peers = rule_text::parse_peers(who, protocol, context)?;
        permissions.extend(rule_text::permissions(protocol, ports, peers));
    }
    if let Some(description) = &mapping.description {
        permissions = permissions.into_iter().map(|it| it.described(description)).collect();
    }
    Ok(permissions)
}

fn what(
    mapping: &RuleMapping,
) -> Result<(crate::aws::protocol::IpProtocol, crate::aws::protocol::PortRange), AwsError> {
    let ports = mapping.ports.as_ref().map(|ports| ports.value.0.as_str());
    match (&mapping.kind, &mapping.protocol) {
        (Some(kind), None) => match ports {
            None => rule_text::parse_what(&kind.value.0),
            Some(ports) => rule_text::parse_what(&format!("{} {ports}", kind.value.0)).map_err(|_| {
                AwsError::invalid_value(format!(
                    "Invalid rule: type `{}` does not take ports `{ports}`; only Custom types do, such as `type: Custom TCP`",
                    kind.value.0
                ))
            }),
        },
        (None, Some(protocol)) => {
            let protocol = rule_text::parse_protocol_word(&protocol.value.0)?;
            Ok((protocol, rule_text::parse_ports_text(protocol, ports)?))
        }
        _ => Err(AwsError::invalid_value(
            "Invalid rule: give either a `type` such as HTTP, or a `protocol` and its `ports`",
        )),
    }
}
