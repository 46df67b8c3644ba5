//! What every command has at hand: the state directory, the output, the way to the controller.

use std::cell::RefCell;
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
use super::source::FileArgs;

/// A command's surroundings.
pub(super) struct Context {
    /// The state directory.
    pub(super) directory: StateDirectory,
    /// Where results go.
    pub(super) output: Output,
    /// Where changes are tried instead of made.
    rehearsal: Option<Rehearsal>,
}

/// A world that commands change in place of the controller's.
struct Rehearsal {
    world: RefCell<World>,
    internet: Vec<IpAddr>,
}

impl Context {
    /// Surroundings for one command.
    pub(super) fn new(state_dir: PathBuf, format: Format) -> Self {
        // The controller lives in another working directory.
        let state_dir = std::path::absolute(&state_dir).unwrap_or(state_dir);
        let directory = StateDirectory::new(state_dir);
        Self { directory, output: Output::new(format), rehearsal: None }
    }

    /// Surroundings in which commands change a copy of the world and say nothing.
    pub(super) fn rehearsing(&self, world: World, internet: Vec<IpAddr>) -> Self {
        let rehearsal = Rehearsal { world: RefCell::new(world), internet };
        Self { directory: self.directory.clone(), output: Output::muted(), rehearsal: Some(rehearsal) }
    }

    /// The world that is changed in place of the controller's, if one is.
    pub(super) fn rehearsed(&self) -> Option<&RefCell<World>> {
        self.rehearsal.as_ref().map(|rehearsal| &rehearsal.world)
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
        if let Some(Rehearsal { world, internet }) = &self.rehearsal {
            return Ok((world.borrow().clone(), internet.clone()));
        }
        match self.client()?.call(&Request::World)? {
            Reply::World { world, internet, .. } => Ok((*world, internet)),
            other => Err(unexpected(&other)),
        }
    }

    /// The world that `--file` stands for, and the addresses of its internet host; without it, those of the running lab.
    pub(super) fn world_of(&self, file: &FileArgs) -> Result<(World, Vec<IpAddr>)> {
        let Some(loaded) = file.load()? else { return self.world_and_internet() };
        let internet = &loaded.lab.internet;
        let addresses = vec![internet.ipv4.into(), internet.ipv6.into()];
        Ok((loaded.world, addresses))
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
