//! Security groups.

use std::collections::BTreeMap;

use comfy_table::Table;
use serde::Serialize;

use crate::aws::group::SecurityGroup;
use crate::aws::rule::Direction;
use crate::aws::world::World;

use super::interface::InterfaceView;
use super::rule::RuleView;

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupView {
    /// `sg-…`.
    pub id: String,
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// Its VPC.
    pub vpc_id: String,
    /// The VPC's `Name` tag.
    pub vpc_name: Option<String>,
    /// Ids of further VPCs whose interfaces may carry it.
    pub associated_vpcs: Vec<String>,
    /// Rules, inbound ones first, each direction oldest first.
    pub rules: Vec<RuleView>,
    /// Interfaces that carry it.
    pub interfaces: Vec<InterfaceView>,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

impl GroupView {
    /// The view of a group.
    pub fn new(world: &World, group: &SecurityGroup) -> Self {
        let rules = [Direction::Inbound, Direction::Outbound]
            .into_iter()
            .flat_map(|direction| group.rules_of(direction))
            .map(|rule| RuleView::new(world, group, rule))
            .collect();
        let carriers =
            world.network_interfaces.values().filter(|interface| interface.groups.contains(&group.id));
        Self {
            id: group.id.to_string(),
            name: group.name.clone(),
            description: group.description.clone(),
            vpc_id: group.vpc_id.to_string(),
            vpc_name: vpc_name(world, group),
            associated_vpcs: group.associated_vpcs.iter().map(ToString::to_string).collect(),
            rules,
            interfaces: carriers.map(|interface| InterfaceView::new(world, interface)).collect(),
            tags: group.tags.clone(),
        }
    }

    fn count(&self, direction: Direction) -> String {
        self.rules.iter().filter(|rule| rule.direction == direction).count().to_string()
    }
}

fn vpc_name(world: &World, group: &SecurityGroup) -> Option<String> {
    world.vpcs.get(&group.vpc_id)?.tags.get("Name").cloned()
}

/// Groups as a table.
pub fn table(groups: &[GroupView]) -> Table {
    let mut table =
        super::table(&["GROUP", "NAME", "VPC", "INBOUND", "OUTBOUND", "INTERFACES", "DESCRIPTION"]);
    for group in groups {
        table.add_row([
            &group.id,
            &group.name,
            group.vpc_name.as_ref().unwrap_or(&group.vpc_id),
            &group.count(Direction::Inbound),
            &group.count(Direction::Outbound),
            &group.interfaces.len().to_string(),
            &group.description,
        ]);
    }
    table
}
