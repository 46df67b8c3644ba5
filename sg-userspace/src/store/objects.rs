//! AWS's objects as keys and JSON values: `world/<kind>/<id>`, and `world/settings` for what is not an object.
//!
//! A change writes the objects that it touched, so the cost of a commit depends on the change and not on the world.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::aws::quota::Quotas;
use crate::aws::world::{World, with_kinds};
use crate::command::changes::{Changes, ObjectKey};

use super::StoreError;

/// What all keys of the world start with.
pub const PREFIX: &str = "world/";

const SETTINGS: &str = "settings";

/// One key to write, or to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The key.
    pub key: String,
    /// Its new value; `None` deletes it.
    pub value: Option<Vec<u8>>,
}

impl Write {
    /// Writes `value` as JSON.
    pub fn put(key: impl Into<String>, value: &impl Serialize) -> Self {
        // Only a map with keys that are not strings fails, and no stored type has one.
        let value = serde_json::to_vec(value).expect("stored values are plain JSON");
        Self { key: key.into(), value: Some(value) }
    }

    /// Deletes the key.
    pub fn delete(key: impl Into<String>) -> Self {
        Self { key: key.into(), value: None }
    }
}

/// What a world has beside its objects.
#[derive(Serialize, Deserialize)]
struct Settings {
    quotas: Quotas,
    seed: u64,
    last_number: u32,
}

impl Settings {
    fn of(world: &World) -> Write {
        let settings = Self { quotas: world.quotas, seed: world.seed, last_number: world.last_number };
        Write::put(format!("{PREFIX}{SETTINGS}"), &settings)
    }
}

macro_rules! of_every_kind {
    ($($table:ident: $module:ident::$kind:ident($id:ident) = $name:literal,)*) => {
        /// The writes for the objects that `changes` names.
        pub fn touched(world: &World, changes: &Changes) -> Vec<Write> {
            changes
                .keys
                .iter()
                .map(|key| match key {
                    $(ObjectKey::$kind(id) => write($name, id, &world.$table),)*
                    ObjectKey::Settings => Settings::of(world),
                })
                .collect()
        }

        /// Names every object that there is, for whoever has seen none of them.
        pub fn all(world: &World) -> Changes {
            let mut keys = BTreeSet::from([ObjectKey::Settings]);
            $(keys.extend(world.$table.keys().cloned().map(ObjectKey::$kind));)*
            Changes { keys }
        }

        fn read_one(world: &mut World, kind: &str, key: &str, id: &str, bytes: &[u8]) -> Result<(), StoreError> {
            match kind {
                $($name => read(key, id, bytes, &mut world.$table),)*
                // The schema's version says that there is no other kind.
                _ => Ok(()),
            }
        }
    };
}

with_kinds!(of_every_kind);

fn write<Id: Ord + Display, Object: Serialize>(kind: &str, id: &Id, objects: &BTreeMap<Id, Object>) -> Write {
    let key = format!("{PREFIX}{kind}/{id}");
    match objects.get(id) {
        Some(object) => Write::put(key, object),
        None => Write::delete(key),
    }
}

/// The world that these keys and values describe.
///
/// # Errors
/// Where a value or a key is not of the kind that `touched` writes.
pub fn world(entries: &[(String, Vec<u8>)]) -> Result<World, StoreError> {
    let mut world = World::default();
    for (key, bytes) in entries {
        let path = key.strip_prefix(PREFIX).unwrap_or(key);
        let (kind, id) = path.split_once('/').unwrap_or((path, ""));
        match kind {
            SETTINGS => {
                let settings: Settings = value(key, bytes)?;
                (world.quotas, world.seed, world.last_number) =
                    (settings.quotas, settings.seed, settings.last_number);
            }
            _ => read_one(&mut world, kind, key, id, bytes)?,
        }
    }
    Ok(world)
}

fn read<Id: Ord + TryFrom<String>, Object: DeserializeOwned>(
    key: &str,
    id: &str,
    bytes: &[u8],
    objects: &mut BTreeMap<Id, Object>,
) -> Result<(), StoreError> {
    let Ok(id) = Id::try_from(id.to_owned()) else {
        let source = serde::de::Error::custom("the key does not end in an id");
        return Err(StoreError::Value { key: key.to_owned(), source });
    };
    objects.insert(id, value(key, bytes)?);
    Ok(())
}

/// The JSON value of a key.
///
/// # Errors
/// Where it is not a `T`.
pub fn value<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|source| StoreError::Value { key: key.to_owned(), source })
}
