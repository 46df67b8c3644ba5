//! `cargo xtask ci`: everything that must pass, in order; `.ci/run` calls only this.

use anyhow::Result;

use crate::repo::Repo;
use crate::setup::{self, Purpose};
use crate::summary::Summary;
use crate::{build, lint, test, tidy};

type Step = fn(&Repo) -> Result<String>;

/// The steps, cheapest verdict first. The next one starts only if the one before passed.
const STEPS: &[(&str, Step)] = &[
    ("set-up", |repo| setup::run(repo, Purpose::Run).map(|()| String::new())),
    ("lint", |repo| lint::execute(repo).map(|()| String::new())),
    ("tidy", |repo| tidy::execute(repo).map(|()| String::new())),
    ("rootless", |repo| test::rootless(repo, &[])),
    ("build", |repo| build::execute(repo).map(|()| String::new())),
    ("privileged", |repo| test::privileged(repo, &[])),
];

pub(crate) fn execute(repo: &Repo) -> Result<()> {
    let mut summary = Summary::default();
    let mut steps = STEPS.iter();
    for (name, step) in steps.by_ref() {
        if !summary.run(name, || step(repo)) {
            break;
        }
    }
    let not_run: Vec<&str> = steps.map(|(name, _)| *name).collect();
    summary.finish("ci", &not_run)
}
