//! `cargo xtask ci`: everything that must pass, in order; `.ci/run` calls only this.

use anyhow::Result;

use crate::demo::Software;
use crate::repo::Repo;
use crate::setup::{self, Purpose};
use crate::summary::Summary;
use crate::{bench, build, demo, fuzz, lint, load, mutants, test, tidy};

/// How long each fuzz target is tried; `cargo xtask fuzz` tries longer on demand.
const FUZZ_SECONDS: u32 = 60;
/// How long the endpoint is loaded; `cargo xtask load` loads it longer on demand.
const LOAD_SECONDS: u32 = 30;

/// Runs the steps, cheapest verdict first; the next one starts only if the one before passed.
pub(crate) fn execute(repo: &Repo) -> Result<()> {
    Summary::default().run_until_failure(
        "ci",
        &[
            ("set-up", &|| setup::run(repo, Purpose::Run).map(|()| String::new())),
            ("lint", &|| lint::execute(repo).map(|()| String::new())),
            ("tidy", &|| tidy::execute(repo).map(|()| String::new())),
            ("rootless", &|| test::rootless(repo, &[]).map(|counts| test::remark(&counts))),
            ("clients", &|| test::clients(repo, &[]).map(|counts| test::remark(&counts))),
            ("build", &|| build::execute(repo).map(|()| String::new())),
            ("privileged", &|| test::privileged(repo, &[]).map(|counts| test::remark(&counts))),
            ("bench gate", &|| bench::in_ci(repo)),
            ("load", &|| load::in_ci(repo, LOAD_SECONDS)),
            ("mutants", &|| mutants::in_ci(repo)),
            ("fuzz", &|| fuzz::in_ci(repo, FUZZ_SECONDS)),
            ("demo", &|| demo::in_ci(repo, Software::BuiltIn)),
            ("demo --real", &|| demo::in_ci(repo, Software::Real)),
        ],
    )
}
