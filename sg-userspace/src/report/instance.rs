//! Instances.

use comfy_table::Table;
use serde::Serialize;

use crate::aws::instance::{Instance, InstanceState};
use crate::aws::world::World;

use super::interface::InterfaceView;

/// An instance with its interfaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InstanceView {
    /// `i-…`, the name of its network namespace.
    pub id: String,
    /// Host name.
    pub name: String,
    /// Whether it runs.
    pub state: InstanceState,
    /// Its type, if it was given one.
    pub instance_type: Option<String>,
    /// VPC of the primary interface.
    pub vpc_id: String,
    /// Interfaces by device index.
    pub interfaces: Vec<InterfaceView>,
}

impl InstanceView {
    /// The view of an instance.
    pub fn new(world: &World, instance: &Instance) -> Self {
        let interfaces = world.interfaces_of(&instance.id);
        Self {
            id: instance.id.to_string(),
            name: instance.name.clone(),
            state: instance.state,
            instance_type: instance.instance_type.as_ref().map(ToString::to_string),
            vpc_id: instance.vpc_id.to_string(),
            interfaces: interfaces
                .into_iter()
                .map(|interface| InterfaceView::new(world, interface))
                .collect(),
        }
    }
}

/// Instances as a table.
pub fn table(instances: &[InstanceView]) -> Table {
    let mut table = super::table(&["INSTANCE", "NAME", "STATE", "IPV4", "IPV6", "GROUPS"]);
    for instance in instances {
        let interfaces = &instance.interfaces;
        table.add_row([
            instance.id.clone(),
            instance.name.clone(),
            match instance.state {
                InstanceState::Running => "running",
                InstanceState::Stopped => "stopped",
                InstanceState::Terminated { .. } => "terminated",
            }
            .to_owned(),
            super::list(interfaces.iter().flat_map(|interface| &interface.private_ipv4)),
            super::list(interfaces.iter().flat_map(|interface| &interface.ipv6)),
            super::list(interfaces.iter().flat_map(|i| i.groups.iter().map(|group| &group.name))),
        ]);
    }
    table
}
