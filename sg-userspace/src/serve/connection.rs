//! Taking connections, and hanging up on who is too slow.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::controller::directory::StateDirectory;

use super::Shared;
use super::respond::respond;
use super::room::{Peer, Place, Room};
use super::unix_socket::UnixSocket;

/// The most headers' bytes.
const MAX_HEAD: usize = 32 << 10;
/// After a connection could not be taken.
const RETRY: Duration = Duration::from_millis(100);
/// How often a socket in the state directory is looked after.
const LOOK_AFTER: Duration = Duration::from_millis(500);

/// Takes connections from the network.
pub(super) async fn accept_tcp(listener: TcpListener, room: Room, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => take(stream, Peer::Address(address.ip()), &room, &shared).await,
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection");
                sleep(RETRY).await;
            }
        }
    }
}

/// Takes connections from a unix socket.
pub(super) async fn accept_unix(socket: UnixSocket, room: Room, shared: Arc<Shared>) {
    loop {
        take_from(&socket, &room, &shared).await;
    }
}

/// Takes connections from the socket in a state directory, which comes and goes with the labs in it.
pub(super) async fn accept_in_directory(
    mut socket: Option<UnixSocket>,
    directory: StateDirectory,
    room: Room,
    shared: Arc<Shared>,
) {
    let path: PathBuf = directory.endpoint_socket();
    loop {
        if socket.as_ref().is_none_or(|socket| !socket.is_there()) {
            socket = None;
            if directory.is_marked() {
                match UnixSocket::bind(&path) {
                    Ok(bound) => socket = Some(bound),
                    Err(error) => tracing::debug!("no unix socket: {error:#}"),
                }
            }
        }
        match &socket {
            Some(socket) => {
                let _ = timeout(LOOK_AFTER, take_from(socket, &room, &shared)).await;
            }
            None => sleep(LOOK_AFTER).await,
        }
    }
}

async fn take_from(socket: &UnixSocket, room: &Room, shared: &Arc<Shared>) {
    match socket.listener.accept().await {
        Ok((stream, _)) => {
            let user = stream.peer_cred().map_or(u32::MAX, |peer| peer.uid());
            take(stream, Peer::User(user), room, shared).await;
        }
        Err(error) => {
            tracing::warn!(%error, "cannot take a connection");
            sleep(RETRY).await;
        }
    }
}

async fn take<S>(stream: S, peer: Peer, room: &Room, shared: &Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let place = room.enter(peer).await;
    drop(tokio::spawn(converse(stream, peer, place, Arc::clone(shared))));
}

async fn converse<S>(stream: S, peer: Peer, place: Place, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let patience = shared.patience;
    let place = &place;
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move {
            let response = respond(request, peer, place, shared).await;
            place.begin_waiting();
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    // A head and a body each have their time; what is left is to take the answer.
    tokio::select! {
        served = connection => if let Err(error) = served {
            tracing::debug!(%error, "a connection ended early");
        },
        () = place.ended(patience * 3) => tracing::debug!("a client that was too slow was hung up on"),
    }
}
