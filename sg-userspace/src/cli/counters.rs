//! `sgsim counters`: how frames ended.

use anyhow::Result;
use clap::Args;

use crate::controller::client::unexpected;
use crate::controller::protocol::{Reply, Request};
use crate::report;
use crate::report::counter::CounterView;

use super::Exit;
use super::context::Context;

/// Show how many frames ended with which verdict and reason
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim counters\n  \
    sgsim counters --output json | jq '[.counters[] | select(.allowed | not) | .frames] | add'")]
pub(super) struct CountersArgs {}

impl CountersArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let views = match context.client()?.call(&Request::Counters)? {
            Reply::Counters { counters } => counters.iter().map(CounterView::from).collect::<Vec<_>>(),
            other => return Err(unexpected(&other)),
        };
        context.output.rows(
            "counters",
            &views,
            || report::counter::table(&views),
            "no frame was seen yet",
        )?;
        Ok(Exit::Success)
    }
}
