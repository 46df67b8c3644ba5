//! Routes of route tables.

use ipnet::IpNet;
use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::ids::RouteTableId;
use crate::aws::route_table::{RouteState, RouteTable, RouteTarget};
use crate::aws::vpc::Vpc;
use crate::aws::world::World;
use crate::command::route::{CreateRoute, DeleteRoute, ReplaceRoute};

use crate::ec2::call::{Call, done};
use crate::ec2::fault::Fault;
use crate::ec2::params::{Params, missing};

/// Parameters that name a route and its target. Other targets, and prefix lists as destinations, are not to be had.
const SUPPORTED: [&str; 5] = [
    "RouteTableId",
    "DestinationCidrBlock",
    "DestinationIpv6CidrBlock",
    "GatewayId",
    "VpcPeeringConnectionId",
];

pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (route_table_id, destination, target) = whole(call)?;
    call.change(CreateRoute { route_table_id, destination, target })?;
    done()
}

pub(super) fn replace(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (route_table_id, destination, target) = whole(call)?;
    call.change(ReplaceRoute { route_table_id, destination, target })?;
    done()
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Fault> {
    call.only(&SUPPORTED[..3])?;
    let route_table_id = call.params.required("RouteTableId")?;
    call.change(DeleteRoute { route_table_id, destination: destination(call.params)? })?;
    done()
}

fn whole(call: &Call<'_>) -> Result<(RouteTableId, IpNet, RouteTarget), AwsError> {
    call.only(&SUPPORTED)?;
    let params = call.params;
    let destination = destination(params)?;
    let target = match (params.parsed("GatewayId")?, params.parsed("VpcPeeringConnectionId")?) {
        (Some(id), None) => RouteTarget::InternetGateway(id),
        (None, Some(id)) => RouteTarget::VpcPeeringConnection(id),
        (None, None) => return Err(missing("gatewayId or vpcPeeringConnectionId")),
        (Some(_), Some(_)) => {
            return Err(AwsError::new(
                "InvalidParameterCombination",
                "The parameter gatewayId cannot be used with the parameter vpcPeeringConnectionId",
            ));
        }
    };
    Ok((params.required("RouteTableId")?, destination, target))
}

fn destination(params: Params<'_>) -> Result<IpNet, AwsError> {
    match (params.cidr_ipv4("DestinationCidrBlock")?, params.cidr_ipv6("DestinationIpv6CidrBlock")?) {
        (Some(net), None) => Ok(net.into()),
        (None, Some(net)) => Ok(net.into()),
        (None, None) => Err(missing("destinationCidrBlock")),
        (Some(_), Some(_)) => Err(AwsError::new(
            "InvalidParameterCombination",
            "The parameter destinationCidrBlock cannot be used with the parameter destinationIpv6CidrBlock",
        )),
    }
}

/// A route as AWS shows it, a local one or another.
pub(super) struct Shown<'w> {
    destination: IpNet,
    /// None for a local route.
    target: Option<&'w RouteTarget>,
    state: RouteState,
}

/// The routes of a table, local ones first.
pub(super) fn all<'w>(world: &'w World, table: &'w RouteTable) -> impl Iterator<Item = Shown<'w>> {
    let blocks = world.vpcs.get(&table.vpc_id).into_iter().flat_map(Vpc::blocks);
    let local = blocks.map(|destination| Shown { destination, target: None, state: RouteState::Active });
    local.chain(table.routes.iter().map(|(destination, target)| Shown {
        destination: *destination,
        target: Some(target),
        state: world.route_state(&table.vpc_id, target),
    }))
}

impl Shown<'_> {
    fn gateway(&self) -> Option<String> {
        match self.target {
            None => Some("local".to_owned()),
            Some(RouteTarget::InternetGateway(id)) => Some(id.to_string()),
            Some(RouteTarget::VpcPeeringConnection(_)) => None,
        }
    }

    fn peering(&self) -> Option<String> {
        match self.target {
            Some(RouteTarget::VpcPeeringConnection(id)) => Some(id.to_string()),
            _ => None,
        }
    }

    fn origin(&self) -> &'static str {
        if self.target.is_some() { "CreateRoute" } else { "CreateRouteTable" }
    }

    fn of_family(&self, is_ipv4: bool) -> Option<String> {
        (matches!(self.destination, IpNet::V4(_)) == is_ipv4).then(|| self.destination.to_string())
    }

    /// Its value under a filter's name, without `route.`.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        match name {
            "destination-cidr-block" => self.of_family(true),
            "destination-ipv6-cidr-block" => self.of_family(false),
            "gateway-id" => self.gateway(),
            "vpc-peering-connection-id" => self.peering(),
            "origin" => Some(self.origin().to_owned()),
            "state" => Some(self.state.to_string()),
            _ => None,
        }
    }

    pub(super) fn view(&self) -> Value {
        json!({
            "DestinationCidrBlock": self.of_family(true),
            "DestinationIpv6CidrBlock": self.of_family(false),
            "GatewayId": self.gateway(),
            "VpcPeeringConnectionId": self.peering(),
            "Origin": self.origin(),
            "State": self.state.to_string(),
        })
    }
}
