//! Instances and their interfaces.

use serde_json::{Map, Value, json};

use super::resolve::plain_text;
use super::resource::Resource;
use crate::import::error::ImportError;
use crate::import::items::{self, Items};

/// An interface's item, from the properties that interfaces and instances share.
pub(super) fn interface(
    resource: &Resource<'_>,
    items: &mut Items,
    properties: &Map<String, Value>,
    id: &str,
    tags: &Value,
) -> Result<Value, ImportError> {
    let get = |key: &str| properties.get(key).cloned().unwrap_or_default();
    let subnet_id =
        plain_text(&get("SubnetId")).ok_or_else(|| resource.place.error("there is no `SubnetId`"))?;
    let subnet = items.find("Subnets", "SubnetId", &subnet_id);
    let vpc_id = subnet.map(|subnet| subnet["VpcId"].clone()).unwrap_or_default();
    let groups = ["GroupSet", "SecurityGroupIds"].iter().find_map(|key| get(key).as_array().cloned());
    let mut groups = groups.unwrap_or_default();
    if groups.is_empty() {
        // M-13.
        let default =
            items.under("SecurityGroups").find(|it| it["GroupName"] == "default" && it["VpcId"] == vpc_id);
        groups.extend(default.map(|group| group["GroupId"].clone()));
    }
    let mut addresses = get("PrivateIpAddresses").as_array().cloned().unwrap_or_default();
    if let Some(primary) = plain_text(&get("PrivateIpAddress")) {
        addresses.insert(0, json!({ "PrivateIpAddress": primary, "Primary": true }));
    }
    Ok(json!({
        "NetworkInterfaceId": id,
        "SubnetId": subnet_id,
        "VpcId": vpc_id,
        "Description": get("Description"),
        "SourceDestCheck": get("SourceDestCheck"),
        "PrivateIpAddresses": addresses,
        "Ipv6Addresses": get("Ipv6Addresses").as_array().cloned().unwrap_or_default(),
        "Groups": groups.iter().map(|group| json!({ "GroupId": group })).collect::<Vec<_>>(),
        "HasChosenAddress": addresses.is_empty(),
        "Tags": tags,
    }))
}

fn attachment(instance_id: &str, index: &Value, deleted: bool) -> Value {
    json!({ "InstanceId": instance_id, "DeviceIndex": index, "DeleteOnTermination": deleted, "Status": "attached" })
}

pub(super) fn attach(resource: &Resource<'_>, items: &mut Items) -> Result<(), ImportError> {
    let (interface_id, instance_id) =
        (resource.required("NetworkInterfaceId")?, resource.required("InstanceId")?);
    let deleted = resource.text("DeleteOnTermination").is_none_or(|it| it == "true");
    match items.find("NetworkInterfaces", "NetworkInterfaceId", &interface_id) {
        Some(interface) => {
            interface["Attachment"] = attachment(&instance_id, &resource.get("DeviceIndex"), deleted);
            Ok(())
        }
        None => Err(resource.place.error(format!("there is no network interface {interface_id}"))),
    }
}

pub(super) fn instance(resource: &Resource<'_>, items: &mut Items) -> Result<(), ImportError> {
    let mut specifications = resource.get("NetworkInterfaces").as_array().cloned().unwrap_or_default();
    if specifications.is_empty() {
        specifications.push(Value::Object(resource.properties.clone()));
    }
    for (place_in_list, specification) in specifications.iter().enumerate() {
        let Some(properties) = specification.as_object() else { continue };
        let index = properties.get("DeviceIndex").cloned().unwrap_or_else(|| json!(place_in_list));
        if let Some(id) = properties.get("NetworkInterfaceId").and_then(plain_text) {
            match items.find("NetworkInterfaces", "NetworkInterfaceId", &id) {
                Some(interface) => interface["Attachment"] = attachment(&resource.id, &index, false),
                None => return Err(resource.place.error(format!("there is no network interface {id}"))),
            }
            continue;
        }
        let id = items::id("eni", &format!("{} {index}", resource.id));
        let mut item = interface(resource, items, properties, &id, &json!([]))?;
        item["Attachment"] = attachment(&resource.id, &index, true);
        items.add("NetworkInterfaces", resource.place.clone(), item);
    }
    let item = json!({ "InstanceId": resource.id, "InstanceType": resource.get("InstanceType"), "Tags": resource.tags() });
    items.add("Reservations", resource.place.clone(), json!({ "Instances": [item] }));
    Ok(())
}
