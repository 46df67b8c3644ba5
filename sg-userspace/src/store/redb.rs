//! The store as an embedded database: one table of JSON values by key, one durable transaction a commit.

use std::path::{Path, PathBuf};

use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use crate::aws::world::World;
use crate::command::changes::Changes;

use super::manifest::LabManifest;
use super::objects::{self, Write};
use super::{SCHEMA_VERSION, Store, StoreError, Stored};

const OBJECTS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("object");
const SCHEMA_KEY: &str = "meta/schema";
const VERSION_KEY: &str = "meta/version";
const LAB_KEY: &str = "lab";

/// A store in one file.
pub struct RedbStore {
    database: Database,
    path: PathBuf,
}

impl RedbStore {
    /// Opens the store in the file at `path`, making it where missing.
    ///
    /// # Errors
    /// Where the file cannot be used, is open elsewhere, or has another schema.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Database::create(path).map_err(|error| failed(path, error))?;
        let mut store = Self { database, path: path.to_owned() };
        store.check_schema()?;
        Ok(store)
    }

    fn check_schema(&mut self) -> Result<(), StoreError> {
        match self.number(SCHEMA_KEY)? {
            None => self.write(&[Write::put(SCHEMA_KEY, &SCHEMA_VERSION)], &[]),
            Some(found) if found == u64::from(SCHEMA_VERSION) => Ok(()),
            Some(found) => Err(StoreError::Schema {
                path: self.path.clone(),
                found: u32::try_from(found).unwrap_or(u32::MAX),
            }),
        }
    }

    fn failed(&self, error: impl Into<redb::Error>) -> StoreError {
        failed(&self.path, error)
    }

    /// Every key that starts with `prefix`, with its value.
    fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let transaction = self.database.begin_read().map_err(|error| self.failed(error))?;
        let table = match transaction.open_table(OBJECTS) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(error) => return Err(self.failed(error)),
        };
        let mut found = Vec::new();
        for entry in table.range(prefix..).map_err(|error| self.failed(error))? {
            let (key, value) = entry.map_err(|error| self.failed(error))?;
            if !key.value().starts_with(prefix) {
                break;
            }
            found.push((key.value().to_owned(), value.value().to_vec()));
        }
        Ok(found)
    }

    fn number(&self, key: &str) -> Result<Option<u64>, StoreError> {
        match self.scan(key)?.into_iter().find(|(found, _)| found == key) {
            Some((key, value)) => objects::value(&key, &value).map(Some),
            None => Ok(None),
        }
    }

    /// Deletes everything under `cleared`, then writes `writes`, in one durable transaction.
    fn write(&mut self, writes: &[Write], cleared: &[&str]) -> Result<(), StoreError> {
        let mut doomed = Vec::new();
        for prefix in cleared {
            doomed.extend(self.scan(prefix)?.into_iter().map(|(key, _)| key));
        }
        let mut transaction = self.database.begin_write().map_err(|error| self.failed(error))?;
        transaction.set_durability(Durability::Immediate).map_err(|error| self.failed(error))?;
        {
            let mut table = transaction.open_table(OBJECTS).map_err(|error| self.failed(error))?;
            for key in &doomed {
                table.remove(key.as_str()).map_err(|error| self.failed(error))?;
            }
            for write in writes {
                match &write.value {
                    Some(value) => table.insert(write.key.as_str(), value.as_slice()).map(drop),
                    None => table.remove(write.key.as_str()).map(drop),
                }
                .map_err(|error| self.failed(error))?;
            }
        }
        transaction.commit().map_err(|error| self.failed(error))
    }

    fn next_version(&self) -> Result<u64, StoreError> {
        Ok(self.number(VERSION_KEY)?.unwrap_or(0) + 1)
    }
}

impl Store for RedbStore {
    fn load(&self) -> Result<Stored, StoreError> {
        let world = objects::world(&self.scan(objects::PREFIX)?)?;
        let version = self.number(VERSION_KEY)?.unwrap_or(0);
        let lab = match self.scan(LAB_KEY)?.first() {
            Some((key, value)) => Some(objects::value(key, value)?),
            None => None,
        };
        Ok(Stored { world, version, lab })
    }

    fn commit(&mut self, world: &World, changes: &Changes) -> Result<u64, StoreError> {
        let version = self.next_version()?;
        let mut writes = objects::touched(world, changes);
        writes.push(Write::put(VERSION_KEY, &version));
        self.write(&writes, &[])?;
        Ok(version)
    }

    fn commit_lab(&mut self, lab: Option<&LabManifest>) -> Result<(), StoreError> {
        self.write(&[lab_write(lab)], &[])
    }

    fn replace(&mut self, world: &World, lab: Option<&LabManifest>) -> Result<u64, StoreError> {
        let version = self.next_version()?;
        let mut writes = objects::touched(world, &objects::all(world));
        writes.extend([lab_write(lab), Write::put(VERSION_KEY, &version)]);
        self.write(&writes, &[objects::PREFIX])?;
        Ok(version)
    }
}

fn lab_write(lab: Option<&LabManifest>) -> Write {
    match lab {
        Some(lab) => Write::put(LAB_KEY, lab),
        None => Write::delete(LAB_KEY),
    }
}

fn failed(path: &Path, error: impl Into<redb::Error>) -> StoreError {
    StoreError::Database { path: path.to_owned(), source: Box::new(error.into()) }
}
