//! How long calls took, as a table for people, as Markdown and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::tenant::Measured;

/// How long the calls of one action took, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Latency {
    /// The action.
    pub action: String,
    /// Calls, refused ones included.
    pub calls: usize,
    /// Calls that were not done.
    pub refused: usize,
    /// Half of them took no longer.
    pub p50: f64,
    /// Nine of ten.
    pub p90: f64,
    /// 99 of a hundred.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// What a load was, and how it was borne.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LoadReport<Usage> {
    /// Clients at a time.
    pub clients: usize,
    /// How long, after warming up.
    pub seconds: f64,
    /// The seed of the clients' choices.
    pub seed: u64,
    /// Calls a second, of all clients together.
    pub calls_per_second: f64,
    /// Connections tried after a change, and as they had to be.
    pub connections: usize,
    /// What was in use when the clients had warmed up and had deleted everything.
    pub before: Usage,
    /// What was in use when they had deleted everything at the end.
    pub after: Usage,
    /// By action, all together last.
    pub latencies: Vec<Latency>,
}

/// The latencies by action, and of all.
pub fn latencies(calls: &[Measured]) -> Vec<Latency> {
    let mut by_action: BTreeMap<&str, Vec<&Measured>> = BTreeMap::new();
    for call in calls {
        by_action.entry(call.action).or_default().push(call);
    }
    let mut all = by_action.into_iter().map(|(action, calls)| latency(action, &calls)).collect::<Vec<_>>();
    all.push(latency("all", &calls.iter().collect::<Vec<_>>()));
    all
}

fn latency(action: &str, calls: &[&Measured]) -> Latency {
    let mut times = calls.iter().map(|call| call.took).collect::<Vec<_>>();
    times.sort();
    let at = |percent: usize| {
        let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
        milliseconds(times.get(place).copied().unwrap_or_default())
    };
    Latency {
        action: action.to_owned(),
        calls: calls.len(),
        refused: calls.iter().filter(|call| !call.done).count(),
        p50: at(50),
        p90: at(90),
        p99: at(99),
        max: at(100),
    }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

const HEADINGS: [&str; 7] = ["action", "calls", "refused", "p50 ms", "p90 ms", "p99 ms", "max ms"];

fn cells(latency: &Latency) -> [String; 7] {
    let Latency { action, calls, refused, p50, p90, p99, max } = latency;
    let time = |value: &f64| format!("{value:.1}");
    [action.clone(), calls.to_string(), refused.to_string(), time(p50), time(p90), time(p99), time(max)]
}

/// A table for a terminal.
pub fn table(latencies: &[Latency]) -> String {
    let mut text = String::new();
    let rows = latencies.iter().map(cells);
    for row in [HEADINGS.map(str::to_owned)].into_iter().chain(rows) {
        let [action, rest @ ..] = row;
        let _ = write!(text, "{action:<36}");
        for cell in rest {
            let _ = write!(text, "{cell:>9}");
        }
        text.push('\n');
    }
    text
}

/// The same for a page.
pub fn markdown(latencies: &[Latency]) -> String {
    let mut text = format!("| {} |\n| --- |{}\n", HEADINGS.join(" | "), " ---: |".repeat(HEADINGS.len() - 1));
    for latency in latencies {
        let _ = writeln!(text, "| {} |", cells(latency).join(" | "));
    }
    text
}
