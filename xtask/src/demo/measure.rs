//! Figures that the demo with real software ends with: facts about this machine at this moment, compared with nothing.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::lab::{Afterwards, Lab};
use super::step::{Client, Family};
use super::{interrupt, page};
use crate::repo::Repo;

/// Throughput is measured so often each way, in turn.
const ROUNDS: usize = 5;
const SECONDS_A_ROUND: &str = "1";
/// A rule change is timed so often.
const CHANGES: usize = 9;
/// The rule that is revoked and allowed again.
const RULE: [&str; 6] = ["db", "inbound", "PostgreSQL", "from", "sg", "web"];

/// What the article's lab can tell.
pub(super) fn on_article(lab: &Lab<'_>) -> Result<()> {
    throughput(lab)?;
    rule_change(lab)?;
    memory(lab, "article-real.yaml")
}

/// Start-up time and memory by size of lab.
pub(super) fn of_sizes(repo: &Repo) -> Result<()> {
    for file in ["three.yaml", "hundred.yaml"] {
        interrupt::check()?;
        let lab = Lab::up(repo, &format!("examples/{file}"), Afterwards::TakeDown)?;
        memory(&lab, file)?;
    }
    Ok(())
}

fn memory(lab: &Lab<'_>, what: &str) -> Result<()> {
    let status = lab.json(&["status"])?;
    let kib = status["status"]["memory_kib"].as_f64().context("the controller does not tell its memory")?;
    page::fact("memory", &format!("{:.0} MiB resident in the controller of {what}", kib / 1024.0));
    Ok(())
}

/// iperf3 from web-1 to web-2, with and without enforcement in turn, so that what else the machine does hits both alike.
fn throughput(lab: &Lab<'_>) -> Result<()> {
    let address = lab.address("web-2", Family::V4)?;
    page::command(&page::typed(
        "sgsim",
        &["exec", "web-1", "--", "iperf3", "-c", address, "-t", SECONDS_A_ROUND],
    ));
    let (mut off, mut on, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // The first of a pair has the worse start, so they take turns at that too.
        let order = if round % 2 == 0 { ["off", "on"] } else { ["on", "off"] };
        for state in order {
            interrupt::check()?;
            lab.said(["enforcement", state])?;
            let rate = iperf3(lab, address);
            lab.said(["enforcement", "on"])?;
            if state == "on" { &mut on } else { &mut off }.push(rate?);
        }
        ratios.push(on[round] / off[round]);
    }
    for (name, rates) in [("enforcement off", &off), ("enforcement on", &on)] {
        let each: Vec<String> = rates.iter().map(|rate| format!("{rate:.1}")).collect();
        page::fact("iperf3", &format!("{name:<16} {} Gbit/s", each.join(" ")));
    }
    page::fact("", &format!("{:<16} {:.2} (on / off, round by round)", "median ratio", median(&mut ratios)));
    Ok(())
}

/// Gbit/s that arrived.
fn iperf3(lab: &Lab<'_>, address: &str) -> Result<f64> {
    let args = ["exec", "web-1", "--", "iperf3", "-c", address, "-t", SECONDS_A_ROUND, "-J"];
    // The server says that it is busy for a moment after each test.
    for _ in 0..20 {
        if let Ok(text) = lab.said(args) {
            let report: Value = serde_json::from_str(&text).context("iperf3 printed no JSON")?;
            let rate = report["end"]["sum_received"]["bits_per_second"].as_f64();
            return Ok(rate.context("iperf3 tells no rate")? / 1e9);
        }
        thread::sleep(Duration::from_millis(100));
    }
    bail!("iperf3 does not get through to {address}")
}

/// From the acknowledgement of `rule allow` to the first new connection that is accepted.
fn rule_change(lab: &Lab<'_>) -> Result<()> {
    let (allow, revoke) = (change("allow"), change("revoke"));
    let mut delays = Vec::new();
    for round in 0..CHANGES {
        interrupt::check()?;
        lab.said(&revoke)?;
        let address = lab.address("db-1", Family::V4)?;
        let port = Client::DATABASE_PORT.to_string();
        let args = ["exec", "web-1", "--", "sgsim", "--output", "json", "client", "await", address, &port];
        if round == 0 {
            page::command(&page::typed("sgsim", &args));
            page::command(&page::typed("sgsim", &allow));
        }
        let waiting = lab.sgsim(args).stdout(Stdio::piped()).spawn().context("cannot run the client")?;
        // So that it is trying when the rule comes.
        thread::sleep(Duration::from_millis(100));
        let mut change = lab.sgsim(&allow).stdout(Stdio::piped()).spawn().context("cannot run `sgsim`")?;
        let mut said = String::new();
        BufReader::new(change.stdout.take().context("no pipe from `sgsim`")?).read_line(&mut said)?;
        let acknowledged = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        change.wait()?;
        let output = waiting.wait_with_output()?;
        let accepted: Value = serde_json::from_slice(&output.stdout).context("the client printed no JSON")?;
        let at = accepted["accepted"]["unix_nanoseconds"].as_u64().context("no connection was accepted")?;
        delays.push((at as f64 - acknowledged as f64) / 1e6);
    }
    let worst = delays.iter().copied().fold(f64::MIN, f64::max);
    let median = median(&mut delays);
    page::fact("rule", "first new connection accepted, counted from the acknowledgement of `rule allow`:");
    page::fact("", &format!("median {median:+.1} ms, latest {worst:+.1} ms of {CHANGES} (minus: before it)"));
    Ok(())
}

fn change(verb: &'static str) -> Vec<&'static str> {
    ["rule", verb].into_iter().chain(RULE).collect()
}

/// The middle of an odd number of values.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(&mut [3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }
}
