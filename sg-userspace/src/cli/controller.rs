//! The hidden subcommand that the controller's process runs.

use anyhow::Result;
use clap::Args;
use tracing_subscriber::EnvFilter;

use crate::controller::{enforcer, run};

use super::Exit;
use super::context::Context;

/// Run the controller in this process (`sgsim up` starts it)
#[derive(Debug, Args)]
pub(super) struct ControllerArgs {}

impl ControllerArgs {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit> {
        context.need_root("the controller")?;
        let filter = EnvFilter::try_from_env("SGSIM_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(std::io::stderr)
            .init();
        run::run(&context.directory, Box::new(enforcer::open))?;
        Ok(Exit::Success)
    }
}
