//! Routes of route tables: to an internet gateway or a peering. Local routes follow from the VPC's blocks.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::ids::RouteTableId;
use crate::aws::internet_gateway::InternetGateway;
use crate::aws::peering::{PeeringStatus, VpcPeeringConnection};
use crate::aws::route_table::{RouteTable, RouteTarget};
use crate::aws::vpc::Vpc;

use super::Reply;
use super::edit::Edit;
use super::route_table::other_network;

/// The most routes of one family in a table, local ones aside. AWS's quota is adjustable; this one keeps answers bounded.
const MAX_ROUTES: usize = 500;

/// Adds a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateRoute {
    /// The table.
    pub route_table_id: RouteTableId,
    /// What it is for; host bits are dropped.
    pub destination: IpNet,
    /// Where it leads.
    pub target: RouteTarget,
}

impl CreateRoute {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { route_table_id, destination, target } = self;
        let destination = destination.trunc();
        let table: &RouteTable = edit.get(&route_table_id)?;
        if local(edit, table)?.any(|block| block == destination) || table.routes.contains_key(&destination) {
            return Err(AwsError::new(
                "RouteAlreadyExists",
                format!("The route identified by {destination} already exists."),
            ));
        }
        if let Some(block) = local(edit, table)?.find(|block| block.contains(&destination)) {
            return Err(AwsError::invalid_value(format!(
                "The destination CIDR block {destination} is equal to or more specific than one of this VPC's CIDR blocks ({block}). This route can target only an interface or an instance."
            )));
        }
        let is_ipv4 = matches!(destination, IpNet::V4(_));
        let count = table.routes.keys().filter(|other| matches!(other, IpNet::V4(_)) == is_ipv4).count();
        if count >= MAX_ROUTES {
            return Err(AwsError::new(
                "RouteLimitExceeded",
                format!("The maximum number of routes ({MAX_ROUTES}) has been reached."),
            ));
        }
        check_target(edit, table, &target)?;
        edit.get_mut::<RouteTable>(&route_table_id)?.routes.insert(destination, target);
        Ok(Reply::Done)
    }
}

/// Changes where a route leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplaceRoute {
    /// The table.
    pub route_table_id: RouteTableId,
    /// What the route is for; host bits are dropped.
    pub destination: IpNet,
    /// Where it is to lead.
    pub target: RouteTarget,
}

impl ReplaceRoute {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { route_table_id, destination, target } = self;
        let destination = destination.trunc();
        let table: &RouteTable = edit.get(&route_table_id)?;
        if !table.routes.contains_key(&destination) {
            return Err(AwsError::invalid_value(format!(
                "There is no route defined for '{destination}' in the route table. Use CreateRoute instead."
            )));
        }
        check_target(edit, table, &target)?;
        edit.get_mut::<RouteTable>(&route_table_id)?.routes.insert(destination, target);
        Ok(Reply::Done)
    }
}

/// Removes a route, not a local one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteRoute {
    /// The table.
    pub route_table_id: RouteTableId,
    /// What the route is for; host bits are dropped.
    pub destination: IpNet,
}

impl DeleteRoute {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { route_table_id: id, destination } = self;
        let destination = destination.trunc();
        let table: &RouteTable = edit.get(&id)?;
        if local(edit, table)?.any(|block| block == destination) {
            return Err(AwsError::invalid_value(format!(
                "cannot remove local route {destination} in route table {id}"
            )));
        }
        if !table.routes.contains_key(&destination) {
            let family = if matches!(destination, IpNet::V4(_)) { "cidr" } else { "ipv6-cidr" };
            return Err(AwsError::new(
                "InvalidRoute.NotFound",
                format!("no route with destination-{family}-block {destination} in route table {id}"),
            ));
        }
        edit.get_mut::<RouteTable>(&id)?.routes.remove(&destination);
        Ok(Reply::Done)
    }
}

/// The blocks that the table's VPC has a local route for.
fn local<'e>(edit: &'e Edit<'_>, table: &RouteTable) -> Result<impl Iterator<Item = IpNet> + 'e, AwsError> {
    Ok(edit.get::<Vpc>(&table.vpc_id)?.blocks())
}

/// A route leads to a gateway that is attached to the table's VPC, or to a peering of it that is not over. One that is
/// pending is taken, as AWS says, and leads nowhere until it is active.
fn check_target(edit: &Edit<'_>, table: &RouteTable, target: &RouteTarget) -> Result<(), AwsError> {
    match target {
        RouteTarget::InternetGateway(id) => {
            let gateway = edit.get::<InternetGateway>(id).map_err(|_| {
                AwsError::new("InvalidGatewayID.NotFound", format!("The gateway ID '{id}' does not exist"))
            })?;
            if gateway.vpc_id.as_ref() != Some(&table.vpc_id) {
                return Err(other_network(&table.id, "network gateway", id));
            }
        }
        RouteTarget::VpcPeeringConnection(id) => {
            let peering: &VpcPeeringConnection = edit.get(id)?;
            if peering.other_end(&table.vpc_id).is_none() {
                return Err(other_network(&table.id, "vpc peering connection", id));
            }
            let status = peering.status;
            if !matches!(status, PeeringStatus::PendingAcceptance | PeeringStatus::Active) {
                return Err(AwsError::new(
                    "InvalidStateTransition",
                    format!("The vpcPeeringConnection '{id}' is {status}; a route needs one that is active."),
                ));
            }
        }
    }
    Ok(())
}
