//! What a run of the benchmark found: tables for a terminal, Markdown, JSON and plots.

mod bars;
mod markdown;
mod plot;
mod table;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::goals::Outcome;
use crate::machine::Machine;
use crate::stats::Spread;

pub(crate) use bars::Bars;
pub(crate) use plot::{Plot, Series};

/// A figure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) name: String,
    /// The unit of the values.
    pub(crate) unit: &'static str,
    /// What came out.
    pub(crate) value: Spread,
    /// The same against something that was measured in turn with it: what, and the ratio round by round.
    pub(crate) against: Vec<(String, Spread)>,
}

/// Figures that belong together.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Section {
    /// Its heading.
    pub(crate) title: String,
    /// How it was measured, for the reader.
    pub(crate) method: String,
    /// The figures.
    pub(crate) rows: Vec<Row>,
    /// What else there is to say.
    pub(crate) remarks: Vec<String>,
    /// What is worth a picture.
    #[serde(skip)]
    pub(crate) plots: Vec<Plot>,
    /// The same, as bars.
    #[serde(skip)]
    pub(crate) bars: Vec<Bars>,
}

impl Section {
    /// A section without figures yet.
    pub(crate) fn new(title: &str, method: &str) -> Self {
        Self { title: title.to_owned(), method: method.to_owned(), ..Self::default() }
    }
}

/// All of a run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// Where.
    pub(crate) machine: Machine,
    /// `short` or `full`.
    pub(crate) form: &'static str,
    /// The sections, in order.
    pub(crate) sections: Vec<Section>,
    /// Goals that this run says something about.
    pub(crate) goals: Vec<Outcome>,
}

impl Report {
    /// Writes `report.json`, `report.md` and the plots into a folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        write("report.json", serde_json::to_string_pretty(self)?)?;
        write("report.md", markdown::report(self))?;
        for plot in self.sections.iter().flat_map(|section| &section.plots) {
            write(&plot.file(), plot.svg()?)?;
        }
        for bars in self.sections.iter().flat_map(|section| &section.bars) {
            write(&bars.file(), bars.svg()?)?;
        }
        Ok(())
    }

    /// The tables for a terminal.
    pub(crate) fn text(&self) -> String {
        table::report(self)
    }
}

/// A number with as many digits as matter.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Half of the samples are between the two.
fn middle_half(spread: &Spread) -> String {
    format!("{} – {}", number(spread.p25), number(spread.p75))
}
