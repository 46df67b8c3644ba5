//! How large the programs are: what the verifier went through, which no noise touches.

use anyhow::Result;

use super::INSTRUCTIONS;
use crate::meter::Meter;
use crate::report::{Row, Section};
use crate::stats::Spread;

pub(super) fn section(meter: &mut Meter) -> Result<Section> {
    let mut section = Section::new(
        "Program size",
        "Instructions that the verifier went through over all paths, and instructions of the program, both as the kernel tells \
         them.",
    );
    for size in meter.plane.kernel.program_sizes()? {
        for (what, value) in [("verified", size.verified_instructions), ("in the program", size.instructions)]
        {
            section.rows.push(Row {
                name: format!("{}, {what}", size.name),
                unit: INSTRUCTIONS,
                value: Spread::of([f64::from(value)]),
                against: Vec::new(),
            });
        }
    }
    Ok(section)
}
