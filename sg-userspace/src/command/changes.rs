//! What a command touched: which objects the store must write and the compiler must look at again, and how to put the
//! world back if a later step fails.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::aws::quota::Quotas;
use crate::aws::world::{World, with_kinds};

macro_rules! keys_and_images {
    ($($table:ident: $module:ident::$kind:ident($id:ident) = $name:literal,)*) => {
        /// Names one stored object, with all that it holds: a group's rules, a prefix list's versions, a network ACL's entries.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ObjectKey {
            $(
                #[doc = concat!("One ", $name, ".")]
                $kind(crate::aws::ids::$id),
            )*
            /// The world's quotas, seed and last number.
            Settings,
        }

        /// An object as it was before a command; `None` where it did not exist.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(super) enum Image {
            $($kind(crate::aws::ids::$id, Option<crate::aws::$module::$kind>),)*
        }

        impl Changes {
            /// What differs between two worlds.
            pub fn between(old: &World, new: &World) -> Self {
                let mut keys = BTreeSet::new();
                $(
                    let differs = |id: &&_| old.$table.get(*id) != new.$table.get(*id);
                    let ids = old.$table.keys().chain(new.$table.keys());
                    keys.extend(ids.filter(differs).cloned().map(ObjectKey::$kind));
                )*
                let settings = |world: &World| (world.quotas, world.seed, world.last_number);
                if settings(old) != settings(new) {
                    keys.insert(ObjectKey::Settings);
                }
                Self { keys }
            }

            /// Makes a world that differs from `new` in nothing else like it.
            pub fn carry(&self, new: &World, world: &mut World) {
                for key in &self.keys {
                    match key {
                        $(ObjectKey::$kind(id) => carry(id, &new.$table, &mut world.$table),)*
                        ObjectKey::Settings => {
                            (world.quotas, world.seed, world.last_number) = (new.quotas, new.seed, new.last_number);
                        }
                    }
                }
            }
        }

        impl Image {
            /// Puts the object back as it was.
            pub(super) fn restore(self, world: &mut World) {
                match self {
                    $(
                        Self::$kind(id, Some(before)) => drop(world.$table.insert(id, before)),
                        Self::$kind(id, None) => drop(world.$table.remove(&id)),
                    )*
                }
            }
        }
    };
}

with_kinds!(keys_and_images);

fn carry<Id: Ord + Clone, Object: Clone>(
    id: &Id,
    from: &BTreeMap<Id, Object>,
    to: &mut BTreeMap<Id, Object>,
) {
    match from.get(id) {
        Some(object) => drop(to.insert(id.clone(), object.clone())),
        None => drop(to.remove(id)),
    }
}

/// The objects that a command touched. One that the world still has was made or changed; one that it lacks was deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The objects' keys.
    pub keys: BTreeSet<ObjectKey>,
}

impl Changes {
    /// Adds what a later command touched.
    pub fn merge(&mut self, later: Self) {
        self.keys.extend(later.keys);
    }

    /// Whether nothing was touched.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether this object was touched.
    pub fn contains(&self, key: &ObjectKey) -> bool {
        self.keys.contains(key)
    }
}

/// How to take an applied command back, for a caller whose next step (store, kernel) failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undo {
    pub(super) images: Vec<Image>,
    pub(super) quotas: Quotas,
}

impl Undo {
    /// Puts every touched object back as it was. Numbers that the command used stay used, since the step that failed
    /// may have shown them to others. Several commands are taken back newest first.
    pub fn restore(self, world: &mut World) {
        for image in self.images {
            image.restore(world);
        }
        world.quotas = self.quotas;
    }
}
