//! Where results go: standard output, with colours on a terminal only.
//!
//! Whoever read it may have seen enough and closed it. That changes neither what a command does nor how it ends, so it is
//! no error; what goes on and on asks [`Output::is_closed`].

use std::io::{self, Write};

use anyhow::{Context as _, Result};
use comfy_table::Table;
use serde::Serialize;

use crate::report;

use super::Format;

/// Standard output in a format.
pub(super) struct Output {
    format: Format,
    stream: anstream::AutoStream<std::io::Stdout>,
    is_closed: bool,
    is_muted: bool,
}

impl Output {
    /// Output in this format.
    pub(super) fn new(format: Format) -> Self {
        let stream = anstream::AutoStream::auto(std::io::stdout());
        Self { format, stream, is_closed: false, is_muted: false }
    }

    /// Output that says nothing, for what is only tried.
    pub(super) fn muted() -> Self {
        Self { is_muted: true, ..Self::new(Format::Text) }
    }

    /// Whether a program reads it.
    pub(super) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Writes a line above others, for people only.
    pub(super) fn heading(&mut self, text: &str) -> Result<()> {
        if self.is_json() { Ok(()) } else { self.line(text) }
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
        if self.is_muted {
            return Ok(());
        }
        let written = writeln!(self.stream, "{line}");
        self.wrote(written)
    }

    /// Writes text that ends its own lines.
    pub(super) fn text(&mut self, text: &str) -> Result<()> {
        if self.is_muted {
            return Ok(());
        }
        let written = write!(self.stream, "{text}");
        self.wrote(written)
    }

    /// Whether nobody reads what is written any more.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    fn wrote(&mut self, written: io::Result<()>) -> Result<()> {
        match written.and_then(|()| self.stream.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.is_closed = true,
            other => other.context("cannot write to standard output")?,
        }
        Ok(())
    }
}
