//! What a lab file does not say and every VPC of a lab has: an internet gateway, and routes to it and over the peerings that
//! are active, in the main route table. So AWS's calls show what packets do.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::aws::ids::{RouteTableId, VpcId};
use crate::aws::peering::PeeringStatus;
use crate::aws::route_table::RouteTarget;
use crate::aws::vpc::Vpc;
use crate::command::Reply;
use crate::command::internet_gateway::{AttachInternetGateway, CreateInternetGateway};
use crate::command::route::CreateRoute;
use crate::lab::file::VpcFile;
use crate::lab::file::position::{At, LabError};

use super::{Place, Planner, named};

/// Gives the file's VPCs their gateways and routes.
pub(super) fn create(planner: &mut Planner, vpcs: &[(&At<String>, &VpcFile, VpcId)]) -> Result<(), LabError> {
    for (name, _, vpc_id) in vpcs {
        let place = Place::of(name, format!("vpcs.{}", name.value));
        let Some(vpc) = planner.world.vpcs.get(vpc_id) else { continue };
        let Some(main) = planner.world.main_route_table_of(vpc_id) else { continue };
        let (table, has_ipv6) = (main.id.clone(), !vpc.cidr_ipv6.is_empty());
        let command = CreateInternetGateway { region: vpc.region.clone(), tags: named(&name.value) };
        let Reply::InternetGateway(gateway) = planner.apply(&place, command)? else { continue };
        let attach = AttachInternetGateway { internet_gateway_id: gateway.clone(), vpc_id: vpc_id.clone() };
        planner.apply(&place, attach)?;
        let everything = [Some(IpNet::V4(Ipv4Net::default())), has_ipv6.then(|| Ipv6Net::default().into())];
        for destination in everything.into_iter().flatten() {
            let target = RouteTarget::InternetGateway(gateway.clone());
            add(planner, &place, &table, destination, target)?;
        }
        for (target, destination) in over_peerings(planner, vpc_id) {
            add(planner, &place, &table, destination, target)?;
        }
    }
    Ok(())
}

fn add(
    planner: &mut Planner,
    place: &Place,
    table: &RouteTableId,
    destination: IpNet,
    target: RouteTarget,
) -> Result<(), LabError> {
    planner.apply(place, CreateRoute { route_table_id: table.clone(), destination, target })?;
    Ok(())
}

/// The blocks of a VPC's active peers, which do not overlap, each with its peering.
fn over_peerings(planner: &Planner, vpc_id: &VpcId) -> Vec<(RouteTarget, IpNet)> {
    let world = &planner.world;
    let peerings = world.vpc_peering_connections.values();
    let active = peerings.filter(|peering| peering.status == PeeringStatus::Active);
    let ends = active.filter_map(|peering| Some((&peering.id, world.vpcs.get(peering.other_end(vpc_id)?)?)));
    let routes = ends.flat_map(|(id, vpc)| {
        Vpc::blocks(vpc).map(|block| (RouteTarget::VpcPeeringConnection(id.clone()), block))
    });
    routes.collect()
}
