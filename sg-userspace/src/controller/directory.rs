//! The state directory: where everything that a controller keeps has its place.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

/// Default state directory.
pub const DEFAULT: &str = "/var/lib/sgsim";

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
        let bytes = self.0.as_os_str().as_encoded_bytes();
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }

    /// Log files.
    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// The controller's log.
    pub fn controller_log(&self) -> PathBuf {
        self.logs().join("controller.log")
    }

    /// The servers' data.
    pub fn servers(&self) -> PathBuf {
        self.0.join("servers")
    }

    /// Removes what a controller kept here, once nothing of its lab is left; and the directory, if it is empty then.
    ///
    /// # Errors
    /// Where something that should go stays.
    pub fn forget(&self) -> Result<()> {
        let mut failures = Vec::new();
        let gone = |result: std::io::Result<()>| match result {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Some(error),
            _ => None,
        };
        for file in [self.socket(), self.store(), self.made(), self.lock()] {
            failures.extend(gone(fs::remove_file(&file)).map(|error| format!("{}: {error}", file.display())));
        }
        for directory in [self.servers(), self.logs()] {
            let removed = gone(fs::remove_dir_all(&directory));
            failures.extend(removed.map(|error| format!("{}: {error}", directory.display())));
        }
        // Others may keep files of their own here.
        let _ = fs::remove_dir(self.bpf());
        let _ = fs::remove_dir(&self.0);
        ensure!(failures.is_empty(), "could not remove {}", failures.join(", "));
        Ok(())
    }
}
