//! The peerings of a lab file. They are brought to their status before the rules that refer over them are made, and those
//! that the file calls deleted are deleted after everything else.

use crate::aws::peering::PeeringStatus;
use crate::command::Reply;
use crate::command::peering::{
    AcceptVpcPeeringConnection, CreateVpcPeeringConnection, DeleteVpcPeeringConnection,
    RejectVpcPeeringConnection,
};
use crate::lab::file::peering::{PeeringFile, WantedStatus};
use crate::lab::file::position::{At, LabError, Named};

use super::{Place, Planner, named};

/// Makes the file's peerings.
pub(super) fn open(planner: &mut Planner, files: &Named<PeeringFile>) -> Result<(), LabError> {
    for (name, file) in &files.0 {
        let place = place_of(name);
        let command = CreateVpcPeeringConnection {
            requester_vpc_id: planner.vpc_named(&place, &file.requester)?,
            accepter_vpc_id: planner.vpc_named(&place, &file.accepter)?,
            tags: named(&name.value),
        };
        let Reply::VpcPeeringConnection { id, status } = planner.apply(&place, command)? else { continue };
        if status == PeeringStatus::Failed {
            return Err(place.error(format!(
                "the CIDR blocks of VPCs {} and {} overlap, so a peering of them fails; give one of them other blocks",
                file.requester.value, file.accepter.value
            )));
        }
        planner.lab.vpc_peering_connections.insert(name.value.clone(), id.clone());
        let vpc_peering_connection_id = id;
        match file.status {
            WantedStatus::PendingAcceptance => {}
            WantedStatus::Active | WantedStatus::Deleted => {
                planner.apply(&place, AcceptVpcPeeringConnection { vpc_peering_connection_id })?;
            }
            WantedStatus::Rejected => {
                planner.apply(&place, RejectVpcPeeringConnection { vpc_peering_connection_id })?;
            }
        }
    }
    Ok(())
}

/// Deletes the peerings that the file calls deleted.
pub(super) fn close(planner: &mut Planner, files: &Named<PeeringFile>) -> Result<(), LabError> {
    for (name, _) in files.0.iter().filter(|(_, file)| file.status == WantedStatus::Deleted) {
        if let Some(id) = planner.lab.vpc_peering_connections.get(&name.value).cloned() {
            let command = DeleteVpcPeeringConnection { vpc_peering_connection_id: id };
            planner.apply(&place_of(name), command)?;
        }
    }
    Ok(())
}

fn place_of(name: &At<String>) -> Place {
    Place::of(name, format!("peerings.{}", name.value))
}
