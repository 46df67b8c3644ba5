//! Changes of a world, as data. They are not commands: nothing is validated, and what they name but does not exist is
//! left alone, so that a shortened scenario still runs.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::aws::flow_log::FlowLog;
use crate::aws::ids::{
    FlowLogId, InstanceId, NetworkAclId, NetworkInterfaceId, PrefixListId, SecurityGroupId, SubnetId, VpcId,
    VpcPeeringConnectionId,
};
use crate::aws::interface::{ConnectionTracking, NetworkInterface};
use crate::aws::network_acl::NetworkAclEntry;
use crate::aws::peering::PeeringStatus;
use crate::aws::prefix_list::PrefixListEntry;
use crate::aws::rule::{Direction, SecurityGroupRule};
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
    /// Changes an interface's idle timeouts (C-21).
    SetConnectionTracking {
        /// The interface.
        interface: NetworkInterfaceId,
        /// Its timeouts from now on.
        timers: ConnectionTracking,
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
    /// Puts another network ACL at the border of a subnet (N-02).
    SetNetworkAcl {
        /// The subnet.
        subnet: SubnetId,
        /// Its ACL from now on.
        acl: NetworkAclId,
    },
    /// Adds an entry to a network ACL, in place of one with its number.
    PutAclEntry {
        /// The ACL.
        acl: NetworkAclId,
        /// The entry.
        entry: NetworkAclEntry,
    },
    /// Removes an entry of a network ACL.
    RemoveAclEntry {
        /// The ACL.
        acl: NetworkAclId,
        /// The entry's direction.
        direction: Direction,
        /// The entry's number.
        rule_number: u16,
    },
    /// Lets a peering come into force, or ends it (E-13).
    SetPeeringStatus {
        /// The peering.
        peering: VpcPeeringConnectionId,
        /// How far it has come.
        status: PeeringStatus,
    },
    /// Gives a prefix list a new version.
    SetPrefixList {
        /// The list.
        list: PrefixListId,
        /// The new version's blocks.
        blocks: Vec<IpNet>,
    },
    /// Changes how many connections an instance may track (C-26).
    SetConnectionAllowance {
        /// The instance.
        instance: InstanceId,
        /// So many.
        connections: u32,
    },
    /// Changes what the way between a VPC and the internet carries (C-17).
    SetInternetMtu {
        /// The VPC.
        vpc: VpcId,
        /// Bytes from the IP header on.
        bytes: u16,
    },
    /// Adds a flow log, in place of one with its id.
    PutFlowLog(Box<FlowLog>),
    /// Deletes a flow log.
    RemoveFlowLog {
        /// The flow log.
        flow_log: FlowLogId,
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
            Self::SetConnectionTracking { interface, timers } => {
                if let Some(interface) = world.network_interfaces.get_mut(interface) {
                    interface.connection_tracking = *timers;
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
                // In a shortened scenario the slot may still be another's, which no world has.
                if world.network_interfaces.values().any(|other| other.slot == interface.slot) {
                    return;
                }
                world.last_number = world.last_number.max(interface.number);
                world.network_interfaces.insert(interface.id.clone(), (**interface).clone());
            }
            Self::DeleteInterface { interface } => {
                world.network_interfaces.remove(interface);
            }
            Self::SetNetworkAcl { subnet, acl } => {
                if let Some(subnet) = world.subnets.get_mut(subnet)
                    && world.network_acls.contains_key(acl)
                {
                    subnet.network_acl_id = acl.clone();
                }
            }
            Self::PutAclEntry { acl, entry } => {
                remove_entry(world, acl, entry.direction, entry.rule_number);
                if let Some(acl) = world.network_acls.get_mut(acl) {
                    acl.entries.push(entry.clone());
                    acl.entries.sort_by_key(|entry| (entry.direction, entry.rule_number));
                }
            }
            Self::RemoveAclEntry { acl, direction, rule_number } => {
                remove_entry(world, acl, *direction, *rule_number);
            }
            Self::SetPeeringStatus { peering, status } => {
                if let Some(peering) = world.vpc_peering_connections.get_mut(peering) {
                    peering.status = *status;
                }
            }
            Self::SetPrefixList { list, blocks } => {
                if let Some(list) = world.prefix_lists.get_mut(list) {
                    let entry = |cidr: &IpNet| PrefixListEntry { cidr: *cidr, description: None };
                    list.versions.insert(list.version() + 1, blocks.iter().map(entry).collect());
                }
            }
            Self::SetConnectionAllowance { instance, connections } => {
                if let Some(instance) = world.instances.get_mut(instance) {
                    instance.connection_allowance = *connections;
                }
            }
            Self::SetInternetMtu { vpc, bytes } => {
                if let Some(vpc) = world.vpcs.get_mut(vpc) {
                    vpc.internet_mtu = *bytes;
                }
            }
            Self::PutFlowLog(log) => {
                world.flow_logs.insert(log.id.clone(), (**log).clone());
            }
            Self::RemoveFlowLog { flow_log } => {
                world.flow_logs.remove(flow_log);
            }
            Self::SetWorld(new) => world.clone_from(new),
        }
    }
}

fn remove_entry(world: &mut World, acl: &NetworkAclId, direction: Direction, rule_number: u16) {
    if let Some(acl) = world.network_acls.get_mut(acl) {
        acl.entries.retain(|entry| (entry.direction, entry.rule_number) != (direction, rule_number));
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
