//! The exclusive lock on a state directory: one controller a machine (or rather, a directory).
//!
//! The lock is the kernel's (`flock`), so it goes with the process that holds it however that ends. The pid in the file is
//! only there to be named to whoever comes second.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::StoreError;

/// How often the lock is tried.
const TRIES: u32 = 5;
/// Between two tries.
const BETWEEN_TRIES: Duration = Duration::from_millis(2);

/// Holds the state directory until dropped.
#[derive(Debug)]
pub struct StateLock {
    _file: Flock<File>,
    path: PathBuf,
}

impl StateLock {
    /// Takes the lock in the file at `path`, making the file and its directory where missing.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where a living process holds it; [`StoreError::Io`] otherwise.
    pub fn acquire(path: &Path) -> Result<Self, StoreError> {
        let io = |source| StoreError::Io { path: path.to_owned(), source };
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(io)?;
        }
        let mut tries = 0;
        let mut file = loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)
                .map_err(io)?;
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                // The holder before may have removed the file meanwhile: a lock on that keeps nobody out.
                Ok(file) if is_at(&file, path) => break file,
                Ok(_) => {}
                // Whoever only asks who holds it has it for an instant.
                Err((_, Errno::EWOULDBLOCK)) if tries < TRIES => std::thread::sleep(BETWEEN_TRIES),
                Err((_, Errno::EWOULDBLOCK)) => {
                    return Err(StoreError::Locked { path: path.to_owned(), pid: holder(path) });
                }
                Err((_, errno)) => return Err(io(errno.into())),
            }
            tries += 1;
        };
        file.set_len(0).map_err(io)?;
        file.rewind().map_err(io)?;
        writeln!(file, "{}", std::process::id()).map_err(io)?;
        Ok(Self { _file: file, path: path.to_owned() })
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    file.metadata().is_ok_and(|here| fs::metadata(path).is_ok_and(|there| identity(here) == identity(there)))
}

/// The pid written in a lock file, if one can be read.
fn holder(path: &Path) -> Option<u32> {
    let mut text = String::new();
    File::open(path).ok()?.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// The pid of the living process that holds the lock at `path`, if one does. `Some(None)`: held, but by whom is unknown.
pub fn held_by(path: &Path) -> Option<Option<u32>> {
    let file = File::open(path).ok()?;
    match Flock::lock(file, FlockArg::LockSharedNonblock) {
        Ok(_) => None,
        Err(_) => Some(holder(path)),
    }
}
