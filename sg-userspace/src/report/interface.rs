//! Network interfaces.

use comfy_table::Table;
use serde::Serialize;

use crate::aws::interface::{ConnectionTracking, NetworkInterface};
use crate::aws::world::World;

/// A group by id and name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupName {
    /// `sg-…`.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InterfaceView {
    /// `eni-…`.
    pub id: String,
    /// The instance that it is attached to.
    pub instance_id: Option<String>,
    /// That instance's name.
    pub instance_name: Option<String>,
    /// Its place there; 0 is the primary interface.
    pub device_index: Option<u8>,
    /// Its VPC.
    pub vpc_id: String,
    /// Its subnet.
    pub subnet_id: String,
    /// Ethernet address.
    pub mac: String,
    /// IPv4 addresses, the primary one first.
    pub private_ipv4: Vec<String>,
    /// IPv6 addresses.
    pub ipv6: Vec<String>,
    /// Its groups.
    pub groups: Vec<GroupName>,
    /// Whether foreign addresses are dropped.
    pub source_dest_check: bool,
    /// Idle timeouts of tracked flows.
    pub connection_tracking: ConnectionTracking,
}

impl InterfaceView {
    /// The view of an interface.
    pub fn new(world: &World, interface: &NetworkInterface) -> Self {
        let attachment = interface.attachment.as_ref();
        let instance = attachment.and_then(|attachment| world.instances.get(&attachment.instance_id));
        let groups = interface.groups.iter().map(|id| GroupName {
            id: id.to_string(),
            name: world.security_groups.get(id).map_or_else(String::new, |group| group.name.clone()),
        });
        Self {
            id: interface.id.to_string(),
            instance_id: instance.map(|instance| instance.id.to_string()),
            instance_name: instance.map(|instance| instance.name.clone()),
            device_index: attachment.map(|attachment| attachment.device_index),
            vpc_id: interface.vpc_id.to_string(),
            subnet_id: interface.subnet_id.to_string(),
            mac: interface.mac.to_string(),
            private_ipv4: interface.private_ipv4.iter().map(ToString::to_string).collect(),
            ipv6: interface.ipv6.iter().map(ToString::to_string).collect(),
            groups: groups.collect(),
            source_dest_check: interface.source_dest_check,
            connection_tracking: interface.connection_tracking,
        }
    }
}

/// An interface in as few words as say which one: its instance's name, with the device index where that is not 0.
pub fn label(world: &World, interface: &NetworkInterface) -> String {
    let attachment = interface.attachment.as_ref();
    let named = attachment.and_then(|attachment| {
        let name = &world.instances.get(&attachment.instance_id)?.name;
        Some(match attachment.device_index {
            0 => name.clone(),
            index => format!("{name}:{index}"),
        })
    });
    named.unwrap_or_else(|| interface.id.to_string())
}

/// Interfaces as a table.
pub fn table(interfaces: &[InterfaceView]) -> Table {
    let mut table = super::table(&["INTERFACE", "INSTANCE", "INDEX", "IPV4", "IPV6", "GROUPS"]);
    for interface in interfaces {
        table.add_row([
            interface.id.clone(),
            interface.instance_name.clone().unwrap_or_else(|| "-".to_owned()),
            interface.device_index.map_or_else(|| "-".to_owned(), |index| index.to_string()),
            super::list(&interface.private_ipv4),
            super::list(&interface.ipv6),
            super::list(interface.groups.iter().map(|group| &group.name)),
        ]);
    }
    table
}
