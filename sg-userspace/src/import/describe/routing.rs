//! Internet gateways and route tables. They decide nothing here, and are kept and shown.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Context, Pages};
use crate::aws::ids::{RouteTableAssociationId, RouteTableId, VpcId};
use crate::aws::internet_gateway::InternetGateway;
use crate::aws::route_table::{RouteTable, RouteTableAssociation, RouteTarget};
use crate::command::adopt::Existing;
use crate::import::digest;
use crate::import::error::ImportError;
use crate::import::node::Node;

/// Whether an attachment or association is there, or about to be.
fn is_there(state: Option<&str>) -> bool {
    state.is_none_or(|state| {
        ["available", "attached", "attaching", "associated", "associating"].contains(&state)
    })
}

pub(super) fn read_gateways(pages: &Pages<'_>, context: &mut Context<'_>) -> Result<(), ImportError> {
    for item in pages.get("InternetGateways") {
        let mut vpc_id: Option<VpcId> = None;
        for attachment in item.list("Attachments")? {
            if is_there(attachment.text("State")?.as_deref()) {
                vpc_id = Some(attachment.required_parsed("VpcId")?);
            }
        }
        let id = item.required("InternetGatewayId")?;
        let region = match vpc_id.as_ref().and_then(|vpc_id| context.regions.get(vpc_id)) {
            Some(region) => region.clone(),
            None => context.only_region(&id.as_text()?),
        };
        let gateway = InternetGateway { id: id.as_parsed()?, number: 0, region, vpc_id, tags: item.tags()? };
        context.draft.add(item.place(), Existing::InternetGateway(gateway));
    }
    Ok(())
}

pub(super) fn read_tables(pages: &Pages<'_>, context: &mut Context<'_>) -> Result<(), ImportError> {
    for item in pages.get("RouteTables") {
        let id: RouteTableId = item.required_parsed("RouteTableId")?;
        let mut table = RouteTable {
            number: 0,
            vpc_id: item.required_parsed("VpcId")?,
            associations: Vec::new(),
            routes: Default::default(),
            tags: item.tags()?,
            id,
        };
        for of_table in item.list("Associations")? {
            let state = of_table.get("AssociationState").map(|state| state.text("State")).transpose()?;
            if !is_there(state.flatten().as_deref()) {
                continue;
            }
            let subnet_id = of_table.parsed("SubnetId")?;
            if subnet_id.is_none() && !of_table.flag("Main")?.unwrap_or_default() {
                let what = format!("an association of route table {}", table.id);
                leave(context, what, &of_table, "it is of a gateway");
                continue;
            }
            if subnet_id.as_ref().is_some_and(|id| context.left_subnets.contains(id)) {
                continue;
            }
            let name =
                format!("{} {}", table.id, subnet_id.as_ref().map(ToString::to_string).unwrap_or_default());
            let id = of_table.parsed("RouteTableAssociationId")?;
            let id = id.unwrap_or_else(|| RouteTableAssociationId::mint(digest(&name), 0));
            table.associations.push(RouteTableAssociation { id, subnet_id });
        }
        for route in item.list("Routes")? {
            if route.text("GatewayId")?.as_deref() == Some("local") {
                continue;
            }
            let what = || format!("a route of route table {}", table.id);
            match (destination(&route)?, target(&route)?) {
                (Some(destination), Some(target)) => {
                    if table.routes.insert(destination, target).is_some() {
                        return Err(route.error(format!("a second route for {destination}")));
                    }
                }
                (None, _) => leave(context, what(), &route, "its destination is a prefix list"),
                (_, None) => leave(context, what(), &route, "there is nothing of the kind that it leads to"),
            }
        }
        context.draft.add(item.place(), Existing::RouteTable(table));
    }
    Ok(())
}

fn leave(context: &mut Context<'_>, what: String, item: &Node<'_>, reason: &str) {
    context.draft.report.leave(what, item.place(), reason, "it is not shown; routes decide nothing here");
}

fn destination(route: &Node<'_>) -> Result<Option<IpNet>, ImportError> {
    let ipv4 = route.network::<Ipv4Net>("DestinationCidrBlock")?.map(IpNet::V4);
    let ipv6 = route.network::<Ipv6Net>("DestinationIpv6CidrBlock")?.map(IpNet::V6);
    Ok(ipv4.or(ipv6).map(|net| net.trunc()))
}

fn target(route: &Node<'_>) -> Result<Option<RouteTarget>, ImportError> {
    if let Some(id) = route.parsed("VpcPeeringConnectionId")? {
        return Ok(Some(RouteTarget::VpcPeeringConnection(id)));
    }
    match route.get("GatewayId") {
        Some(gateway) if gateway.as_text()?.starts_with("igw-") => {
            Ok(Some(RouteTarget::InternetGateway(gateway.as_parsed()?)))
        }
        _ => Ok(None),
    }
}
