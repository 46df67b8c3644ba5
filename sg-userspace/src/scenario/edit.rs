//! Changes of a world, as data. They are not commands: nothing is validated, and what they name but does not exist is
//! left alone, so that a shortened scenario still runs.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::aws::ids::{NetworkInterfaceId, SecurityGroupId};
use crate::aws::interface::NetworkInterface;
use crate::aws::rule::SecurityGroupRule;
use crate::aws::world::World;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edit {
    /// Adds a rule to a group, unless there is one with its number.
    AddRule {
        /// The group.
        group: SecurityGroupId,
        /// The rule.
        rule: SecurityGroupRule,
    },
    /// Removes the rule with this number, wherever it is.
    RemoveRule {
        /// The rule's number.
        number: u32,
    },
    /// Replaces an interface's groups.
    SetGroups {
        /// The interface.
        interface: NetworkInterfaceId,
        /// Its groups from now on.
        groups: Vec<SecurityGroupId>,
    },
    /// Switches the source/destination check (M-17).
    SetSourceDestCheck {
        /// The interface.
        interface: NetworkInterfaceId,
        /// Whether foreign addresses are dropped.
        enabled: bool,
    },
    /// Adds a secondary private address (E-12).
    AddAddress {
        /// The interface.
        interface: NetworkInterfaceId,
        /// The address.
        address: IpAddr,
    },
    /// Removes a private address.
    RemoveAddress {
        /// The interface.
        interface: NetworkInterfaceId,
        /// The address.
        address: IpAddr,
    },
    /// Adds an interface, in the slot that it names.
    AddInterface(Box<NetworkInterface>),
    /// Deletes an interface.
    DeleteInterface {
        /// The interface.
        interface: NetworkInterfaceId,
    },
    /// Replaces the world.
    SetWorld(Box<World>),
}

impl Edit {
    /// Makes the change.
    pub fn apply(&self, world: &mut World) {
        match self {
            Self::AddRule { group, rule } => {
                if world.rule_by_number(rule.number).is_none()
                    && let Some(group) = world.security_groups.get_mut(group)
                {
                    group.rules.push(rule.clone());
                    group.rules.sort_by_key(|rule| rule.number);
                    world.last_number = world.last_number.max(rule.number);
                }
            }
            Self::RemoveRule { number } => {
                for group in world.security_groups.values_mut() {
                    group.rules.retain(|rule| rule.number != *number);
                }
            }
            Self::SetGroups { interface, groups } => {
                if let Some(interface) = world.network_interfaces.get_mut(interface) {
                    interface.groups.clone_from(groups);
                }
            }
            Self::SetSourceDestCheck { interface, enabled } => {
                if let Some(interface) = world.network_interfaces.get_mut(interface) {
                    interface.source_dest_check = *enabled;
                }
            }
            Self::AddAddress { interface, address } => add_address(world, interface, *address),
            Self::RemoveAddress { interface, address } => {
                if let Some(interface) = world.network_interfaces.get_mut(interface) {
                    interface.private_ipv4.retain(|own| IpAddr::V4(*own) != *address);
                    interface.ipv6.retain(|own| IpAddr::V6(*own) != *address);
                }
            }
            Self::AddInterface(interface) => {
                world.last_number = world.last_number.max(interface.number);
                world.network_interfaces.insert(interface.id.clone(), (**interface).clone());
            }
            Self::DeleteInterface { interface } => {
                world.network_interfaces.remove(interface);
            }
            Self::SetWorld(new) => world.clone_from(new),
        }
    }
}

/// Adds an address that nobody in the interface's VPC has yet.
fn add_address(world: &mut World, interface: &NetworkInterfaceId, address: IpAddr) {
    let Some(vpc_id) = world.network_interfaces.get(interface).map(|interface| interface.vpc_id.clone())
    else {
        return;
    };
    if world.interface_by_address(&vpc_id, address).is_some() {
        return;
    }
    if let Some(interface) = world.network_interfaces.get_mut(interface) {
        match address {
            IpAddr::V4(address) => interface.private_ipv4.push(address),
            IpAddr::V6(address) => interface.ipv6.push(address),
        }
    }
}
