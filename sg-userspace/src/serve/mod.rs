//! `sgsim serve`: the EC2 Query API over HTTP, a process of its own that is a client of the controller like any other.
//!
//! It owns nothing. It may be killed at any instant, and several may run. Whatever comes from the network is parsed here,
//! without root's powers being needed, and reaches the controller only as a typed command over its socket.
//!
//! # Invariants
//! Requests are bounded in size, time and number. A web page in a browser on this machine cannot drive the endpoint.

mod authorization;
mod connection;
mod controller;
pub mod credentials;
mod guard;
mod identity;
mod metrics;
mod probe;
mod request_id;
mod respond;
mod room;
mod signature;
mod unix_socket;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::controller::directory::StateDirectory;
use crate::ec2::Api;

use controller::ControllerBackend;
use credentials::Credentials;
use guard::Guard;
use metrics::Requests;
use request_id::RequestIds;
use room::Room;
use unix_socket::UnixSocket;

/// The most connections at a time.
const MAX_CONNECTIONS: usize = 128;

/// How to serve.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Names besides the loopback ones that clients may call this machine by.
    pub names: Vec<String>,
    /// The keys that requests have to be signed with; without, signatures are not checked.
    pub credentials: Option<Credentials>,
    /// The unix socket to listen on as well.
    pub socket: SocketChoice,
    /// The account that owns everything.
    pub account_id: String,
    /// How long a client has for a request's headers, and as long again for its body; and how long a connection may be
    /// idle.
    pub patience: Duration,
    /// The controller's.
    pub directory: StateDirectory,
}

/// Which unix socket is listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketChoice {
    /// The one in the state directory, whenever that is there.
    InDirectory,
    /// This one.
    At(PathBuf),
    /// None.
    Nowhere,
}

/// What every connection needs.
struct Shared {
    guard: Guard,
    account_id: String,
    patience: Duration,
    api: Api<ControllerBackend>,
    request_ids: RequestIds,
    requests: Requests,
    room: Room,
}

/// Serves until a signal ends it. `ready` is called with the address once connections are taken.
///
/// # Errors
/// Where the address cannot be listened on.
pub fn run(options: ServeOptions, ready: impl FnOnce(SocketAddr) -> Result<()>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("cannot listen on {}", options.listen))?;
        let listen = listener.local_addr().context("cannot tell the address that is listened on")?;
        let directory = options.directory.clone();
        let socket = match &options.socket {
            SocketChoice::At(path) => Some(UnixSocket::bind(path)?),
            SocketChoice::InDirectory if directory.is_marked() => in_directory(&directory)?,
            SocketChoice::InDirectory | SocketChoice::Nowhere => None,
        };
        let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for signals")?;
        ready(listen)?;
        let room = Room::new(MAX_CONNECTIONS);
        let shared = Arc::new(Shared {
            guard: Guard::new(listen, options.names, options.credentials),
            account_id: options.account_id,
            patience: options.patience,
            api: Api::new(ControllerBackend::new(options.directory)),
            request_ids: RequestIds::default(),
            requests: Requests::new(),
            room: room.clone(),
        });
        let on_socket = {
            let (room, shared) = (room.clone(), Arc::clone(&shared));
            async move {
                match (options.socket, socket) {
                    (SocketChoice::InDirectory, socket) => {
                        connection::accept_in_directory(socket, directory, room, shared).await;
                    }
                    (_, Some(socket)) => connection::accept_unix(socket, room, shared).await,
                    (_, None) => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            () = connection::accept_tcp(listener, room, shared) => {}
            () = on_socket => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    })
}

/// The socket in a state directory, which only its owner may make.
fn in_directory(directory: &StateDirectory) -> Result<Option<UnixSocket>> {
    let bound = UnixSocket::bind(&directory.endpoint_socket());
    match bound {
        Err(error) if is_forbidden(&error) => {
            tracing::warn!("no unix socket: {error:#}");
            Ok(None)
        }
        bound => bound.map(Some),
    }
}

fn is_forbidden(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
}
