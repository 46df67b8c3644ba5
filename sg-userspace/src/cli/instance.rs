//! `sgsim instance`: the lab's instances, and which of them run.

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::aws::ids::InstanceId;
use crate::aws::world::World;
use crate::command::Command;
use crate::command::instance_state::{RebootInstances, StartInstances, StopInstances, TerminateInstances};
use crate::report;
use crate::report::instance::InstanceView;

use super::change::{Applied, apply};
use super::context::Context;
use super::{Exit, lookup};

/// List, start, stop, reboot and terminate instances.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  sgsim instance list\n  sgsim instance stop web-1\n  sgsim instance start web-1"
)]
pub(super) enum InstanceCommand {
    List(ListArgs),
    /// Start instances that are stopped, with the servers that the lab file gives them
    #[command(after_help = "Examples:\n  sgsim instance start web-1\n  sgsim instance start web-1 db-1")]
    Start(NamedArgs),
    /// Stop instances: their processes end, their links pass nothing, their interfaces keep addresses and groups
    #[command(after_help = "Examples:\n  sgsim instance stop web-1\n  sgsim instance stop web-1 db-1")]
    Stop(NamedArgs),
    /// Reboot instances: their processes end and the lab file's servers start again
    #[command(after_help = "Examples:\n  sgsim instance reboot web-1")]
    Reboot(NamedArgs),
    /// Terminate instances: they and the interfaces made with them are gone
    #[command(after_help = "Examples:\n  sgsim instance terminate web-1")]
    Terminate(NamedArgs),
}

/// List instances with their addresses and groups
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sgsim instance list\n  sgsim instance list --output json | jq -r '.instances[].id'"
)]
pub(super) struct ListArgs {}

/// Which instances.
#[derive(Debug, Args)]
pub(super) struct NamedArgs {
    /// Instances by id or name: all of them, or none if one of them cannot
    #[arg(required = true, num_args = 1.., value_name = "INSTANCE")]
    instances: Vec<String>,
}

impl InstanceCommand {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let world = context.world()?;
        match self {
            Self::List(_) => {
                let there = world.instances.values().filter(|instance| !instance.is_terminated());
                let mut views = there.map(|instance| InstanceView::new(&world, instance)).collect::<Vec<_>>();
                views.sort_by(|a, b| a.name.cmp(&b.name));
                context.output.rows(
                    "instances",
                    &views,
                    || report::instance::table(&views),
                    "no instances",
                )?;
                Ok(Exit::Success)
            }
            Self::Start(named) => {
                let at = std::time::UNIX_EPOCH.elapsed().ok().map(|since| since.as_secs());
                let command = |instance_ids| StartInstances { instance_ids, at }.into();
                named.change(context, &world, "started", command)
            }
            Self::Stop(named) => {
                named.change(context, &world, "stopped", |instance_ids| StopInstances { instance_ids }.into())
            }
            Self::Reboot(named) => named
                .change(context, &world, "rebooted", |instance_ids| RebootInstances { instance_ids }.into()),
            Self::Terminate(named) => {
                let command = |instance_ids| TerminateInstances { instance_ids }.into();
                named.change(context, &world, "terminated", command)
            }
        }
    }
}

impl NamedArgs {
    fn change(
        &self,
        context: &mut Context,
        world: &World,
        done: &str,
        command: impl FnOnce(Vec<InstanceId>) -> Command,
    ) -> Result<Exit> {
        let ids = self.instances.iter().map(|text| lookup::instance(world, text).map(|it| it.id.clone()));
        let ids = ids.collect::<Result<Vec<_>>>()?;
        let (world_version, _) = apply(context, command(ids.clone()))?;
        let sentence = format!("{done} {}", report::list(&self.instances));
        context.output.said(
            "changed",
            &Applied { world_version, result: Named { instances: ids } },
            &sentence,
        )?;
        Ok(Exit::Success)
    }
}

/// What was changed.
#[derive(Debug, serde::Serialize)]
struct Named {
    instances: Vec<InstanceId>,
}
