//! One thing to measure, and how it is.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use sg_userspace::kernel::floor::{Floor, Yardstick};
use sg_userspace::kernel::measure::Judge;
use sg_userspace::kernel::prog_run::{ProgramKind, Run};

use crate::cli::Effort;
use crate::plane::Plane;
use crate::report::Row;
use crate::stats::Spread;
use crate::unit::FLOOR;

/// A sample of one frame lasts at least so long.
const SAMPLE: Duration = Duration::from_millis(10);
/// Runs by which the length of a sample is worked out.
const TRIAL: u32 = 2_000;

/// What is run.
pub(crate) struct Case<'a> {
    /// Its name in the report.
    pub(crate) name: String,
    /// The program.
    pub(crate) judge: Judge,
    /// On whose link.
    pub(crate) slot: u32,
    /// One frame is run again and again; of several, each is run once in a sample, since a flow is new only once.
    pub(crate) frames: &'a [Vec<u8>],
    /// What becomes of them: a case that measures something else than it says is an error.
    pub(crate) expected: Verdict,
    /// Whether every sample begins without flows.
    pub(crate) forgets: bool,
}

/// What a program does with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes to its receiver.
    Delivered,
    /// It goes nowhere.
    Dropped,
}

impl Verdict {
    /// What a program that returned this has done with its frame.
    pub(crate) fn of(judge: Judge, action: u32) -> Result<Self> {
        [Self::Delivered, Self::Dropped]
            .into_iter()
            .find(|verdict| verdict.actions(judge) == action)
            .with_context(|| format!("the program returned {action}, which is neither delivery nor denial"))
    }

    /// What the program returns: of linux/pkt_cls.h, or of linux/bpf.h for XDP.
    fn actions(self, judge: Judge) -> u32 {
        match (self, judge) {
            (Self::Delivered, Judge::FromLink) => 7,
            (Self::Delivered, Judge::ToLink) => 0,
            (Self::Delivered, Judge::Xdp) => 4,
            (Self::Dropped, Judge::FromLink | Judge::ToLink) => 2,
            (Self::Dropped, Judge::Xdp) => 1,
        }
    }
}

/// What a case came to, in nanoseconds a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// The program's less the empty program's of the same round.
    pub(crate) over_empty: Spread,
    /// Times the empty program's.
    pub(crate) by_empty: Spread,
    /// Times the floor program's.
    pub(crate) by_floor: Spread,
}

impl Cost {
    /// As a figure of the report.
    pub(crate) fn row(&self, name: &str) -> Row {
        Row {
            name: name.to_owned(),
            unit: "ns over empty",
            value: self.over_empty,
            against: vec![("empty".to_owned(), self.by_empty), (FLOOR.to_owned(), self.by_floor)],
        }
    }
}

/// The programs, and how much is made of them.
pub(crate) struct Meter {
    /// The data plane.
    pub(crate) plane: Plane,
    floor: Floor,
    /// How much.
    pub(crate) effort: Effort,
    progress: ProgressBar,
}

impl Meter {
    pub(crate) fn new(plane: Plane, floor: Floor, effort: Effort) -> Self {
        Self { plane, floor, effort, progress: ProgressBar::new_spinner() }
    }

    fn samples(&self) -> usize {
        if self.effort == Effort::Full { 31 } else { 15 }
    }

    /// Measures a case: empty, floor and program in turn, so that what else the machine does hits all alike.
    pub(crate) fn measure(&mut self, case: &Case<'_>) -> Result<Cost> {
        self.progress.set_message(format!("cost of a run: {}", case.name));
        self.progress.tick();
        let repeat = self.repeat(case)?;
        let (mut over, mut by_empty, mut by_floor) = (vec![], vec![], vec![]);
        for _ in 0..self.samples() {
            let empty = self.yardstick(Yardstick::Empty, case, repeat)?;
            let floor = self.yardstick(Yardstick::Floor, case, repeat)?;
            if case.forgets {
                self.plane.kernel.clear_state()?;
            }
            // Room for what the programs report, as a controller makes it.
            self.plane.kernel.take_reports();
            let own = self.program(case, repeat)?;
            over.push(own - empty);
            by_empty.push(own / empty);
            by_floor.push(own / floor);
        }
        Ok(Cost {
            over_empty: Spread::of(over),
            by_empty: Spread::of(by_empty),
            by_floor: Spread::of(by_floor),
        })
    }

    /// How often a single frame is run in a sample.
    fn repeat(&mut self, case: &Case<'_>) -> Result<u32> {
        let [frame] = case.frames else { return Ok(1) };
        let run = self.plane.kernel.run_frame(case.judge, case.slot, frame, TRIAL)?;
        let wanted = SAMPLE.as_nanos() / run.took.as_nanos().max(1);
        Ok(u32::try_from(wanted)?.max(TRIAL))
    }

    fn program(&mut self, case: &Case<'_>, repeat: u32) -> Result<f64> {
        let kernel = &mut self.plane.kernel;
        mean(case.frames, |frame| {
            let run = kernel.run_frame(case.judge, case.slot, frame, repeat)?;
            if run.action != case.expected.actions(case.judge) {
                bail!("`{}` is not {:?}: the program returned {}", case.name, case.expected, run.action);
            }
            Ok(run)
        })
    }

    fn yardstick(&mut self, yardstick: Yardstick, case: &Case<'_>, repeat: u32) -> Result<f64> {
        // By the loopback, which every namespace has.
        let (floor, kind): (_, ProgramKind) = (&mut self.floor, case.judge.kind());
        mean(case.frames, |frame| floor.run(yardstick, kind, 1, frame, repeat))
    }
}

/// Nanoseconds a run, over all frames.
fn mean(frames: &[Vec<u8>], mut run: impl FnMut(&[u8]) -> Result<Run>) -> Result<f64> {
    let mut total = 0.0;
    for frame in frames {
        total += run(frame)?.took.as_nanos() as f64;
    }
    Ok(total / frames.len() as f64)
}
