//! The service: HTTP for each instance, at the socket that listens in its namespace.
//!
//! # Invariants
//! Requests are bounded in size, time and number, those of one instance apart from another's. What an instance is told is
//! its own, since a socket belongs to one. The service goes on when the controller is gone: nothing changes then.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, SERVER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::aws::ids::InstanceId;

use super::channel::{Message, Received, receive};
use super::document::Document;
use super::token::{MAX_TTL, Tokens};

/// The most headers' bytes.
const MAX_HEAD: usize = 8 << 10;
/// The most connections of an instance at a time; further ones wait to be taken.
const MAX_CONNECTIONS: usize = 32;
/// How long a client has for the head of a request.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection may last.
const LONGEST: Duration = Duration::from_secs(60);

const TOKEN: &str = "x-aws-ec2-metadata-token";
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
/// Versions of the tree, which are all the same here.
const VERSIONS: [&str; 4] = ["1.0", "2009-04-04", "2021-03-23", "latest"];

/// An instance that asks.
struct Asking {
    document: Mutex<Arc<Document>>,
    tokens: Mutex<Tokens>,
}

/// The task that answers an instance, which ends with this value, and its connections with it.
struct Answering {
    asking: Arc<Asking>,
    task: JoinHandle<()>,
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves what the controller says over the channel, and goes on when that ends.
///
/// # Errors
/// Where the channel fails.
pub async fn run(channel: OwnedFd) -> Result<()> {
    let random = Arc::new(File::open("/dev/urandom").context("no random numbers")?);
    // SAFETY: an `OwnedFd` is the same open file for as long as it lives.
    let channel = unsafe { AsyncFd::register_with_interest(channel, Interest::READABLE) };
    let channel = channel.context("cannot hear the controller")?;
    let mut instances: BTreeMap<InstanceId, Answering> = BTreeMap::new();
    loop {
        let mut ready = channel.readable().await.context("cannot hear the controller")?;
        match receive(channel.get_ref().as_fd())? {
            Received::Nothing => ready.clear_ready(),
            Received::End => return std::future::pending().await,
            Received::Message(Message::Serve { instance, document }, Some(socket)) => {
                let listener = std::net::TcpListener::from(socket);
                listener.set_nonblocking(true)?;
                let asking = Arc::new(Asking {
                    document: Mutex::new(document.into()),
                    tokens: Mutex::new(Tokens::new(Arc::clone(&random))),
                });
                let task = tokio::spawn(accept(TcpListener::from_std(listener)?, Arc::clone(&asking)));
                instances.insert(instance, Answering { asking, task });
            }
            Received::Message(Message::Change { instance, document }, _) => {
                if let Some(answering) = instances.get(&instance) {
                    let now = answering.asking.document.lock();
                    *now.unwrap_or_else(PoisonError::into_inner) = document.into();
                }
            }
            Received::Message(Message::End { instance }, _) => {
                if let Some(mut answering) = instances.remove(&instance) {
                    answering.task.abort();
                    // Its socket is closed once it has ended, not before.
                    let _ = (&mut answering.task).await;
                }
            }
            Received::Message(Message::Sync, _) => {
                nix::unistd::write(channel.get_ref(), b".").context("cannot answer the controller")?;
            }
            Received::Message(Message::Serve { .. }, None) => {}
        }
    }
}

/// Takes an instance's connections.
async fn accept(listener: TcpListener, asking: Arc<Asking>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= MAX_CONNECTIONS {
            let _ = connections.join_next().await;
        }
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(converse(stream, Arc::clone(&asking)))),
                Err(error) => {
                    tracing::warn!(%error, "cannot take a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
}

async fn converse(stream: tokio::net::TcpStream, asking: Arc<Asking>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let asking = Arc::clone(&asking);
        async move { Ok::<_, Infallible>(respond(&request, &asking)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    // How a client leaves is its own affair.
    let _ = timeout(LONGEST, connection).await;
}

fn respond(request: &Request<Incoming>, asking: &Asking) -> Response<Full<Bytes>> {
    let document = Arc::clone(&asking.document.lock().unwrap_or_else(PoisonError::into_inner));
    let mut tokens = asking.tokens.lock().unwrap_or_else(PoisonError::into_inner);
    let path = request.uri().path();
    let answer = if !document.options.http_endpoint {
        Err(StatusCode::FORBIDDEN)
    } else if *request.method() == Method::PUT && path == "/latest/api/token" {
        issue(request.headers(), &mut tokens)
    } else if *request.method() == Method::GET || *request.method() == Method::HEAD {
        check_token(request.headers(), &document, &tokens).and_then(|()| find(&document, path))
    } else {
        Err(StatusCode::METHOD_NOT_ALLOWED)
    };
    let Answer { kind, ttl, body } = match answer {
        Ok(answer) => answer,
        Err(status) => {
            let mut response = Response::new(Full::from(format!("{status}\n")));
            *response.status_mut() = status;
            response.headers_mut().insert(SERVER, HeaderValue::from_static("EC2ws"));
            return response;
        }
    };
    let mut response = Response::new(Full::from(body));
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static("EC2ws"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(ttl) = ttl {
        headers.insert(TTL, HeaderValue::from(ttl));
    }
    response
}

/// A good answer.
struct Answer {
    kind: &'static str,
    ttl: Option<u64>,
    body: Bytes,
}

impl Answer {
    fn text(body: impl Into<Bytes>) -> Self {
        Self { kind: "text/plain", ttl: None, body: body.into() }
    }
}

/// Issues a token. One that is asked for through a proxy would get out of the instance, so AWS refuses it.
fn issue(headers: &HeaderMap, tokens: &mut Tokens) -> Result<Answer, StatusCode> {
    if headers.contains_key("x-forwarded-for") {
        return Err(StatusCode::FORBIDDEN);
    }
    let ttl = headers.get(TTL).and_then(|value| value.to_str().ok()?.parse().ok());
    let ttl = ttl.filter(|ttl| (1..=MAX_TTL).contains(ttl)).ok_or(StatusCode::BAD_REQUEST)?;
    let token = tokens.issue(Duration::from_secs(ttl)).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Answer { ttl: Some(ttl), ..Answer::text(token) })
}

/// A token that is given must be good; whether one must be given is the instance's option.
fn check_token(headers: &HeaderMap, document: &Document, tokens: &Tokens) -> Result<(), StatusCode> {
    let good = match headers.get(TOKEN) {
        Some(token) => token.to_str().is_ok_and(|token| tokens.is_good(token)),
        None => !document.options.http_tokens_required,
    };
    if good { Ok(()) } else { Err(StatusCode::UNAUTHORIZED) }
}

/// What is at a path: a text, user data, or the list of what is below it.
fn find(document: &Document, path: &str) -> Result<Answer, StatusCode> {
    let path = path.trim_start_matches('/');
    if path.is_empty() {
        return Ok(Answer::text(VERSIONS.join("\n")));
    }
    let (version, below) = path.split_once('/').unwrap_or((path, ""));
    if !VERSIONS.contains(&version) {
        return Err(StatusCode::NOT_FOUND);
    }
    if let Some(text) = document.texts.get(below) {
        return Ok(Answer::text(text.clone()));
    }
    if below == "user-data" {
        let data = document.user_data.clone().ok_or(StatusCode::NOT_FOUND)?;
        return Ok(Answer { kind: "application/octet-stream", ..Answer::text(data) });
    }
    let list = children(document, below.trim_end_matches('/'));
    if list.is_empty() { Err(StatusCode::NOT_FOUND) } else { Ok(Answer::text(list.join("\n"))) }
}

/// The names below a path, those with more below them with a slash; the first ones without, as AWS has them.
fn children(document: &Document, path: &str) -> Vec<String> {
    let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
    let below = document.texts.keys().filter_map(|other| other.strip_prefix(&prefix));
    let mut names = below
        .map(|rest| match rest.split_once('/') {
            Some((name, _)) if path.is_empty() => name.to_owned(),
            Some((name, _)) => format!("{name}/"),
            None => rest.to_owned(),
        })
        .collect::<Vec<_>>();
    if path.is_empty() && document.user_data.is_some() {
        names.push("user-data".to_owned());
    }
    names.sort();
    names.dedup();
    names
}
