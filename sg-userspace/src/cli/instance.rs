//! `sgsim instance`: the lab's instances.

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::report;
use crate::report::instance::InstanceView;

use super::Exit;
use super::context::Context;

/// List instances.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:\n  sgsim instance list")]
pub(super) enum InstanceCommand {
    List(ListArgs),
}

/// List instances with their addresses and groups
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sgsim instance list\n  sgsim instance list --output json | jq -r '.instances[].id'"
)]
pub(super) struct ListArgs {}

impl InstanceCommand {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let Self::List(_) = self;
        let world = context.world()?;
        let mut views =
            world.instances.values().map(|instance| InstanceView::new(&world, instance)).collect::<Vec<_>>();
        views.sort_by(|a, b| a.name.cmp(&b.name));
        context.output.rows("instances", &views, || report::instance::table(&views), "no instances")?;
        Ok(Exit::Success)
    }
}
