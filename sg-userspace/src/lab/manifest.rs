//! The list of what a lab has made, written before each thing is made, so that a crash leaves nothing unfindable.
//!
//! One JSON value a line, appended. What a loss of power leaves behind, files of namespaces and servers, is forced to disk;
//! links are not, since they go with the power, and after a crash of the process alone the kernel still writes the file.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::durable;

/// Something that a lab makes outside of its state directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Made {
    /// A network namespace, with the processes inside and its files below `/etc/netns`.
    Namespace(String),
    /// The host end of a link: its name, and the alias that tells it from somebody else's.
    Link {
        /// Its name.
        name: String,
        /// Its alias.
        alias: String,
    },
    /// A directory with a server's data.
    Directory(PathBuf),
}

impl Made {
    /// Whether there is something left of it when the machine has lost power.
    fn outlives_power(&self) -> bool {
        match self {
            // Its name servers and hosts, below `/etc/netns`.
            Self::Namespace(_) | Self::Directory(_) => true,
            Self::Link { .. } => false,
        }
    }
}

/// An open manifest.
#[derive(Debug)]
pub struct Manifest {
    path: PathBuf,
    file: File,
}

impl Manifest {
    /// Opens it, and makes it where there is none.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn open(path: &Path) -> Result<Self> {
        let explain = || format!("cannot write the lab's manifest `{}`", path.display());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(explain)?;
        }
        let is_new = !path.exists();
        let mut file =
            File::options().create(true).read(true).append(true).open(path).with_context(explain)?;
        if is_new {
            durable::sync_parent(path).with_context(explain)?;
        }
        // A line that was cut short must not begin the next one.
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).with_context(explain)?;
        file.set_len(whole(&bytes).len() as u64).with_context(explain)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Notes what is about to be made.
    ///
    /// # Errors
    /// The file cannot be written; then do not make it, and nothing is noted.
    pub fn record(&mut self, made: &[Made]) -> Result<()> {
        let mut lines = String::new();
        for thing in made {
            lines.push_str(&serde_json::to_string(thing)?);
            lines.push('\n');
        }
        let explain = || format!("cannot write the lab's manifest `{}`", self.path.display());
        let before = self.file.metadata().with_context(explain)?.len();
        let written = self.file.write_all(lines.as_bytes()).and_then(|()| {
            if made.iter().any(Made::outlives_power) { self.file.sync_data() } else { Ok(()) }
        });
        if written.is_err() {
            // A full disk may have taken a part.
            let _ = self.file.set_len(before);
        }
        written.with_context(explain)
    }
}

/// Without what follows the last whole line.
fn whole(bytes: &[u8]) -> &[u8] {
    bytes.iter().rposition(|byte| *byte == b'\n').map_or(&[], |end| &bytes[..=end])
}

/// All that a manifest lists; nothing if there is none. A last line that a crash cut short is passed over: what it would
/// have named was not made.
///
/// # Errors
/// The file cannot be read or holds something else.
pub fn read(path: &Path) -> Result<Vec<Made>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    };
    let lines = whole(&bytes).split_inclusive(|byte| *byte == b'\n');
    lines
        .enumerate()
        .map(|(n, line)| {
            serde_json::from_slice(line)
                .with_context(|| format!("`{}` line {}: no manifest entry", path.display(), n + 1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cut_short_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("made");
        let entries = [
            Made::Namespace("i-1".into()),
            Made::Link { name: "sg1".into(), alias: "eni-1".into() },
            Made::Directory("/x".into()),
        ];
        assert_eq!(read(&path).unwrap(), []);
        let mut manifest = Manifest::open(&path).unwrap();
        manifest.record(&entries).unwrap();
        manifest.file.write_all(b"{\"namesp").unwrap();
        assert_eq!(read(&path).unwrap(), entries);
        Manifest::open(&path).unwrap().record(&entries[..1]).unwrap();
        let all = [&entries[..], &entries[..1]].concat();
        assert_eq!(read(&path).unwrap(), all, "what follows stands on a line of its own");
    }
}
