//! References between groups: rules that have gone stale, and who refers to a group from beyond a peering.

use comfy_table::Table;
use serde::Serialize;

use crate::aws::reference::{GroupReference, StaleRule};
use crate::aws::world::World;

use super::rule::RuleView;

/// A stale rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StaleRuleView {
    /// The rule.
    pub rule: RuleView,
    /// VPC of the group that it refers to, where that is known.
    pub referenced_vpc_id: Option<String>,
    /// The peering that the reference went through.
    pub vpc_peering_connection_id: Option<String>,
    /// How it is with that peering: `active` where the group was deleted.
    pub peering_status: Option<String>,
    /// Why the rule is stale, in words.
    pub why: String,
}

impl StaleRuleView {
    /// The view of a stale rule.
    pub fn new(world: &World, stale: StaleRule<'_>) -> Self {
        let StaleRule { group, rule, referenced_id, referenced, peering } = stale;
        let why = match (referenced, peering) {
            (None, _) => format!("{referenced_id} has been deleted"),
            (Some(_), Some(peering)) => format!("{} is {}", peering.id, peering.status),
            (Some(other), None) => {
                let vpc = world.vpcs.get(&group.vpc_id).map_or(group.vpc_id.as_str(), |vpc| vpc.name());
                format!("{} is not associated with {vpc}", other.name)
            }
        };
        let referenced_vpc = referenced.map(|other| &other.vpc_id).or(rule.referenced_vpc_id.as_ref());
        Self {
            rule: RuleView::new(world, group, rule),
            referenced_vpc_id: referenced_vpc.map(ToString::to_string),
            vpc_peering_connection_id: peering.map(|peering| peering.id.to_string()),
            peering_status: peering.map(|peering| peering.status.to_string()),
            why,
        }
    }
}

/// Stale rules as a table.
pub fn stale_table(rules: &[StaleRuleView]) -> Table {
    let mut table = super::table(&["RULE", "GROUP", "ALLOWS", "STALE BECAUSE"]);
    for stale in rules {
        table.add_row([&stale.rule.id, &stale.rule.group_name, &stale.rule.text, &stale.why]);
    }
    table
}

/// A VPC beyond a peering whose rules refer to a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupReferenceView {
    /// The group.
    pub group_id: String,
    /// The VPC that refers to it.
    pub referencing_vpc_id: String,
    /// That VPC's tag `Name`, or its id.
    pub referencing_vpc_name: String,
    /// The peering between them.
    pub vpc_peering_connection_id: String,
}

impl GroupReferenceView {
    /// The view of a reference.
    pub fn new(world: &World, reference: GroupReference<'_>) -> Self {
        let GroupReference { group_id, referencing_vpc_id, peering_id } = reference;
        let vpc = world.vpcs.get(referencing_vpc_id);
        Self {
            group_id: group_id.to_string(),
            referencing_vpc_id: referencing_vpc_id.to_string(),
            referencing_vpc_name: vpc.map_or(referencing_vpc_id.as_str(), |vpc| vpc.name()).to_owned(),
            vpc_peering_connection_id: peering_id.to_string(),
        }
    }
}

/// References as a table.
pub fn references_table(references: &[GroupReferenceView]) -> Table {
    let mut table = super::table(&["GROUP", "REFERRING VPC", "NAME", "PEERING"]);
    for reference in references {
        table.add_row([
            &reference.group_id,
            &reference.referencing_vpc_id,
            &reference.referencing_vpc_name,
            &reference.vpc_peering_connection_id,
        ]);
    }
    table
}
