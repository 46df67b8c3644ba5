//! What runs inside instances where nothing else is at hand: small servers, and the client that tries them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use tokio::runtime::{Builder, Runtime};

use crate::lab::client::{self, ClientReport, ClientSpec, Family, Outcome, Probe};
use crate::lab::hold::{self, HoldEvent};
use crate::lab::server::{self, Listener, ServerSpec};

use super::Exit;
use super::context::Context;
use super::output::Output;
use super::probe::patience;

/// How long one connection of `client await` may take before the next is tried.
const AWAIT_INTERVAL: Duration = Duration::from_millis(1);

/// Serve ports here: `tcp` and `udp` answer each line, `http` has one page, `sink` takes what `client bulk` sends
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sgsim server http 80 tcp 22                              in `sgsim shell web-1`\n  \
    sgsim exec web-1 -- sgsim server http 80 tcp 22 &\n  \
    sgsim exec internet -- sgsim server udp 53"
)]
pub(super) struct ServerArgs {
    /// Each port with what it does: `http 80`
    #[arg(value_name = "tcp|udp|http|sink PORT", required = true)]
    ports: Vec<String>,
    /// What answers call this host; its host name if left out
    #[arg(long)]
    name: Option<String>,
}

/// Try a server from here, once or in a session that stays open
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sgsim client http web-2 80                               in `sgsim shell web-1`\n  \
    sgsim exec web-1 -- sgsim client line db-1 5432\n  \
    sgsim exec web-1 -- sgsim client line db-1 5432 --length 4000\n  \
    sgsim exec web-1 -- sgsim client -6 icmp db-1\n  \
    sgsim exec web-1 -- sgsim client hold db-1 5432     each line of standard input is sent and answered"
)]
pub(super) struct ClientArgs {
    /// What to try
    probe: ProbeWord,
    /// Name or address
    host: String,
    /// Port; not needed for ICMP
    #[arg(default_value_t = 0)]
    port: u16,
    /// Over IPv4 only
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    ipv4: bool,
    /// Over IPv6 only
    #[arg(short = '6', long)]
    ipv6: bool,
    /// How long to wait for each answer
    #[arg(long, default_value = "2s", value_parser = patience)]
    timeout: Duration,
    /// For `line`: how many bytes, more than one packet where the path is narrow
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=8000))]
    length: Option<u16>,
    /// For `bulk`: how long to send
    #[arg(long, default_value_t = 3)]
    seconds: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ProbeWord {
    Connect,
    Line,
    Udp,
    Http,
    Icmp,
    Bulk,
    /// A session that stays open: each line of standard input is sent and answered.
    Hold,
    /// New connections, one after the other, until one is accepted.
    Await,
}

impl ServerArgs {
    pub(super) fn run(self) -> Result<Exit> {
        let listeners = self.ports.chunks(2).map(listener).collect::<Result<_>>()?;
        let name = match self.name {
            Some(name) => name,
            None => {
                nix::unistd::gethostname().context("cannot tell the host's name")?.to_string_lossy().into()
            }
        };
        runtime()?.block_on(server::serve(ServerSpec { name, listeners }))?;
        Ok(Exit::Success)
    }
}

fn listener(words: &[String]) -> Result<Listener> {
    let [kind, port] = words else {
        bail!("`{}` has no port: write `{} 80`", words.concat(), words.concat())
    };
    match port.parse() {
        Ok(port) if port > 0 => Ok(Listener { service: kind.parse()?, port }),
        _ => bail!("`{port}` is not a port from 1 to 65535"),
    }
}

impl ClientArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let family = match (self.ipv4, self.ipv6) {
            (true, _) => Family::V4,
            (_, true) => Family::V6,
            _ => Family::Any,
        };
        let (host, port, timeout) = (self.host, self.port, self.timeout);
        let spec = |probe| ClientSpec { host, port, probe, family, timeout, source: None };
        match self.probe {
            ProbeWord::Hold => hold_session(&mut context.output, &spec(Probe::Line)),
            ProbeWord::Await => until_accepted(&mut context.output, spec(Probe::Connect)),
            ProbeWord::Connect => try_once(&mut context.output, spec(Probe::Connect)),
            ProbeWord::Line => {
                let probe = self.length.map_or(Probe::Line, |length| Probe::LongLine { length });
                try_once(&mut context.output, spec(probe))
            }
            ProbeWord::Udp => try_once(&mut context.output, spec(Probe::Udp)),
            ProbeWord::Http => try_once(&mut context.output, spec(Probe::Http)),
            ProbeWord::Icmp => try_once(&mut context.output, spec(Probe::Icmp)),
            ProbeWord::Bulk => try_once(&mut context.output, spec(Probe::Bulk { seconds: self.seconds })),
        }
    }
}

fn try_once(output: &mut Output, spec: ClientSpec) -> Result<Exit> {
    let report = runtime()?.block_on(client::connect(spec))?;
    tell(output, &report)
}

fn tell(output: &mut Output, report: &ClientReport) -> Result<Exit> {
    // An echo has no port.
    let target = match report.target.port() {
        0 => report.target.ip().to_string(),
        _ => report.target.to_string(),
    };
    let mut sentence = format!("{} {target}", word(report.outcome));
    if let Some(reply) = &report.reply {
        sentence.push_str(&format!(": {reply}"));
    }
    if let Some(rate) = report.bytes_per_second() {
        sentence.push_str(&format!(" ({:.2} Gbit/s)", rate as f64 * 8e-9));
    }
    output.said("client", report, &sentence)?;
    Ok(if report.outcome == Outcome::Answered { Exit::Success } else { Exit::Denied })
}

/// One line for each thing that happens in the session.
fn hold_session(output: &mut Output, spec: &ClientSpec) -> Result<Exit> {
    let mut told = Ok(());
    let mut end = Outcome::Answered;
    runtime()?.block_on(hold::hold(spec, hold::stdin_lines(), |event| {
        let sentence = match event {
            HoldEvent::Opened(greeting) => format!("opened: {greeting}"),
            HoldEvent::Answered(line, _) => format!("answered: {line}"),
            HoldEvent::Ended(outcome) => {
                end = outcome;
                format!("ended: {}", word(outcome))
            }
        };
        if told.is_ok() {
            told = output.said("session", &sentence, &sentence);
        }
    }))?;
    told?;
    Ok(if end == Outcome::Answered { Exit::Success } else { Exit::Denied })
}

/// Says when the first connection was accepted, so that it can be told how soon a change took effect.
fn until_accepted(output: &mut Output, spec: ClientSpec) -> Result<Exit> {
    let runtime = runtime()?;
    let deadline = Instant::now() + spec.timeout;
    let mut spec = ClientSpec { timeout: AWAIT_INTERVAL, ..spec };
    // The name is resolved once: reading the hosts file takes longer than a connection.
    let first = runtime.block_on(client::connect(ClientSpec { timeout: AWAIT_INTERVAL, ..spec.clone() }))?;
    spec.host = first.target.ip().to_string();
    let (mut report, mut tries) = (first, 1_u32);
    while report.outcome != Outcome::Answered && Instant::now() < deadline {
        report = runtime.block_on(client::connect(spec.clone()))?;
        tries += 1;
    }
    if report.outcome != Outcome::Answered {
        return tell(output, &report);
    }
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let value = serde_json::json!({ "report": report, "tries": tries, "unix_nanoseconds": unix });
    output.said("accepted", &value, &format!("accepted by {} at try {tries}", report.target))?;
    Ok(Exit::Success)
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "answered",
        Outcome::TimedOut => "timed out",
        Outcome::Refused => "refused",
        Outcome::Unreachable => "unreachable",
        Outcome::Broken => "broken",
    }
}

fn runtime() -> Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("cannot start the runtime")
}
