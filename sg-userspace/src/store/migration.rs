//! Stores of earlier schemas, brought forward a version at a time.
//!
//! A step knows keys and JSON, never today's types: those go on changing, and what a step makes is what the version after
//! it wrote. A step that has been released is not changed any more; the next one mends it.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde_json::{Map, Value, json};

use crate::aws::ids::{NetworkAclAssociationId, NetworkAclId};

use super::{SCHEMA_VERSION, StoreError};

/// Every key of a store with its value.
pub(super) type Entries = BTreeMap<String, Value>;

type Step = fn(&mut Entries) -> Result<(), StoreError>;

/// The step at index n leads from version n + 1 to the next one.
const STEPS: [Step; SCHEMA_VERSION as usize - 1] = [to_2, to_3];

const SETTINGS: &str = "world/settings";

/// Brings the entries of a store of an earlier version to today's.
///
/// # Errors
/// Where a value is not what that version wrote.
pub(super) fn migrate(found: u32, entries: &mut Entries) -> Result<(), StoreError> {
    STEPS.iter().skip(found.saturating_sub(1) as usize).try_for_each(|step| step(entries))
}

/// Network ACLs, group associations, the internet's MTU and connection allowances came: every VPC has its default ACL, which
/// lets everything through (N-05), and every subnet is behind it.
fn to_2(entries: &mut Entries) -> Result<(), StoreError> {
    let seed = number(entries, SETTINGS, "seed")?;
    let mut last_number = number(entries, SETTINGS, "last_number")?;
    let mut acls = BTreeMap::new();
    let mut made = Entries::new();
    for (key, vpc) in objects(entries, "vpc")? {
        last_number += 1;
        let id = NetworkAclId::mint(seed, u32::try_from(last_number).unwrap_or(u32::MAX)).to_string();
        let has_ipv6 =
            vpc.get("cidr_ipv6").and_then(Value::as_array).is_some_and(|blocks| !blocks.is_empty());
        let families = [(100, "0.0.0.0/0"), (101, "::/0")].into_iter().take(1 + usize::from(has_ipv6));
        let allow = |direction: &str| {
            let entry = |(rule_number, cidr)| {
                json!({
                    "rule_number": rule_number, "direction": direction, "protocol": "All", "cidr": cidr,
                    "ports": { "from_port": -1, "to_port": -1 }, "action": "allow",
                })
            };
            families.clone().map(entry).collect::<Vec<_>>()
        };
        let both_ways = [allow("inbound"), allow("outbound")].concat();
        let acl = json!({
            "id": id, "number": last_number, "vpc_id": vpc.get("id"), "is_default": true, "entries": both_ways,
            "tags": {},
        });
        made.insert(format!("world/network-acl/{id}"), acl);
        acls.insert(id_of(key, vpc, "id")?, id);
        fill(vpc, "internet_mtu", 1500);
    }
    for (key, subnet) in objects(entries, "subnet")? {
        let number = subnet.get("number").and_then(Value::as_u64).unwrap_or_default();
        let association = NetworkAclAssociationId::mint(seed, u32::try_from(number).unwrap_or(u32::MAX));
        let acl =
            acls.get(&id_of(key, subnet, "vpc_id")?).ok_or_else(|| unlike(key, "its VPC is not there"))?;
        fill(subnet, "network_acl_id", acl.as_str());
        fill(subnet, "network_acl_association_id", association.as_str());
    }
    for (_, group) in objects(entries, "security-group")? {
        fill(group, "associated_vpcs", json!([]));
    }
    for (_, instance) in objects(entries, "instance")? {
        fill(instance, "connection_allowance", 136_812);
    }
    if let Some(lab) = lab(entries)? {
        let vpcs = lab.get("vpcs").and_then(Value::as_object).into_iter().flatten();
        let named = vpcs.filter_map(|(name, id)| {
            Some((format!("{name}.default"), acls.get(id.as_str()?)?.as_str().into()))
        });
        let named = named.collect::<Map<_, _>>();
        fill(lab, "network_acls", named);
    }
    entries.extend(made);
    if let Some(settings) = entries.get_mut(SETTINGS) {
        object(SETTINGS, settings)?.insert("last_number".to_owned(), last_number.into());
    }
    Ok(())
}

/// What stores of version 2 lack or have otherwise, depending on how old they are; and kinds of objects that version 2 does
/// not know, so that it refuses a store with them.
fn to_3(entries: &mut Entries) -> Result<(), StoreError> {
    let vpc_of_group = objects(entries, "security-group")?
        .map(|(key, group)| Ok((id_of(key, group, "id")?, group.get("vpc_id").cloned())))
        .collect::<Result<BTreeMap<_, _>, StoreError>>()?;
    for (key, group) in objects(entries, "security-group")? {
        for rule in group.get_mut("rules").and_then(Value::as_array_mut).into_iter().flatten() {
            let rule = object(key, rule)?;
            let referenced =
                rule.get("peer").and_then(|peer| peer.get("ReferencedGroup")).and_then(Value::as_str);
            let vpc_id = referenced.and_then(|id| vpc_of_group.get(id)).cloned().flatten();
            fill(rule, "referenced_vpc_id", vpc_id);
            fill(rule, "tags", json!({}));
        }
    }
    for (_, interface) in objects(entries, "network-interface")? {
        // Only what was in force was kept; what is not the default was stated.
        let stated = |name: &str, default: u64| {
            let in_force = interface.get("connection_tracking")?.get(name)?;
            (in_force.as_u64() != Some(default)).then(|| in_force.clone())
        };
        let specification = json!({
            "tcp_established": stated("tcp_established", 432_000), "udp": stated("udp", 30),
            "udp_stream": stated("udp_stream", 180),
        });
        fill(interface, "connection_tracking_specification", specification);
    }
    for (_, instance) in objects(entries, "instance")? {
        fill(instance, "instance_type", Value::Null);
    }
    for (_, list) in objects(entries, "prefix-list")? {
        if let Some(Value::Object(versions)) = list.get("versions") {
            let pairs = versions.iter().map(|(number, entries)| json!([number.parse::<u64>().ok(), entries]));
            let pairs = pairs.collect::<Vec<_>>();
            list.insert("versions".to_owned(), pairs.into());
        }
    }
    if let Some(settings) = entries.get_mut(SETTINGS)
        && let Some(Value::Object(quotas)) = settings.get_mut("quotas")
    {
        fill(quotas, "network_acls_per_vpc", 200);
        fill(quotas, "rules_per_network_acl", 20);
        fill(quotas, "active_peerings_per_vpc", 50);
    }
    if let Some(lab) = lab(entries)? {
        for names in ["network_acls", "prefix_lists", "vpc_peering_connections"] {
            fill(lab, names, json!({}));
        }
    }
    Ok(())
}

/// Sets a field that is not there.
fn fill(object: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    object.entry(name).or_insert_with(|| value.into());
}

/// The objects of a kind, by key.
fn objects<'a>(
    entries: &'a mut Entries,
    kind: &str,
) -> Result<impl Iterator<Item = (&'a str, &'a mut Map<String, Value>)>, StoreError> {
    let prefix = format!("world/{kind}/");
    let of_kind = entries.iter_mut().filter(|(key, _)| key.starts_with(&prefix));
    let of_kind = of_kind.map(|(key, value)| Ok((key.as_str(), object(key, value)?)));
    Ok(of_kind.collect::<Result<Vec<_>, StoreError>>()?.into_iter())
}

/// What the names of the lab that is up stand for, if one is.
fn lab(entries: &mut Entries) -> Result<Option<&mut Map<String, Value>>, StoreError> {
    let lab = entries.get_mut("lab").and_then(|lab| lab.get_mut("lab"));
    lab.map(|lab| object("lab", lab)).transpose()
}

fn object<'a>(key: &str, value: &'a mut Value) -> Result<&'a mut Map<String, Value>, StoreError> {
    value.as_object_mut().ok_or_else(|| unlike(key, "not an object"))
}

fn id_of(key: &str, object: &Map<String, Value>, field: &str) -> Result<String, StoreError> {
    let id = object.get(field).and_then(Value::as_str);
    id.map(str::to_owned).ok_or_else(|| unlike(key, field))
}

/// A number of the settings; 0 in a store that has no world yet.
fn number(entries: &Entries, key: &str, field: &str) -> Result<u64, StoreError> {
    match entries.get(key) {
        None => Ok(0),
        Some(value) => value.get(field).and_then(Value::as_u64).ok_or_else(|| unlike(key, field)),
    }
}

fn unlike(key: &str, why: &str) -> StoreError {
    StoreError::Value { key: key.to_owned(), source: serde_json::Error::custom(why) }
}
