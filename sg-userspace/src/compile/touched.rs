//! What a change can have touched in the maps.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::aws::ids::NetworkInterfaceId;
use crate::aws::rule::{Direction, Peer};
use crate::aws::world::World;
use crate::command::changes::{Changes, ObjectKey};

use super::compiler::by_number;
use super::growth::Growth;
use super::index::Index;

pub(super) const DIRECTIONS: [Direction; 2] = [Direction::Inbound, Direction::Outbound];

/// What has to be compiled anew.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Groups by number, and the direction in which their rules are others.
    rules: HashSet<(u32, Direction)>,
    /// Interfaces, gone ones included.
    pub(super) interfaces: BTreeSet<NetworkInterfaceId>,
}

impl Touched {
    /// What these changes touched; `None` where that is everything, or more than is worth telling apart. `index` is of the
    /// old world.
    pub(super) fn by(changes: &Changes, old: &World, new: &World, index: &Index) -> Option<Self> {
        let mut touched = Self::default();
        for key in &changes.keys {
            match key {
                ObjectKey::NetworkInterface(id) => {
                    touched.interfaces.insert(id.clone());
                    // Those of an instance share the account of the primary one.
                    for world in [old, new] {
                        let interface = world.network_interfaces.get(id);
                        let attachment = interface.and_then(|interface| interface.attachment.as_ref());
                        let siblings = attachment.map(|it| index.of_instance(&it.instance_id));
                        touched.interfaces.extend(siblings.into_iter().flatten().cloned());
                    }
                }
                ObjectKey::Instance(id) => touched.interfaces.extend(index.of_instance(id).cloned()),
                ObjectKey::SecurityGroup(id) => {
                    let number = |world: &World| world.security_groups.get(id).map(|group| group.number);
                    if number(old) != number(new) {
                        let interfaces = new.network_interfaces.values();
                        let carriers = interfaces.filter(|interface| interface.groups.contains(id));
                        touched.interfaces.extend(carriers.map(|interface| interface.id.clone()));
                    }
                }
                ObjectKey::PrefixList(_)
                | ObjectKey::InternetGateway(_)
                | ObjectKey::RouteTable(_)
                | ObjectKey::NetworkInsightsPath(_)
                | ObjectKey::NetworkInsightsAnalysis(_)
                | ObjectKey::Settings => {}
                ObjectKey::Vpc(_)
                | ObjectKey::Subnet(_)
                | ObjectKey::VpcPeeringConnection(_)
                | ObjectKey::NetworkAcl(_)
                | ObjectKey::FlowLog(_) => return None,
            }
        }
        touched.add_rules(changes, old, new);
        Some(touched)
    }

    /// Adds the groups whose rules are others, or stand for something else.
    pub(super) fn add_rules(&mut self, changes: &Changes, old: &World, new: &World) {
        let mut peers = HashSet::new();
        for key in &changes.keys {
            match key {
                ObjectKey::SecurityGroup(id) => {
                    let (before, after) = (old.security_groups.get(id), new.security_groups.get(id));
                    for direction in DIRECTIONS {
                        let [old, new] = [before, after]
                            .map(|group| group.into_iter().flat_map(move |group| group.rules_of(direction)));
                        if !old.eq(new) {
                            let groups = before.into_iter().chain(after);
                            self.rules.extend(groups.map(|group| (group.number, direction)));
                        }
                    }
                    if before.map(|group| group.number) != after.map(|group| group.number) {
                        peers.insert(Peer::ReferencedGroup(id.clone()));
                    }
                }
                ObjectKey::PrefixList(id) => {
                    peers.insert(Peer::PrefixList(id.clone()));
                }
                _ => {}
            }
        }
        if peers.is_empty() {
            return;
        }
        for group in new.security_groups.values() {
            let referring = group.rules.iter().filter(|rule| peers.contains(&rule.peer));
            self.rules.extend(referring.map(|rule| (group.number, rule.direction)));
        }
    }

    /// What the rules of each of those groups allow beside what they did.
    pub(super) fn growths(&self, old: &World, new: &World) -> HashMap<(u32, Direction), Growth> {
        let (before, after) = (by_number(old), by_number(new));
        let growth = |group: u32, direction| {
            let [before, after] = [&before, &after].map(|groups| groups.get(&group).copied());
            Growth::of((old, before), (new, after), direction)
        };
        self.rules.iter().map(|&(group, direction)| ((group, direction), growth(group, direction))).collect()
    }

    /// Whether a set's policy in a direction is over.
    pub(super) fn has(&self, set: &[u32], direction: Direction) -> bool {
        set.iter().any(|number| self.rules.contains(&(*number, direction)))
    }

    /// Whether one of a set's policies is over.
    pub(super) fn has_either(&self, set: &[u32]) -> bool {
        DIRECTIONS.into_iter().any(|direction| self.has(set, direction))
    }
}
