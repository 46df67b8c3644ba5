//! Instances and their interfaces.

use serde_json::{Value, json};

use super::Resource;
use super::resource::{filled, tags};
use crate::import::error::ImportError;
use crate::import::items::{self, Items};

/// An interface's item; without groups it gets the VPC's default one (M-13).
pub(super) fn interface(
    resource: &Resource,
    items: &mut Items,
    id: &Value,
    addresses: &Value,
    groups: &Value,
) -> Value {
    let values = &resource.values;
    let subnet = items.find("Subnets", "SubnetId", values["subnet_id"].as_str().unwrap_or_default());
    let vpc_id = subnet.map(|subnet| subnet["VpcId"].clone()).unwrap_or_default();
    let mut groups = groups.as_array().cloned().unwrap_or_default();
    if groups.is_empty() {
        let default =
            items.under("SecurityGroups").find(|it| it["GroupName"] == "default" && it["VpcId"] == vpc_id);
        groups.extend(default.map(|group| group["GroupId"].clone()));
    }
    let mut own = addresses.as_array().cloned().unwrap_or_default();
    if let Some(primary) = filled(&values["private_ip"]) {
        own.retain(|address| *address != primary);
        own.insert(0, primary);
    }
    let ipv6 = values["ipv6_addresses"].as_array().cloned().unwrap_or_default();
    json!({
        "NetworkInterfaceId": id,
        "SubnetId": values["subnet_id"],
        "VpcId": vpc_id,
        "MacAddress": filled(&values["mac_address"]),
        "Description": values["description"],
        "SourceDestCheck": values["source_dest_check"],
        "PrivateIpAddresses": own.iter().enumerate().map(|(index, it)| json!({ "PrivateIpAddress": it, "Primary": index == 0 })).collect::<Vec<_>>(),
        "Ipv6Addresses": ipv6.iter().map(|it| json!({ "Ipv6Address": it })).collect::<Vec<_>>(),
        "Groups": groups.iter().map(|group| json!({ "GroupId": group })).collect::<Vec<_>>(),
        "HasChosenAddress": own.is_empty(),
    })
}

pub(super) fn attach(
    items: &mut Items,
    resource: &Resource,
    interface_id: &Value,
    instance_id: &Value,
    index: &Value,
    attachment_id: &Value,
) -> Result<(), ImportError> {
    let id = interface_id.as_str().unwrap_or_default();
    let interface = items.find("NetworkInterfaces", "NetworkInterfaceId", id);
    let interface =
        interface.ok_or_else(|| resource.place.error(format!("there is no network interface {id}")))?;
    let id = filled(attachment_id).filter(|id| id.as_str().is_some_and(|id| id.starts_with("eni-attach-")));
    interface["Attachment"] =
        json!({ "AttachmentId": id, "InstanceId": instance_id, "DeviceIndex": index, "Status": "attached" });
    Ok(())
}

pub(super) fn instance(resource: &Resource, items: &mut Items) -> Result<(), ImportError> {
    let values = &resource.values;
    let mut has_primary = false;
    for block in values["network_interface"].as_array().into_iter().flatten() {
        has_primary |= block["device_index"] == 0;
        let none = Value::Null;
        attach(
            items,
            resource,
            &block["network_interface_id"],
            &values["id"],
            &block["device_index"],
            &none,
        )?;
    }
    let primary = filled(&values["primary_network_interface_id"]);
    let is_known = primary.as_ref().is_some_and(|id| {
        items.find("NetworkInterfaces", "NetworkInterfaceId", id.as_str().unwrap_or_default()).is_some()
    });
    if !has_primary && !is_known {
        let id = primary.unwrap_or_else(|| json!(items::id("eni", &format!("{}/0", resource.address))));
        let secondary = &values["secondary_private_ips"];
        let mut item = interface(resource, items, &id, secondary, &values["vpc_security_group_ids"]);
        let chosen = filled(&values["private_ip"]).is_none()
            && item["PrivateIpAddresses"].as_array().is_none_or(Vec::is_empty);
        item["HasChosenAddress"] = json!(chosen);
        item["Attachment"] = json!({ "InstanceId": values["id"], "DeviceIndex": 0, "DeleteOnTermination": true, "Status": "attached" });
        items.add("NetworkInterfaces", resource.place.clone(), item);
    }
    let state = filled(&values["instance_state"]).unwrap_or_else(|| json!("running"));
    let item = json!({
        "InstanceId": values["id"],
        "InstanceType": filled(&values["instance_type"]),
        "State": { "Name": state },
        "Tags": tags(resource),
    });
    items.add("Reservations", resource.place.clone(), json!({ "Instances": [item] }));
    Ok(())
}
