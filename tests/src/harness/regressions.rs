//! Kept scenarios, `tests/regressions/*.json`: each was the shortest on which two data planes once differed, or on which one
//! with a seeded fault does. They run on every pair of data planes in every run.

use std::fs;
use std::path::{Path, PathBuf};

use sg_userspace::scenario::Scenario;

use super::agreement::difference;
use super::planes::Plane;

/// Where they are.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions")
}

/// Reads a scenario.
///
/// # Errors
/// Where the file cannot be read or is none of a scenario.
pub fn read(path: &Path) -> anyhow::Result<Scenario> {
    use anyhow::Context;
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no scenario", path.display()))
}

/// Every kept scenario with its file's name, in the order of names.
///
/// # Panics
/// Where there are none: a suite that finds no cases proves nothing.
pub fn kept() -> Vec<(String, Scenario)> {
    let entries = fs::read_dir(directory()).unwrap_or_else(|error| panic!("tests/regressions: {error}"));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    assert!(!paths.is_empty(), "no scenario in tests/regressions");
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), read(path).unwrap_or_else(|error| panic!("{error:#}")))).collect()
}

/// Runs every kept scenario on two data planes, new ones for each.
///
/// # Panics
/// Where they differ.
#[track_caller]
pub fn check_kept(planes: impl Fn() -> [Plane; 2]) {
    for (name, scenario) in kept() {
        if let Some(difference) = difference(planes(), &scenario) {
            panic!("tests/regressions/{name}.json\n{difference}");
        }
    }
}
