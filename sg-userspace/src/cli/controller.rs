//! The hidden subcommand that the controller's process runs.

use anyhow::Result;
use clap::Args;

use crate::controller::{enforcer, run};

use super::Exit;
use super::context::Context;
use super::log::LogArgs;

/// Run the controller in this process (`sgsim up` starts it)
#[derive(Debug, Args)]
pub(super) struct ControllerArgs {
    #[command(flatten)]
    log: LogArgs,
}

impl ControllerArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        context.need_root("the controller")?;
        self.log.begin("info");
        run::run(&context.directory, Box::new(enforcer::open))?;
        Ok(Exit::Success)
    }
}
