//! `docs/facts.md` as a table: rows of five cells among other lines, which stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context, Result, bail};

use super::Evidence;
use super::ids::Id;

/// A fact.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: Id,
    /// What AWS does, in our words.
    pub(super) fact: String,
    /// Empty where it is implemented and tested; otherwise why not.
    pub(super) status: String,
    /// Filled in.
    pub(super) code: String,
    /// Filled in.
    pub(super) tests: String,
}

#[derive(Clone, Debug)]
enum Line {
    Row(Row),
    Text(String),
}

/// The file.
#[derive(Clone, Debug)]
pub(super) struct Table(Vec<Line>);

impl Table {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut lines = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let id = line.strip_prefix("| ").and_then(|rest| Id::parse(rest.split_whitespace().next()?));
            let Some(id) = id else {
                lines.push(Line::Text(line.to_owned()));
                continue;
            };
            let inside = line.strip_prefix('|').and_then(|line| line.strip_suffix('|'));
            let inside = inside.with_context(|| format!("line {}: a row ends in `|`", i + 1))?;
            let cells: Vec<&str> = inside.split('|').map(str::trim).collect();
            let [_, fact, status, code, tests] = cells[..] else {
                bail!("line {}: a row has five cells, and not {}", i + 1, cells.len());
            };
            let [fact, status, code, tests] = [fact, status, code, tests].map(str::to_owned);
            lines.push(Line::Row(Row { id, fact, status, code, tests }));
        }
        Ok(Self(lines))
    }

    /// Rows with their line numbers, from 1.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, &Row)> {
        self.0.iter().enumerate().filter_map(|(i, line)| match line {
            Line::Row(row) => Some((i + 1, row)),
            Line::Text(_) => None,
        })
    }

    /// Fills in what the sources say.
    pub(super) fn fill(&mut self, evidence: &Evidence) {
        for line in &mut self.0 {
            if let Line::Row(row) = line {
                row.code = evidence.code.get(&row.id).map(files).unwrap_or_default();
                row.tests = evidence.tests.get(&row.id).map(tests).unwrap_or_default();
            }
        }
    }
}

fn files(paths: &BTreeSet<String>) -> String {
    paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ")
}

/// Tests by file; the file alone where only its header names the fact.
fn tests(found: &BTreeSet<String>) -> String {
    let mut by_file: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for text in found {
        match text.split_once(": ") {
            Some((file, name)) => by_file.entry(file).or_default().push(name),
            None => drop(by_file.entry(text).or_default()),
        }
    }
    let files = by_file.iter().map(|(file, names)| {
        if names.is_empty() { format!("`{file}`") } else { format!("`{file}`: {}", names.join(", ")) }
    });
    files.collect::<Vec<_>>().join("; ")
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| match line {
            Line::Row(Row { id, fact, status, code, tests }) => {
                writeln!(f, "| {id} | {fact} | {status} | {code} | {tests} |")
            }
            Line::Text(text) => writeln!(f, "{text}"),
        })
    }
}
