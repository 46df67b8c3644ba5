//! `sgsim watch`: verdicts as they happen.

use anyhow::{Context as _, Result};
use clap::Args;

use crate::aws::world::World;
use crate::controller::protocol::{Reply, Request};
use crate::dataplane::row::VerdictEvent;
use crate::report::verdict::VerdictView;
use crate::report::{ASIDE, styled};

use super::context::Context;
use super::{Exit, lookup};

/// Print verdicts as they happen, one a line, until interrupted
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sgsim watch\n  sgsim watch --denied\n  sgsim watch --interface db-1\n  \
    sgsim watch --output json | jq -c 'select(.verdict.allowed | not)'"
)]
pub(super) struct WatchArgs {
    /// Denied packets only
    #[arg(long)]
    denied: bool,
    /// Those of this interface only: its id, an instance, or INSTANCE:INDEX
    #[arg(long)]
    interface: Option<String>,
}

impl WatchArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        let mut world = context.world()?;
        let interface =
            self.interface.map(|text| lookup::interface(&world, &text).map(|found| found.id.clone()));
        let mut client = context.client()?;
        client.send(&Request::Watch { interface: interface.transpose()? })?;
        while let Some(reply) = client.receive()? {
            let Reply::Verdicts { verdicts, lost } = reply else { continue };
            if lost > 0 {
                let note =
                    format!("{lost} verdicts were not shown: they came faster than they could be read");
                context.output.said("lost", &lost, &styled(ASIDE, note))?;
            }
            if verdicts.iter().any(|event| is_news(&world, event)) {
                world = context.world().context("cannot look up what has changed")?;
            }
            for event in verdicts.iter().filter(|event| !self.denied || !event.reason.is_allow()) {
                let view = VerdictView::new(&world, event);
                context.output.said("verdict", &view, &view.line())?;
            }
            if context.output.is_closed() {
                break;
            }
        }
        Ok(Exit::Success)
    }
}

/// Whether an event names a rule or an interface that this world, read a while ago, does not have.
fn is_news(world: &World, event: &VerdictEvent) -> bool {
    event.rule.is_some_and(|number| world.rule_by_number(number).is_none())
        || event.interface.as_ref().is_some_and(|id| !world.network_interfaces.contains_key(id))
}
