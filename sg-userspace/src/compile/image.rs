//! What every map holds, as plain values, and what differs between two such images.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use sg_common::abi::interface::InterfaceRecord;
use sg_common::abi::network::NetworkRecord;

use super::words::Words;

/// Group numbers, sorted, at most [`sg_common::abi::member::MAX_GROUPS`]: a distinct set.
pub type GroupSet = Arc<[u32]>;

/// The owner of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Interface number.
    pub number: u32,
    /// Slot.
    pub slot: u32,
    /// Its groups.
    pub groups: GroupSet,
}

/// What a slot has in both directions: its policies, or its subnet's access lists.
#[derive(Clone, Debug, Eq)]
pub struct BothWays {
    /// Inbound.
    pub inbound: Words,
    /// Outbound.
    pub outbound: Words,
}

impl PartialEq for BothWays {
    /// Words are shared, so what is the same is mostly the same words.
    fn eq(&self, other: &Self) -> bool {
        let is_same = |a: &Words, b: &Words| Arc::ptr_eq(a, b) || a == b;
        is_same(&self.inbound, &other.inbound) && is_same(&self.outbound, &other.outbound)
    }
}

/// What a slot's interface is judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statements {
    /// Its groups' policies.
    pub policies: BothWays,
    /// Its subnet's access lists; without any, nothing crosses the subnet's border.
    pub access_lists: Option<BothWays>,
}

/// An instance's connection allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Number of the instance.
    pub instance: u32,
    /// How many connections it may track.
    pub limit: u32,
}

/// Hands the tables of an image to a macro.
macro_rules! with_tables {
    ($then:ident) => {
        $then! {
            /// By network index.
            networks: u32 => NetworkRecord,
            /// By slot; attached interfaces only. They have no link yet: which links exist is the data plane's to know.
            interfaces: u32 => InterfaceRecord,
            /// By slot.
            statements: u32 => Statements,
            /// By the slot of the instance's primary interface.
            allowances: u32 => Allowance,
            /// By network index and address.
            members: (u32, IpAddr) => Owner,
        }
    };
}

macro_rules! image_and_patch {
    ($($(#[$doc:meta])* $table:ident: $key:ty => $value:ty,)*) => {
        /// The contents of the maps.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct MapImage {
            $($(#[$doc])* pub $table: BTreeMap<$key, $value>,)*
        }

        /// What becomes of some places of an image: `None` is for what goes.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Patch {
            $($(#[$doc])* pub $table: BTreeMap<$key, Option<$value>>,)*
        }

        impl MapImage {
            /// What makes another image of this one.
            pub fn patch_to(&self, next: Self) -> Patch {
                Patch { $($table: difference(&self.$table, next.$table),)* }
            }

            /// All of it.
            pub(super) fn whole(&self) -> Patch {
                Self::default().patch_to(self.clone())
            }

            /// Makes the changes.
            pub fn update(&mut self, patch: Patch) {
                $(update(&mut self.$table, patch.$table);)*
            }
        }

        impl Patch {
            /// What takes this patch of an image back.
            pub(super) fn inverse(&self, image: &MapImage) -> Self {
                Self { $($table: inverse(&self.$table, &image.$table),)* }
            }

            /// Lays a later patch over this one.
            pub(super) fn overlay(&mut self, later: Self) {
                $(self.$table.extend(later.$table);)*
            }

            /// Leaves out what the image has already.
            pub(super) fn narrow(&mut self, image: &MapImage) {
                $(self.$table.retain(|key, value| image.$table.get(key) != value.as_ref());)*
            }
        }
    };
}

with_tables!(image_and_patch);

fn difference<K: Ord + Clone, V: PartialEq>(
    old: &BTreeMap<K, V>,
    new: BTreeMap<K, V>,
) -> BTreeMap<K, Option<V>> {
    let gone: Vec<K> = old.keys().filter(|key| !new.contains_key(key)).cloned().collect();
    let changed = new.into_iter().filter(|(key, value)| old.get(key) != Some(value));
    let mut patch: BTreeMap<K, Option<V>> = changed.map(|(key, value)| (key, Some(value))).collect();
    patch.extend(gone.into_iter().map(|key| (key, None)));
    patch
}

fn inverse<K: Ord + Clone, V: Clone>(
    patch: &BTreeMap<K, Option<V>>,
    image: &BTreeMap<K, V>,
) -> BTreeMap<K, Option<V>> {
    patch.keys().map(|key| (key.clone(), image.get(key).cloned())).collect()
}

fn update<K: Ord, V>(table: &mut BTreeMap<K, V>, patch: BTreeMap<K, Option<V>>) {
    for (key, value) in patch {
        match value {
            Some(value) => drop(table.insert(key, value)),
            None => drop(table.remove(&key)),
        }
    }
}

impl MapImage {
    /// Whether an interface that is in its slot before and after a patch has other timeouts then.
    pub fn has_other_timers(&self, patch: &Patch) -> bool {
        let timers = |record: &InterfaceRecord| (record.tcp_established, record.udp, record.udp_stream);
        patch.interfaces.iter().any(|(slot, new)| match (self.interfaces.get(slot), new) {
            (Some(old), Some(new)) => old.number == new.number && timers(old) != timers(new),
            _ => false,
        })
    }
}
