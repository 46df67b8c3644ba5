//! Route tables and their associations.

use serde_json::{Value, json};

use crate::aws::ids::RouteTableId;
use crate::aws::route_table::{RouteTable, RouteTableAssociation};
use crate::aws::world::World;
use crate::command::Reply;
use crate::command::route_table::{
    AssociateRouteTable, CreateRouteTable, DeleteRouteTable, DisassociateRouteTable,
    ReplaceRouteTableAssociation,
};

use super::{route, tag};
use crate::ec2::call::{Call, Caller, done, unexpected};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;

pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    let command =
        CreateRouteTable { vpc_id: params.required("VpcId")?, tags: params.tags_for("route-table")? };
    match call.change(command)? {
        Reply::RouteTable(id) => {
            let table = call.world.route_tables.get(&id).ok_or_else(|| id.not_found())?;
            let view = view(&call.world, call.caller, table);
            Ok(json!({ "RouteTable": view, "ClientToken": params.text("ClientToken") }))
        }
        other => Err(unexpected(&other)),
    }
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Fault> {
    let route_table_id = call.params.required("RouteTableId")?;
    call.change(DeleteRouteTable { route_table_id })?;
    done()
}

pub(super) fn associate(call: &mut Call<'_>) -> Result<Value, Fault> {
    call.only(&["RouteTableId", "SubnetId"])?;
    let route_table_id = call.params.required("RouteTableId")?;
    let subnet_id = call.params.required("SubnetId")?;
    let reply = call.change(AssociateRouteTable { route_table_id, subnet_id })?;
    associated(&reply, "AssociationId")
}

pub(super) fn replace_association(call: &mut Call<'_>) -> Result<Value, Fault> {
    let association_id = call.params.required("AssociationId")?;
    let route_table_id = call.params.required("RouteTableId")?;
    let reply = call.change(ReplaceRouteTableAssociation { association_id, route_table_id })?;
    associated(&reply, "NewAssociationId")
}

fn associated(reply: &Reply, name: &str) -> Result<Value, Fault> {
    match reply {
        Reply::RouteTableAssociation(id) => {
            Ok(json!({ name: id, "AssociationState": { "State": "associated" } }))
        }
        other => Err(unexpected(other)),
    }
}

pub(super) fn disassociate(call: &mut Call<'_>) -> Result<Value, Fault> {
    let association_id = call.params.required("AssociationId")?;
    call.change(DisassociateRouteTable { association_id })?;
    done()
}

/// Filters that AWS has. Some ask for what no route has here, and find nothing.
const FILTERS: [&str; 19] = [
    "association.gateway-id",
    "association.main",
    "association.route-table-association-id",
    "association.route-table-id",
    "association.subnet-id",
    "owner-id",
    "route-table-id",
    "route.destination-cidr-block",
    "route.destination-ipv6-cidr-block",
    "route.destination-prefix-list-id",
    "route.egress-only-internet-gateway-id",
    "route.gateway-id",
    "route.instance-id",
    "route.nat-gateway-id",
    "route.origin",
    "route.state",
    "route.transit-gateway-id",
    "route.vpc-peering-connection-id",
    "vpc-id",
];

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (params, world, caller) = (call.params, &call.world, call.caller);
    let filters = Filters::read(params, &FILTERS, true)?;
    let ids = params.parsed_list::<RouteTableId>("RouteTableIds")?;
    if let Some(id) = ids.iter().find(|id| !world.route_tables.contains_key(id)) {
        return Err(id.not_found().into());
    }
    let found = world.route_tables.values().filter(|it| ids.is_empty() || ids.contains(&it.id));
    let found = found.filter(|it| filters.pass(&it.tags, |name| values(world, caller, it, name)));
    let (tables, next) = page(params, 5..=100, found.map(|it| (it.number, it)).collect())?;
    let views = tables.into_iter().map(|table| view(world, caller, table)).collect::<Vec<_>>();
    Ok(json!({ "RouteTables": views, "NextToken": next }))
}

fn values(world: &World, caller: &Caller, table: &RouteTable, name: &str) -> Vec<String> {
    if let Some(name) = name.strip_prefix("route.") {
        return route::all(world, table).filter_map(|route| route.value(name)).collect();
    }
    let of_each = |value: fn(&RouteTableAssociation) -> Option<String>| {
        table.associations.iter().filter_map(value).collect()
    };
    match name {
        "association.gateway-id" => Vec::new(),
        "association.main" => vec![table.is_main().to_string()],
        "association.route-table-association-id" => of_each(|it| Some(it.id.to_string())),
        "association.route-table-id" => table.associations.iter().map(|_| table.id.to_string()).collect(),
        "association.subnet-id" => of_each(|it| it.subnet_id.as_ref().map(ToString::to_string)),
        "owner-id" => vec![caller.account_id.clone()],
        "vpc-id" => vec![table.vpc_id.to_string()],
        _ => vec![table.id.to_string()],
    }
}

fn view(world: &World, caller: &Caller, table: &RouteTable) -> Value {
    let associations = table.associations.iter().map(|association| {
        json!({
            "RouteTableAssociationId": association.id,
            "RouteTableId": table.id,
            "SubnetId": association.subnet_id,
            "Main": association.subnet_id.is_none(),
            "AssociationState": { "State": "associated" },
        })
    });
    json!({
        "RouteTableId": table.id,
        "VpcId": table.vpc_id,
        "OwnerId": caller.account_id,
        "Associations": associations.collect::<Vec<_>>(),
        "Routes": route::all(world, table).map(|route| route.view()).collect::<Vec<_>>(),
        "PropagatingVgws": [],
        "Tags": tag::set(&table.tags),
    })
}
