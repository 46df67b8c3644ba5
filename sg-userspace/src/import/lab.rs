//! A lab from a world that was imported: what its names stand for, and whether one internet host can serve all of it.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;

use crate::aws::ids::NetworkInterfaceId;
use crate::aws::tag::NAME;
use crate::aws::world::World;
use crate::lab::file::InternetFile;
use crate::lab::plan::{Internet, Lab, LabInstance};

use super::error::{ImportError, Place};

/// The lab of a world. Servers there are none: nothing says which.
pub(super) fn lab(world: &World, internet: &[IpAddr]) -> Lab {
    let default = InternetFile::default();
    let ipv4 = internet.iter().find_map(|it| if let IpAddr::V4(it) = it { Some(*it) } else { None });
    let ipv6 = internet.iter().find_map(|it| if let IpAddr::V6(it) = it { Some(*it) } else { None });
    let internet = Internet {
        ipv4: ipv4.unwrap_or_else(|| default.ipv4()),
        ipv6: ipv6.unwrap_or_else(|| default.ipv6()),
        servers: Vec::new(),
    };
    let within = |vpc_id: &_, name: &str| {
        let vpc = world.vpcs.get(vpc_id).map_or("", |vpc| vpc.name());
        format!("{vpc}.{name}")
    };
    let named = |tags: &BTreeMap<String, String>, id: &dyn Display| {
        tags.get(NAME).cloned().unwrap_or_else(|| id.to_string())
    };
    let instances = world.instances.values().map(|instance| {
        let interfaces = world.interfaces_of(&instance.id);
        let interface_ids: Vec<NetworkInterfaceId> = interfaces.iter().map(|it| it.id.clone()).collect();
        let lab = LabInstance { instance_id: instance.id.clone(), interface_ids, servers: Vec::new() };
        (instance.name.clone(), lab)
    });
    let subnets = world.subnets.values();
    let groups = world.security_groups.values();
    let acls = world.network_acls.values();
    let lists = world.prefix_lists.values();
    let peerings = world.vpc_peering_connections.values();
    Lab {
        internet,
        vpcs: by_name(world.vpcs.values().map(|it| (it.name().to_owned(), it.id.clone()))),
        subnets: by_name(subnets.map(|it| (within(&it.vpc_id, &named(&it.tags, &it.id)), it.id.clone()))),
        security_groups: by_name(groups.map(|it| (within(&it.vpc_id, &it.name), it.id.clone()))),
        network_acls: by_name(acls.map(|it| (within(&it.vpc_id, &named(&it.tags, &it.id)), it.id.clone()))),
        prefix_lists: by_name(lists.map(|it| (it.name.clone(), it.id.clone()))),
        vpc_peering_connections: by_name(peerings.map(|it| (named(&it.tags, &it.id), it.id.clone()))),
        instances: instances.collect(),
    }
}

/// Things by name; of several with one name each goes by its id.
fn by_name<Id: Display + Clone>(things: impl Iterator<Item = (String, Id)>) -> BTreeMap<String, Id> {
    let things = things.collect::<Vec<_>>();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, _) in &things {
        *counts.entry(name).or_default() += 1;
    }
    let key = |name: &String, id: &Id| if counts[name.as_str()] == 1 { name.clone() } else { id.to_string() };
    things.iter().map(|(name, id)| (key(name, id), id.clone())).collect()
}

/// Refuses what one internet host without address translation could not tell apart. Only a lab minds: answers do not.
pub(super) fn check(source: &str, world: &World, lab: &Lab) -> Result<(), ImportError> {
    let refuse = |message: String| Err(Place::file(source).error(message));
    let Internet { ipv4, ipv6, .. } = &lab.internet;
    for vpc in world.vpcs.values() {
        if vpc.cidr_ipv4.iter().any(|net| net.contains(ipv4))
            || vpc.cidr_ipv6.iter().any(|net| net.contains(ipv6))
        {
            return refuse(format!(
                "the internet host's address ({ipv4} or {ipv6}) lies inside {}; give it others with --internet",
                vpc.id
            ));
        }
    }
    let mut owners = BTreeMap::new();
    for interface in world.network_interfaces.values().filter(|it| it.attachment.is_some()) {
        let addresses = interface.private_ipv4.iter().copied().map(IpAddr::V4);
        for address in addresses.chain(interface.ipv6.iter().copied().map(IpAddr::V6)) {
            if let Some((other, vpc_id)) = owners.insert(address, (&interface.id, &interface.vpc_id))
                && *vpc_id != interface.vpc_id
            {
                return refuse(format!(
                    "{other} and {} of another VPC have one address, {address}: a lab's internet host could not tell them apart. `explain` and `reach` with --file can; for a lab leave one of the VPCs out",
                    interface.id
                ));
            }
        }
    }
    Ok(())
}
