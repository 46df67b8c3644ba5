//! One command's work on the world, with a journal: every object is copied before it is first changed, so a refused
//! command is taken back and an applied one knows what it touched. Commands change the world through this type only.

use std::collections::BTreeMap;

use crate::aws::error::AwsError;
use crate::aws::group::SecurityGroup;
use crate::aws::ids::SecurityGroupRuleId;
use crate::aws::quota::Quotas;
use crate::aws::tag::ResourceId;
use crate::aws::world::{World, with_kinds};

use super::changes::{Changes, Image, ObjectKey, Undo};

/// An object that the world keeps in a table of its own.
pub(super) trait Object: Clone {
    type Id: Clone + Ord;

    fn id(&self) -> &Self::Id;
    fn key(id: &Self::Id) -> ObjectKey;
    fn image(id: &Self::Id, before: Option<Self>) -> Image;
    fn table(world: &World) -> &BTreeMap<Self::Id, Self>;
    fn table_mut(world: &mut World) -> &mut BTreeMap<Self::Id, Self>;
    fn not_found(id: &Self::Id) -> AwsError;
}

macro_rules! objects {
    ($($table:ident: $module:ident::$kind:ident($id:ident) = $name:literal,)*) => {
        $(impl Object for crate::aws::$module::$kind {
            type Id = crate::aws::ids::$id;

            fn id(&self) -> &Self::Id {
                &self.id
            }

            fn key(id: &Self::Id) -> ObjectKey {
                ObjectKey::$kind(id.clone())
            }

            fn image(id: &Self::Id, before: Option<Self>) -> Image {
                Image::$kind(id.clone(), before)
            }

            fn table(world: &World) -> &BTreeMap<Self::Id, Self> {
                &world.$table
            }

            fn table_mut(world: &mut World) -> &mut BTreeMap<Self::Id, Self> {
                &mut world.$table
            }

            fn not_found(id: &Self::Id) -> AwsError {
                id.not_found()
            }
        })*

        impl Edit<'_> {
            /// The tags of an object to change; those of a rule are in its group.
            pub(super) fn tags_mut(&mut self, id: &ResourceId) -> Result<&mut BTreeMap<String, String>, AwsError> {
                match id {
                    $(ResourceId::$kind(id) => Ok(&mut self.get_mut::<crate::aws::$module::$kind>(id)?.tags),)*
                    ResourceId::SecurityGroupRule(id) => self.rule_tags_mut(id),
                }
            }
        }
    };
}

with_kinds!(objects);

/// The world under one command.
pub(super) struct Edit<'w> {
    world: &'w mut World,
    journal: BTreeMap<ObjectKey, Image>,
    quotas_before: Quotas,
    last_number_before: u32,
}

impl<'w> Edit<'w> {
    pub(super) fn begin(world: &'w mut World) -> Self {
        let (quotas_before, last_number_before) = (world.quotas, world.last_number);
        Self { world, journal: BTreeMap::new(), quotas_before, last_number_before }
    }

    /// The world as it is now, for reading.
    pub(super) fn world(&self) -> &World {
        self.world
    }

    /// An object to read.
    pub(super) fn get<O: Object>(&self, id: &O::Id) -> Result<&O, AwsError> {
        O::table(self.world).get(id).ok_or_else(|| O::not_found(id))
    }

    /// An object to change.
    pub(super) fn get_mut<O: Object>(&mut self, id: &O::Id) -> Result<&mut O, AwsError> {
        self.note::<O>(id);
        O::table_mut(self.world).get_mut(id).ok_or_else(|| O::not_found(id))
    }

    /// Puts a new object in place.
    pub(super) fn put<O: Object>(&mut self, object: O) {
        let id = object.id().clone();
        self.note::<O>(&id);
        O::table_mut(self.world).insert(id, object);
    }

    /// Takes an object away.
    pub(super) fn remove<O: Object>(&mut self, id: &O::Id) {
        self.note::<O>(id);
        O::table_mut(self.world).remove(id);
    }

    /// The next number, never given before, and the seed that ids are minted from.
    pub(super) fn next_number(&mut self) -> Result<(u64, u32), AwsError> {
        let number = self.world.last_number.checked_add(1).ok_or_else(|| {
            AwsError::new("InternalError", "every object number has been used; start a new lab".to_owned())
        })?;
        self.world.last_number = number;
        Ok((self.world.seed, number))
    }

    pub(super) fn set_quotas(&mut self, quotas: Quotas) {
        self.world.quotas = quotas;
    }

    /// Keeps the work: what was touched and how to take it back.
    pub(super) fn finish(self) -> (Changes, Undo) {
        let mut changes = Changes { keys: self.journal.keys().cloned().collect() };
        if self.world.quotas != self.quotas_before || self.world.last_number != self.last_number_before {
            changes.keys.insert(ObjectKey::Settings);
        }
        (changes, Undo { images: self.journal.into_values().collect(), quotas: self.quotas_before })
    }

    /// Takes the work back: the world is exactly as it was.
    pub(super) fn roll_back(self) {
        for image in self.journal.into_values() {
            image.restore(self.world);
        }
        self.world.quotas = self.quotas_before;
        self.world.last_number = self.last_number_before;
    }

    fn rule_tags_mut(&mut self, id: &SecurityGroupRuleId) -> Result<&mut BTreeMap<String, String>, AwsError> {
        let has_it = |group: &&SecurityGroup| group.rules.iter().any(|rule| rule.id == *id);
        let group = self.world.security_groups.values().find(has_it);
        let group_id = group.map(|group| group.id.clone()).ok_or_else(|| id.not_found())?;
        let group: &mut SecurityGroup = self.get_mut(&group_id)?;
        let rule = group.rules.iter_mut().find(|rule| rule.id == *id);
        rule.map(|rule| &mut rule.tags).ok_or_else(|| id.not_found())
    }

    fn note<O: Object>(&mut self, id: &O::Id) {
        let before = O::table(self.world).get(id);
        self.journal.entry(O::key(id)).or_insert_with(|| O::image(id, before.cloned()));
    }
}
