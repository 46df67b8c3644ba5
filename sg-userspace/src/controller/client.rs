//! The other end of the socket: how the command line talks to a controller. Blocking, since a command has nothing else
//! to do.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::directory::StateDirectory;
use super::protocol::{ErrorReply, PROTOCOL_VERSION, Reply, Request, Status};

/// Why no controller could be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody listens.
    #[error("no controller is running (nothing answers on `{}`); start a lab with `sgsim up FILE`", .0.display())]
    NotRunning(PathBuf),
    /// Somebody listens, but not to this user.
    #[error("you may not use the controller's socket `{}`; run sgsim as root (`sudo sgsim ...`)", .0.display())]
    Forbidden(PathBuf),
    /// Something else.
    #[error("cannot use the controller's socket `{}`", .path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A connection to a controller.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<UnixStream>,
    line: Vec<u8>,
}

impl Client {
    /// Connects to the controller of a state directory.
    ///
    /// # Errors
    /// Where none answers.
    pub fn connect(directory: &StateDirectory) -> Result<Self, ConnectError> {
        let path = directory.socket();
        match UnixStream::connect(&path) {
            Ok(stream) => Ok(Self { reader: BufReader::new(stream), line: Vec::new() }),
            Err(error) => Err(match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ConnectError::NotRunning(path),
                io::ErrorKind::PermissionDenied => ConnectError::Forbidden(path),
                _ => ConnectError::Io { path, source: error },
            }),
        }
    }

    /// Sends a request without waiting for its replies.
    ///
    /// # Errors
    /// Where the controller is gone.
    pub fn send(&mut self, request: &Request) -> Result<()> {
        let mut line = serde_json::to_vec(request).context("cannot write the request as JSON")?;
        line.push(b'\n');
        self.reader.get_mut().write_all(&line).context("the controller went away")
    }

    /// The next reply. `None` where the controller has closed the connection, or where nothing came within the time set
    /// by [`Client::set_patience`].
    ///
    /// # Errors
    /// [`ErrorReply`] where the controller refuses; or where it says what this program does not understand.
    pub fn receive(&mut self) -> Result<Option<Reply>> {
        match self.reader.read_until(b'\n', &mut self.line) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            // What came of a line so far is kept for the next call.
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Ok(None);
            }
            Err(error) => return Err(error).context("the controller went away"),
        }
        let reply = serde_json::from_slice(&self.line)
            .context("the controller answered in another version's words; end it with its own `sgsim down`");
        self.line.clear();
        match reply? {
            Reply::Error(error) => Err(error.into()),
            reply => Ok(Some(reply)),
        }
    }

    /// Sends a request and gives its one reply.
    ///
    /// # Errors
    /// As [`Client::receive`]; and where no reply comes.
    pub fn call(&mut self, request: &Request) -> Result<Reply> {
        self.send(request)?;
        self.receive_one()
    }

    /// The one reply to a request that was sent.
    ///
    /// # Errors
    /// As [`Client::receive`]; and where no reply comes.
    pub fn receive_one(&mut self) -> Result<Reply> {
        self.receive()?.context("the controller ended before it answered; see its log for why")
    }

    /// Asks the controller who it is, and makes sure that both speak the same protocol.
    ///
    /// # Errors
    /// Where they do not.
    pub fn status(&mut self) -> Result<Status> {
        match self.call(&Request::Status)? {
            Reply::Status(status) if status.protocol == PROTOCOL_VERSION => Ok(*status),
            Reply::Status(status) => bail!(
                "the running controller is sgsim {} (pid {}), which speaks another protocol; end it with that sgsim's `down`",
                status.sgsim,
                status.pid
            ),
            other => Err(unexpected(&other)),
        }
    }

    /// How long [`Client::receive`] waits; `None` for ever.
    ///
    /// # Errors
    /// Where the socket does not take it.
    pub fn set_patience(&mut self, patience: Option<Duration>) -> Result<()> {
        self.reader.get_mut().set_read_timeout(patience).context("cannot set the socket's time limit")
    }
}

/// The error for a reply that does not belong to the request.
pub fn unexpected(reply: &Reply) -> anyhow::Error {
    anyhow::anyhow!("the controller answered something else than what was asked: {reply:?}")
}

/// The controller's refusal in an error chain, if it is one.
pub fn refusal(error: &anyhow::Error) -> Option<&ErrorReply> {
    error.chain().find_map(|cause| cause.downcast_ref())
}
