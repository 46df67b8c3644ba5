//! Network ACLs and their entries.

use serde_json::{Value, json};

use super::Resource;
use super::resource::{filled, tags};
use crate::import::items::Items;

pub(super) fn entry(values: &Value, is_egress: bool, number: &Value, action: &Value) -> Value {
    let protocol = match values["protocol"].as_str().unwrap_or_default() {
        "all" => json!("-1"),
        other => json!(other),
    };
    let ports = values["from_port"]
        .is_number()
        .then(|| json!({ "From": values["from_port"], "To": values["to_port"] }));
    json!({
        "RuleNumber": number,
        "RuleAction": action,
        "Egress": is_egress,
        "Protocol": protocol,
        "CidrBlock": filled(&values["cidr_block"]),
        "Ipv6CidrBlock": filled(&values["ipv6_cidr_block"]),
        "PortRange": ports,
        "IcmpTypeCode": { "Type": values["icmp_type"].as_i64().unwrap_or(-1), "Code": values["icmp_code"].as_i64().unwrap_or(-1) },
    })
}

pub(super) fn acl(resource: &Resource, items: &mut Items) {
    let values = &resource.values;
    let is_default = resource.kind == "aws_default_network_acl";
    let mut entries = Vec::new();
    for (key, is_egress) in [("ingress", false), ("egress", true)] {
        for block in values[key].as_array().into_iter().flatten() {
            entries.push(entry(block, is_egress, &block["rule_no"], &block["action"]));
        }
    }
    let subnets = values["subnet_ids"].as_array().into_iter().flatten();
    let associations = subnets.map(|id| json!({ "SubnetId": id })).collect::<Vec<_>>();
    if is_default
        && let Some(own) = items.under("NetworkAcls").find(|it| {
            it["NetworkAclId"] == values["default_network_acl_id"] || it["NetworkAclId"] == values["id"]
        })
    {
        own["Entries"] = Value::Array(entries);
        own["Associations"] = Value::Array(associations);
        own["Tags"] = tags(resource);
        return;
    }
    items.add(
        "NetworkAcls",
        resource.place.clone(),
        json!({
            "NetworkAclId": values["id"],
            "VpcId": values["vpc_id"],
            "IsDefault": is_default,
            "Entries": entries,
            "Associations": associations,
            "Tags": tags(resource),
        }),
    );
}
