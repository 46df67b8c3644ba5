//! A security group: a named set of rules in one VPC.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ids::{SecurityGroupId, VpcId};
use super::rule::{Direction, SecurityGroupRule};

/// Name of the group that every VPC has (M-30).
pub const DEFAULT_GROUP_NAME: &str = "default";

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Its id.
    pub id: SecurityGroupId,
    /// The number that stands for the group in the data plane; never used twice.
    pub number: u32,
    /// Name, unique in the VPC without regard to case (M-23), immutable.
    pub name: String,
    /// Description, immutable.
    pub description: String,
    /// The VPC it was created in.
    pub vpc_id: VpcId,
    /// Further VPCs whose interfaces may carry it (M-36 to M-40).
    pub associated_vpcs: BTreeSet<VpcId>,
    /// Rules of both directions, oldest first.
    pub rules: Vec<SecurityGroupRule>,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

impl SecurityGroup {
    /// Whether this is its VPC's default group, which cannot be deleted (M-32).
    pub fn is_default(&self) -> bool {
        self.name == DEFAULT_GROUP_NAME
    }

    /// Whether interfaces of this VPC may carry the group (M-14).
    pub fn is_usable_in(&self, vpc_id: &VpcId) -> bool {
        self.vpc_id == *vpc_id || self.associated_vpcs.contains(vpc_id)
    }

    /// The VPCs whose interfaces may carry the group, its own first.
    pub fn vpcs(&self) -> impl Iterator<Item = &VpcId> {
        std::iter::once(&self.vpc_id).chain(&self.associated_vpcs)
    }

    /// The rules of one direction, oldest first.
    pub fn rules_of(&self, direction: Direction) -> impl Iterator<Item = &SecurityGroupRule> {
        self.rules.iter().filter(move |rule| rule.direction == direction)
    }
}
