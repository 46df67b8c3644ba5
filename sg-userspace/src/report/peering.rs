//! Peerings.

use comfy_table::Table;
use serde::Serialize;

use crate::aws::ids::VpcId;
use crate::aws::peering::{PeeringStatus, VpcPeeringConnection};
use crate::aws::world::World;

/// One end of a peering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeeringEnd {
    /// The VPC, which may be gone.
    pub vpc_id: String,
    /// Its `Name` tag.
    pub vpc_name: Option<String>,
}

impl PeeringEnd {
    fn new(world: &World, vpc_id: &VpcId) -> Self {
        let vpc_name = world.vpcs.get(vpc_id).and_then(|vpc| vpc.tags.get("Name").cloned());
        Self { vpc_id: vpc_id.to_string(), vpc_name }
    }

    /// The VPC's name, or its id.
    pub fn label(&self) -> &str {
        self.vpc_name.as_ref().unwrap_or(&self.vpc_id)
    }
}

/// A peering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeeringView {
    /// `pcx-…`.
    pub id: String,
    /// Its `Name` tag.
    pub name: Option<String>,
    /// Who asked.
    pub requester: PeeringEnd,
    /// Who was asked.
    pub accepter: PeeringEnd,
    /// AWS's status code.
    pub status: PeeringStatus,
}

impl PeeringView {
    /// The view of a peering.
    pub fn new(world: &World, peering: &VpcPeeringConnection) -> Self {
        Self {
            id: peering.id.to_string(),
            name: peering.tags.get("Name").cloned(),
            requester: PeeringEnd::new(world, &peering.requester_vpc_id),
            accepter: PeeringEnd::new(world, &peering.accepter_vpc_id),
            status: peering.status,
        }
    }

    /// The peering in words.
    pub fn text(&self) -> String {
        format!("{} ({} with {}) is {}", self.id, self.requester.label(), self.accepter.label(), self.status)
    }
}

/// Peerings as a table.
pub fn table(peerings: &[PeeringView]) -> Table {
    let mut table = super::table(&["PEERING", "NAME", "REQUESTER", "ACCEPTER", "STATUS"]);
    for peering in peerings {
        table.add_row([
            peering.id.as_str(),
            peering.name.as_deref().unwrap_or("-"),
            peering.requester.label(),
            peering.accepter.label(),
            &peering.status.to_string(),
        ]);
    }
    table
}
