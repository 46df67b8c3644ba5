//! The store as an embedded database: one table of JSON values by key, one durable transaction a commit.

use std::fs;
use std::path::{Path, PathBuf};

use redb::{Builder, Database, DatabaseError, Durability, ReadableDatabase, TableDefinition};

use crate::aws::world::World;
use crate::command::changes::Changes;
use crate::durable;

use super::manifest::LabManifest;
use super::migration::{self, Entries};
use super::objects::{self, Write};
use super::{SCHEMA_VERSION, Store, StoreError, Stored};

const OBJECTS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("object");
const SCHEMA_KEY: &str = "meta/schema";
const VERSION_KEY: &str = "meta/version";
/// Counts transactions, so that one whose commit failed can be looked for.
const TRANSACTION_KEY: &str = "meta/transaction";
const LAB_KEY: &str = "lab";
/// Pages kept in memory, in bytes: the state of a large lab, and not the gibibyte that is the database's default.
const CACHE: usize = 16 << 20;

/// Opens the database: at first, and again after it has failed.
pub type OpenDatabase = Box<dyn Fn(&Builder) -> Result<Database, DatabaseError> + Send>;

/// A store in one file.
pub struct RedbStore {
    /// None while it is being opened, and once it has failed and could not be opened again.
    database: Option<Database>,
    open: OpenDatabase,
    path: PathBuf,
    /// Number of the last transaction.
    transaction: u64,
    uncertain: bool,
}

impl RedbStore {
    /// Opens the store in the file at `path`, making it where missing. One of an earlier schema is brought forward; a copy
    /// of it as it was stays beside it.
    ///
    /// # Errors
    /// Where the file cannot be used, is open elsewhere, or has a later schema.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let io = |source| StoreError::Io { path: path.to_owned(), source };
        if !path.exists() {
            // Whole before it has its name: half a database cannot be opened.
            let unfinished = beside(path, "new");
            let _ = fs::remove_file(&unfinished);
            let file = unfinished.clone();
            drop(Self::on(&unfinished, Box::new(move |builder| builder.create(&file)))?);
            fs::rename(&unfinished, path).and_then(|()| durable::sync_parent(path)).map_err(io)?;
        }
        let file = path.to_owned();
        let mut store = Self::unchecked(path, Box::new(move |builder| builder.open(&file)))?;
        if let Some(found) = store.earlier_schema()? {
            // Closed first: a database that is open does not lie whole in its file.
            store.database = None;
            durable::copy(path, &backup(path, found)).map_err(io)?;
            store.reopen()?;
        }
        store.bring_forward()?;
        Ok(store)
    }

    /// A store in whatever `open` opens, which messages call `path`. An earlier schema is brought forward without a copy.
    ///
    /// # Errors
    /// As [`RedbStore::open`].
    pub fn on(path: &Path, open: OpenDatabase) -> Result<Self, StoreError> {
        let mut store = Self::unchecked(path, open)?;
        store.bring_forward()?;
        Ok(store)
    }

    fn unchecked(path: &Path, open: OpenDatabase) -> Result<Self, StoreError> {
        let mut store =
            Self { database: None, open, path: path.to_owned(), transaction: 0, uncertain: false };
        store.reopen()?;
        store.transaction = store.number(TRANSACTION_KEY)?.unwrap_or(0);
        Ok(store)
    }

    /// Opens the database anew: one that has failed answers nothing any more.
    fn reopen(&mut self) -> Result<(), StoreError> {
        self.database = None;
        let opened = (self.open)(Builder::new().set_cache_size(CACHE));
        self.database = Some(opened.map_err(|error| self.failed(error))?);
        Ok(())
    }

    /// The schema that has to be brought forward. None in a new store and in one of today's.
    fn earlier_schema(&self) -> Result<Option<u32>, StoreError> {
        let found = self.number(SCHEMA_KEY)?.map(|found| u32::try_from(found).unwrap_or(u32::MAX));
        match found {
            Some(found) if found > SCHEMA_VERSION => {
                Err(StoreError::Schema { path: self.path.clone(), found })
            }
            found => Ok(found.filter(|found| *found < SCHEMA_VERSION)),
        }
    }

    /// Makes the schema today's, in one transaction.
    fn bring_forward(&mut self) -> Result<(), StoreError> {
        let schema = Write::put(SCHEMA_KEY, &SCHEMA_VERSION);
        let Some(found) = self.earlier_schema()? else {
            return match self.number(SCHEMA_KEY)? {
                None => self.write(vec![schema], &[]),
                Some(_) => Ok(()),
            };
        };
        let stored = self.scan("")?.into_iter().map(|(key, bytes)| {
            let value = objects::value(&key, &bytes)?;
            Ok((key, value))
        });
        let mut entries = stored.collect::<Result<Entries, StoreError>>()?;
        migration::migrate(found, &mut entries)?;
        let mut writes = entries.iter().map(|(key, value)| Write::put(key, value)).collect::<Vec<_>>();
        writes.push(schema);
        self.write(writes, &[""])?;
        tracing::info!(found, now = SCHEMA_VERSION, "brought the store forward");
        Ok(())
    }

    fn database(&self) -> Result<&Database, StoreError> {
        self.database.as_ref().ok_or_else(|| self.failed(redb::Error::DatabaseClosed))
    }

    fn failed(&self, error: impl Into<redb::Error>) -> StoreError {
        StoreError::Database { path: self.path.clone(), source: Box::new(error.into()) }
    }

    /// Every key that starts with `prefix`, with its value.
    fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let transaction = self.database()?.begin_read().map_err(|error| self.failed(error))?;
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

    /// Deletes everything under `cleared`, then writes `writes`, in one durable transaction. Where that fails, the database
    /// is opened anew and asked whether it was kept all the same.
    fn write(&mut self, mut writes: Vec<Write>, cleared: &[&str]) -> Result<(), StoreError> {
        let before = self.transaction;
        writes.push(Write::put(TRANSACTION_KEY, &(before + 1)));
        let Err(source) = self.transact(&writes, cleared) else {
            self.transaction = before + 1;
            return Ok(());
        };
        let kept = self.reopen().and_then(|()| self.number(TRANSACTION_KEY));
        match kept {
            Ok(found) if found.unwrap_or(0) == before => Err(source),
            _ => {
                self.uncertain = true;
                Err(StoreError::Uncertain { path: self.path.clone(), source: Box::new(source) })
            }
        }
    }

    fn transact(&self, writes: &[Write], cleared: &[&str]) -> Result<(), StoreError> {
        let mut doomed = Vec::new();
        for prefix in cleared {
            doomed.extend(self.scan(prefix)?.into_iter().map(|(key, _)| key));
        }
        let mut transaction = self.database()?.begin_write().map_err(|error| self.failed(error))?;
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
        self.write(writes, &[])?;
        Ok(version)
    }

    fn commit_lab(&mut self, lab: Option<&LabManifest>) -> Result<(), StoreError> {
        self.write(vec![lab_write(lab)], &[])
    }

    fn replace(&mut self, world: &World, lab: Option<&LabManifest>) -> Result<u64, StoreError> {
        let version = self.next_version()?;
        let mut writes = objects::touched(world, &objects::all(world));
        writes.extend([lab_write(lab), Write::put(VERSION_KEY, &version)]);
        self.write(writes, &[objects::PREFIX])?;
        Ok(version)
    }

    fn is_uncertain(&self) -> bool {
        self.uncertain
    }
}

fn lab_write(lab: Option<&LabManifest>) -> Write {
    match lab {
        Some(lab) => Write::put(LAB_KEY, lab),
        None => Write::delete(LAB_KEY),
    }
}

/// Where a store of an earlier schema is kept as it was.
pub fn backup(path: &Path, schema: u32) -> PathBuf {
    beside(path, &format!("schema-{schema}"))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    name.into()
}
