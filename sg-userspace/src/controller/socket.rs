//! The unix socket: lines in, calls to the one task that owns the state, lines out.
//!
//! A connection's requests are answered in order. One that streams (watch, progress) ends when the controller has said
//! all, or when the client hangs up.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use super::protocol::{ErrorReply, Reply, Request, code};

/// The longest request, in bytes: a lab file of thousands of instances fits.
const MAX_REQUEST: u64 = 64 << 20;
/// Replies under way to one client; a watcher that is slower than this loses verdicts, and is told how many.
const REPLY_BACKLOG: usize = 256;

/// A request and where its replies go. Dropping the sender ends the answer.
#[derive(Debug)]
pub struct Call {
    /// The request.
    pub request: Request,
    /// Where replies go.
    pub replies: mpsc::Sender<Reply>,
}

/// Listens on the socket at `path`, for root and its group (mode 0660). What a dead controller left there is replaced.
///
/// # Errors
/// Where the file system refuses.
pub fn listen(path: &Path) -> Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot replace the old socket `{}`", path.display()));
        }
        _ => {}
    }
    let listener = UnixListener::bind(path)
        .with_context(|| format!("cannot listen on the socket `{}`", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o660))
        .with_context(|| format!("cannot set the mode of the socket `{}`", path.display()))?;
    Ok(listener)
}

/// Takes connections for as long as somebody handles calls.
pub async fn accept(listener: UnixListener, calls: mpsc::Sender<Call>) {
    while !calls.is_closed() {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(converse(stream, calls.clone()))),
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: UnixStream, calls: mpsc::Sender<Call>) {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let mut line = Vec::new();
        match (&mut read).take(MAX_REQUEST).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let answered = match serde_json::from_slice(&line) {
            Ok(request) => answer(request, &calls, &mut read, &mut write).await,
            Err(error) => {
                let message = format!("the request is not one that this controller knows: {error}");
                say(&mut write, &Reply::Error(ErrorReply::new(code::BAD_REQUEST, message))).await
            }
        };
        if answered.is_err() {
            return;
        }
    }
}

async fn answer(
    request: Request,
    calls: &mpsc::Sender<Call>,
    read: &mut BufReader<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
) -> std::io::Result<()> {
    let (replies, mut answers) = mpsc::channel(REPLY_BACKLOG);
    if calls.send(Call { request, replies }).await.is_err() {
        let ending = ErrorReply::new(code::SYSTEM, "the controller is ending; try again in a moment");
        return say(write, &Reply::Error(ending)).await;
    }
    loop {
        tokio::select! {
            reply = answers.recv() => match reply {
                Some(reply) => say(write, &reply).await?,
                None => return Ok(()),
            },
            // The client's next request waits its turn in the buffer; that it hung up is seen at once.
            waiting = read.fill_buf(), if read.buffer().is_empty() => if waiting?.is_empty() {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            },
        }
    }
}

async fn say(write: &mut OwnedWriteHalf, reply: &Reply) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    write.write_all(&line).await
}
