//! Rules of groups, of which Terraform has three forms: within the group, `aws_security_group_rule`, and one resource a rule.

use serde_json::{Value, json};

use super::Resource;
use crate::import::error::Place;
use crate::import::items::Items;

fn texts(value: &Value) -> Vec<Value> {
    value.as_array().into_iter().flatten().filter(|it| it.is_string()).cloned().collect()
}

/// What every form says of protocol and ports. `-1` and `all` have none.
fn base(group_id: &Value, is_egress: bool, protocol: &Value, from: &Value, to: &Value) -> Value {
    let protocol = match protocol {
        Value::String(text) if text == "all" => "-1".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let all = protocol == "-1";
    let port = |port: &Value| if all { json!(-1) } else { port.clone() };
    json!({
        "GroupId": group_id,
        "IsEgress": is_egress,
        "IpProtocol": protocol,
        "FromPort": port(from),
        "ToPort": port(to),
    })
}

fn with(base: &Value, key: &str, value: Value) -> Value {
    let mut rule = base.clone();
    rule[key] = value;
    rule
}

/// A group that a rule names, with the account in front where it is another's.
fn referenced(text: &Value) -> Value {
    let text = text.as_str().unwrap_or_default();
    match text.split_once('/') {
        Some((account, id)) => json!({ "GroupId": id, "UserId": account, "VpcId": null }),
        None => json!({ "GroupId": text }),
    }
}

/// Rules of one permission: a rule for each peer.
fn add_each(
    items: &mut Items,
    place: &Place,
    base: &Value,
    values: &Value,
    own: &Value,
    groups: &[Value],
    id: Option<&Value>,
) {
    let base = with(base, "Description", values["description"].clone());
    let mut rules = Vec::new();
    rules.extend(texts(&values["cidr_blocks"]).into_iter().map(|it| with(&base, "CidrIpv4", it)));
    rules.extend(texts(&values["ipv6_cidr_blocks"]).into_iter().map(|it| with(&base, "CidrIpv6", it)));
    rules.extend(texts(&values["prefix_list_ids"]).into_iter().map(|it| with(&base, "PrefixListId", it)));
    rules.extend(groups.iter().map(|it| with(&base, "ReferencedGroupInfo", referenced(it))));
    if values["self"] == true {
        rules.push(with(&base, "ReferencedGroupInfo", referenced(own)));
    }
    let only = rules.len() == 1;
    for rule in rules {
        let id = id.filter(|_| only).cloned().unwrap_or_default();
        items.add_rule(place.clone(), with(&rule, "SecurityGroupRuleId", id));
    }
}

/// The rules within a group.
pub(super) fn of_group(items: &mut Items, resource: &Resource) {
    let (values, place) = (&resource.values, &resource.place);
    for (key, is_egress) in [("ingress", false), ("egress", true)] {
        for (index, block) in values[key].as_array().into_iter().flatten().enumerate() {
            let place = Place { path: format!("{}.{key}[{index}]", place.path), ..place.clone() };
            let base =
                base(&values["id"], is_egress, &block["protocol"], &block["from_port"], &block["to_port"]);
            add_each(items, &place, &base, block, &values["id"], &texts(&block["security_groups"]), None);
        }
    }
}

/// `aws_security_group_rule`.
pub(super) fn separate(items: &mut Items, resource: &Resource) {
    let values = &resource.values;
    let group_id = &values["security_group_id"];
    let is_egress = values["type"] == "egress";
    let base = base(group_id, is_egress, &values["protocol"], &values["from_port"], &values["to_port"]);
    let source = &values["source_security_group_id"];
    let groups = if source.is_string() { vec![source.clone()] } else { Vec::new() };
    let id = Some(&values["security_group_rule_id"])
        .filter(|id| id.as_str().is_some_and(|id| id.starts_with("sgr-")));
    add_each(items, &resource.place, &base, values, group_id, &groups, id);
}

/// `aws_vpc_security_group_ingress_rule` and its like.
pub(super) fn one(items: &mut Items, resource: &Resource, is_egress: bool, tags: &Value) {
    let values = &resource.values;
    let group_id = &values["security_group_id"];
    let mut rule =
        base(group_id, is_egress, &values["ip_protocol"], &values["from_port"], &values["to_port"]);
    for (theirs, ours) in [
        ("cidr_ipv4", "CidrIpv4"),
        ("cidr_ipv6", "CidrIpv6"),
        ("prefix_list_id", "PrefixListId"),
        ("description", "Description"),
    ] {
        rule[ours] = values[theirs].clone();
    }
    if values["referenced_security_group_id"].is_string() {
        rule["ReferencedGroupInfo"] = referenced(&values["referenced_security_group_id"]);
    }
    rule["SecurityGroupRuleId"] = values["id"].clone();
    rule["Tags"] = tags.clone();
    items.add_rule(resource.place.clone(), rule);
}
