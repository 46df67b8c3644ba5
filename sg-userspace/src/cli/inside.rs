//! The hidden subcommands of processes that have to do with instances and are not root's: the metadata service, and what
//! runs user data.

use std::os::fd::AsFd;

use anyhow::{Context as _, Result};
use clap::Args;
use tracing_subscriber::EnvFilter;

use crate::lab::sandbox::{self, Sandbox};
use crate::metadata::service;

use super::Exit;

/// The user that nobody is.
const NOBODY: u32 = 65_534;

/// Serve instance metadata (the controller starts it, and says on standard input what to serve)
#[derive(Debug, Args)]
pub(super) struct ServeMetadataArgs {}

/// Run user data that comes on standard input (the controller starts it)
#[derive(Debug, Args)]
pub(super) struct RunUserDataArgs {
    /// Where, as JSON
    sandbox: String,
}

impl ServeMetadataArgs {
    pub(super) fn run(self) -> Result<Exit> {
        sandbox::give_up_privileges(NOBODY)?;
        log();
        let channel = std::io::stdin().as_fd().try_clone_to_owned().context("no channel")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(service::run(channel))?;
        Ok(Exit::Success)
    }
}

impl RunUserDataArgs {
    pub(super) fn run(self) -> Result<Exit> {
        log();
        let sandbox: Sandbox = serde_json::from_str(&self.sandbox).context("not a sandbox")?;
        let status = sandbox.run()?;
        Ok(Exit::Passed(u8::try_from(status).unwrap_or(u8::MAX)))
    }
}

fn log() {
    let filter = EnvFilter::try_from_env("SGSIM_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr).init();
}
