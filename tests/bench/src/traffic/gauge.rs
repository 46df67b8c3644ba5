//! Takes samples over one configuration: the servers behind it, and the clients in front of it.

use std::env;
use std::ffi::OsString;
use std::io::Write;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::bed::Bed;
use super::command;
use super::measure::Measure;
use super::processors::spent;
use super::tool::{Answers, Knock};
use crate::cli::Effort;
use crate::estate::{CLIENT, SERVER, address};

/// The figures of a measurement, in its order.
pub(super) type Sample = Vec<f64>;

/// Beyond the length of a sample, a command may take so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// A flood has begun when this is over.
const BEGINNING: Duration = Duration::from_millis(100);
const IPERF_PORT: &str = "5201";

/// How long samples are.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    /// iperf3's whole seconds.
    stream_seconds: u32,
    datagrams: Duration,
    transactions: Duration,
}

impl Lengths {
    fn of(effort: Effort) -> Self {
        match effort {
            Effort::Short => Self {
                stream_seconds: 1,
                datagrams: Duration::from_millis(500),
                transactions: Duration::from_millis(400),
            },
            Effort::Full => Self {
                stream_seconds: 3,
                datagrams: Duration::from_secs(2),
                transactions: Duration::from_millis(1500),
            },
        }
    }
}

/// The servers of one configuration, up.
pub(super) struct Gauge {
    bed: Bed,
    iperf: Child,
    answering: Child,
    lengths: Lengths,
}

impl Gauge {
    /// Starts the servers.
    pub(super) fn new(bed: Bed, effort: Effort) -> Result<Self> {
        let iperf = bed.start(SERVER, &["iperf3", "--server", "--port", IPERF_PORT], Stdio::null())?;
        let answering = bed.start(SERVER, &tool(&["serve"])?, Stdio::piped())?;
        let mut gauge = Self { bed, iperf, answering, lengths: Lengths::of(effort) };
        gauge.read_count().context("the server does not start")?;
        Ok(gauge)
    }

    /// Whether questions are answered.
    pub(super) fn passes(&mut self) -> Result<()> {
        self.ask(Duration::from_millis(50), true).map(drop)
    }

    /// What comes of a packet that no rule allows.
    pub(super) fn knock(&self) -> Result<Knock> {
        self.client("probe", &[])
    }

    /// One sample.
    pub(super) fn sample(&mut self, measure: Measure) -> Result<Sample> {
        match measure {
            Measure::OneStream => self.stream(1),
            Measure::FourStreams => self.stream(4),
            Measure::Datagrams => self.datagrams(),
            Measure::RequestResponse => self.ask(self.lengths.transactions, false),
            Measure::ConnectRequestResponse => self.ask(self.lengths.transactions, true),
        }
    }

    fn ask(&self, time: Duration, fresh: bool) -> Result<Sample> {
        let seconds = time.as_secs_f64().to_string();
        let mut arguments = vec![seconds.as_str()];
        if fresh {
            arguments.push("--fresh");
        }
        let answers: Answers = self.client("ask", &arguments)?;
        Ok(vec![answers.rate, answers.p50, answers.p99])
    }

    fn stream(&self, streams: u32) -> Result<Sample> {
        let (to, seconds) = (address(SERVER).to_string(), self.lengths.stream_seconds.to_string());
        let streams = streams.to_string();
        let argv =
            ["iperf3", "--client", &to, "--port", IPERF_PORT, "--time", &seconds, "--parallel", &streams];
        let argv = [&argv[..], &["--json", "--interval", "0"]].concat();
        let child = self.bed.start(CLIENT, &argv, Stdio::null())?;
        let time = Duration::from_secs(self.lengths.stream_seconds.into());
        let output = command::finish("iperf3", child, time + PATIENCE)?;
        let report: Value = serde_json::from_slice(&output).context("iperf3 wrote no JSON")?;
        let rate = report["end"]["sum_received"]["bits_per_second"].as_f64();
        let Some(rate) = rate.filter(|rate| *rate > 0.0) else { bail!("iperf3 received nothing: {report}") };
        Ok(vec![rate / 1e9])
    }

    fn datagrams(&mut self) -> Result<Sample> {
        let time = self.lengths.datagrams;
        let seconds = (time + 5 * BEGINNING).as_secs_f64().to_string();
        let flood = self.bed.start(
            CLIENT,
            &tool(&["flood", &address(SERVER).to_string(), &seconds])?,
            Stdio::null(),
        )?;
        let counted = self.count_during(time);
        command::end(flood);
        let (datagrams, took, busy) = counted?;
        if datagrams == 0 {
            bail!("no datagram arrived");
        }
        Ok(vec![datagrams as f64 / took.as_secs_f64() / 1e3, busy.as_nanos() as f64 / datagrams as f64])
    }

    /// Datagrams received in a while, how long that was, and how long processors were busy in it.
    fn count_during(&mut self, time: Duration) -> Result<(u64, Duration, Duration)> {
        thread::sleep(BEGINNING);
        let (before, busy_before, begin) = (self.count()?, spent()?.busy, Instant::now());
        thread::sleep(time);
        let (after, busy_after, took) = (self.count()?, spent()?.busy, begin.elapsed());
        Ok((after - before, took, busy_after.saturating_sub(busy_before)))
    }

    /// Datagrams that the server has received since it started.
    fn count(&mut self) -> Result<u64> {
        let input = self.answering.stdin.as_mut().context("the server has no input")?;
        input.write_all(b"\n").context("the server has ended")?;
        self.read_count()
    }

    fn read_count(&mut self) -> Result<u64> {
        let output = self.answering.stdout.as_mut().context("the server has no output")?;
        let line = command::line(output)?;
        if line.is_empty() {
            let mut told = String::new();
            if let Some(errors) = &mut self.answering.stderr {
                std::io::Read::read_to_string(errors, &mut told)?;
            }
            bail!("the server has ended: {}", told.trim());
        }
        Ok(serde_json::from_str(&line)?)
    }

    /// The answer of a tool on the client's side.
    fn client<T: DeserializeOwned>(&self, name: &str, arguments: &[&str]) -> Result<T> {
        let to = address(SERVER).to_string();
        let argv = tool(&[&[name, to.as_str()], arguments].concat())?;
        let output = command::finish(name, self.bed.start(CLIENT, &argv, Stdio::null())?, PATIENCE)?;
        Ok(serde_json::from_slice(&output)?)
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        for server in [&mut self.iperf, &mut self.answering] {
            // It may have ended already.
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// The benchmark itself as one of its tools.
fn tool(arguments: &[&str]) -> Result<Vec<OsString>> {
    let own = env::current_exe().context("cannot find this program")?;
    Ok([own.into_os_string()].into_iter().chain(arguments.iter().map(OsString::from)).collect())
}
