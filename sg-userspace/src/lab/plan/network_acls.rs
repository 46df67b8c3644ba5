//! The network ACLs of a lab file, and which subnet has which. An ACL's entries of a direction, where the file gives any,
//! stand in place of AWS's own.

use crate::aws::ids::{NetworkAclId, SubnetId, VpcId};
use crate::aws::rule::Direction;
use crate::command::Reply;
use crate::command::network_acl::{CreateNetworkAcl, ReplaceNetworkAclAssociation};
use crate::command::network_acl_entry::{CreateNetworkAclEntry, DeleteNetworkAclEntry};
use crate::command::network_acl_text;
use crate::command::rule_text::Context;
use crate::lab::file::network_acl::NetworkAclFile;
use crate::lab::file::position::{At, LabError, Named, refused};

use super::{Place, Planner, named};

/// What a VPC's own ACL is called.
const DEFAULT: &str = "default";

/// Notes a new VPC's default ACL, and makes the others without their entries, so that subnets can have them.
pub(super) fn create(
    planner: &mut Planner,
    vpc_name: &str,
    vpc_id: &VpcId,
    files: &Named<NetworkAclFile>,
) -> Result<(), LabError> {
    let default = planner.world.network_acls.values().find(|acl| acl.is_default && acl.vpc_id == *vpc_id);
    if let Some(acl) = default {
        planner.lab.network_acls.insert(format!("{vpc_name}.{DEFAULT}"), acl.id.clone());
    }
    for (name, _) in files.0.iter().filter(|(name, _)| name.value != DEFAULT) {
        let place = Place::of(name, path(vpc_name, name));
        let command = CreateNetworkAcl { vpc_id: vpc_id.clone(), tags: named(&name.value) };
        if let Reply::NetworkAcl(id) = planner.apply(&place, command)? {
            planner.lab.network_acls.insert(format!("{vpc_name}.{}", name.value), id);
        }
    }
    Ok(())
}

/// Gives the ACLs of a VPC their entries.
pub(super) fn fill(
    planner: &mut Planner,
    vpc_name: &str,
    vpc_id: &VpcId,
    files: &Named<NetworkAclFile>,
) -> Result<(), LabError> {
    for (name, file) in &files.0 {
        let Some(acl_id) = planner.lab.network_acls.get(&format!("{vpc_name}.{}", name.value)).cloned()
        else {
            continue;
        };
        for (direction, entries) in
            [(Direction::Inbound, &file.inbound), (Direction::Outbound, &file.outbound)]
        {
            let Some(entries) = entries else { continue };
            let place = Place::of(name, format!("{}.{direction}", path(vpc_name, name)));
            remove_first_entries(planner, &place, &acl_id, direction)?;
            for (number, text) in &entries.0 {
                add(planner, &place, vpc_id, &acl_id, direction, number, text)?;
            }
        }
    }
    Ok(())
}

/// Gives a subnet the ACL with this name.
pub(super) fn associate(
    planner: &mut Planner,
    vpc_name: &str,
    subnet_id: &SubnetId,
    place: &Place,
    acl: &At<String>,
) -> Result<(), LabError> {
    let prefix = format!("{vpc_name}.");
    let Some(network_acl_id) = planner.lab.network_acls.get(&format!("{prefix}{}", acl.value)).cloned()
    else {
        let names: Vec<_> =
            planner.lab.network_acls.keys().filter_map(|key| key.strip_prefix(&prefix)).collect();
        return Err(place.at(acl.at).error(format!(
            "no network ACL `{}` in VPC {vpc_name}; it has: {}",
            acl.value,
            names.join(", ")
        )));
    };
    let subnet = planner.world.subnets.get(subnet_id);
    let Some(association_id) = subnet.map(|subnet| subnet.network_acl_association_id.clone()) else {
        return Ok(());
    };
    planner.apply(place, ReplaceNetworkAclAssociation { association_id, network_acl_id }).map(drop)
}

fn path(vpc_name: &str, name: &At<String>) -> String {
    format!("vpcs.{vpc_name}.network-acls.{}", name.value)
}

/// Takes away the entries that AWS gave the ACL.
fn remove_first_entries(
    planner: &mut Planner,
    place: &Place,
    acl_id: &NetworkAclId,
    direction: Direction,
) -> Result<(), LabError> {
    let acl = planner.world.network_acls.get(acl_id);
    let entries = acl.into_iter().flat_map(|acl| acl.entries_of(direction));
    for number in entries.map(|entry| entry.rule_number).collect::<Vec<_>>() {
        let rule_number = u32::from(number);
        let network_acl_id = acl_id.clone();
        planner.apply(place, DeleteNetworkAclEntry { network_acl_id, direction, rule_number })?;
    }
    Ok(())
}

fn add(
    planner: &mut Planner,
    place: &Place,
    vpc_id: &VpcId,
    acl_id: &NetworkAclId,
    direction: Direction,
    number: &At<String>,
    text: &At<String>,
) -> Result<(), LabError> {
    let Ok(rule_number) = number.value.parse() else {
        return Err(place.at(number.at).error(format!(
            "`{}` is not an entry's number; write one from 1 to 32766, such as `100: allow all ...`",
            number.value
        )));
    };
    let at_number = Place { at: Some(number.at), path: format!("{}.{rule_number}", place.path) };
    let context =
        Context { world: &planner.world, vpc_id, own_group: None, my_ip: Some(planner.lab.internet.ipv4) };
    let content = network_acl_text::parse_entry(&text.value, direction, context)
        .map_err(|error| refused(Some(text.at), &at_number.path, error))?;
    let network_acl_id = acl_id.clone();
    let command = CreateNetworkAclEntry { network_acl_id, direction, rule_number, content };
    planner.apply(&at_number, command).map(drop)
}
