//! The hidden subcommands that run inside instances: the built-in servers, and the client that tries them.

use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use tokio::runtime::{Builder, Runtime};

use crate::lab::client::{self, ClientSpec, Family, Outcome, Probe};
use crate::lab::server::{self, ServerSpec};

use super::Exit;
use super::context::Context;

/// Serve an instance's built-in ports
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The server's specification, as JSON
    specification: String,
}

/// Try a server from here, once
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim exec web-1 -- sgsim client line db-1 5432\n  \
    sgsim exec web-1 -- sgsim client -6 icmp db-1")]
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
    #[arg(long, default_value = "2s", value_parser = humantime::parse_duration)]
    timeout: Duration,
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
}

impl ServeArgs {
    pub(super) fn run(self) -> Result<Exit> {
        let spec: ServerSpec =
            serde_json::from_str(&self.specification).context("not a server specification")?;
        runtime()?.block_on(server::serve(spec))?;
        Ok(Exit::Success)
    }
}

impl ClientArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let probe = match self.probe {
            ProbeWord::Connect => Probe::Connect,
            ProbeWord::Line => Probe::Line,
            ProbeWord::Udp => Probe::Udp,
            ProbeWord::Http => Probe::Http,
            ProbeWord::Icmp => Probe::Icmp,
            ProbeWord::Bulk => Probe::Bulk { seconds: self.seconds },
        };
        let family = match (self.ipv4, self.ipv6) {
            (true, _) => Family::V4,
            (_, true) => Family::V6,
            _ => Family::Any,
        };
        let (host, port, timeout) = (self.host, self.port, self.timeout);
        let spec = ClientSpec { host, port, probe, family, timeout, source: None };
        let report = runtime()?.block_on(client::connect(spec))?;
        let outcome = match report.outcome {
            Outcome::Answered => "answered",
            Outcome::TimedOut => "timed out",
            Outcome::Refused => "refused",
            Outcome::Unreachable => "unreachable",
            Outcome::Broken => "broken",
        };
        let mut sentence = format!("{outcome} {}", report.target);
        if let Some(reply) = &report.reply {
            sentence.push_str(&format!(": {reply}"));
        }
        if let Some(rate) = report.bytes_per_second() {
            sentence.push_str(&format!(" ({:.2} Gbit/s)", rate as f64 * 8e-9));
        }
        context.output.said("client", &report, &sentence)?;
        Ok(if report.outcome == Outcome::Answered { Exit::Success } else { Exit::Denied })
    }
}

fn runtime() -> Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("cannot start the runtime")
}
