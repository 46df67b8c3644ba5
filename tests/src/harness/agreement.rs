//! Holds two data planes against each other on random scenarios. The shortest scenario on which they differ is saved as a
//! file, for `cargo xtask replay` and, once the fault is mended, for `tests/regressions`.
//!
//! `SGSIM_STEPS` is how many events a run compares, `SGSIM_SEED` where its random numbers begin, `SGSIM_FAILURES` the
//! directory for failing scenarios (the temporary one).

use std::cell::Cell;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use sg_userspace::scenario::Scenario;
use sg_userspace::scenario::compare::{Named, compare};

use super::planes::Plane;
use super::random::scenario;

/// Scenarios that one seed makes; the next ones have the next seed. Few, so that repeating a failure is quick.
const CHAPTER: u32 = 64;

/// What a run compares.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Events, at least.
    pub steps: u64,
    /// Where the random numbers begin.
    pub seed: u64,
}

impl Plan {
    /// So many steps from a seed of its own, unless the environment says otherwise.
    pub fn of(steps: u64) -> Self {
        let seed = RandomState::new().build_hasher().finish();
        Self {
            steps: from_environment("SGSIM_STEPS").unwrap_or(steps),
            seed: from_environment("SGSIM_SEED").unwrap_or(seed),
        }
    }
}

/// How many cases a random test has whose cases are single questions: as many as such a run has scenarios.
pub fn cases() -> u32 {
    const STEPS_OF_A_SCENARIO: u64 = 40;
    let steps = from_environment("SGSIM_STEPS").unwrap_or(2000 * STEPS_OF_A_SCENARIO);
    u32::try_from(steps / STEPS_OF_A_SCENARIO).unwrap_or(u32::MAX)
}

/// A number that the environment sets.
///
/// # Panics
/// Where it is set to something else.
pub fn from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, and not `{text}`")))
}

/// What a run has compared without finding a difference.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compared {
    /// Events.
    pub steps: u64,
    /// Scenarios that they were in.
    pub scenarios: u64,
    /// How long it took.
    pub took: Duration,
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, scenarios, took } = self;
        let rate = steps * 1000 / u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
        write!(
            f,
            "{steps} steps alike in {scenarios} scenarios, {:.1} s, {rate} a second",
            took.as_secs_f64()
        )
    }
}

/// A scenario on which two data planes differ.
#[derive(Clone, Debug)]
pub struct Found {
    /// The shortest that was found.
    pub scenario: Scenario,
    /// How they differ, in words.
    pub difference: String,
    /// The seed that finds it again at once.
    pub seed: u64,
}

/// Runs one scenario on two data planes, and says in words how they differ, or where one's machinery failed.
pub fn difference([mut first, mut second]: [Plane; 2], scenario: &Scenario) -> Option<String> {
    let first = Named { name: first.name, dataplane: &mut *first.dataplane };
    let second = Named { name: second.name, dataplane: &mut *second.dataplane };
    match compare(first, second, scenario) {
        Ok(difference) => difference.map(|difference| difference.to_string()),
        Err(error) => Some(format!("{scenario}\n{error:#}")),
    }
}

/// Runs random scenarios on two data planes, new ones for each, until so many steps were alike.
///
/// # Errors
/// The first difference found.
pub fn compare_at_random(planes: impl Fn() -> [Plane; 2], plan: Plan) -> Result<Compared, Box<Found>> {
    let start = Instant::now();
    let mut compared = Compared::default();
    let mut seed = plan.seed;
    while compared.steps < plan.steps {
        compared.steps += compare_chapter(&planes, seed)?;
        compared.scenarios += u64::from(CHAPTER);
        seed = seed.wrapping_add(1);
    }
    compared.took = start.elapsed();
    Ok(compared)
}

/// Compares the scenarios of one seed; how many steps they had.
fn compare_chapter(planes: &impl Fn() -> [Plane; 2], seed: u64) -> Result<u64, Box<Found>> {
    let config =
        Config { cases: CHAPTER, failure_persistence: None, max_shrink_iters: 4096, ..Config::default() };
    // Not the default algorithm: without optimisation that takes half of the time. The state must not be all zero.
    let mut bytes = [1; 16];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::XorShift, &bytes);
    let steps = Cell::new(0);
    let found = TestRunner::new_with_rng(config, random).run(&scenario(), |scenario| {
        steps.set(steps.get() + scenario.events.len() as u64);
        match difference(planes(), &scenario) {
            Some(_) => Err(TestCaseError::fail("they differ")),
            None => Ok(()),
        }
    });
    match found {
        Ok(()) => Ok(steps.get()),
        Err(TestError::Fail(_, scenario)) => {
            let scenario = shortened(planes, scenario);
            let difference = difference(planes(), &scenario).expect("a data plane does the same each time");
            Err(Box::new(Found { scenario, difference, seed }))
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

/// The scenario without the events that have no part in the difference. What made the scenario cannot leave out all of
/// them: one of its choices may be several events.
fn shortened(planes: &impl Fn() -> [Plane; 2], mut scenario: Scenario) -> Scenario {
    loop {
        let before = scenario.events.len();
        for i in (0..before).rev() {
            let mut shorter = scenario.clone();
            shorter.events.remove(i);
            if difference(planes(), &shorter).is_some() {
                scenario = shorter;
            }
        }
        if scenario.events.len() == before {
            return scenario;
        }
    }
}

/// Runs random scenarios on two data planes until so many steps were alike, and prints how many there were.
///
/// # Panics
/// Where they differ.
pub fn check_agreement(planes: impl Fn() -> [Plane; 2], steps: u64) {
    let plan = Plan::of(steps);
    let [first, second] = planes().map(|plane| plane.name);
    match compare_at_random(planes, plan) {
        Ok(compared) => announce(&format!("agreement: {first} and {second}: {compared}, seed {}", plan.seed)),
        Err(found) => {
            let path = save(&found.scenario, first, second);
            panic!(
                "{}\nThe scenario is in {path}; `cargo xtask replay {path}` shows it step by step, and under \
                 tests/regressions it is kept.\nSGSIM_SEED={} finds it again.",
                found.difference,
                found.seed,
                path = path.display(),
            );
        }
    }
}

/// Prints a line past the test runner, which shows what a test prints only if it fails.
fn announce(line: &str) {
    // One write, or lines of tests that run side by side would mix.
    let _ = io::stdout().write_all(format!("\n{line}\n").as_bytes());
}

/// Saves a scenario under the names of the data planes.
fn save(scenario: &Scenario, first: &str, second: &str) -> PathBuf {
    let directory = std::env::var_os("SGSIM_FAILURES").map_or_else(std::env::temp_dir, PathBuf::from);
    let path = directory.join(format!("scenario-{first}-{second}.json"));
    let json = serde_json::to_string_pretty(scenario).expect("a scenario serialises");
    fs::write(&path, json).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}
