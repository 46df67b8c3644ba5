//! AWS's quotas (section 5 of the facts), with their defaults.

use serde::{Deserialize, Serialize};

/// The quotas in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quotas {
    /// Inbound or outbound rules of a group, counted apart for each direction and family.
    pub rules_per_group: u32,
    /// Groups of an interface, at most [`MAX_GROUPS_PER_INTERFACE`].
    pub groups_per_interface: u32,
    /// Groups of a region.
    pub groups_per_region: u32,
}

/// The most that [`Quotas::groups_per_interface`] can be raised to.
pub const MAX_GROUPS_PER_INTERFACE: u32 = 16;
/// The most that rules per group times groups per interface can be.
pub const MAX_RULES_PER_INTERFACE: u32 = 1000;

impl Default for Quotas {
    fn default() -> Self {
        Self { rules_per_group: 60, groups_per_interface: 5, groups_per_region: 2500 }
    }
}
