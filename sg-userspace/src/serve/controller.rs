//! The controller as the API's backend. Connections are kept, and so is the world as it was last: the controller is asked
//! whether it is that still, and sends it only if not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::aws::world::World;
use crate::command::{self, Command};
use crate::controller::client::{Client, ConnectError, refusal};
use crate::controller::directory::StateDirectory;
use crate::controller::protocol::{Reply, Request, WorldVersion, code};
use crate::ec2::call::Backend;
use crate::ec2::fault::Fault;

/// How long the controller has for an answer. Building an instance takes a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(60);
/// Connections that are kept while nobody uses them.
const KEPT: usize = 16;

/// The controller of a state directory.
pub(super) struct ControllerBackend {
    directory: StateDirectory,
    connections: Mutex<Vec<Client>>,
    last: Mutex<Option<(WorldVersion, Arc<World>)>>,
}

impl ControllerBackend {
    pub(super) fn new(directory: StateDirectory) -> Self {
        Self { directory, connections: Mutex::default(), last: Mutex::default() }
    }

    /// Asks the controller for something, and gives what it answers.
    pub(super) fn ask(&self, request: &Request, patience: Duration) -> Result<Reply, Fault> {
        let mut client = self.connection(request)?;
        let reply = client.set_patience(Some(patience)).and_then(|()| client.receive_one());
        let is_whole = match &reply {
            Ok(_) => true,
            Err(error) => refusal(error).is_some(),
        };
        // Of one that failed, the rest of an answer might come yet.
        if is_whole {
            let mut connections = locked(&self.connections);
            if connections.len() < KEPT {
                connections.push(client);
            }
        }
        reply.map_err(|error| match refusal(&error) {
            Some(reply) if reply.code == code::NO_LAB => no_lab(),
            Some(reply) if !code::OWN.contains(&reply.code.as_str()) => {
                Fault::new(400, &reply.code, reply.message.clone())
            }
            _ => failed(&error),
        })
    }

    /// A connection over which the request is under way. One that was kept may be to a controller that has gone, which shows
    /// when something is sent: it has not come to anybody then.
    fn connection(&self, request: &Request) -> Result<Client, Fault> {
        loop {
            let kept = locked(&self.connections).pop();
            let Some(mut client) = kept else { break };
            if client.send(request).is_ok() {
                return Ok(client);
            }
        }
        let mut client = Client::connect(&self.directory).map_err(|error| match error {
            ConnectError::NotRunning(_) => no_lab(),
            error => failed(&error.into()),
        })?;
        client.send(request).map_err(|error| failed(&error))?;
        Ok(client)
    }
}

impl Backend for ControllerBackend {
    fn world(&self) -> Result<World, Fault> {
        let last = locked(&self.last).clone();
        let request = match &last {
            Some((known, _)) => Request::WorldUnless { known: *known },
            None => Request::World,
        };
        match (self.ask(&request, PATIENCE)?, last) {
            (Reply::Unchanged, Some((_, world))) => Ok(World::clone(&world)),
            (Reply::World { world, version, run, .. }, _) => {
                let (version, world) = (WorldVersion { run, version }, Arc::new(*world));
                let mut last = locked(&self.last);
                // Another call may have been sent a later one meanwhile.
                if !last.as_ref().is_some_and(|(kept, _)| kept.is_later_than(&version)) {
                    *last = Some((version, Arc::clone(&world)));
                }
                drop(last);
                Ok(World::clone(&world))
            }
            (other, _) => Err(unexpected(&other)),
        }
    }

    fn change(&self, command: Command) -> Result<command::Reply, Fault> {
        match self.ask(&Request::Change { command: Box::new(command) }, PATIENCE)? {
            Reply::Applied { answer: Some(answer), .. } => Ok(*answer),
            other => Err(unexpected(&other)),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
