//! The files that the rules look at, each read once and split into code and comments.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::lex;

/// One text file of the repository.
pub(crate) struct File {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// For Rust: the text with comments and the contents of literals blanked, line by line the same length.
    pub(crate) code: String,
    /// For Rust: the text with everything but comments blanked.
    pub(crate) comments: String,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, comments) = if path.ends_with(".rs") { lex::split(text) } else { Default::default() };
        Self { path: path.to_owned(), text: text.to_owned(), code, comments }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether the file is one of `places`, or lies under one that ends in `/`.
    pub(crate) fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| {
            if place.ends_with('/') { self.path.starts_with(place) } else { self.path == *place }
        })
    }
}

/// The number of the line, from 1, that holds byte `at`.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// Every text file that people write, in a stable order.
pub(crate) fn files(root: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    walk(root, root, &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(root: &Path, dir: &Path, files: &mut Vec<File>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("cannot list `{}`", dir.display()))? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            if entry.file_name() != ".git" && entry.file_name() != "target" {
                walk(root, &path, files)?;
            }
        } else if kind.is_file() && is_written_by_hand(&path) {
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            files.push(File::new(&name, &text));
        }
    }
    Ok(())
}

fn is_written_by_hand(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    path.ends_with(".ci/run") || matches!(extension, Some("rs" | "toml" | "md" | "sh" | "yaml" | "yml"))
}
