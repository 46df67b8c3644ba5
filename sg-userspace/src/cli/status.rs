//! `sgsim status`: the lab at a glance.

use anyhow::Result;
use clap::Args;

use crate::report::status::StatusView;

use super::Exit;
use super::context::Context;

/// Show the lab, its instances and the controller
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sgsim status\n  sgsim status --output json | jq .status.lab.enforcement"
)]
pub(super) struct StatusArgs {}

impl StatusArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let view = StatusView::from(context.client()?.status()?);
        if context.output.is_json() {
            context.output.json("status", &view)?;
        } else {
            context.output.text(&view.text())?;
        }
        Ok(Exit::Success)
    }
}
