//! The list of what a lab has made, written before each thing is made, so that a crash leaves nothing unfindable.
//!
//! One JSON value a line, appended. It is not forced to disk: what it lists, a crash of the machine removes as well,
//! and after a crash of the process the kernel still writes it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

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
        let file = File::options().create(true).append(true).open(path).with_context(explain)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Notes what is about to be made.
    ///
    /// # Errors
    /// The file cannot be written; then do not make it.
    pub fn record(&mut self, made: &Made) -> Result<()> {
        let mut line = serde_json::to_string(made)?;
        line.push('\n');
        // One write, so that a crash leaves at most the last line incomplete.
        self.file
            .write_all(line.as_bytes())
            .with_context(|| format!("cannot write the lab's manifest `{}`", self.path.display()))
    }
}

/// All that a manifest lists; nothing if there is none. A last line that a crash cut short is passed over: what it would
/// have named was not made.
///
/// # Errors
/// The file cannot be read or holds something else.
pub fn read(path: &Path) -> Result<Vec<Made>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .enumerate()
        .map(|(n, line)| {
            serde_json::from_str(line)
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
        for entry in &entries {
            manifest.record(entry).unwrap();
        }
        manifest.file.write_all(b"{\"namesp").unwrap();
        assert_eq!(read(&path).unwrap(), entries);
    }
}
