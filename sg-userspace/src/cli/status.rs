//! `sgsim status`: the lab at a glance.

use anyhow::Result;
use clap::Args;

use crate::controller::client::unexpected;
use crate::controller::protocol::{Reply, Request};
use crate::report::status::StatusView;

use super::Exit;
use super::context::Context;

/// Show the lab, its instances and the controller
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sgsim status\n  sgsim status --audit\n  sgsim status --output json | jq .status.lab.enforcement"
)]
pub(super) struct StatusArgs {
    /// Read store, kernel and machine back, and say what is not as it should be; exit code 1 if anything is
    #[arg(long)]
    audit: bool,
}

impl StatusArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let mut client = context.client()?;
        let mut view = StatusView::from(client.status()?);
        if self.audit {
            view.drift = match client.call(&Request::Audit)? {
                Reply::Audit { drift } => Some(drift),
                other => return Err(unexpected(&other)),
            };
        }
        if context.output.is_json() {
            context.output.json("status", &view)?;
        } else {
            context.output.text(&view.text())?;
        }
        let agrees = view.drift.as_ref().is_none_or(Vec::is_empty);
        Ok(if agrees { Exit::Success } else { Exit::Denied })
    }
}
