//! What a change takes on a machine with ten thousand interfaces: maps and a few links, no namespaces.

mod change;
mod estate;
mod peers;
mod start;

use anyhow::Result;

use crate::cli::Effort;
use crate::goals::Outcome;
use crate::report::Section;

use estate::Estate;

/// All sections, and the goals that they say something about.
pub(crate) fn measure(effort: Effort) -> Result<(Vec<Section>, Vec<Outcome>)> {
    let estate = Estate::new();
    let mut goals = Vec::new();
    let (plane, start, memory) = start::sections(&estate, effort, &mut goals)?;
    let peers = peers::measure(&estate, effort)?;
    let changes = change::section(plane, &estate, &peers, effort, &mut goals)?;
    Ok((vec![start, memory, changes], goals))
}
