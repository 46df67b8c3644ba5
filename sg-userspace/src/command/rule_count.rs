//! How many rules a group counts as having, and the refusal of more than the quota.

use std::collections::BTreeMap;

use crate::aws::error::AwsError;
use crate::aws::group::SecurityGroup;
use crate::aws::prefix_list::AddressFamily;
use crate::aws::rule::{Direction, Peer};
use crate::aws::world::World;

/// A group's rules, counted apart for each direction and family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCount(BTreeMap<(Direction, AddressFamily), u64>);

impl RuleCount {
    /// Counts a group's rules: a referenced group in both families, a prefix list as its `MaxEntries`.
    /// CHOICE: a prefix list counts in its own family only, as the blocks it stands for would.
    pub fn of(world: &World, group: &SecurityGroup) -> Self {
        let mut counts = BTreeMap::new();
        for rule in &group.rules {
            let (families, weight): (&[AddressFamily], _) = match &rule.peer {
                Peer::CidrIpv4(_) => (&[AddressFamily::Ipv4], 1),
                Peer::CidrIpv6(_) => (&[AddressFamily::Ipv6], 1),
                Peer::ReferencedGroup(_) => (&[AddressFamily::Ipv4, AddressFamily::Ipv6], 1),
                Peer::PrefixList(id) => match world.prefix_lists.get(id) {
                    Some(list) => (&[list.address_family], u64::from(list.max_entries)),
                    None => (&[], 0),
                },
            };
            for family in families {
                *counts.entry((rule.direction, *family)).or_default() += weight;
            }
        }
        Self(counts)
    }

    /// The count of one direction and family.
    pub fn get(&self, direction: Direction, family: AddressFamily) -> u64 {
        self.0.get(&(direction, family)).copied().unwrap_or(0)
    }

    /// The greatest of the counts.
    pub(super) fn largest(&self) -> u64 {
        self.0.values().copied().max().unwrap_or(0)
    }

    /// Refuses what exceeds the quota and did not before; a quota may have been lowered below what there is.
    pub(super) fn check_growth(&self, before: &Self, world: &World) -> Result<(), AwsError> {
        let limit = u64::from(world.quotas.rules_per_group);
        let grown = |(key, count): (&(Direction, AddressFamily), &u64)| {
            *count > limit && *count > before.get(key.0, key.1)
        };
        if self.0.iter().any(grown) {
            return Err(AwsError::new(
                "RulesPerSecurityGroupLimitExceeded",
                "The maximum number of rules per security group has been reached.",
            ));
        }
        Ok(())
    }
}
