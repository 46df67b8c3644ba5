//! What a client of the API believes that it has, and what the world has of it.

use std::collections::{BTreeMap, BTreeSet};

use sg_userspace::aws::ids::SecurityGroupId;
use sg_userspace::aws::protocol::IpProtocol;
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::tag::NAME;
use sg_userspace::aws::world::World;

/// What a tenant believes that it has. Objects are known by the names that it gives them, ids are the world's to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Ports that each group lets in from [`SOURCE`].
    pub groups: BTreeMap<String, BTreeSet<u16>>,
    /// Groups of each interface.
    pub interfaces: BTreeMap<String, BTreeSet<String>>,
    /// Groups of each instance.
    pub instances: BTreeMap<String, BTreeSet<String>>,
}

/// The source of every rule that tenants make.
pub(super) const SOURCE: &str = "198.51.100.0/24";

impl Books {
    /// What the world says of a tenant's objects, whose names begin with this; their ids are noted.
    pub(super) fn found(world: &World, own: &str, ids: &mut BTreeMap<String, String>) -> Self {
        let mut books = Self::default();
        let group_names = |groups: &[SecurityGroupId]| {
            groups
                .iter()
                .map(|id| world.security_groups.get(id).map_or_else(|| id.to_string(), |it| it.name.clone()))
                .collect()
        };
        for group in world.security_groups.values().filter(|group| group.name.starts_with(own)) {
            let inbound = group.rules_of(Direction::Inbound);
            let ports = inbound.filter_map(|rule| {
                let is_ours =
                    rule.protocol == IpProtocol::TCP && rule.peer == Peer::CidrIpv4(SOURCE.parse().ok()?);
                u16::try_from(rule.ports.from_port).ok().filter(|_| is_ours)
            });
            ids.insert(group.name.clone(), group.id.to_string());
            books.groups.insert(group.name.clone(), ports.collect());
        }
        for interface in world.network_interfaces.values().filter(|it| it.description.starts_with(own)) {
            ids.insert(interface.description.clone(), interface.id.to_string());
            books.interfaces.insert(interface.description.clone(), group_names(&interface.groups));
        }
        for instance in world.instances.values().filter(|instance| !instance.is_terminated()) {
            let Some(name) = instance.tags.get(NAME).filter(|name| name.starts_with(own)) else { continue };
            let interfaces = world.interfaces_of(&instance.id);
            ids.insert(name.clone(), instance.id.to_string());
            books.instances.insert(
                name.clone(),
                interfaces.first().map_or_else(BTreeSet::new, |it| group_names(&it.groups)),
            );
        }
        books
    }
}
