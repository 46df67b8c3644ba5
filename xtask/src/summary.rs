//! What ran, how it ended and how long it took; the table at the end of `test`, `lint` and `ci`.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::say;

/// The record of a task's steps, in order.
#[derive(Default)]
pub(crate) struct Summary {
    rows: Vec<Row>,
}

/// A step of a task; returns a remark for the table.
pub(crate) type Step<'a> = dyn Fn() -> Result<String> + 'a;

struct Row {
    step: String,
    took: Duration,
    /// A remark on success, the error otherwise.
    outcome: Result<String, String>,
}

impl Summary {
    /// Runs one step under its own heading and records it; whether it passed. A step returns a remark for the table.
    pub(crate) fn run(&mut self, step: &str, body: impl FnOnce() -> Result<String>) -> bool {
        say::heading(step);
        let start = Instant::now();
        let outcome = body().map_err(|error| format!("{error:#}"));
        let passed = outcome.is_ok();
        let took = start.elapsed();
        match &outcome {
            Ok(_) => say::found(step, say::elapsed(took)),
            Err(why) => say::lack(step, format_args!("after {}: {why}", say::elapsed(took))),
        }
        self.rows.push(Row { step: step.to_owned(), took, outcome });
        passed
    }

    /// Runs steps in order up to the first that fails, then prints the table, which names those not reached.
    pub(crate) fn run_until_failure(mut self, task: &str, steps: &[(&str, &Step<'_>)]) -> Result<()> {
        let mut rest = steps.iter();
        for (name, step) in rest.by_ref() {
            if !self.run(name, step) {
                break;
            }
        }
        let not_run: Vec<&str> = rest.map(|(name, _)| *name).collect();
        self.finish(task, &not_run)
    }

    /// Prints the table; an error if any step failed. `not_run` are the steps that a failure kept from running.
    pub(crate) fn finish(self, task: &str, not_run: &[&str]) -> Result<()> {
        say::heading(format_args!("{task}: what ran"));
        for row in &self.rows {
            let took = say::elapsed(row.took);
            match &row.outcome {
                Ok(remark) => say::found(&row.step, format_args!("{took:>11}  {remark}")),
                Err(why) => say::lack(&row.step, format_args!("{took:>11}  {why}")),
            }
        }
        for step in not_run {
            say::warn(step, format_args!("{:>11}", "not run"));
        }
        let failed: Vec<&str> =
            self.rows.iter().filter(|row| row.outcome.is_err()).map(|row| row.step.as_str()).collect();
        if !failed.is_empty() {
            bail!("{task} failed: {}", failed.join(", "));
        }
        Ok(())
    }
}
