//! The controller as the API's backend: one connection a question, since it closes none that it might still need.

use std::time::Duration;

use crate::aws::world::World;
use crate::command::{self, Command};
use crate::controller::client::{Client, ConnectError, refusal};
use crate::controller::directory::StateDirectory;
use crate::controller::protocol::{Reply, Request, code};
use crate::ec2::call::Backend;
use crate::ec2::fault::Fault;

/// How long the controller has for an answer. Building an instance takes a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// The controller of a state directory.
pub(super) struct ControllerBackend {
    directory: StateDirectory,
}

impl ControllerBackend {
    pub(super) fn new(directory: StateDirectory) -> Self {
        Self { directory }
    }

    fn ask(&self, request: &Request) -> Result<Reply, Fault> {
        let mut client = Client::connect(&self.directory).map_err(|error| match error {
            ConnectError::NotRunning(_) => no_lab(),
            error => failed(&error.into()),
        })?;
        let reply = client.set_patience(Some(PATIENCE)).and_then(|()| client.call(request));
        reply.map_err(|error| match refusal(&error) {
            Some(reply) if reply.code == code::NO_LAB => no_lab(),
            Some(reply) if !code::OWN.contains(&reply.code.as_str()) => {
                Fault::new(400, &reply.code, reply.message.clone())
            }
            _ => failed(&error),
        })
    }
}

impl Backend for ControllerBackend {
    fn world(&self) -> Result<World, Fault> {
        match self.ask(&Request::World)? {
            Reply::World { world, .. } => Ok(*world),
            other => Err(unexpected(&other)),
        }
    }

    fn change(&self, command: Command) -> Result<command::Reply, Fault> {
        match self.ask(&Request::Change { command: Box::new(command) })? {
            Reply::Applied { answer: Some(answer), .. } => Ok(*answer),
            other => Err(unexpected(&other)),
        }
    }
}

/// Clients try again after 500 and 503, which would be in vain.
fn no_lab() -> Fault {
    Fault::new(400, "IncorrectState", "No lab is up. Build one with `sgsim up FILE`.")
}

fn failed(error: &anyhow::Error) -> Fault {
    tracing::error!("the controller did not do it: {error:#}");
    Fault::internal(format!("{error:#}"))
}

fn unexpected(reply: &Reply) -> Fault {
    failed(&crate::controller::client::unexpected(reply))
}
