//! What traffic gets through, end to end: a client and a server in network namespaces and in between the bare kernel, an empty
//! program, the data plane on either hook, or a peer with an equivalent rule set.
//!
//! Every configuration has three namespaces of its own, made alike and up for the whole time, so that nothing is set up within the
//! rounds. The data plane is loaded and attached as the controller does it, in this process rather than by `sgsim up`: the
//! namespaces of all configurations then come from one place, and no controller competes for the two processors with one
//! configuration alone. What a controller does between packets, reading reports and sweeping, is done between samples.

mod bed;
mod command;
mod contender;
mod findings;
mod gauge;
mod interrupt;
mod measure;
mod rounds;
pub(crate) mod tool;

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use rand::seq::SliceRandom;

use contender::{Contender, Kind};
use interrupt::Noted;
use measure::Measure;
use rounds::Rounds;

use crate::cli::Effort;
use crate::estate::{Estate, Size};
use crate::goals::Outcome;
use crate::report::Section;

/// A host of some size, with as many rules as AWS allows.
const SIZE: Size = Size { interfaces: 1000, groups: 200, rules: 60, groups_each: 5 };

/// All sections, and the goals that they say something about.
pub(crate) fn measure(effort: Effort) -> Result<(Vec<Section>, Vec<Outcome>)> {
    if std::thread::available_parallelism()?.get() < 2 {
        bail!("the client and the server need a processor each, and there is one");
    }
    let noted = Noted::begin()?;
    bed::sweep()?;
    let estate = Estate::new(SIZE);
    let count = if effort == Effort::Full { 15 } else { 5 };
    let progress = ProgressBar::new((Kind::ALL.len() * (1 + Measure::ALL.len() * count)) as u64);
    progress.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} {eta} left  {msg}")?);
    let rounds = run(effort, &estate, count, &progress);
    progress.finish_and_clear();
    drop(noted);
    let rounds = rounds?;
    Ok((findings::sections(&rounds), findings::goals(&rounds)))
}

fn run(effort: Effort, estate: &Estate, count: usize, progress: &ProgressBar) -> Result<Rounds> {
    let mut contenders = Vec::new();
    for kind in Kind::ALL {
        step(progress, format!("setting up {}", kind.name()))?;
        contenders.push(Contender::new(kind, estate, effort)?);
    }
    let mut rounds = Rounds::default();
    for round in 0..count {
        for measure in Measure::ALL {
            contenders.shuffle(&mut rand::rng());
            for contender in &mut contenders {
                let name = contender.kind.name();
                step(progress, format!("round {} of {count}: {}, {name}", round + 1, measure.name()))?;
                let sample = contender.sample(measure);
                // What a signal ended fails too, and says less.
                interrupt::check()?;
                rounds.note(round, measure, contender.kind, sample?);
            }
        }
    }
    Ok(rounds)
}

fn step(progress: &ProgressBar, message: String) -> Result<()> {
    interrupt::check()?;
    progress.set_message(message);
    progress.inc(1);
    Ok(())
}
