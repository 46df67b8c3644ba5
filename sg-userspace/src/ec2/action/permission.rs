//! `IpPermission` both ways: as the typed permissions that commands take, and as the older form that `Describe…` gives,
//! where rules of one protocol and port range are one (M-29, R-02).

use serde_json::{Map, Value, json};

use crate::aws::error::AwsError;
use crate::aws::group::SecurityGroup;
use crate::aws::ids::SecurityGroupId;
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::reference::{Reach, reach};
use crate::aws::rule::{Direction, Peer};
use crate::aws::world::World;
use crate::command::group::by_name;
use crate::command::permission::{Permission, parse_cidr_ipv4, parse_cidr_ipv6, parse_ports, parse_protocol};

use crate::ec2::call::{Call, Caller};
use crate::ec2::params::Params;

/// The permissions of a request: `IpPermissions`, or the flat parameters of the first API. `None` where it has neither.
///
/// # Errors
/// What AWS refuses about protocol, ports, blocks and ids.
pub(super) fn read(call: &Call<'_>) -> Result<Option<Vec<Permission>>, AwsError> {
    let params = call.params;
    let is_flat = ["IpProtocol", "FromPort", "ToPort", "CidrIp", "SourceSecurityGroupName"]
        .iter()
        .any(|name| params.has(name));
    match (params.has("IpPermissions"), is_flat) {
        (true, true) => Err(AwsError::new(
            "InvalidParameterCombination",
            "The parameter ipPermissions cannot be used with the parameters of a single permission",
        )),
        (true, false) => {
            let mut permissions = Vec::new();
            for entry in params.structures("IpPermissions") {
                read_entry(call, entry, &mut permissions)?;
            }
            Ok(Some(permissions))
        }
        (false, true) => read_flat(call).map(Some),
        (false, false) => Ok(None),
    }
}

fn protocol_of(params: Params<'_>) -> Result<IpProtocol, AwsError> {
    //
    let none =
        "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly.";
    params.text("IpProtocol").map_or_else(|| Err(AwsError::invalid_value(none)), parse_protocol)
}

/// Protocol and ports of a request's structure.
pub(super) fn protocol_and_ports(params: Params<'_>) -> Result<(IpProtocol, PortRange), AwsError> {
    let protocol = protocol_of(params)?;
    let ports = parse_ports(protocol, params.number("FromPort")?, params.number("ToPort")?)?;
    Ok((protocol, ports))
}

fn read_entry(call: &Call<'_>, entry: Params<'_>, into: &mut Vec<Permission>) -> Result<(), AwsError> {
    let (protocol, ports) = protocol_and_ports(entry)?;
    // An entry without a peer says nothing, and is taken all the same (R-E17).
    let mut add = |peer: Peer, described: Params<'_>| {
        let description = described.text("Description").map(str::to_owned);
        into.push(Permission { protocol, ports, peer, description });
    };
    for range in entry.structures("IpRanges") {
        add(parse_cidr_ipv4(range.required_text("CidrIp")?)?, range);
    }
    for range in entry.structures("Ipv6Ranges") {
        add(parse_cidr_ipv6(range.required_text("CidrIpv6")?)?, range);
    }
    for list in entry.structures("PrefixListIds") {
        add(Peer::PrefixList(list.required("PrefixListId")?), list);
    }
    for pair in entry.structures("UserIdGroupPairs") {
        add(Peer::ReferencedGroup(pair_group(call, pair)?), pair);
    }
    Ok(())
}

/// The group that a pair names: by id, or by name in the default VPC.
fn pair_group(call: &Call<'_>, pair: Params<'_>) -> Result<SecurityGroupId, AwsError> {
    let id = match (pair.parsed("GroupId")?, pair.text("GroupName")) {
        (Some(id), _) => id,
        (None, Some(name)) => named(call, name)?,
        (None, None) => return Err(crate::ec2::params::missing("GroupId")),
    };
    match pair.text("UserId") {
        // There is one account here.
        Some(owner) if owner != call.caller.account_id => Err(id.not_found()),
        _ => Ok(id),
    }
}

/// A group by its name in the default VPC.
pub(super) fn named(call: &Call<'_>, name: &str) -> Result<SecurityGroupId, AwsError> {
    let vpc = call.default_vpc()?;
    let group = by_name(&call.world, &vpc.id, name);
    group.map(|group| group.id.clone()).ok_or_else(|| {
        AwsError::new(
            "InvalidGroup.NotFound",
            format!("The security group '{name}' does not exist in default VPC '{}'", vpc.id),
        )
    })
}

fn read_flat(call: &Call<'_>) -> Result<Vec<Permission>, AwsError> {
    let params = call.params;
    if let Some(name) = params.text("SourceSecurityGroupName") {
        if let Some(with) =
            ["IpProtocol", "FromPort", "ToPort", "CidrIp"].iter().find(|name| params.has(name))
        {
            return Err(AwsError::new(
                "InvalidParameterCombination",
                format!("The parameter {with} cannot be used with the parameter SourceSecurityGroupName"),
            ));
        }
        let peer = Peer::ReferencedGroup(named(call, name)?);
        // Section 6.1: full access by TCP, UDP and ICMP.
        let all = [
            (IpProtocol::TCP, PortRange::EVERY_PORT),
            (IpProtocol::UDP, PortRange::EVERY_PORT),
            (IpProtocol::ICMP, PortRange::ALL),
        ];
        return Ok(all.map(|(protocol, ports)| Permission::new(protocol, ports, peer.clone())).into());
    }
    let (protocol, ports) = protocol_and_ports(params)?;
    let peer = parse_cidr_ipv4(params.required_text("CidrIp")?)?;
    Ok(vec![Permission::new(protocol, ports, peer)])
}

/// Rules of a group in one direction, in the older form.
pub(super) fn of_group(world: &World, caller: &Caller, group: &SecurityGroup, direction: Direction) -> Value {
    let mut entries = Entries::default();
    for rule in group.rules_of(direction) {
        let pair = |id: &SecurityGroupId| pair(world, caller, group, id, rule.referenced_vpc_id.as_ref());
        entries.add(&Permission::from(rule), pair);
    }
    entries.into_value()
}

/// Permissions that are no rules, in the older form.
pub(super) fn unknown(caller: &Caller, permissions: &[Permission]) -> Value {
    let mut entries = Entries::default();
    for permission in permissions {
        entries.add(permission, |id| json!({ "GroupId": id, "UserId": caller.account_id }));
    }
    entries.into_value()
}

/// A referenced group. Beyond a peering AWS tells its VPC too, and of one that is gone only what the rule knows.
pub(super) fn pair(
    world: &World,
    caller: &Caller,
    group: &SecurityGroup,
    id: &SecurityGroupId,
    vpc_id: Option<&crate::aws::ids::VpcId>,
) -> Value {
    match world.security_groups.get(id) {
        Some(referenced) => match reach(world, group, referenced) {
            Some(Reach::Peering(peering)) => json!({
                "GroupId": id,
                "UserId": caller.account_id,
                "VpcId": referenced.vpc_id,
                "VpcPeeringConnectionId": peering.id,
                "PeeringStatus": peering.status.to_string(),
            }),
            _ => json!({ "GroupId": id, "UserId": caller.account_id }),
        },
        None => json!({ "GroupId": id, "VpcId": vpc_id }),
    }
}

/// Entries by protocol and ports, in the order in which the first rule of each was made.
#[derive(Default)]
struct Entries(Vec<((IpProtocol, PortRange), Map<String, Value>)>);

impl Entries {
    fn add(&mut self, permission: &Permission, pair: impl Fn(&SecurityGroupId) -> Value) {
        let (list, mut item) = match &permission.peer {
            Peer::CidrIpv4(net) => ("IpRanges", json!({ "CidrIp": net })),
            Peer::CidrIpv6(net) => ("Ipv6Ranges", json!({ "CidrIpv6": net })),
            Peer::PrefixList(id) => ("PrefixListIds", json!({ "PrefixListId": id })),
            Peer::ReferencedGroup(id) => ("UserIdGroupPairs", pair(id)),
        };
        if let (Some(description), Value::Object(item)) = (&permission.description, &mut item) {
            item.insert("Description".to_owned(), json!(description));
        }
        let key = (permission.protocol, permission.ports);
        let index = self.0.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
            self.0.push((key, entry(permission.protocol, permission.ports)));
            self.0.len() - 1
        });
        if let Some(Value::Array(items)) = self.0[index].1.get_mut(list) {
            items.push(item);
        }
    }

    fn into_value(self) -> Value {
        Value::Array(self.0.into_iter().map(|(_, entry)| Value::Object(entry)).collect())
    }
}

/// An entry without peers. One for all protocols has no ports.
fn entry(protocol: IpProtocol, ports: PortRange) -> Map<String, Value> {
    let mut entry = Map::new();
    entry.insert("IpProtocol".to_owned(), json!(protocol.to_string()));
    if protocol.has_ports() || protocol.has_icmp_types() {
        entry.insert("FromPort".to_owned(), json!(ports.from_port));
        entry.insert("ToPort".to_owned(), json!(ports.to_port));
    }
    for list in ["IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"] {
        entry.insert(list.to_owned(), json!([]));
    }
    entry
}
