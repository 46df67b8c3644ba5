//! `sgsim serve`: the EC2 Query API over HTTP, a process of its own that is a client of the controller like any other.
//!
//! It owns nothing. It may be killed at any instant, and several may run. Whatever comes from the network is parsed here,
//! without root's powers being needed, and reaches the controller only as a typed command over its socket.
//!
//! # Invariants
//! Requests are bounded in size, time and number. A web page in a browser on this machine cannot drive the endpoint.

mod authorization;
mod controller;
pub mod credentials;
mod guard;
mod identity;
mod request_id;
mod signature;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, SERVER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::controller::directory::StateDirectory;
use crate::ec2::call::Caller;
use crate::ec2::fault::Fault;
use crate::ec2::{Answer, Api};

use controller::ControllerBackend;
use credentials::Credentials;
use guard::{Guard, Service};
use request_id::RequestIds;

/// The longest body: the longest request that AWS's own quotas allow is a tenth of it.
const MAX_BODY: usize = 1 << 20;
/// The most headers' bytes.
const MAX_HEAD: usize = 32 << 10;
/// The most connections at a time; further ones wait to be taken.
const MAX_CONNECTIONS: usize = 64;

/// How to serve.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Names besides the loopback ones that clients may call this machine by.
    pub names: Vec<String>,
    /// The keys that requests have to be signed with; without, signatures are not checked.
    pub credentials: Option<Credentials>,
    /// The account that owns everything.
    pub account_id: String,
    /// How long a client has for a request's headers, and as long again for its body; and how long a connection may be
    /// idle.
    pub patience: Duration,
    /// The controller's.
    pub directory: StateDirectory,
}

/// What every connection needs.
struct Shared {
    guard: Guard,
    account_id: String,
    patience: Duration,
    api: Api<ControllerBackend>,
    request_ids: RequestIds,
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
        let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for signals")?;
        ready(listen)?;
        let shared = Arc::new(Shared {
            guard: Guard::new(listen, options.names, options.credentials),
            account_id: options.account_id,
            patience: options.patience,
            api: Api::new(ControllerBackend::new(options.directory)),
            request_ids: RequestIds::default(),
        });
        tokio::select! {
            () = accept(listener, shared) => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    })
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // The semaphore is never closed.
    while let Ok(place) = Arc::clone(&room).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = Arc::clone(&shared);
                drop(tokio::spawn(async move {
                    converse(stream, shared).await;
                    drop(place);
                }));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let patience = shared.patience;
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(respond(request, shared).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn respond(request: Request<Incoming>, shared: Arc<Shared>) -> Response<Full<Bytes>> {
    let request_id = shared.request_ids.next();
    let answer = match read(request, &shared).await {
        Ok((service, caller, body)) => {
            let request_id = request_id.clone();
            let work = move || match service {
                Service::Ec2 => shared.api.answer(&body, &caller, &request_id),
                Service::Sts => identity::answer(&body, &caller, &request_id),
            };
            // Talking to the controller blocks.
            tokio::task::spawn_blocking(work)
                .await
                .map_err(|_| Fault::internal("An internal error has occurred"))
        }
        Err(fault) => Err(fault),
    };
    let answer =
        answer.unwrap_or_else(|fault| Answer { status: fault.status, body: fault.body(&request_id) });
    let mut response = Response::new(Full::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml;charset=UTF-8"));
    headers.insert(SERVER, HeaderValue::from_static("AmazonEC2"));
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// What a request asks for, of which service, and on whose behalf.
async fn read(request: Request<Incoming>, shared: &Shared) -> Result<(Service, Caller, Bytes), Fault> {
    let (head, body) = request.into_parts();
    let pass = shared.guard.check_head(&head, SystemTime::now())?;
    let body = timeout(shared.patience, Limited::new(body, MAX_BODY).collect());
    let body = match body.await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return Err(Fault::new(413, "RequestEntityTooLarge", "The request is too large"));
        }
        Ok(Err(_)) => return Err(Fault::new(400, "MalformedQueryString", "The request ended early")),
        Err(_) => return Err(Fault::new(408, "RequestTimeout", "The request did not come in time")),
    };
    pass.check_body(&head, &body)?;
    tracing::debug!(access_key_id = pass.access_key_id, region = %pass.region, "a request was let in");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let caller = Caller { region: pass.region, account_id: shared.account_id.clone(), now };
    Ok((pass.service, caller, body))
}
