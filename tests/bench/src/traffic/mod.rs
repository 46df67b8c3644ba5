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
mod processors;
mod rounds;
pub(crate) mod tool;

use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use rand::seq::SliceRandom;

use contender::{Contender, Kind};
use interrupt::Noted;
use measure::Measure;
use processors::Quiet;
use rounds::{Round, Rounds};

use crate::cli::Effort;
use crate::estate::{Estate, Size};
use crate::goals::Outcome;
use crate::report::Section;

/// What is run that others wrote.
const PROGRAMS: [&str; 4] = ["iperf3", "nft", "ipset", "iptables-legacy-restore"];
/// A host of some size, with as many rules as AWS allows.
const SIZE: Size = Size { interfaces: 1000, groups: 200, rules: 60, groups_each: 5 };

/// How many rounds.
#[derive(Clone, Copy, Debug)]
struct Count {
    /// Of every measurement.
    rounds: usize,
    /// A measurement of which fewer count gets more,
    wanted: usize,
    /// at most so many.
    more: usize,
    /// How long all samples together wait for a quiet machine.
    patience: Duration,
}

impl Count {
    fn of(effort: Effort) -> Self {
        match effort {
            Effort::Short => Self { rounds: 5, wanted: 3, more: 3, patience: Duration::from_secs(45) },
            Effort::Full => Self { rounds: 15, wanted: 9, more: 10, patience: Duration::from_secs(900) },
        }
    }
}

/// All sections, and the goals that they say something about.
pub(crate) fn measure(effort: Effort) -> Result<(Vec<Section>, Vec<Outcome>)> {
    if thread::available_parallelism()?.get() < 2 {
        bail!("the client and the server need a processor each, and there is one");
    }
    command::require(&PROGRAMS)?;
    let noted = Noted::begin()?;
    bed::sweep()?;
    let count = Count::of(effort);
    let steps = Kind::ALL.len() * (1 + Measure::ALL.len() * count.rounds);
    let progress = ProgressBar::new(steps as u64);
    progress.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} {eta} left  {msg}")?);
    let found = Course::set_up(effort, count, &progress).and_then(|course| course.run(count));
    progress.finish_and_clear();
    drop(noted);
    let (rounds, quiet) = found?;
    Ok((findings::sections(&rounds, &quiet), findings::goals(&rounds)))
}

/// All configurations, up at the same time.
struct Course<'a> {
    contenders: Vec<Contender>,
    quiet: Quiet,
    progress: &'a ProgressBar,
}

impl<'a> Course<'a> {
    fn set_up(effort: Effort, count: Count, progress: &'a ProgressBar) -> Result<Self> {
        let estate = Estate::new(SIZE);
        let mut course = Self { contenders: Vec::new(), quiet: Quiet::new(count.patience), progress };
        for kind in Kind::ALL {
            step(progress, format!("setting up {}", kind.name()))?;
            course.contenders.push(Contender::new(kind, &estate, effort)?);
        }
        Ok(course)
    }

    fn run(mut self, count: Count) -> Result<(Rounds, Quiet)> {
        let mut rounds = Rounds::default();
        for round in 1..=count.rounds {
            for measure in Measure::ALL {
                rounds.note(measure, self.round(measure, &format!("round {round} of {}", count.rounds))?);
            }
        }
        for measure in Measure::ALL {
            for _ in 0..count.more {
                if rounds.kept(measure).0 >= count.wanted {
                    break;
                }
                self.progress.inc_length(Kind::ALL.len() as u64);
                rounds.note(measure, self.round(measure, "one round more, since others were disturbed")?);
            }
        }
        Ok((rounds, self.quiet))
    }

    /// A sample of each, in no order.
    fn round(&mut self, measure: Measure, what: &str) -> Result<Round> {
        let mut round = Round::new();
        self.contenders.shuffle(&mut rand::rng());
        for contender in &mut self.contenders {
            step(self.progress, format!("{what}: {}, {}", measure.name(), contender.kind.name()))?;
            self.quiet.wait()?;
            let sample = contender.sample(measure);
            // What a signal ended fails too, and says less.
            interrupt::check()?;
            round.insert(contender.kind, sample?);
        }
        Ok(round)
    }
}

fn step(progress: &ProgressBar, message: String) -> Result<()> {
    interrupt::check()?;
    progress.set_message(message);
    progress.inc(1);
    Ok(())
}
