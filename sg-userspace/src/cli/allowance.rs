//! `sgsim allowance`: how many connections each instance tracks, and how many it may.

use anyhow::Result;
use clap::Args;

use crate::controller::client::unexpected;
use crate::controller::protocol::{Reply, Request};
use crate::report;
use crate::report::allowance::AllowanceView;

use super::Exit;
use super::context::Context;

/// Show how many connections each instance tracks, and how many more it may
///
/// The last two columns are what `ethtool -S` shows of a network interface on EC2. An instance's allowance is
/// `connection-allowance` in the lab file.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sgsim allowance\n  \
    sgsim allowance --output json | jq '.allowances[] | select(.conntrack_allowance_exceeded > 0)'")]
pub(super) struct AllowanceArgs {}

impl AllowanceArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let world = context.world()?;
        let mut views: Vec<_> = match context.client()?.call(&Request::Allowances)? {
            Reply::Allowances { allowances } => {
                allowances.iter().map(|row| AllowanceView::new(&world, row)).collect()
            }
            other => return Err(unexpected(&other)),
        };
        views.sort_by(|a, b| a.instance.cmp(&b.instance));
        context.output.rows("allowances", &views, || report::allowance::table(&views), "no instances")?;
        Ok(Exit::Success)
    }
}
