//! Durable state behind an interface: the world, object by object, and what the lab has built.
//!
//! The default is an embedded database in the state directory (`redb`); clusters will share one through etcd, so nothing
//! here assumes more than keys, values and a transaction. What a [`Store`] has acknowledged survives the loss of power.

use std::path::PathBuf;

use crate::aws::world::World;
use crate::command::changes::Changes;

pub mod lock;
pub mod manifest;
mod migration;
pub mod objects;
pub mod redb;

use manifest::LabManifest;

/// Version of the keys and values below. A store with an earlier one is brought forward; one with a later one is refused
/// rather than guessed at. Raise it whenever an sgsim of before would lose something by reading what this one writes: a new
/// kind of object, a field with a meaning; with a step in `migration`, and a store of the version before in `tests/stores`.
pub const SCHEMA_VERSION: u32 = 3;

/// What a store holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stored {
    /// AWS's objects.
    pub world: World,
    /// How many commits made it; every acknowledged change has its own number.
    pub version: u64,
    /// The lab that is up, if one is.
    pub lab: Option<LabManifest>,
}

/// Durable state.
///
/// # Invariants
/// A commit is all or nothing, and what it acknowledged is what [`Store::load`] gives from then on, whatever happens to
/// the process or to the machine's power. One that fails has changed nothing, and the next one may succeed; only
/// [`StoreError::Uncertain`] says that nobody knows.
pub trait Store: Send {
    /// Everything, as of the last commit. An empty store gives an empty world at version 0.
    ///
    /// # Errors
    /// Where it cannot be read, or was written by another version of the schema.
    fn load(&self) -> Result<Stored, StoreError>;

    /// Writes the objects that `changes` names as `world` has them, deleting those that it no longer has, and gives the
    /// new version.
    ///
    /// # Errors
    /// Where it cannot be written; then nothing was.
    fn commit(&mut self, world: &World, changes: &Changes) -> Result<u64, StoreError>;

    /// Writes what the lab has built, or that there is no lab.
    ///
    /// # Errors
    /// Where it cannot be written; then nothing was.
    fn commit_lab(&mut self, lab: Option<&LabManifest>) -> Result<(), StoreError>;

    /// Replaces everything at once: a lab's start and end. Gives the new version.
    ///
    /// # Errors
    /// Where it cannot be written; then nothing was.
    fn replace(&mut self, world: &World, lab: Option<&LabManifest>) -> Result<u64, StoreError>;

    /// Whether a commit has ended with [`StoreError::Uncertain`]: only loading the store anew tells what is in it.
    fn is_uncertain(&self) -> bool;
}

/// Why a store does not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another controller owns the state directory.
    #[error(
        "another controller{} owns this state directory (`{}`); use it, or end it with `sgsim down`, or choose another directory with --state-dir",
        .pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default(), .path.display()
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, where known.
        pid: Option<u32>,
    },
    /// The file system refused.
    #[error("cannot use `{}`", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database refused.
    #[error("the store `{}` failed", .path.display())]
    Database {
        /// The database's file.
        path: PathBuf,
        /// Why.
        source: Box<::redb::Error>,
    },
    /// The database failed in the middle of a commit, and does not say on which side of it.
    #[error("the store `{}` failed, and may or may not have kept the last change", .path.display())]
    Uncertain {
        /// The database's file.
        path: PathBuf,
        /// How it failed.
        source: Box<StoreError>,
    },
    /// Written by a later version of `sgsim`.
    #[error(
        "the store `{}` has schema version {found}, and this sgsim understands no later one than {SCHEMA_VERSION}; run the sgsim that wrote it, or `sgsim down` with that one first",
        .path.display()
    )]
    Schema {
        /// The database's file.
        path: PathBuf,
        /// The version that it has.
        found: u32,
    },
    /// An object's value cannot be understood.
    #[error("the store's value for `{key}` is not what this sgsim writes")]
    Value {
        /// Its key.
        key: String,
        /// Why.
        source: serde_json::Error,
    },
}
