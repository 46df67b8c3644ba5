//! The goals, and what a run says of each.

use serde::Serialize;

/// What was found about a goal.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    /// `G1` and so on.
    pub(crate) id: &'static str,
    /// What is wanted.
    pub(crate) goal: String,
    /// What was found.
    pub(crate) found: String,
    /// Whether that is as wanted.
    pub(crate) is_met: bool,
}

impl Outcome {
    /// `met` or `missed`.
    pub(crate) fn word(&self) -> &'static str {
        if self.is_met { "met" } else { "missed" }
    }
}
