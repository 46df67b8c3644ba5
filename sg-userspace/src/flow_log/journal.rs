//! What the writer is about to append, on disk before it appends it: so that whoever dies in the middle has neither lost
//! lines nor written some twice.
//!
//! # Invariants
//! A window's lines are in the journal before the first of them is in its file, and the counts behind them are forgotten
//! only when all of them are. Doing an entry again does nothing more than doing it once.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

const NAME: &str = "journal.json";

/// Lines for one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Append {
    /// The file, below the directory of flow logs.
    pub file: PathBuf,
    /// How long it was before.
    pub offset: u64,
    /// What comes after that.
    pub text: String,
}

/// The last window that was written, or is being.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The window.
    pub epoch: u32,
    /// When it ended, in Unix seconds.
    pub end: u64,
    /// Packets and bytes by slot that had found no room by then, since the data plane was loaded.
    pub lost: BTreeMap<u32, (u64, u64)>,
    /// Its lines; none once they are in their files.
    pub appends: Vec<Append>,
    /// Whether all of it is done: the lines are in their files, and what they were made from is forgotten.
    pub done: bool,
}

/// The directory of flow logs with its journal.
#[derive(Clone, Debug)]
pub struct Journal {
    directory: PathBuf,
}

impl Journal {
    /// The journal in a directory. Nothing is touched.
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// The last entry; `None` where there never was one.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(&self) -> Result<Option<Entry>> {
        let path = self.directory.join(NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is not a journal", path.display()))
            .map(Some)
    }

    /// How long a file is; 0 where there is none.
    pub fn length(&self, file: &Path) -> u64 {
        fs::metadata(self.directory.join(file)).map_or(0, |metadata| metadata.len())
    }

    /// Puts an entry in place of the last one, on disk.
    ///
    /// # Errors
    /// Where the file system refuses; then the last one is still there.
    pub fn write(&self, entry: &Entry) -> Result<()> {
        let path = self.directory.join(NAME);
        let explain = || format!("cannot write {}", path.display());
        fs::create_dir_all(&self.directory).with_context(explain)?;
        let new = self.directory.join(format!("{NAME}.new"));
        let mut file = File::create(&new).with_context(explain)?;
        serde_json::to_writer(&mut file, entry).with_context(explain)?;
        file.sync_data().with_context(explain)?;
        fs::rename(&new, &path).with_context(explain)
    }

    /// Puts an entry's lines into their files, whether or not some are there already.
    ///
    /// # Errors
    /// Where the file system refuses; then it can be done again.
    pub fn append(&self, entry: &Entry) -> Result<()> {
        for Append { file, offset, text } in &entry.appends {
            let path = self.directory.join(file);
            let explain = || format!("cannot write {}", path.display());
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).with_context(explain)?;
            }
            let mut file =
                File::options().create(true).write(true).truncate(false).open(&path).with_context(explain)?;
            // Somebody may have emptied it meanwhile, and a hole helps nobody.
            let length = file.metadata().with_context(explain)?.len();
            let offset = (*offset).min(length);
            file.set_len(offset).with_context(explain)?;
            file.seek(SeekFrom::Start(offset)).with_context(explain)?;
            file.write_all(text.as_bytes()).with_context(explain)?;
        }
        Ok(())
    }
}
