//! Network ACLs, their entries and associations.

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::ids::NetworkAclId;
use crate::aws::network_acl::{NetworkAcl, NetworkAclEntry, RuleAction};
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::rule::Direction;
use crate::aws::world::World;
use crate::command::Reply;
use crate::command::network_acl::{CreateNetworkAcl, DeleteNetworkAcl, ReplaceNetworkAclAssociation};
use crate::command::network_acl_entry::{
    CreateNetworkAclEntry, DeleteNetworkAclEntry, EntryContent, ReplaceNetworkAclEntry,
};
use crate::command::permission::parse_protocol;

use super::tag;
use crate::ec2::call::{Call, Caller, done, unexpected};
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::page::page;
use crate::ec2::params::{Params, invalid, missing};

pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    let command =
        CreateNetworkAcl { vpc_id: params.required("VpcId")?, tags: params.tags_for("network-acl")? };
    match call.change(command)? {
        Reply::NetworkAcl(id) => {
            let acl = call.world.network_acls.get(&id).ok_or_else(|| id.not_found())?;
            let view = view(&call.world, call.caller, acl);
            Ok(json!({ "NetworkAcl": view, "ClientToken": params.text("ClientToken") }))
        }
        other => Err(unexpected(&other)),
    }
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Fault> {
    let network_acl_id = call.params.required("NetworkAclId")?;
    call.change(DeleteNetworkAcl { network_acl_id })?;
    done()
}

pub(super) fn create_entry(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (network_acl_id, direction, rule_number) = place(call.params)?;
    let content = content(call.params)?;
    call.change(CreateNetworkAclEntry { network_acl_id, direction, rule_number, content })?;
    done()
}

pub(super) fn replace_entry(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (network_acl_id, direction, rule_number) = place(call.params)?;
    let content = content(call.params)?;
    call.change(ReplaceNetworkAclEntry { network_acl_id, direction, rule_number, content })?;
    done()
}

pub(super) fn delete_entry(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (network_acl_id, direction, rule_number) = place(call.params)?;
    call.change(DeleteNetworkAclEntry { network_acl_id, direction, rule_number })?;
    done()
}

/// Which entry of which ACL.
fn place(params: Params<'_>) -> Result<(NetworkAclId, Direction, u32), AwsError> {
    let is_egress = params.flag("Egress").ok_or_else(|| missing("Egress"))?;
    let direction = if is_egress { Direction::Outbound } else { Direction::Inbound };
    let rule_number = params.number("RuleNumber")?.ok_or_else(|| missing("RuleNumber"))?;
    Ok((params.required("NetworkAclId")?, direction, rule_number))
}

fn content(params: Params<'_>) -> Result<EntryContent, AwsError> {
    let action = match params.required_text("RuleAction")? {
        text if text.eq_ignore_ascii_case("allow") => RuleAction::Allow,
        text if text.eq_ignore_ascii_case("deny") => RuleAction::Deny,
        other => return Err(invalid("RuleAction", other)),
    };
    let protocol = parse_protocol(params.required_text("Protocol")?)?;
    let (structure, from, to) = if protocol.has_icmp_types() {
        ("IcmpTypeCode", "Type", "Code")
    } else {
        ("PortRange", "From", "To")
    };
    let ports = match params.structure(structure) {
        Some(range) => Some(PortRange {
            from_port: range.number(from)?.ok_or_else(|| missing(from))?,
            to_port: range.number(to)?.ok_or_else(|| missing(to))?,
        }),
        None => None,
    };
    let cidr = match (params.cidr_ipv4("CidrBlock")?, params.cidr_ipv6("Ipv6CidrBlock")?) {
        (Some(net), None) => net.into(),
        (None, Some(net)) => net.into(),
        (None, None) => return Err(missing("CidrBlock")),
        (Some(_), Some(_)) => {
            return Err(AwsError::new(
                "InvalidParameterCombination",
                "The parameter cidrBlock cannot be used with the parameter ipv6CidrBlock",
            ));
        }
    };
    Ok(EntryContent { action, protocol, ports, cidr })
}

pub(super) fn replace_association(call: &mut Call<'_>) -> Result<Value, Fault> {
    let command = ReplaceNetworkAclAssociation {
        association_id: call.params.required("AssociationId")?,
        network_acl_id: call.params.required("NetworkAclId")?,
    };
    match call.change(command)? {
        Reply::NetworkAclAssociation(id) => Ok(json!({ "NewAssociationId": id })),
        other => Err(unexpected(&other)),
    }
}

const FILTERS: [&str; 16] = [
    "association.association-id",
    "association.network-acl-id",
    "association.subnet-id",
    "default",
    "entry.cidr",
    "entry.egress",
    "entry.icmp.code",
    "entry.icmp.type",
    "entry.ipv6-cidr",
    "entry.port-range.from",
    "entry.port-range.to",
    "entry.protocol",
    "entry.rule-action",
    "entry.rule-number",
    "network-acl-id",
    "vpc-id",
];

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Fault> {
    let (params, world, caller) = (call.params, &call.world, call.caller);
    let names = FILTERS.into_iter().chain(["owner-id"]).collect::<Vec<_>>();
    let filters = Filters::read(params, &names, true)?;
    let ids = params.parsed_list::<NetworkAclId>("NetworkAclIds")?;
    if let Some(id) = ids.iter().find(|id| !world.network_acls.contains_key(id)) {
        return Err(id.not_found().into());
    }
    let found = world.network_acls.values().filter(|acl| ids.is_empty() || ids.contains(&acl.id));
    let found = found.filter(|acl| filters.pass(&acl.tags, |name| values(world, caller, acl, name)));
    let (acls, next) = page(params, 5..=1000, found.map(|acl| (acl.number, acl)).collect())?;
    let views = acls.into_iter().map(|acl| view(world, caller, acl)).collect::<Vec<_>>();
    Ok(json!({ "NetworkAcls": views, "NextToken": next }))
}

/// The entries of an ACL, those included that nobody can change, in the order in which AWS shows them.
fn entries(world: &World, acl: &NetworkAcl) -> Vec<NetworkAclEntry> {
    let has_ipv6 = world.vpcs.get(&acl.vpc_id).is_some_and(|vpc| !vpc.cidr_ipv6.is_empty());
    let of = |direction| {
        acl.entries_of(direction).cloned().chain(NetworkAcl::implicit_entries(direction, has_ipv6))
    };
    of(Direction::Outbound).chain(of(Direction::Inbound)).collect()
}

fn values(world: &World, caller: &Caller, acl: &NetworkAcl, name: &str) -> Vec<String> {
    if let Some(name) = name.strip_prefix("entry.") {
        return entries(world, acl).iter().filter_map(|entry| entry_value(entry, name)).collect();
    }
    let subnets = world.subnets.values().filter(|subnet| subnet.network_acl_id == acl.id);
    vec![match name {
        "association.association-id" => {
            return subnets.map(|it| it.network_acl_association_id.to_string()).collect();
        }
        "association.subnet-id" => return subnets.map(|it| it.id.to_string()).collect(),
        "default" => acl.is_default.to_string(),
        "owner-id" => caller.account_id.clone(),
        "vpc-id" => acl.vpc_id.to_string(),
        _ => acl.id.to_string(),
    }]
}

fn entry_value(entry: &NetworkAclEntry, name: &str) -> Option<String> {
    let (has_ports, has_types) = (entry.protocol.has_ports(), entry.protocol.has_icmp_types());
    let PortRange { from_port, to_port } = entry.ports;
    match (name, entry.cidr) {
        ("cidr", ipnet::IpNet::V4(net)) => Some(net.to_string()),
        ("ipv6-cidr", ipnet::IpNet::V6(net)) => Some(net.to_string()),
        ("egress", _) => Some((entry.direction == Direction::Outbound).to_string()),
        ("icmp.type", _) => has_types.then(|| from_port.to_string()),
        ("icmp.code", _) => has_types.then(|| to_port.to_string()),
        ("port-range.from", _) => has_ports.then(|| from_port.to_string()),
        ("port-range.to", _) => has_ports.then(|| to_port.to_string()),
        ("protocol", _) => Some(number(entry.protocol)),
        ("rule-action", _) => Some(entry.action.to_string()),
        ("rule-number", _) => Some(entry.rule_number.to_string()),
        _ => None,
    }
}

/// A protocol as ACLs show it: by number.
fn number(protocol: IpProtocol) -> String {
    match protocol {
        IpProtocol::All => "-1".to_owned(),
        IpProtocol::Number(number) => number.to_string(),
    }
}

fn entry_view(entry: &NetworkAclEntry) -> Value {
    let PortRange { from_port, to_port } = entry.ports;
    let (ipv4, ipv6) = match entry.cidr {
        ipnet::IpNet::V4(net) => (Some(net), None),
        ipnet::IpNet::V6(net) => (None, Some(net)),
    };
    json!({
        "RuleNumber": entry.rule_number,
        "Protocol": number(entry.protocol),
        "RuleAction": entry.action.to_string(),
        "Egress": entry.direction == Direction::Outbound,
        "CidrBlock": ipv4,
        "Ipv6CidrBlock": ipv6,
        "PortRange": entry.protocol.has_ports().then(|| json!({ "From": from_port, "To": to_port })),
        "IcmpTypeCode": entry.protocol.has_icmp_types().then(|| json!({ "Type": from_port, "Code": to_port })),
    })
}

fn view(world: &World, caller: &Caller, acl: &NetworkAcl) -> Value {
    let subnets = world.subnets.values().filter(|subnet| subnet.network_acl_id == acl.id);
    let associations = subnets.map(|subnet| {
        json!({
            "NetworkAclAssociationId": subnet.network_acl_association_id,
            "NetworkAclId": acl.id,
            "SubnetId": subnet.id,
        })
    });
    json!({
        "NetworkAclId": acl.id,
        "VpcId": acl.vpc_id,
        "OwnerId": caller.account_id,
        "IsDefault": acl.is_default,
        "Entries": entries(world, acl).iter().map(entry_view).collect::<Vec<_>>(),
        "Associations": associations.collect::<Vec<_>>(),
        "Tags": tag::set(&acl.tags),
    })
}
