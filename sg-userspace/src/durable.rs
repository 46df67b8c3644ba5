//! Files that are still there after the power has been cut: the file system keeps a new or renamed file only once its
//! directory is written out as well.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Writes a directory's entries out.
///
/// # Errors
/// Where the file system refuses.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Writes out the entries of the directory that a file is in.
///
/// # Errors
/// Where the file system refuses.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync_directory(Path::new(".")),
        Some(parent) => sync_directory(parent),
        None => Ok(()),
    }
}

/// Copies a file: afterwards there is a whole copy, or whatever there was at `to` before.
///
/// # Errors
/// Where the file system refuses.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut unfinished = to.as_os_str().to_owned();
    unfinished.push(".part");
    let copied = fs::copy(from, &unfinished).and_then(|_| File::open(&unfinished)?.sync_all());
    if let Err(error) = copied {
        let _ = fs::remove_file(&unfinished);
        return Err(error);
    }
    fs::rename(&unfinished, to)?;
    sync_parent(to)
}
