//! Frames by direction and reason.

use comfy_table::Table;
use serde::Serialize;

use crate::aws::rule::Direction;
use crate::dataplane::reason::Reason;
use crate::dataplane::row::CounterRow;

/// A counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CounterView {
    /// As the judging interfaces saw the frames.
    pub direction: Direction,
    /// How they ended.
    pub reason: Reason,
    /// Whether they went on.
    pub allowed: bool,
    /// How many there were.
    pub frames: u64,
}

impl From<&CounterRow> for CounterView {
    fn from(row: &CounterRow) -> Self {
        Self {
            direction: row.direction,
            reason: row.reason,
            allowed: row.reason.is_allow(),
            frames: row.frames,
        }
    }
}

/// Counters as a table; those at nought are left out.
pub fn table(counters: &[CounterView]) -> Table {
    let mut table = super::table(&["DIRECTION", "VERDICT", "REASON", "FRAMES"]);
    for counter in counters.iter().filter(|counter| counter.frames > 0) {
        table.add_row([
            counter.direction.to_string(),
            if counter.allowed { "allow" } else { "deny" }.to_owned(),
            counter.reason.to_string(),
            counter.frames.to_string(),
        ]);
    }
    table
}
