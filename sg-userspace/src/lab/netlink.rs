//! One rtnetlink socket, open for as long as its value lives, and its errors in words.
//!
//! A netlink socket belongs to the namespace that its maker was in when it was made, whoever uses it later. So one
//! socket for each namespace serves all requests, and no thread has to change namespace again.

use std::io;

use anyhow::{Context, Result};
use tokio::task::JoinHandle;

/// A socket and the task that drives it. Dropping it closes the socket.
#[derive(Debug)]
pub struct Netlink {
    handle: rtnetlink::Handle,
    task: JoinHandle<()>,
}

impl Netlink {
    /// A socket in the calling thread's network namespace, driven by the current tokio runtime.
    ///
    /// # Errors
    /// The kernel refuses the socket.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn open() -> Result<Self> {
        let (connection, handle, _) = rtnetlink::new_connection().context("cannot open a netlink socket")?;
        Ok(Self { handle, task: tokio::spawn(connection) })
    }

    /// What requests are made with.
    pub fn handle(&self) -> &rtnetlink::Handle {
        &self.handle
    }
}

impl Drop for Netlink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The error number of a refused request, if the kernel gave one.
pub fn errno(error: &rtnetlink::Error) -> Option<i32> {
    match error {
        rtnetlink::Error::NetlinkError(message) => message.to_io().raw_os_error(),
        _ => None,
    }
}

/// A refused request as an error that reads like any other system call's.
pub fn refusal(error: rtnetlink::Error) -> anyhow::Error {
    match errno(&error) {
        Some(libc::EPERM) => anyhow::Error::new(io::Error::from_raw_os_error(libc::EPERM))
            .context("changing network links needs root: run this with sudo"),
        Some(number) => io::Error::from_raw_os_error(number).into(),
        None => error.into(),
    }
}
