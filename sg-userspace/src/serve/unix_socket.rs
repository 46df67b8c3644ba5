//! The endpoint's unix socket: for its owner and group, and for one process at a time.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::net::UnixListener;

/// A socket that is listened on, until dropped.
#[derive(Debug)]
pub(super) struct UnixSocket {
    /// What takes connections.
    pub(super) listener: UnixListener,
    path: PathBuf,
    identity: (u64, u64),
}

impl UnixSocket {
    /// Listens at a path, for owner and group (mode 0660). What a dead process left there is replaced.
    ///
    /// # Errors
    /// Where somebody listens there, something else is there, or the file system refuses.
    pub(super) fn bind(path: &Path) -> Result<Self> {
        let shown = path.display();
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => bail!("`{shown}` is there and is no socket"),
            Ok(_) => match std::os::unix::net::UnixStream::connect(path) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    fs::remove_file(path)
                        .with_context(|| format!("cannot replace the old socket `{shown}`"))?;
                }
                Ok(_) => bail!(
                    "another `sgsim serve` answers on `{shown}`; end it, or choose another socket (--socket PATH) or none (--no-socket)"
                ),
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("cannot tell whether anybody answers on `{shown}`"));
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot look at `{shown}`")),
        }
        let listener =
            UnixListener::bind(path).with_context(|| format!("cannot listen on the socket `{shown}`"))?;
        fs::set_permissions(path, Permissions::from_mode(0o660))
            .with_context(|| format!("cannot set the mode of the socket `{shown}`"))?;
        let identity = identity(path).with_context(|| format!("the socket `{shown}` is gone again"))?;
        Ok(Self { listener, path: path.to_owned(), identity })
    }

    /// Whether clients still find this socket at its path.
    pub(super) fn is_there(&self) -> bool {
        identity(&self.path) == Some(self.identity)
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        if self.is_there() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_runtime(work: impl FnOnce(&Path)) {
        let place = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { work(&place.path().join("socket")) });
    }

    #[test]
    fn a_dead_socket_is_replaced_and_a_live_one_is_not() {
        in_runtime(|path| {
            drop(std::os::unix::net::UnixListener::bind(path).unwrap());
            assert!(path.exists(), "the dead one's file stays");
            let ours = UnixSocket::bind(path).unwrap();
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o660);
            let error = UnixSocket::bind(path).unwrap_err().to_string();
            assert!(error.contains("another `sgsim serve` answers"), "{error}");
            assert!(ours.is_there());
            drop(ours);
            assert!(!path.exists());
        });
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        in_runtime(|path| {
            fs::write(path, "text").unwrap();
            assert!(UnixSocket::bind(path).is_err());
            assert_eq!(fs::read_to_string(path).unwrap(), "text");
        });
    }

    #[test]
    fn a_socket_that_took_its_place_is_not_removed() {
        in_runtime(|path| {
            let ours = UnixSocket::bind(path).unwrap();
            fs::remove_file(path).unwrap();
            assert!(!ours.is_there());
            let next = UnixSocket::bind(path).unwrap();
            drop(ours);
            assert!(next.is_there());
        });
    }
}
