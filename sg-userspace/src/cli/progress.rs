//! Progress of what takes longer than a blink, on standard error: a bar on a terminal, a line a stage elsewhere.

use std::io::{IsTerminal, Write, stderr};

use indicatif::{ProgressBar, ProgressStyle};

use crate::controller::protocol::Progress;

/// Shows how far a request has come.
pub(super) struct Meter {
    bar: Option<ProgressBar>,
    stage: String,
}

impl Meter {
    /// A meter that shows nothing yet.
    pub(super) fn new() -> Self {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {prefix} {bar:30} {pos}/{len} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(0).with_style(style);
            bar.enable_steady_tick(std::time::Duration::from_millis(100));
            bar
        });
        Self { bar, stage: String::new() }
    }

    /// A meter for one thing of unknown length. Off a terminal it shows nothing.
    pub(super) fn waiting(what: &'static str) -> Self {
        let meter = Self::new();
        if let Some(bar) = &meter.bar {
            let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_message(what);
        }
        meter
    }

    /// Takes a step into account.
    pub(super) fn show(&mut self, step: &Progress) {
        match &self.bar {
            Some(bar) => {
                bar.set_prefix(step.stage.clone());
                bar.set_length(step.total as u64);
                bar.set_position(step.done as u64);
                bar.set_message(step.item.clone());
            }
            None if self.stage != step.stage && step.total > 0 => {
                // Nobody is told of the failure to tell how far it is.
                let _ = writeln!(stderr(), "sgsim: {} ({}) ...", step.stage, step.total);
                self.stage.clone_from(&step.stage);
            }
            None => {}
        }
    }

    /// Leaves nothing on the terminal.
    pub(super) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
