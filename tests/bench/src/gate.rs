//! The regression gate: unit costs as ratios to the floor program of the same run, and the sizes of the programs, against what
//! is written down. Never absolute times: machines differ, and their neighbours do.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::report::{Row, Section};
use crate::unit;

/// A ratio to the floor program may grow by so much. Two runs on one machine differ by a twentieth, and two kinds of
/// processor by a fifth.
const RATIO_BAND: f64 = 1.35;
/// A program's size may grow by so much: with the same source, what the verifier goes through differs by a sixth between two
/// builds, since it depends on the order of functions.
const SIZE_BAND: f64 = 1.35;

/// What is written down.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Gate {
    /// Times the floor program, by figure.
    ratios: BTreeMap<String, f64>,
    /// Instructions, by figure.
    instructions: BTreeMap<String, f64>,
}

impl Gate {
    /// Of a run's figures.
    fn of(sections: &[Section]) -> Self {
        let mut gate = Self::default();
        for row in sections.iter().flat_map(|section| &section.rows) {
            if let Some(ratio) = floor_ratio(row) {
                gate.ratios.insert(row.name.clone(), ratio);
            } else if row.unit == unit::INSTRUCTIONS {
                gate.instructions.insert(row.name.clone(), row.value.median);
            }
        }
        gate
    }

    /// What of a run is beyond what is written down here, or missing from it.
    fn beyond(&self, run: &Self) -> Vec<String> {
        let ratios = compare(&self.ratios, &run.ratios, RATIO_BAND, "times the floor program");
        let sizes = compare(&self.instructions, &run.instructions, SIZE_BAND, unit::INSTRUCTIONS);
        ratios.into_iter().chain(sizes).collect()
    }
}

fn floor_ratio(row: &Row) -> Option<f64> {
    row.against.iter().find(|(what, _)| what == unit::FLOOR).map(|(_, ratio)| ratio.median)
}

fn compare(
    written: &BTreeMap<String, f64>,
    found: &BTreeMap<String, f64>,
    band: f64,
    what: &str,
) -> Vec<String> {
    let fault = |(name, &limit): (&String, &f64)| match found.get(name) {
        None => Some(format!("{name}: was not measured")),
        Some(&value) if value > limit * band => Some(format!(
            "{name}: {value:.2} {what}, and {limit:.2} is written down with a band of {:.0} %",
            (band - 1.0) * 100.0
        )),
        Some(_) => None,
    };
    written.iter().filter_map(fault).collect()
}

/// Measures unit costs and compares them. What is beyond the band is measured once more, so that only what is so twice
/// fails.
pub(crate) fn check(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let written: Gate =
        serde_json::from_str(&text).with_context(|| format!("{} is not a gate", file.display()))?;
    if written.ratios.is_empty() || written.instructions.is_empty() {
        bail!("{} has nothing to compare with; write it with `--record-gate`", file.display());
    }
    let mut faults = written.beyond(&measure()?);
    if !faults.is_empty() {
        let again = written.beyond(&measure()?);
        let name = |fault: &str| fault.split(':').next().unwrap_or_default().to_owned();
        faults.retain(|fault| again.iter().any(|other| name(other) == name(fault)));
    }
    if !faults.is_empty() {
        bail!(
            "slower than what is written down, twice:\n  {}\nIf it is meant to be, write it down anew: \
             cargo xtask bench --record-gate",
            faults.join("\n  ")
        );
    }
    Ok(format!("{} ratios and {} sizes within the band", written.ratios.len(), written.instructions.len()))
}

/// Measures unit costs and writes them down.
pub(crate) fn record(file: &Path) -> Result<()> {
    let mut gate = measure()?;
    for value in gate.ratios.values_mut() {
        *value = (*value * 100.0).round() / 100.0;
    }
    let text = serde_json::to_string_pretty(&gate)? + "\n";
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn measure() -> Result<Gate> {
    Ok(Gate::of(&unit::gate_sections()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(ratio: f64, size: f64) -> Gate {
        Gate {
            ratios: [("hot".to_owned(), ratio)].into(),
            instructions: [("program".to_owned(), size)].into(),
        }
    }

    #[test]
    fn only_what_is_beyond_the_band_or_missing_is_a_fault() {
        let written = gate(4.0, 60_000.0);
        assert!(written.beyond(&gate(5.3, 80_000.0)).is_empty());
        assert_eq!(written.beyond(&gate(5.5, 60_000.0)).len(), 1);
        assert_eq!(written.beyond(&gate(4.0, 82_000.0)).len(), 1);
        assert_eq!(written.beyond(&Gate::default()).len(), 2);
    }
}
