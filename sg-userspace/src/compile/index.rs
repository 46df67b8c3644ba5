//! Who depends on what in a world: from an object that has changed to the places in the maps that are compiled from it.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::net::IpAddr;

use crate::aws::ids::{InstanceId, NetworkInterfaceId};
use crate::aws::interface::NetworkInterface;
use crate::aws::world::World;

use super::image::GroupSet;
use super::place::{addresses, group_set};

/// An interface of an instance: its device index, its id and its slot.
type Attached = (u8, NetworkInterfaceId, u32);

/// Of one world; who changes the world changes this with it.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Interfaces by number.
    ids: HashMap<u32, NetworkInterfaceId>,
    /// Addresses, and the numbers of the interfaces that have them: several, where VPCs overlap.
    holders: BTreeSet<(IpAddr, u32)>,
    /// The interfaces of instances, by device index, with their slots.
    attached: HashMap<InstanceId, BTreeSet<Attached>>,
    /// Slots by their interface's set of groups.
    sets: HashMap<GroupSet, BTreeSet<u32>>,
}

impl Index {
    /// Of a world.
    pub(super) fn of(world: &World) -> Self {
        let interfaces = || world.network_interfaces.values();
        let holding = |interface: &NetworkInterface| {
            let number = interface.number;
            addresses(interface).map(move |address| (address, number)).collect::<Vec<_>>()
        };
        let mut index = Self {
            ids: interfaces().map(|interface| (interface.number, interface.id.clone())).collect(),
            // At once, which is several times as fast as one by one.
            holders: interfaces().flat_map(holding).collect(),
            ..Self::default()
        };
        interfaces().for_each(|interface| index.add_attached(world, interface));
        index
    }

    /// Adds an interface as a world has it.
    pub(super) fn add(&mut self, world: &World, interface: &NetworkInterface) {
        self.ids.insert(interface.number, interface.id.clone());
        self.holders.extend(addresses(interface).map(|address| (address, interface.number)));
        self.add_attached(world, interface);
    }

    fn add_attached(&mut self, world: &World, interface: &NetworkInterface) {
        if let Some((instance, attached)) = attached(interface) {
            self.attached.entry(instance.clone()).or_default().insert(attached);
            self.sets.entry(group_set(world, interface)).or_default().insert(interface.slot);
        }
    }

    /// Removes an interface that was added as this world has it.
    pub(super) fn remove(&mut self, world: &World, interface: &NetworkInterface) {
        self.ids.remove(&interface.number);
        for address in addresses(interface) {
            self.holders.remove(&(address, interface.number));
        }
        if let Some((instance, attached)) = attached(interface) {
            remove(&mut self.attached, instance, &attached);
            remove(&mut self.sets, &group_set(world, interface), &interface.slot);
        }
    }

    /// The interfaces that have an address, by id, as this world has them.
    pub(super) fn holders<'w>(&self, world: &'w World, address: IpAddr) -> Vec<&'w NetworkInterface> {
        let numbers = self.holders.range((address, 0)..=(address, u32::MAX)).map(|(_, number)| number);
        let ids = numbers.filter_map(|number| self.ids.get(number));
        let mut holders: Vec<_> = ids.filter_map(|id| world.network_interfaces.get(id)).collect();
        holders.sort_by_key(|interface| &interface.id);
        holders
    }

    /// An instance's interfaces, by device index.
    pub(super) fn of_instance(&self, instance: &InstanceId) -> impl Iterator<Item = &NetworkInterfaceId> {
        self.attached.get(instance).into_iter().flatten().map(|(_, id, _)| id)
    }

    /// The slot of an instance's primary interface.
    pub(super) fn primary(&self, instance: &InstanceId) -> Option<u32> {
        self.attached.get(instance)?.first().map(|(_, _, slot)| *slot)
    }

    /// The distinct sets, and the slots of each.
    pub(super) fn sets(&self) -> &HashMap<GroupSet, BTreeSet<u32>> {
        &self.sets
    }
}

fn attached(interface: &NetworkInterface) -> Option<(&InstanceId, Attached)> {
    let attachment = interface.attachment.as_ref()?;
    Some((&attachment.instance_id, (attachment.device_index, interface.id.clone(), interface.slot)))
}

/// Removes an element of a set, and the set with its last one.
fn remove<K: Eq + Hash, T: Ord>(sets: &mut HashMap<K, BTreeSet<T>>, key: &K, element: &T) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(element);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}
