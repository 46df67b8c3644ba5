//! The state directory: where everything that a controller keeps has its place.
//!
//! # Invariants
//! Nothing is written to, removed from or changed about a directory that is not sgsim's own: one that it made, that was
//! empty, or that has the lock or the store of an earlier controller in it.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::durable;
use crate::hash::fnv1a;
use crate::store::SCHEMA_VERSION;
use crate::store::redb::backup;

/// Default state directory.
pub const DEFAULT: &str = "/var/lib/sgsim";

/// What a state directory is to have so that servers that do not run as root reach their files below it.
const PASSABLE: u32 = 0o711;

/// The state directory's layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDirectory(PathBuf);

impl StateDirectory {
    /// The layout under `path`. Nothing is touched.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The store's file.
    pub fn store(&self) -> PathBuf {
        self.0.join("store.redb")
    }

    /// The lock that the controller holds.
    pub fn lock(&self) -> PathBuf {
        self.0.join("controller.lock")
    }

    /// The controller's unix socket.
    pub fn socket(&self) -> PathBuf {
        self.0.join("sgsim.sock")
    }

    /// The unix socket of `sgsim serve`.
    pub fn endpoint_socket(&self) -> PathBuf {
        self.0.join("serve.sock")
    }

    /// Mount point of the private bpffs that maps and links are pinned in.
    pub fn bpf(&self) -> PathBuf {
        self.0.join("bpf")
    }

    /// The list of what the lab has made outside of this directory.
    pub fn made(&self) -> PathBuf {
        self.0.join("made.jsonl")
    }

    /// What ids are minted from: 0 in the default directory, so that a lab has the same ids on every machine; elsewhere
    /// the path's hash (FNV-1a), so that two labs on one machine have different ones.
    pub fn seed(&self) -> u64 {
        if self.0 == Path::new(DEFAULT) {
            return 0;
        }
        fnv1a(self.0.as_os_str().as_encoded_bytes())
    }

    /// Log files.
    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// The controller's log.
    pub fn controller_log(&self) -> PathBuf {
        self.logs().join("controller.log")
    }

    /// Flow logs' records.
    pub fn flow_logs(&self) -> PathBuf {
        self.0.join("flow-logs")
    }

    /// The servers' data.
    pub fn servers(&self) -> PathBuf {
        self.0.join("servers")
    }

    /// Whether a controller has been here: its lock or its store is.
    pub fn is_marked(&self) -> bool {
        self.lock().exists() || self.store().exists()
    }

    /// Makes the directory sgsim's own, with a place for logs. Servers that do not run as root can pass through it.
    ///
    /// # Errors
    /// Where something of somebody else's is in it, or the file system refuses.
    pub fn claim(&self) -> Result<()> {
        let explain = || format!("cannot make the state directory `{}`", self.0.display());
        let made = match fs::read_dir(&self.0) {
            Ok(mut entries) => {
                if entries.next().is_some() && !self.is_marked() {
                    bail!(
                        "`{}` has files in it that are not sgsim's; name an empty or a new directory with --state-dir",
                        self.0.display()
                    );
                }
                false
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.0).with_context(explain)?;
                durable::sync_parent(&self.0).with_context(explain)?;
                true
            }
            Err(error) => return Err(error).with_context(explain),
        };
        // The mark comes first: whoever looks from here on finds it.
        OpenOptions::new().append(true).create(true).open(self.lock()).with_context(explain)?;
        let mode = fs::metadata(&self.0).with_context(explain)?.permissions().mode();
        let wanted = if made { 0o755 } else { mode | PASSABLE };
        fs::set_permissions(&self.0, Permissions::from_mode(wanted)).with_context(explain)?;
        fs::create_dir_all(self.logs()).with_context(explain)
    }

    /// Removes what a controller kept here, once nothing of its lab is left; and the directory, if it is empty then.
    ///
    /// # Errors
    /// Where something that should go stays, or no controller has been here.
    pub fn forget(&self) -> Result<()> {
        ensure!(self.is_marked(), "no controller has been in `{}`", self.0.display());
        let mut failures = Vec::new();
        let gone = |result: std::io::Result<()>| match result {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Some(error),
            _ => None,
        };
        for directory in [self.servers(), self.flow_logs(), self.logs()] {
            let removed = gone(fs::remove_dir_all(&directory));
            failures.extend(removed.map(|error| format!("{}: {error}", directory.display())));
        }
        // The lock last: while it is there, the rest is sgsim's.
        let stores = (1..SCHEMA_VERSION).map(|schema| backup(&self.store(), schema)).chain([self.store()]);
        let others = [self.endpoint_socket(), self.socket(), self.made()];
        for file in others.into_iter().chain(stores).chain([self.lock()]) {
            failures.extend(gone(fs::remove_file(&file)).map(|error| format!("{}: {error}", file.display())));
        }
        // Others may keep files of their own here.
        let _ = fs::remove_dir(self.bpf());
        let _ = fs::remove_dir(&self.0);
        ensure!(failures.is_empty(), "could not remove {}", failures.join(", "));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_else_s_directory_is_left_as_it_is() {
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), Permissions::from_mode(0o700)).unwrap();
        fs::create_dir(place.path().join("logs")).unwrap();
        fs::write(place.path().join("logs/theirs"), "text").unwrap();
        let directory = StateDirectory::new(place.path());
        let error = directory.claim().unwrap_err().to_string();
        assert!(error.contains("not sgsim's") && error.contains("--state-dir"), "{error}");
        assert!(directory.forget().is_err());
        assert_eq!(fs::read_to_string(place.path().join("logs/theirs")).unwrap(), "text");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        assert_eq!(fs::metadata(place.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn own_directory_is_made_passable_and_removed() {
        let place = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let directory = StateDirectory::new(place.path().join("new"));
        // Twice: the next controller finds it as this one leaves it.
        for _ in 0..2 {
            directory.claim().unwrap();
            assert!(directory.is_marked() && directory.logs().exists());
            assert_eq!(mode(directory.path()), 0o755);
        }
        directory.forget().unwrap();
        assert!(!directory.path().exists());

        fs::set_permissions(place.path(), Permissions::from_mode(0o700)).unwrap();
        let directory = StateDirectory::new(place.path());
        directory.claim().unwrap();
        assert_eq!(mode(place.path()), 0o711);
        fs::write(place.path().join("theirs"), "text").unwrap();
        directory.forget().unwrap();
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "what came later stays");
    }
}
