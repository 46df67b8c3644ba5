//! A bpffs of the controller's own, below its state directory, so that nothing depends on how the machine is set up.

use std::path::Path;

use anyhow::{Context, Result};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statfs::{FsType, statfs};

const BPF_FS_MAGIC: i64 = 0xcafe_4a11;

/// Whether a directory is a mounted bpffs.
pub fn is_mounted(directory: &Path) -> bool {
    statfs(directory).is_ok_and(|stat| stat.filesystem_type() == FsType(BPF_FS_MAGIC))
}

/// Mounts a bpffs, unless there is one.
///
/// # Errors
/// Where the kernel refuses, which it does without root.
pub fn ensure(directory: &Path) -> Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    if is_mounted(directory) {
        return Ok(());
    }
    mount(Some("sgsim"), directory, Some("bpf"), MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, Some("mode=0700"))
        .with_context(|| format!("cannot mount a bpffs at {}", directory.display()))
}

/// Unmounts it, and with it goes everything pinned there.
///
/// # Errors
/// Where the kernel refuses.
pub fn remove(directory: &Path) -> Result<()> {
    while is_mounted(directory) {
        umount2(directory, MntFlags::MNT_DETACH)
            .with_context(|| format!("cannot unmount {}", directory.display()))?;
    }
    Ok(())
}
