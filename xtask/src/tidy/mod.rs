//! `cargo xtask tidy`: the house rules that no other tool knows, each a small function with a name.
//!
//! All violations are reported together, as `path:line: rule: what to do`. What clippy or rustc can check is theirs.

mod attributes;
mod choices;
mod imports;
mod layers;
mod lex;
mod reasons;
mod shape;
pub(crate) mod source;
#[cfg(test)]
mod tests;

use anyhow::{Result, bail};

use crate::repo::Repo;
use crate::{facts, say};
use source::File;

/// A line that breaks a rule, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    /// From 1.
    line: usize,
    advice: String,
}

impl Violation {
    fn new(line: usize, advice: impl Into<String>) -> Self {
        Self { line, advice: advice.into() }
    }
}

type Rule = fn(&File) -> Vec<Violation>;

/// Every rule by the name that its violations carry.
const RULES: &[(&str, Rule)] = &[
    ("file-length", shape::file_length),
    ("file-header", shape::file_header),
    ("file-name", shape::file_name),
    ("trailing-whitespace", shape::trailing_whitespace),
    ("A1-oracle-alone", layers::oracle_alone),
    ("A2-aya-in-kernel", layers::aya_in_kernel),
    ("A3-output-at-edges", layers::output_at_edges),
    ("A4-clock-at-edges", layers::clock_at_edges),
    ("A5-analysis-from-model", layers::analysis_from_model),
    ("no-skipped-test", attributes::no_skipped_test),
    ("allow-with-reason", attributes::allow_with_reason),
    ("no-loose-end", attributes::no_loose_end),
    ("reason-documented", reasons::reason_documented),
];

pub(crate) fn execute(repo: &Repo) -> Result<()> {
    let files = source::files(&repo.root)?;
    if files.is_empty() {
        bail!("no source file under `{}`; run this in a checkout", repo.root.display());
    }
    let mut count = 0;
    for file in &files {
        for (rule, check) in RULES {
            for violation in check(file) {
                count += 1;
                say::plain(format_args!("{}:{}: {rule}: {}", file.path, violation.line, violation.advice));
            }
        }
        if let Some(note) = shape::length_note(file) {
            say::warn("long file", note);
        }
    }
    for (line, advice) in facts::faults(&files) {
        count += 1;
        say::plain(format_args!("{}:{line}: facts: {advice}", facts::TABLE));
    }
    for advice in choices::faults(&files) {
        count += 1;
        say::plain(format_args!("{}: choices: {advice}", choices::LIST));
    }
    if count > 0 {
        bail!("house rules broken: {count}; each line above says what to do");
    }
    say::found("tidy", format_args!("{} files, {} rules", files.len(), RULES.len()));
    Ok(())
}
