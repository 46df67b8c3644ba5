//! From a world to the contents of the maps.
//!
//! A world is compiled as a whole at first, after a failure, and after rare changes; this is the reference. After every other
//! change, only what depends on what was touched is compiled, and what has not changed stays the same shared words.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Result, bail};
use sg_common::abi::MAX_NETWORKS;
use sg_common::abi::interface::InterfaceRecord;
use sg_common::abi::member::INTERNET_NETWORK;

use crate::aws::group::SecurityGroup;
use crate::aws::ids::NetworkInterfaceId;
use crate::aws::interface::NetworkInterface;
use crate::aws::network_acl::NetworkAcl;
use crate::aws::rule::Direction;
use crate::aws::world::World;
use crate::command::changes::Changes;

use super::access_list;
use super::image::{Allowance, BothWays, GroupSet, MapImage, Owner, Patch, Statements};
use super::index::Index;
use super::place;
use super::policy::{self, PolicyRule};
use super::touched::Touched;
use super::words::Words;

/// Compiles worlds, and keeps what it compiled for as long as the rules behind it stay the same.
#[derive(Debug, Default)]
pub struct Compiler {
    pub(super) policies: foldhash::HashMap<(GroupSet, Direction), Words>,
    access_lists: HashMap<u32, (NetworkAcl, BothWays)>,
    /// Of the last world; without, the next one is compiled as a whole.
    pub(super) index: Option<Index>,
}

/// What an attached interface has by slot.
struct Place {
    account: u32,
    allowance: Allowance,
    record: InterfaceRecord,
    statements: Statements,
}

impl MapImage {
    /// The image of a world. Pure: equal worlds have equal images.
    ///
    /// # Errors
    /// Where something does not fit into the data plane's tables.
    pub fn of(world: &World) -> Result<Self> {
        Compiler::default().whole(world, &Index::of(world))
    }
}

impl Compiler {
    /// What makes the image of `new` of the image of `old`, which was compiled last, where `changes` names what differs.
    ///
    /// # Errors
    /// Where something does not fit into the data plane's tables.
    pub fn patch(&mut self, image: &MapImage, old: &World, new: &World, changes: &Changes) -> Result<Patch> {
        // Until the end it is of neither world.
        let patch = match self.index.take() {
            Some(mut index) => match Touched::by(changes, old, new, &index) {
                Some(touched) => {
                    self.forget_policies(|set, direction| touched.has(set, direction));
                    self.part(image, old, new, &touched, &mut index).map(|patch| (patch, index))
                }
                None => {
                    let mut rules = Touched::default();
                    rules.add_rules(changes, old, new);
                    self.forget_policies(|set, direction| rules.has(set, direction));
                    self.all(image, new)
                }
            },
            None => {
                self.forget_policies(|_, _| true);
                self.all(image, new)
            }
        };
        let (patch, index) = patch?;
        self.policies.retain(|(set, _), _| index.sets().contains_key(set));
        self.index = Some(index);
        Ok(patch)
    }

    /// Forgets everything: the last patch is not in force.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    pub(super) fn forget_policies(&mut self, is_over: impl Fn(&GroupSet, Direction) -> bool) {
        self.policies.retain(|(set, direction), _| !is_over(set, *direction));
    }

    /// The patch by way of the whole image.
    fn all(&mut self, image: &MapImage, world: &World) -> Result<(Patch, Index)> {
        let index = Index::of(world);
        let patch = image.patch_to(self.whole(world, &index)?);
        Ok((patch, index))
    }

    fn whole(&mut self, world: &World, index: &Index) -> Result<MapImage> {
        let mut image = MapImage::default();
        for vpc in world.vpcs.values() {
            if image.networks.insert(place::network_index(vpc), place::network(world, vpc)?).is_some() {
                bail!(
                    "{} does not fit: its number and another VPC's differ by a multiple of {MAX_NETWORKS}",
                    vpc.id
                );
            }
        }
        let groups = by_number(world);
        for interface in world.network_interfaces.values() {
            add_members(world, interface, place::addresses(interface), &mut image.members)?;
            if let Some(place) = self.place(world, interface, index, &groups)? {
                image.allowances.insert(place.account, place.allowance);
                image.interfaces.insert(interface.slot, place.record);
                image.statements.insert(interface.slot, place.statements);
            }
        }
        Ok(image)
    }

    /// The patch by way of what was touched. `index` is of the old world, and then of the new one.
    fn part(
        &mut self,
        image: &MapImage,
        old: &World,
        new: &World,
        touched: &Touched,
        index: &mut Index,
    ) -> Result<Patch> {
        let mut patch = Patch::default();
        let groups = by_number(new);
        for (set, slots) in index.sets().iter().filter(|(set, _)| touched.has_either(set)) {
            self.replace_policies(image, new, &groups, (set, slots), &mut patch)?;
        }
        // What they had goes, unless it is put back below.
        let mut addresses = BTreeSet::new();
        for interface in present(old, &touched.interfaces) {
            addresses.extend(place::addresses(interface));
            if let Some(attachment) = &interface.attachment {
                patch.interfaces.insert(interface.slot, None);
                patch.statements.insert(interface.slot, None);
                let account = index.primary(&attachment.instance_id).unwrap_or(interface.slot);
                patch.allowances.insert(account, None);
            }
        }
        addresses.extend(present(new, &touched.interfaces).flat_map(place::addresses));
        for &address in &addresses {
            for interface in index.holders(old, address) {
                let networks = place::networks_of(old, place::home(old, interface)?.0);
                let gone = networks.into_iter().chain([INTERNET_NETWORK]);
                patch.members.extend(gone.map(|network| ((network, address), None)));
            }
        }
        present(old, &touched.interfaces).for_each(|interface| index.remove(old, interface));
        present(new, &touched.interfaces).for_each(|interface| index.add(new, interface));
        for interface in present(new, &touched.interfaces) {
            if let Some(place) = self.place(new, interface, index, &groups)? {
                patch.allowances.insert(place.account, Some(place.allowance));
                patch.interfaces.insert(interface.slot, Some(place.record));
                patch.statements.insert(interface.slot, Some(place.statements));
            }
        }
        let mut members = BTreeMap::new();
        for &address in &addresses {
            for interface in index.holders(new, address) {
                add_members(new, interface, [address].into_iter(), &mut members)?;
            }
        }
        patch.members.extend(members.into_iter().map(|(key, owner)| (key, Some(owner))));
        patch.narrow(image);
        Ok(patch)
    }

    /// Adds to a patch that the slots of a set have its policies as the world has them now.
    pub(super) fn replace_policies(
        &mut self,
        image: &MapImage,
        world: &World,
        groups: &HashMap<u32, &SecurityGroup>,
        (set, slots): (&GroupSet, &BTreeSet<u32>),
        patch: &mut Patch,
    ) -> Result<()> {
        let policies = self.policies(world, set, groups)?;
        for slot in slots {
            let access_lists = image.statements.get(slot).and_then(|it| it.access_lists.clone());
            patch.statements.insert(*slot, Some(Statements { policies: policies.clone(), access_lists }));
        }
        Ok(())
    }

    fn place(
        &mut self,
        world: &World,
        interface: &NetworkInterface,
        index: &Index,
        groups: &HashMap<u32, &SecurityGroup>,
    ) -> Result<Option<Place>> {
        let Some(attachment) = &interface.attachment else { return Ok(None) };
        let Some(instance) = world.instances.get(&attachment.instance_id) else {
            bail!("{} is attached to an instance that does not exist", interface.id);
        };
        let (vpc, subnet) = place::home(world, interface)?;
        let account = index.primary(&instance.id).unwrap_or(interface.slot);
        let mut record = place::record(interface, subnet, place::network_index(vpc), account);
        if world.flow_logs_of(interface).next().is_some() {
            record.flags |= InterfaceRecord::FLAG_FLOW_LOG;
        }
        let access_lists = world.network_acl_of(&subnet.id).map(|acl| self.access_lists(acl)).transpose()?;
        let policies = self.policies(world, &place::group_set(world, interface), groups)?;
        Ok(Some(Place {
            account,
            allowance: Allowance { instance: instance.number, limit: instance.connection_allowance },
            record,
            statements: Statements { policies, access_lists },
        }))
    }

    /// The policies of a set of groups.
    fn policies(
        &mut self,
        world: &World,
        set: &GroupSet,
        groups: &HashMap<u32, &SecurityGroup>,
    ) -> Result<BothWays> {
        let mut policy = |direction| -> Result<Words> {
            let key = (Arc::clone(set), direction);
            if let Some(policy) = self.policies.get(&key) {
                return Ok(Arc::clone(policy));
            }
            let rules =
                set.iter().filter_map(|number| groups.get(number)).flat_map(|it| it.rules_of(direction));
            let policy = policy::compile(&rules.map(|rule| PolicyRule::of(world, rule)).collect::<Vec<_>>())?;
            self.policies.insert(key, Arc::clone(&policy));
            Ok(policy)
        };
        Ok(BothWays { inbound: policy(Direction::Inbound)?, outbound: policy(Direction::Outbound)? })
    }

    /// The access lists of a network ACL, compiled only if it has changed.
    fn access_lists(&mut self, acl: &NetworkAcl) -> Result<BothWays> {
        if let Some((_, lists)) = self.access_lists.get(&acl.number).filter(|(cached, _)| cached == acl) {
            return Ok(lists.clone());
        }
        let lists = BothWays {
            inbound: access_list::compile(acl, Direction::Inbound)?,
            outbound: access_list::compile(acl, Direction::Outbound)?,
        };
        self.access_lists.insert(acl.number, (acl.clone(), lists.clone()));
        Ok(lists)
    }
}

pub(super) fn by_number(world: &World) -> HashMap<u32, &SecurityGroup> {
    world.security_groups.values().map(|group| (group.number, group)).collect()
}

/// Those that a world has, by id.
fn present<'w>(
    world: &'w World,
    ids: &'w BTreeSet<NetworkInterfaceId>,
) -> impl Iterator<Item = &'w NetworkInterface> {
    ids.iter().filter_map(|id| world.network_interfaces.get(id))
}

/// Enters an interface as the owner of addresses.
fn add_members(
    world: &World,
    interface: &NetworkInterface,
    addresses: impl Iterator<Item = IpAddr>,
    members: &mut BTreeMap<(u32, IpAddr), Owner>,
) -> Result<()> {
    let networks = place::networks_of(world, place::home(world, interface)?.0);
    let owner = place::owner(interface, place::group_set(world, interface))?;
    for address in addresses {
        place::add_member(members, &networks, address, interface, &owner);
    }
    Ok(())
}
