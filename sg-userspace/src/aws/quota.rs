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
    /// Network ACLs of a VPC, the default one included.
    pub network_acls_per_vpc: u32,
    /// Entries of a network ACL, counted apart for each direction and family with the implicit last one of each, at most
    /// [`MAX_RULES_PER_NETWORK_ACL`].
    pub rules_per_network_acl: u32,
    /// Active peerings of a VPC, at most [`MAX_ACTIVE_PEERINGS_PER_VPC`].
    pub active_peerings_per_vpc: u32,
}

/// The most that [`Quotas::groups_per_interface`] can be raised to.
pub const MAX_GROUPS_PER_INTERFACE: u32 = 16;
/// The most that rules per group times groups per interface can be.
pub const MAX_RULES_PER_INTERFACE: u32 = 1000;
/// The most that [`Quotas::rules_per_network_acl`] can be raised to.
pub const MAX_RULES_PER_NETWORK_ACL: u32 = 40;
/// The most that [`Quotas::active_peerings_per_vpc`] can be raised to.
pub const MAX_ACTIVE_PEERINGS_PER_VPC: u32 = 125;

impl Default for Quotas {
    fn default() -> Self {
        Self {
            rules_per_group: 60,
            groups_per_interface: 5,
            groups_per_region: 2500,
            network_acls_per_vpc: 200,
            rules_per_network_acl: 20,
            active_peerings_per_vpc: 50,
        }
    }
}
