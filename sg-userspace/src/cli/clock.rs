//! `sgsim clock`: time as the data plane has it.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use crate::controller::client::unexpected;
use crate::controller::protocol::{Reply, Request};
use crate::report;

use super::Exit;
use super::context::Context;

/// Move the data plane's clock ahead, to see idle connections expire.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:\n  sgsim clock advance 5d")]
pub(super) enum ClockCommand {
    Advance(AdvanceArgs),
}

/// Let time pass for flow entries, all at once
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sgsim clock advance 5d\n  sgsim clock advance '1h 30m'\n  sgsim clock advance 350s"
)]
pub(super) struct AdvanceArgs {
    /// How much: such as 350s, 90m, 12h or 5d
    #[arg(value_parser = humantime::parse_duration)]
    time: Duration,
}

impl ClockCommand {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let Self::Advance(AdvanceArgs { time }) = self;
        let seconds = time.as_secs();
        if seconds == 0 || time.subsec_nanos() != 0 {
            bail!("the clock moves by whole seconds, at least one");
        }
        let offset_seconds = match context.client()?.call(&Request::AdvanceClock { seconds })? {
            Reply::Clock { offset_seconds } => offset_seconds,
            other => return Err(unexpected(&other)),
        };
        let sentence = format!("the data plane's clock is {} ahead", report::duration(offset_seconds));
        context.output.said("clock", &serde_json::json!({ "offset_seconds": offset_seconds }), &sentence)?;
        Ok(Exit::Success)
    }
}
