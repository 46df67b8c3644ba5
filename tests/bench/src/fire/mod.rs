//! What happens under fire: floods over the size of a table, tables and allowances that are full, flows that come and go,
//! sweeps, rules that are replaced as fast as it goes.
//!
//! Frames are run through the program by `BPF_PROG_TEST_RUN` on links of a namespace. No socket and no queue is in the way,
//! so every frame is known to have been judged, and what became of it is the program's own answer.

mod churn;
mod field;
mod flood;
mod full;
mod replace;
mod rule_sets;
mod sweep;

use anyhow::Result;

use crate::cli::Effort;
use crate::goals::Outcome;
use crate::report::{Row, Section};
use crate::stats::Spread;

use field::Field;

/// All sections, and the goals that they say something about.
pub(crate) fn measure(effort: Effort) -> Result<(Vec<Section>, Vec<Outcome>)> {
    let mut goals = Vec::new();
    let mut field = Field::new(effort)?;
    let mut sections = vec![
        flood::section(&mut field, &mut goals)?,
        full::section(&mut field, &mut goals)?,
        churn::section(&mut field)?,
        replace::section(&mut field, &mut goals)?,
    ];
    drop(field);
    sections.push(sweep::section(effort, &mut goals)?);
    Ok((sections, goals))
}

/// A figure that was counted, once.
fn counted(name: &str, unit: &'static str, value: f64) -> Row {
    Row { name: name.to_owned(), unit, value: Spread::of([value]), against: Vec::new() }
}

/// A fraction as a percentage; of nothing, none.
fn percent(part: u32, whole: u32) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * f64::from(part) / f64::from(whole) }
}
