//! `sgsim flows`: connections that are tracked now.

use anyhow::Result;
use clap::Args;

use crate::controller::client::unexpected;
use crate::controller::protocol::{Reply, Request};
use crate::report;
use crate::report::flow::FlowView;

use super::context::Context;
use super::{Exit, lookup};

/// List live flow entries, with the rule that admitted each
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim flows\n  sgsim flows --interface db-1\n  \
    sgsim flows --output json | jq '.flows[].rule.id'")]
pub(super) struct FlowsArgs {
    /// Those of this interface only: its id, an instance, or INSTANCE:INDEX
    #[arg(long)]
    interface: Option<String>,
}

impl FlowsArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let world = context.world()?;
        let interface =
            self.interface.map(|text| lookup::interface(&world, &text).map(|found| found.id.clone()));
        let views = match context.client()?.call(&Request::Flows { interface: interface.transpose()? })? {
            Reply::Flows { flows } => flows.iter().map(|row| FlowView::new(&world, row)).collect::<Vec<_>>(),
            other => return Err(unexpected(&other)),
        };
        context.output.rows("flows", &views, || report::flow::table(&views), "no live flows")?;
        Ok(Exit::Success)
    }
}
