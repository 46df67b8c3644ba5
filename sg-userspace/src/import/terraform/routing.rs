//! Internet gateways, route tables and their routes.

use serde_json::{Value, json};

use super::Resource;
use super::resource::{filled, tags};
use crate::import::error::ImportError;
use crate::import::items::Items;

pub(super) fn gateway(resource: &Resource, items: &mut Items) {
    let values = &resource.values;
    let attachments = filled(&values["vpc_id"]).map(|id| json!({ "VpcId": id }));
    let item = json!({
        "InternetGatewayId": values["id"],
        "Attachments": attachments.into_iter().collect::<Vec<_>>(),
        "Tags": tags(resource),
    });
    items.add("InternetGateways", resource.place.clone(), item);
}

pub(super) fn attachment(resource: &Resource, items: &mut Items) -> Result<(), ImportError> {
    let values = &resource.values;
    let id = values["internet_gateway_id"].as_str().unwrap_or_default();
    let gateway = items.find("InternetGateways", "InternetGatewayId", id);
    let gateway =
        gateway.ok_or_else(|| resource.place.error(format!("there is no internet gateway {id}")))?;
    gateway["Attachments"] = json!([{ "VpcId": values["vpc_id"] }]);
    Ok(())
}

/// The table that a VPC was made with, where the state knows it.
pub(super) fn add_main(resource: &Resource, items: &mut Items) {
    if let Some(id) = filled(&resource.values["main_route_table_id"]) {
        let main = json!({ "Main": true });
        let item = json!({ "RouteTableId": id, "VpcId": resource.values["id"], "Associations": [main] });
        items.add("RouteTables", resource.place.clone(), item);
    }
}

pub(super) fn table(resource: &Resource, items: &mut Items) {
    let values = &resource.values;
    let routes = values["route"].as_array().into_iter().flatten();
    let routes =
        routes.map(|it| route_item(it, &it["cidr_block"], &it["ipv6_cidr_block"])).collect::<Vec<_>>();
    if resource.kind == "aws_default_route_table" {
        // It is the table that the VPC has already.
        let ids = [&values["default_route_table_id"], &values["id"]];
        let known = items.under("RouteTables").find(|it| ids.contains(&&it["RouteTableId"]));
        if let Some(table) = known {
            table["Routes"] = json!(routes);
            table["Tags"] = tags(resource);
            return;
        }
    }
    let main = (resource.kind == "aws_default_route_table").then(|| json!({ "Main": true }));
    let item = json!({
        "RouteTableId": values["id"],
        "VpcId": values["vpc_id"],
        "Routes": routes,
        "Associations": main.into_iter().collect::<Vec<_>>(),
        "Tags": tags(resource),
    });
    items.add("RouteTables", resource.place.clone(), item);
}

fn route_item(values: &Value, ipv4: &Value, ipv6: &Value) -> Value {
    json!({
        "DestinationCidrBlock": filled(ipv4),
        "DestinationIpv6CidrBlock": filled(ipv6),
        "GatewayId": filled(&values["gateway_id"]),
        "VpcPeeringConnectionId": filled(&values["vpc_peering_connection_id"]),
    })
}

fn find<'i>(resource: &Resource, items: &'i mut Items) -> Result<&'i mut Value, ImportError> {
    let id = resource.values["route_table_id"].as_str().unwrap_or_default();
    let table = items.find("RouteTables", "RouteTableId", id);
    table.ok_or_else(|| resource.place.error(format!("there is no route table {id}")))
}

fn push(table: &mut Value, list: &str, item: Value) {
    if table[list].is_null() {
        table[list] = json!([]);
    }
    table[list].as_array_mut().into_iter().for_each(|items| items.push(item.clone()));
}

pub(super) fn route(resource: &Resource, items: &mut Items) -> Result<(), ImportError> {
    let values = &resource.values;
    let own = route_item(values, &values["destination_cidr_block"], &values["destination_ipv6_cidr_block"]);
    let table = find(resource, items)?;
    // A state has the route in the table, too.
    let keys = ["DestinationCidrBlock", "DestinationIpv6CidrBlock"];
    let is_own = |it: &Value| keys.iter().all(|key| it[*key] == own[*key]);
    if !table["Routes"].as_array().is_some_and(|routes| routes.iter().any(is_own)) {
        push(table, "Routes", own);
    }
    Ok(())
}

pub(super) fn association(resource: &Resource, items: &mut Items) -> Result<(), ImportError> {
    let values = &resource.values;
    let id = filled(&values["id"]).filter(|id| id.as_str().is_some_and(|id| id.starts_with("rtbassoc-")));
    let item = json!({
        "RouteTableAssociationId": id,
        "SubnetId": filled(&values["subnet_id"]),
        "GatewayId": filled(&values["gateway_id"]),
    });
    push(find(resource, items)?, "Associations", item);
    Ok(())
}

/// Another table becomes a VPC's main one.
pub(super) fn main_association(resource: &Resource, items: &mut Items) -> Result<(), ImportError> {
    let vpc_id = &resource.values["vpc_id"];
    for table in items.under("RouteTables").filter(|it| it["VpcId"] == *vpc_id) {
        if let Some(associations) = table["Associations"].as_array_mut() {
            associations.retain(|it| it["Main"] != true);
        }
    }
    push(find(resource, items)?, "Associations", json!({ "Main": true }));
    Ok(())
}

pub(super) fn flow_log(resource: &Resource, items: &mut Items) {
    let values = &resource.values;
    let on = ["vpc_id", "subnet_id", "eni_id", "transit_gateway_id", "transit_gateway_attachment_id"];
    let options = values["destination_options"].as_array().and_then(|all| all.first()).map(|it| {
        json!({
            "FileFormat": it["file_format"],
            "HiveCompatiblePartitions": it["hive_compatible_partitions"],
            "PerHourPartition": it["per_hour_partition"],
        })
    });
    let item = json!({
        "FlowLogId": values["id"],
        "ResourceId": on.iter().find_map(|key| filled(&values[*key])),
        "TrafficType": filled(&values["traffic_type"]),
        "LogDestinationType": filled(&values["log_destination_type"]),
        "LogDestination": filled(&values["log_destination"]),
        "LogGroupName": filled(&values["log_group_name"]),
        "LogFormat": filled(&values["log_format"]),
        "MaxAggregationInterval": values["max_aggregation_interval"],
        "DeliverLogsPermissionArn": filled(&values["iam_role_arn"]),
        "DeliverCrossAccountRole": filled(&values["deliver_cross_account_role"]),
        "DestinationOptions": options,
        "Tags": tags(resource),
    });
    items.add("FlowLogs", resource.place.clone(), item);
}
