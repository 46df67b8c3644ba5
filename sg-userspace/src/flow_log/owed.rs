//! What is true of a window that is not written yet and that only the controller knows: on disk, so that the next one writes
//! what the last one owes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::window::Coverage;

/// What the files' names begin with; the window's number follows. At first they held nobody but who has left.
const PREFIX: &str = "departed-";
const SUFFIX: &str = ".jsonl";

/// Something to say of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// Somebody was covered in it and is not any more.
    Coverage(Box<Coverage>),
    /// Enforcement was off for a time, so packets passed that nobody counted.
    Gap,
}

/// The files of a directory of flow logs.
#[derive(Clone, Debug)]
pub struct Owed {
    directory: PathBuf,
}

impl Owed {
    /// Those in a directory. Nothing is touched.
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Notes facts about a window.
    ///
    /// # Errors
    /// Where the file system refuses.
    pub fn note(&self, epoch: u32, facts: &[Fact]) -> Result<()> {
        let path = self.directory.join(format!("{PREFIX}{epoch}{SUFFIX}"));
        let explain = || format!("cannot write {}", path.display());
        fs::create_dir_all(&self.directory).with_context(explain)?;
        let mut lines = Vec::new();
        for fact in facts {
            serde_json::to_writer(&mut lines, fact)?;
            lines.push(b'\n');
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&path).with_context(explain)?;
        file.write_all(&lines).with_context(explain)
    }

    /// What is known of windows after this one.
    ///
    /// # Errors
    /// Where files cannot be read.
    pub fn after(&self, epoch: u32) -> Result<Vec<Fact>> {
        let mut facts = Vec::new();
        for (_, path) in self.files()?.into_iter().filter(|(of, _)| *of > epoch) {
            let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
            // A controller that died may have left half a line, of what it then did not do.
            let lines = BufReader::new(file).lines().map_while(Result::ok);
            facts.extend(lines.filter_map(|line| serde_json::from_str::<Fact>(&line).ok()));
        }
        Ok(facts)
    }

    /// Forgets windows up to this one, which are written.
    ///
    /// # Errors
    /// Where files cannot be removed.
    pub fn forget(&self, epoch: u32) -> Result<()> {
        for (_, path) in self.files()?.into_iter().filter(|(of, _)| *of <= epoch) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }

    fn files(&self) -> Result<Vec<(u32, PathBuf)>> {
        let explain = || format!("cannot list {}", self.directory.display());
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(explain),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.with_context(explain)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let number = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
            if let Some(epoch) = number.and_then(|number| number.parse().ok()) {
                files.push((epoch, path));
            }
        }
        Ok(files)
    }
}
