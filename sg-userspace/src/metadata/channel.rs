//! From the controller to the service: one message a packet of a socket pair, some with a listening socket.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use serde::{Deserialize, Serialize};

use crate::aws::ids::InstanceId;

use super::document::Document;

/// The longest message: user data is 16 KB and four times that as text, all else is shorter.
const MAX_MESSAGE: usize = 192 << 10;

/// What the service is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// An instance asks at the listening socket that comes with this.
    Serve {
        /// The instance.
        instance: InstanceId,
        /// What it is told.
        document: Box<Document>,
    },
    /// An instance is told this from now on.
    Change {
        /// The instance.
        instance: InstanceId,
        /// What it is told.
        document: Box<Document>,
    },
    /// An instance is over, or stopped: nothing of it is kept.
    End {
        /// The instance.
        instance: InstanceId,
    },
    /// Answer with a byte, once all before is so.
    Sync,
}

/// Sends a message.
///
/// # Errors
/// Where the service is gone, or takes nothing any more.
pub fn send(channel: BorrowedFd<'_>, message: &Message, socket: Option<BorrowedFd<'_>>) -> Result<()> {
    let text = serde_json::to_vec(message)?;
    if text.len() > MAX_MESSAGE {
        bail!("what an instance is told is too long: {} bytes", text.len());
    }
    let sockets = socket.map(|socket| socket.as_raw_fd()).into_iter().collect::<Vec<RawFd>>();
    let rights = [ControlMessage::ScmRights(&sockets)];
    let control = if sockets.is_empty() { &[][..] } else { &rights[..] };
    let flags = MsgFlags::MSG_NOSIGNAL;
    sendmsg::<()>(channel.as_raw_fd(), &[IoSlice::new(&text)], control, flags, None)
        .context("the metadata service does not take what it is told")?;
    Ok(())
}

/// What was received.
#[derive(Debug)]
pub enum Received {
    /// A message, and the socket that came with it.
    Message(Message, Option<OwnedFd>),
    /// There is none yet.
    Nothing,
    /// The controller is gone.
    End,
}

/// Receives a message, if there is one. Does not wait.
///
/// # Errors
/// Where it is none, or the socket fails.
pub fn receive(channel: impl AsFd) -> Result<Received> {
    let mut bytes = vec![0; MAX_MESSAGE];
    let mut control = nix::cmsg_space!(RawFd);
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let fd = channel.as_fd().as_raw_fd();
    let (length, socket) = match recvmsg::<()>(fd, &mut parts, Some(&mut control), flags) {
        Ok(message) => {
            let mut socket = None;
            for part in message.cmsgs()? {
                if let ControlMessageOwned::ScmRights(fds) = part {
                    for fd in fds {
                        // SAFETY: the kernel has just made it for us, and nobody else knows it.
                        socket = Some(unsafe { OwnedFd::from_raw_fd(fd) });
                    }
                }
            }
            (message.bytes, socket)
        }
        Err(Errno::EAGAIN | Errno::EINTR) => return Ok(Received::Nothing),
        Err(Errno::ECONNRESET) => return Ok(Received::End),
        Err(error) => return Err(error).context("cannot hear the controller"),
    };
    if length == 0 {
        return Ok(Received::End);
    }
    let message = serde_json::from_slice(&bytes[..length]).context("the controller said something else")?;
    Ok(Received::Message(message, socket))
}
