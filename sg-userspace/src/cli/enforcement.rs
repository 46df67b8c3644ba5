//! `sgsim enforcement`: whether verdicts take effect.

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::controller::client::unexpected;
use crate::controller::protocol::{Reply, Request};
use crate::dataplane::row::Enforcement;

use super::Exit;
use super::context::Context;

/// Switch enforcement on or off, to measure what it costs
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim enforcement off\n  sgsim enforcement on")]
pub(super) struct EnforcementArgs {
    /// On: packets are judged; off: every packet passes
    state: Switch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl EnforcementArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let enforcement = match self.state {
            Switch::On => Enforcement::On,
            Switch::Off => Enforcement::Off,
        };
        match context.client()?.call(&Request::SetEnforcement { enforcement })? {
            Reply::Done => {}
            other => return Err(unexpected(&other)),
        }
        let sentence = match enforcement {
            Enforcement::On => "enforcement is on",
            Enforcement::Off => "enforcement is off: every packet passes until `sgsim enforcement on`",
        };
        context.output.said("enforcement", &enforcement, sentence)?;
        Ok(Exit::Success)
    }
}
