//! Where results go: standard output, with colours on a terminal only.

use std::io::{ErrorKind, Write};

use anyhow::Result;
use comfy_table::Table;
use serde::Serialize;

use crate::report;

use super::Format;

/// Whoever read standard output has seen enough.
#[derive(Debug, thiserror::Error)]
#[error("standard output is closed")]
pub struct OutputClosed;

/// Standard output in a format.
pub(super) struct Output {
    format: Format,
    stream: anstream::AutoStream<std::io::Stdout>,
}

impl Output {
    /// Output in this format.
    pub(super) fn new(format: Format) -> Self {
        Self { format, stream: anstream::AutoStream::auto(std::io::stdout()) }
    }

    /// Whether a program reads it.
    pub(super) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Writes `value` as a JSON document named `name`, or the table that `table` makes, or `empty` where it has no rows.
    pub(super) fn rows(
        &mut self,
        name: &str,
        value: &impl Serialize,
        table: impl FnOnce() -> Table,
        empty: &str,
    ) -> Result<()> {
        if self.is_json() {
            return self.json(name, value);
        }
        let table = table();
        if table.is_empty() {
            return self.line(empty);
        }
        self.text(&report::render(&table))
    }

    /// Writes a JSON document on one line.
    pub(super) fn json(&mut self, name: &str, value: &impl Serialize) -> Result<()> {
        let document = report::document(name, value)?;
        self.line(&document.to_string())
    }

    /// Writes `value` as JSON, or the sentence for people.
    pub(super) fn said(&mut self, name: &str, value: &impl Serialize, sentence: &str) -> Result<()> {
        if self.is_json() { self.json(name, value) } else { self.line(sentence) }
    }

    /// Writes a line, with styles where the terminal has them.
    pub(super) fn line(&mut self, line: &str) -> Result<()> {
        self.text(&format!("{line}\n"))
    }

    /// Writes text that ends its own lines.
    pub(super) fn text(&mut self, text: &str) -> Result<()> {
        match write!(self.stream, "{text}").and_then(|()| self.stream.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(OutputClosed.into()),
            other => Ok(other?),
        }
    }
}
