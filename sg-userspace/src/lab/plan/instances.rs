//! The instances of a lab file, one or `count` of each, with their interfaces and servers.

use std::collections::BTreeMap;

use crate::aws::ids::{SecurityGroupId, SubnetId, VpcId};
use crate::command::Reply;
use crate::command::instance::{InstanceInterface, RunInstance};
use crate::command::interface::CreateNetworkInterface;
use crate::command::rule_text::{self, Context};
use crate::lab::file::position::{At, LabError, refused};
use crate::lab::file::shorthand::{Ipv6Choice, SecondaryAddresses, Server};
use crate::lab::file::{InstanceFile, InterfaceFile};

use super::rules::with_groups;
use super::{LabInstance, Place, Planner, RESERVED_NAMES, named};

/// The VPC that an interface is in.
struct Home<'a> {
    name: &'a str,
    id: VpcId,
}

/// Runs an instance, or as many as it counts.
pub(super) fn run(
    planner: &mut Planner,
    vpc_name: &str,
    vpc_id: &VpcId,
    name: &At<String>,
    file: &InstanceFile,
) -> Result<(), LabError> {
    let place = Place::of(name, format!("vpcs.{vpc_name}.instances.{}", name.value));
    let home = Home { name: vpc_name, id: vpc_id.clone() };
    let interfaces = interfaces(planner, &place, &home, file)?;
    let names = match &file.count {
        None => vec![name.value.clone()],
        Some(count) if count.value == 0 => {
            return Err(place
                .at(count.at)
                .error("`count` is at least 1; leave the instance out to have none"));
        }
        Some(count) => {
            let has_address =
                |it: &CreateNetworkInterface| !it.private_ipv4.is_empty() || !it.ipv6.is_empty();
            if count.value > 1 && interfaces.iter().any(has_address) {
                return Err(place
                    .at(count.at)
                    .error("instances of a `count` cannot share an address; leave it out"));
            }
            (1..=count.value).map(|index| format!("{}-{index}", name.value)).collect()
        }
    };
    let servers = servers(&place, &file.servers)?;
    for instance_name in names {
        if RESERVED_NAMES.iter().any(|reserved| reserved.eq_ignore_ascii_case(&instance_name)) {
            let list = RESERVED_NAMES.join("`, `");
            return Err(place.error(format!(
                "`{instance_name}` stands for something else in a lab; use a name other than `{list}`, in any case"
            )));
        }
        let command = RunInstance {
            connection_allowance: file.connection_allowance,
            instance_type: file.instance_type.as_ref().map(|written| written.0.clone()),
            name: Some(instance_name.clone()),
            interfaces: interfaces.iter().cloned().map(InstanceInterface::New).collect(),
            tags: named(&instance_name),
            ..RunInstance::default()
        };
        if let Reply::Instance { instance_id, interface_ids } = planner.apply(&place, command)? {
            let place = Place { path: format!("vpcs.{vpc_name}.instances.{instance_name}"), ..place.clone() };
            planner.check_addresses(&place, &interface_ids)?;
            let servers = servers.clone();
            planner.lab.instances.insert(instance_name, LabInstance { instance_id, interface_ids, servers });
        }
    }
    Ok(())
}

/// Servers without two on one port, which only one of them could have.
pub(super) fn servers(place: &Place, written: &[At<Server>]) -> Result<Vec<Server>, LabError> {
    let mut taken = BTreeMap::new();
    for At { value: server, at } in written {
        if let Some(port) = server.port()
            && let Some(first) = taken.insert((server.is_udp(), port), *at)
        {
            let protocol = if server.is_udp() { "udp" } else { "tcp" };
            return Err(place.at(*at).error(format!(
                "two servers cannot both have {protocol} port {port}, and the one at {first} has it; give one of them another port"
            )));
        }
    }
    Ok(written.iter().map(|server| server.value.clone()).collect())
}

fn interfaces(
    planner: &Planner,
    place: &Place,
    home: &Home<'_>,
    file: &InstanceFile,
) -> Result<Vec<CreateNetworkInterface>, LabError> {
    match (&file.subnet, file.interfaces.as_slice()) {
        (Some(subnet), []) => {
            let flat = InterfaceFile {
                vpc: None,
                subnet: subnet.clone(),
                groups: file.groups.clone(),
                address: file.address.clone(),
                secondary_addresses: file.secondary_addresses.clone(),
                ipv6: file.ipv6.clone(),
                source_dest_check: file.source_dest_check,
                connection_tracking: file.connection_tracking,
                description: None,
            };
            Ok(vec![interface(planner, place, home, &flat)?])
        }
        (None, interfaces @ [_, ..]) if !has_flat_keys(file) => interfaces
            .iter()
            .enumerate()
            .map(|(index, it)| {
                let path = format!("{}.interfaces[{index}]", place.path);
                interface(planner, &Place { at: Some(it.at), path }, home, &it.value)
            })
            .collect(),
        (None, []) => Err(place.error("an instance has a `subnet`, or `interfaces` that each have one")),
        _ => Err(place.error(
            "give either `subnet`, `groups` and the like for one interface, or `interfaces` with theirs, not both",
        )),
    }
}

fn has_flat_keys(file: &InstanceFile) -> bool {
    file.groups.is_some()
        || file.address.is_some()
        || file.secondary_addresses.is_some()
        || file.ipv6.is_some()
        || file.source_dest_check.is_some()
        || file.connection_tracking.is_some()
}

fn interface(
    planner: &Planner,
    place: &Place,
    home: &Home<'_>,
    file: &InterfaceFile,
) -> Result<CreateNetworkInterface, LabError> {
    let elsewhere = match &file.vpc {
        None => None,
        Some(name) => {
            let id = planner.vpc_named(place, name)?;
            Some(Home { name: &name.value, id })
        }
    };
    let home = elsewhere.as_ref().unwrap_or(home);
    let subnet_id = subnet_id(planner, place, home, &file.subnet)?;
    let groups = match &file.groups {
        None => Vec::new(),
        Some(groups) if groups.is_empty() => {
            return Err(place.error(
                "an interface has at least one group; leave `groups` out to have the VPC's default group",
            ));
        }
        Some(groups) => {
            groups.iter().map(|name| group_id(planner, place, home, name)).collect::<Result<_, _>>()?
        }
    };
    let has_ipv6 = planner.world.subnets.get(&subnet_id).is_some_and(|subnet| subnet.cidr_ipv6.is_some());
    let mut create = CreateNetworkInterface::new(subnet_id, groups);
    create.private_ipv4.extend(file.address.as_ref().map(|written| written.0));
    match &file.secondary_addresses {
        None => {}
        Some(SecondaryAddresses::Count(count)) => create.secondary_ipv4_count = *count,
        Some(SecondaryAddresses::List(_)) if create.private_ipv4.is_empty() => {
            return Err(place.error("`secondary-addresses` by value go with a primary `address`; write both"));
        }
        Some(SecondaryAddresses::List(addresses)) => create.private_ipv4.extend(addresses),
    }
    match file.ipv6.as_ref().unwrap_or(&Ipv6Choice::Auto) {
        Ipv6Choice::Auto => create.ipv6_count = u16::from(has_ipv6),
        Ipv6Choice::None => {}
        Ipv6Choice::List(addresses) => create.ipv6.clone_from(addresses),
    }
    create.source_dest_check = file.source_dest_check.unwrap_or(create.source_dest_check);
    create.connection_tracking = file.connection_tracking.map(Into::into).unwrap_or_default();
    create.description = file.description.clone().unwrap_or_default();
    Ok(create)
}

fn subnet_id(
    planner: &Planner,
    place: &Place,
    home: &Home<'_>,
    name: &At<String>,
) -> Result<SubnetId, LabError> {
    let prefix = format!("{}.", home.name);
    planner.lab.subnets.get(&format!("{prefix}{}", name.value)).cloned().ok_or_else(|| {
        let names: Vec<_> = planner.lab.subnets.keys().filter_map(|key| key.strip_prefix(&prefix)).collect();
        place.at(name.at).error(format!(
            "no subnet `{}` in VPC {}; it has: {}",
            name.value,
            home.name,
            names.join(", ")
        ))
    })
}

fn group_id(
    planner: &Planner,
    place: &Place,
    home: &Home<'_>,
    name: &At<String>,
) -> Result<SecurityGroupId, LabError> {
    let context = Context { world: &planner.world, vpc_id: &home.id, own_group: None, my_ip: None };
    rule_text::parse_group(&name.value, context)
        .map_err(|error| with_groups(planner, home.name, refused(Some(name.at), &place.path, error)))
}
