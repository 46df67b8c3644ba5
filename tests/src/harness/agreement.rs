//! Holds two data planes against each other, on random scenarios or on saved ones. The shortest scenario on which they
//! differ is saved as a file.
//!
//! `SGSIM_CASES` is the number of scenarios (2000), `SGSIM_FAILURES` the directory for failing ones (the temporary one).

use std::fs;
use std::path::{Path, PathBuf};

use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use sg_userspace::scenario::Scenario;
use sg_userspace::scenario::compare::{Named, compare};

use super::planes::Plane;
use super::random::scenario;

/// How many scenarios a run has.
pub fn cases() -> u32 {
    std::env::var("SGSIM_CASES").map_or(2000, |text| text.parse().expect("SGSIM_CASES is a number"))
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

/// The shortest scenario found, of so many tried, on which two data planes differ, and how.
pub fn find_difference(planes: impl Fn() -> [Plane; 2], cases: u32) -> Option<(Scenario, String)> {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 4096, ..Config::default() };
    let found = TestRunner::new(config).run(&scenario(), |scenario| match difference(planes(), &scenario) {
        Some(_) => Err(TestCaseError::fail("they differ")),
        None => Ok(()),
    });
    match found {
        Ok(()) => None,
        Err(TestError::Fail(_, scenario)) => {
            let scenario = shortened(&planes, scenario);
            let difference = difference(planes(), &scenario).expect("a data plane does the same each time");
            Some((scenario, difference))
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

/// Runs random scenarios on two data planes, new ones for each.
///
/// # Panics
/// Where they differ.
pub fn check_agreement(planes: impl Fn() -> [Plane; 2]) {
    check_agreement_on(planes, cases());
}

/// [`check_agreement`] on this many scenarios.
///
/// # Panics
/// Where they differ.
pub fn check_agreement_on(planes: impl Fn() -> [Plane; 2], cases: u32) {
    if let Some((scenario, difference)) = find_difference(&planes, cases) {
        let path = save(&scenario, &planes());
        panic!("{difference}\nThe scenario is saved in {}", path.display());
    }
}

/// Runs a saved scenario.
///
/// # Panics
/// Where the data planes differ, or the file is none of a scenario.
pub fn replay(path: &Path, planes: [Plane; 2]) {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let scenario = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if let Some(difference) = difference(planes, &scenario) {
        panic!("{}\n{difference}", path.display());
    }
}

/// Saves a scenario under the names of the data planes.
fn save(scenario: &Scenario, [first, second]: &[Plane; 2]) -> PathBuf {
    let directory = std::env::var_os("SGSIM_FAILURES").map_or_else(std::env::temp_dir, PathBuf::from);
    let path = directory.join(format!("scenario-{}-{}.json", first.name, second.name));
    let json = serde_json::to_string_pretty(scenario).expect("a scenario serialises");
    fs::write(&path, json).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}
