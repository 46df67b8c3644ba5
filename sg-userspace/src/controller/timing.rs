//! How long the parts of a change take, as counts in classes.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Upper ends of the classes, in seconds; above the last is one more.
pub const CLASSES: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// A part of a change, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It is checked as AWS does, and applied to the world.
    Validate,
    /// The data plane takes it: from its end on, every packet is judged by it.
    Enforce,
    /// Namespaces and links are made.
    Build,
    /// It is made durable.
    Store,
    /// All of them, to the acknowledgement.
    Whole,
    /// From the end of `enforce` to the acknowledgement: so long it was in force before the client knew.
    Lead,
}

/// All stages.
pub const STAGES: [Stage; 6] =
    [Stage::Validate, Stage::Enforce, Stage::Build, Stage::Store, Stage::Whole, Stage::Lead];

impl Stage {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Enforce => "enforce",
            Self::Build => "build",
            Self::Store => "store",
            Self::Whole => "whole",
            Self::Lead => "lead",
        }
    }
}

/// Durations, counted by class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// By class, those above the last one at the end.
    pub counts: [u64; CLASSES.len() + 1],
    /// Their sum in seconds.
    pub sum: f64,
}

impl Timing {
    /// Counts a duration.
    pub fn add(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let class = CLASSES.partition_point(|end| *end < seconds);
        self.counts[class] += 1;
        self.sum += seconds;
    }
}

/// The stages of all changes that were acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings([Timing; STAGES.len()]);

impl Timings {
    /// Those of one stage.
    pub fn of(&self, stage: Stage) -> &Timing {
        &self.0[stage as usize]
    }

    /// Counts a change that is acknowledged now.
    pub(super) fn add(&mut self, laps: &Laps) {
        let now = Instant::now();
        for (stage, duration) in &laps.done {
            self.0[*stage as usize].add(*duration);
        }
        self.0[Stage::Whole as usize].add(now - laps.begun);
        if let Some(in_force) = laps.in_force {
            self.0[Stage::Lead as usize].add(now - in_force);
        }
    }
}

/// One change under way.
#[derive(Debug)]
pub(super) struct Laps {
    begun: Instant,
    last: Instant,
    in_force: Option<Instant>,
    done: Vec<(Stage, Duration)>,
}

impl Laps {
    /// It begins.
    pub(super) fn begin() -> Self {
        let now = Instant::now();
        Self { begun: now, last: now, in_force: None, done: Vec::new() }
    }

    /// A stage ends.
    pub(super) fn end(&mut self, stage: Stage) {
        let now = Instant::now();
        self.done.push((stage, now - self.last));
        self.last = now;
        if stage == Stage::Enforce {
            self.in_force = Some(now);
        }
    }

    /// How long a stage took.
    pub(super) fn of(&self, stage: Stage) -> Duration {
        self.done.iter().filter(|(done, _)| *done == stage).map(|(_, duration)| *duration).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_in_their_classes() {
        let mut timing = Timing::default();
        for micros in [1, 100, 101, 31_000_000] {
            timing.add(Duration::from_micros(micros));
        }
        assert_eq!((timing.counts[0], timing.counts[1], timing.counts[CLASSES.len()]), (2, 1, 1));
        assert!((timing.sum - 31.000_202).abs() < 1e-9);
    }

    #[test]
    fn a_change_leads_from_when_it_was_in_force() {
        let mut timings = Timings::default();
        let mut laps = Laps::begin();
        for stage in [Stage::Validate, Stage::Enforce, Stage::Build, Stage::Store] {
            laps.end(stage);
        }
        timings.add(&laps);
        for stage in STAGES {
            assert_eq!(timings.of(stage).counts.iter().sum::<u64>(), 1, "{stage:?}");
        }
        assert!(timings.of(Stage::Lead).sum <= timings.of(Stage::Whole).sum);
    }
}
