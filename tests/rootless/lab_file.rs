//! Lab files: what they become, and what their errors say and where.

mod examples;
mod instances;
mod network_acls;
mod peerings;
mod prefix_lists;
mod routes;
mod rules;
mod shape;
mod vpcs;

use sg_userspace::aws::ids::SecurityGroupId;
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::world::World;
use sg_userspace::lab::file::LabFile;
use sg_userspace::lab::file::position::LabError;
use sg_userspace::lab::plan::{Plan, plan};

#[track_caller]
fn planned(text: &str) -> Plan {
    match LabFile::parse(text).and_then(|file| plan(&file, &World::default())) {
        Ok(plan) => plan,
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn refusal(text: &str) -> LabError {
    match LabFile::parse(text).and_then(|file| plan(&file, &World::default())) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(error) => error,
    }
}

/// Checks an error's line, column and parts of its text.
#[track_caller]
fn check(text: &str, line: u64, column: u64, parts: &[&str]) {
    let error = refusal(text);
    let place = error.at.map(|at| (at.line, at.column));
    assert_eq!(place, Some((line, column)), "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "`{part}` is not in: {error}");
    }
}

/// A VPC with these security groups and instances, indented by four.
fn lab(groups: &str, instances: &str) -> String {
    format!(
        "vpcs:\n  lab:\n    cidr: 10.0.0.0/16\n    subnets:\n      main: {{ cidr: 10.0.0.0/24 }}\n    security-groups:\n{groups}\n    instances:\n{instances}\n"
    )
}

/// The rules of a group in one direction, as text.
#[track_caller]
fn rules(plan: &Plan, group: &str, direction: Direction) -> Vec<String> {
    let group = &plan.world.security_groups[&plan.lab.security_groups[group]];
    let name = |id: &SecurityGroupId| plan.world.security_groups[id].name.clone();
    let peer = |peer: &Peer| match peer {
        Peer::ReferencedGroup(id) => format!("group {}", name(id)),
        peer => peer.to_string(),
    };
    group
        .rules_of(direction)
        .map(|rule| {
            format!("{} {}-{} {}", rule.protocol, rule.ports.from_port, rule.ports.to_port, peer(&rule.peer))
        })
        .collect()
}
