//! Internet gateways, route tables and their routes.

use serde_json::{Value, json};

use super::resource::{Parent, Resource, push};
use crate::import::draft::Report;
use crate::import::error::ImportError;
use crate::import::items::Items;

const GATEWAY: Parent = Parent("InternetGateways", "InternetGatewayId", "internet gateway");
const TABLE: Parent = Parent("RouteTables", "RouteTableId", "route table");

pub(super) fn gateway(resource: &Resource<'_>, items: &mut Items) -> Result<(), ImportError> {
    let item = json!({ "InternetGatewayId": resource.id, "Tags": resource.tags() });
    items.add("InternetGateways", resource.place.clone(), item);
    Ok(())
}

pub(super) fn attachment(
    resource: &Resource<'_>,
    items: &mut Items,
    report: &mut Report,
) -> Result<(), ImportError> {
    if resource.text("InternetGatewayId").is_none() {
        let what = format!("{} (AWS::EC2::VPCGatewayAttachment)", resource.name);
        let reason = "it is of a VPN gateway, and there are none here";
        report.leave(what, resource.place.clone(), reason, "no way leads through it");
        return Ok(());
    }
    push(resource, items, GATEWAY, "Attachments", json!({ "VpcId": resource.get("VpcId") }))
}

pub(super) fn table(resource: &Resource<'_>, items: &mut Items) -> Result<(), ImportError> {
    let item =
        json!({ "RouteTableId": resource.id, "VpcId": resource.get("VpcId"), "Tags": resource.tags() });
    items.add("RouteTables", resource.place.clone(), item);
    Ok(())
}

/// AWS's names for its properties are those of its description.
pub(super) fn route(resource: &Resource<'_>, items: &mut Items) -> Result<(), ImportError> {
    push(resource, items, TABLE, "Routes", Value::Object(resource.properties.clone()))
}

pub(super) fn association(resource: &Resource<'_>, items: &mut Items) -> Result<(), ImportError> {
    push(resource, items, TABLE, "Associations", json!({ "SubnetId": resource.get("SubnetId") }))
}
