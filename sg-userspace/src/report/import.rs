//! What was made of sources: how much of each kind, what was left out and why, what was assumed.

use std::fmt::Write as _;

use comfy_table::Table;
use serde::Serialize;

use crate::aws::world::World;
use crate::import::{LeftOut, Report};

/// The outcome of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportView {
    /// How many there are of each kind.
    pub used: Vec<Used>,
    /// What is not there.
    pub left_out: Vec<LeftOut>,
    /// What sources do not say.
    pub assumed: Vec<String>,
}

/// A kind of object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Used {
    /// AWS's name for it.
    pub kind: &'static str,
    /// How many.
    pub count: usize,
}

impl ImportView {
    /// The view of a world and of what did not become part of it.
    pub fn new(world: &World, report: &Report) -> Self {
        let rules = world.security_groups.values().map(|group| group.rules.len()).sum();
        let entries = world.network_acls.values().map(|acl| acl.entries.len()).sum();
        let used = [
            ("VPCs", world.vpcs.len()),
            ("subnets", world.subnets.len()),
            ("network ACLs", world.network_acls.len()),
            ("network ACL entries", entries),
            ("peerings", world.vpc_peering_connections.len()),
            ("internet gateways", world.internet_gateways.len()),
            ("route tables", world.route_tables.len()),
            ("prefix lists", world.prefix_lists.len()),
            ("security groups", world.security_groups.len()),
            ("security group rules", rules),
            ("network interfaces", world.network_interfaces.len()),
            ("instances", world.instances.len()),
            ("flow logs", world.flow_logs.len()),
        ];
        let used = used.into_iter().map(|(kind, count)| Used { kind, count }).collect();
        Self { used, left_out: report.left_out.clone(), assumed: report.assumed.clone() }
    }

    /// How much of each kind there is.
    pub fn used_table(&self) -> Table {
        let mut table = super::table(&["USED", "COUNT"]);
        for Used { kind, count } in self.used.iter().filter(|used| used.count > 0) {
            table.add_row([(*kind).to_owned(), count.to_string()]);
        }
        table
    }

    /// The rest, a paragraph each; empty where there is nothing to say.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if !self.left_out.is_empty() {
            text.push_str("\nLEFT OUT\n");
            for LeftOut { what, place, reason, consequence } in &self.left_out {
                let _ = writeln!(text, "{what}: {reason}\n    so {consequence}\n    {place}");
            }
        }
        if !self.assumed.is_empty() {
            text.push_str("\nASSUMED\n");
            self.assumed.iter().for_each(|assumed| {
                let _ = writeln!(text, "{assumed}");
            });
        }
        text
    }
}
