//! The private bpffs of a state directory: what is pinned there goes with the mount.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// Mounts a bpffs at `path`, unless something is mounted there already.
///
/// # Errors
/// Where the kernel refuses: no root, or no bpffs.
pub fn mount_at(path: &Path) -> Result<()> {
    let explain = || format!("cannot mount a bpffs on `{}`", path.display());
    fs::create_dir_all(path).with_context(explain)?;
    if is_mounted(path) {
        return Ok(());
    }
    mount(
        Some("bpf"),
        path,
        Some("bpf"),
        MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC,
        Some("mode=0700"),
    )
    .with_context(explain)
}

/// Unmounts what [`mount_at`] mounted. With the mount go the pins, and with a pin goes what nothing else holds.
///
/// # Errors
/// Where the kernel refuses.
pub fn unmount(path: &Path) -> Result<()> {
    while is_mounted(path) {
        match umount2(path, MntFlags::MNT_DETACH) {
            Ok(()) => {}
            Err(Errno::EINVAL | Errno::ENOENT) => break,
            Err(error) => return Err(error).with_context(|| format!("cannot unmount `{}`", path.display())),
        }
    }
    Ok(())
}

/// Whether a directory is on another device than its parent.
fn is_mounted(path: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev());
    match (device(path), path.parent().map(device)) {
        (Ok(own), Some(Ok(parent))) => own != parent,
        _ => false,
    }
}
