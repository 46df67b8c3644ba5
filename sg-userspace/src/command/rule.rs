//! Rules of a group: authorised, revoked, modified and described, each call wholly or not at all.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::group::SecurityGroup;
use crate::aws::ids::{PrefixListId, SecurityGroupId, SecurityGroupRuleId, VpcId};
use crate::aws::prefix_list::{MAX_REFERENCES, PrefixList};
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::reference::reach;
use crate::aws::rule::{Direction, Peer, SecurityGroupRule};
use crate::aws::vpc::Vpc;
use crate::aws::world::World;

use super::Reply;
use super::edit::Edit;
use super::group;
use super::permission::Permission;
use super::rule_count::RuleCount;
use super::tag;

/// Adds rules to a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorize {
    /// The group.
    pub group_id: SecurityGroupId,
    /// Inbound (ingress) or outbound (egress).
    pub direction: Direction,
    /// What to allow; each becomes a rule.
    pub permissions: Vec<Permission>,
    /// Tags of each of the rules.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl Authorize {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { group_id, direction, permissions, tags } = self;
        edit.get::<SecurityGroup>(&group_id)?;
        if permissions.is_empty() {
            // R-E15.
            return Err(missing_permissions());
        }
        let permissions = permissions.into_iter().map(Permission::checked).collect::<Result<Vec<_>, _>>()?;
        for (index, permission) in permissions.iter().enumerate() {
            check_peer(edit, &group_id, &permission.peer)?;
            if permissions[..index].iter().any(|earlier| earlier.is_same(permission)) {
                // R-38, R-E2.
                return Err(AwsError::invalid_value("The same permission must not appear multiple times"));
            }
        }
        let group: &SecurityGroup = edit.get(&group_id)?;
        for permission in &permissions {
            check_new(group, direction, permission)?;
        }
        let before = RuleCount::of(edit.world(), group);
        let tags = tag::checked(tags)?;
        let mut rules = Vec::with_capacity(permissions.len());
        for permission in permissions {
            rules.push(insert_tagged(edit, &group_id, direction, permission, tags.clone())?);
        }
        check_quota(edit, &group_id, &before)?;
        check_references(edit, &rules)?;
        Ok(Reply::Rules(rules))
    }
}

/// Removes rules of a group, named by permission or by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// The group.
    pub group_id: SecurityGroupId,
    /// Inbound (ingress) or outbound (egress).
    pub direction: Direction,
    /// Rules by what they allow; must match exactly, save for descriptions.
    #[serde(default)]
    pub permissions: Vec<Permission>,
    /// Rules by id.
    #[serde(default)]
    pub rule_ids: Vec<SecurityGroupRuleId>,
}

impl Revoke {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { group_id, direction, permissions, rule_ids } = self;
        let group: &SecurityGroup = edit.get(&group_id)?;
        if permissions.is_empty() && rule_ids.is_empty() {
            //
            return Err(AwsError::new(
                "MissingParameter",
                "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.",
            ));
        }
        let mut unknown = Vec::new();
        let mut revoked = Vec::new();
        for permission in permissions {
            let permission = permission.checked()?;
            match group.rules.iter().find(|rule| permission.is_of(rule, direction)) {
                Some(rule) => revoked.push(rule.id.clone()),
                None => unknown.push(permission),
            }
        }
        for id in rule_ids {
            revoked.push(by_id(group, direction, &id)?.id.clone());
        }
        // a default VPC forgives what no rule allows, another does not and revokes nothing.
        if !unknown.is_empty() && !edit.get::<Vpc>(&group.vpc_id)?.is_default {
            return Err(not_found());
        }
        let group: &mut SecurityGroup = edit.get_mut(&group_id)?;
        let (rules, kept) =
            std::mem::take(&mut group.rules).into_iter().partition(|rule| revoked.contains(&rule.id));
        group.rules = kept;
        Ok(Reply::Revoked { rules, unknown })
    }
}

/// A rule's new description, by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleDescription {
    /// The rule.
    pub rule_id: SecurityGroupRuleId,
    /// Its description; none removes the one it has.
    #[serde(default)]
    pub description: Option<String>,
}

/// Sets rule descriptions, named by permission or by id; leaving a description out removes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateRuleDescriptions {
    /// The group.
    pub group_id: SecurityGroupId,
    /// Inbound (ingress) or outbound (egress).
    pub direction: Direction,
    /// Rules by what they allow, with the new descriptions.
    #[serde(default)]
    pub permissions: Vec<Permission>,
    /// Rules by id, with the new descriptions.
    #[serde(default)]
    pub rules: Vec<RuleDescription>,
}

impl UpdateRuleDescriptions {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { group_id, direction, permissions, rules } = self;
        let group: &SecurityGroup = edit.get(&group_id)?;
        if permissions.is_empty() && rules.is_empty() {
            return Err(missing_permissions());
        }
        let mut updates = Vec::with_capacity(permissions.len() + rules.len());
        for permission in permissions {
            let permission = permission.checked()?;
            let rule =
                group.rules.iter().find(|rule| permission.is_of(rule, direction)).ok_or_else(not_found)?;
            updates.push((rule.id.clone(), permission.description));
        }
        for RuleDescription { rule_id, description } in rules {
            let rule = by_id(group, direction, &rule_id)?;
            let described = Permission { description, ..Permission::from(rule) }.checked()?;
            updates.push((rule_id, described.description));
        }
        let group: &mut SecurityGroup = edit.get_mut(&group_id)?;
        for (id, description) in updates {
            if let Some(rule) = group.rules.iter_mut().find(|rule| rule.id == id) {
                rule.description = description;
            }
        }
        Ok(Reply::Done)
    }
}

/// A rule's new content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleContent {
    /// The rule, which keeps its id.
    pub rule_id: SecurityGroupRuleId,
    /// Everything else, description included; the kind of peer must stay.
    pub permission: Permission,
}

/// `ModifySecurityGroupRules`: replaces the content of rules in place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModifyRules {
    /// The group.
    pub group_id: SecurityGroupId,
    /// The rules and their new content.
    pub rules: Vec<RuleContent>,
}

impl ModifyRules {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { group_id, rules: contents } = self;
        let before = RuleCount::of(edit.world(), edit.get::<SecurityGroup>(&group_id)?);
        if contents.is_empty() {
            let message = "The request must contain the parameter SecurityGroupRule";
            return Err(AwsError::new("MissingParameter", message));
        }
        let mut modified: Vec<SecurityGroupRule> = Vec::with_capacity(contents.len());
        for RuleContent { rule_id, permission } in contents {
            if modified.iter().any(|rule| rule.id == rule_id) {
                return Err(AwsError::invalid_value(format!(
                    "Duplicated security group rule ID '{rule_id}'. The same security group rule ID must not appear multiple times."
                )));
            }
            if permission.protocol == IpProtocol::All && permission.ports != PortRange::ALL {
                // what authorize forgives, modify does not.
                return Err(AwsError::invalid_value(
                    "You may not specify all protocols and specific ports. Please specify each protocol and port range combination individually, or all protocols and no port range.",
                ));
            }
            let Permission { protocol, ports, peer, description } = permission.checked()?;
            check_peer(edit, &group_id, &peer)?;
            let referenced_vpc_id = referenced_vpc(edit.world(), &peer);
            let group: &mut SecurityGroup = edit.get_mut(&group_id)?;
            let rule = group
                .rules
                .iter_mut()
                .find(|rule| rule.id == rule_id)
                .ok_or_else(|| SecurityGroupRuleId::not_found(&rule_id))?;
            check_peer_kind(rule, &peer)?;
            (rule.protocol, rule.ports, rule.peer, rule.description) = (protocol, ports, peer, description);
            rule.referenced_vpc_id = referenced_vpc_id;
            modified.push(rule.clone());
        }
        let group: &SecurityGroup = edit.get(&group_id)?;
        for rule in &modified {
            let same = |other: &&SecurityGroupRule| other.id != rule.id && other.is_same_permission(rule);
            if group.rules.iter().any(|other| same(&other)) {
                return Err(duplicate(&Permission::from(rule)));
            }
        }
        // Another prefix list can cost more.
        check_quota(edit, &group_id, &before)?;
        check_references(edit, &modified)?;
        Ok(Reply::Rules(modified))
    }
}

/// Adds a rule that has been checked.
pub(super) fn insert(
    edit: &mut Edit<'_>,
    group_id: &SecurityGroupId,
    direction: Direction,
    permission: Permission,
) -> Result<SecurityGroupRule, AwsError> {
    insert_tagged(edit, group_id, direction, permission, BTreeMap::new())
}

fn insert_tagged(
    edit: &mut Edit<'_>,
    group_id: &SecurityGroupId,
    direction: Direction,
    permission: Permission,
    tags: BTreeMap<String, String>,
) -> Result<SecurityGroupRule, AwsError> {
    let (seed, number) = edit.next_number()?;
    let id = SecurityGroupRuleId::mint(seed, number);
    let referenced_vpc_id = referenced_vpc(edit.world(), &permission.peer);
    let rule = permission.into_rule((id, number), direction, referenced_vpc_id, tags);
    edit.get_mut::<SecurityGroup>(group_id)?.rules.push(rule.clone());
    Ok(rule)
}

pub(super) fn check_peer(edit: &Edit<'_>, group_id: &SecurityGroupId, peer: &Peer) -> Result<(), AwsError> {
    match peer {
        Peer::CidrIpv4(_) | Peer::CidrIpv6(_) => Ok(()),
        Peer::PrefixList(id) => {
            let list: &PrefixList = edit.get(id)?;
            let group: &SecurityGroup = edit.get(group_id)?;
            // R-E14, A-13: a list does not exist outside its region.
            if edit.get::<Vpc>(&group.vpc_id)?.region == list.region { Ok(()) } else { Err(id.not_found()) }
        }
        Peer::ReferencedGroup(id) => {
            let referenced: &SecurityGroup = edit.get(id)?;
            let group: &SecurityGroup = edit.get(group_id)?;
            match reach(edit.world(), group, referenced) {
                Some(_) => Ok(()),
                None => Err(group::foreign(edit.world(), &group.vpc_id, referenced)),
            }
        }
    }
}

/// The VPC of the group that a peer is.
fn referenced_vpc(world: &World, peer: &Peer) -> Option<VpcId> {
    match peer {
        Peer::ReferencedGroup(id) => world.security_groups.get(id).map(|group| group.vpc_id.clone()),
        Peer::CidrIpv4(_) | Peer::CidrIpv6(_) | Peer::PrefixList(_) => None,
    }
}

fn check_quota(edit: &Edit<'_>, group_id: &SecurityGroupId, before: &RuleCount) -> Result<(), AwsError> {
    RuleCount::of(edit.world(), edit.get(group_id)?).check_growth(before, edit.world())
}

pub(super) fn check_new(
    group: &SecurityGroup,
    direction: Direction,
    permission: &Permission,
) -> Result<(), AwsError> {
    if group.rules.iter().any(|rule| permission.is_of(rule, direction)) {
        return Err(duplicate(permission));
    }
    Ok(())
}

fn check_peer_kind(rule: &SecurityGroupRule, peer: &Peer) -> Result<(), AwsError> {
    fn kind(peer: &Peer) -> (&'static str, &'static str) {
        match peer {
            Peer::CidrIpv4(_) => ("an", "IPv4 CIDR"),
            Peer::CidrIpv6(_) => ("an", "IPv6 CIDR"),
            Peer::PrefixList(_) => ("a", "prefix list"),
            Peer::ReferencedGroup(_) => ("a", "referenced group id"),
        }
    }
    let ((article, new), (_, old)) = (kind(peer), kind(&rule.peer));
    if new == old {
        return Ok(());
    }
    Err(AwsError::invalid_value(format!(
        "Invalid rule type for security group rule '{}'. You may not specify {article} {new} for an existing {old} rule.",
        rule.id
    )))
}

/// The lists that these rules refer to can be referred to so often.
fn check_references(edit: &Edit<'_>, rules: &[SecurityGroupRule]) -> Result<(), AwsError> {
    let lists: BTreeSet<&PrefixListId> = rules
        .iter()
        .filter_map(|rule| match &rule.peer {
            Peer::PrefixList(id) => Some(id),
            Peer::CidrIpv4(_) | Peer::CidrIpv6(_) | Peer::ReferencedGroup(_) => None,
        })
        .collect();
    for id in lists {
        let all = edit.world().security_groups.values().flat_map(|group| &group.rules);
        let count = all.filter(|rule| matches!(&rule.peer, Peer::PrefixList(peer) if peer == id)).count();
        if count > MAX_REFERENCES {
            // CHOICE: AWS's code is not documented.
            return Err(AwsError::new(
                "PrefixListReferenceLimitExceeded",
                format!("The maximum number of references to the prefix list '{id}' has been reached."),
            ));
        }
    }
    Ok(())
}

fn by_id<'g>(
    group: &'g SecurityGroup,
    direction: Direction,
    id: &SecurityGroupRuleId,
) -> Result<&'g SecurityGroupRule, AwsError> {
    // R-41, CHOICE: an id of the other direction is not found either.
    group.rules_of(direction).find(|rule| rule.id == *id).ok_or_else(|| id.not_found())
}

fn missing_permissions() -> AwsError {
    AwsError::new("MissingParameter", "The request must contain the parameter ipPermissions")
}

fn not_found() -> AwsError {
    AwsError::new("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
}

fn duplicate(permission: &Permission) -> AwsError {
    let message = format!("the specified rule \"{}\" already exists", permission.in_aws_words());
    AwsError::new("InvalidPermission.Duplicate", message)
}
