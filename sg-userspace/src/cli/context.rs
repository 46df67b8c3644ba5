//! What every command has at hand: the state directory, the output, the way to the controller.

use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Result, bail};
use nix::unistd::geteuid;

use crate::aws::world::World;
use crate::controller::client::{Client, unexpected};
use crate::controller::directory::StateDirectory;
use crate::controller::protocol::{Reply, Request};

use super::Format;
use super::output::Output;

/// A command's surroundings.
pub(super) struct Context {
    /// The state directory.
    pub(super) directory: StateDirectory,
    /// Where results go.
    pub(super) output: Output,
}

impl Context {
    /// Surroundings for one command.
    pub(super) fn new(state_dir: PathBuf, format: Format) -> Self {
        // The controller lives in another working directory.
        let state_dir = std::path::absolute(&state_dir).unwrap_or(state_dir);
        Self { directory: StateDirectory::new(state_dir), output: Output::new(format) }
    }

    /// A connection to the running controller.
    pub(super) fn client(&self) -> Result<Client> {
        Ok(Client::connect(&self.directory)?)
    }

    /// The world as it is now.
    pub(super) fn world(&self) -> Result<World> {
        Ok(self.world_and_internet()?.0)
    }

    /// The world, and the addresses of the internet host.
    pub(super) fn world_and_internet(&self) -> Result<(World, Vec<IpAddr>)> {
        match self.client()?.call(&Request::World)? {
            Reply::World { world, internet, .. } => Ok((*world, internet)),
            other => Err(unexpected(&other)),
        }
    }

    /// Makes sure that this is root, which `what` needs.
    pub(super) fn need_root(&self, what: &str) -> Result<()> {
        if !geteuid().is_root() {
            bail!(
                "{what} needs root: it makes network namespaces and loads programs into the kernel; run it with sudo"
            );
        }
        Ok(())
    }
}
