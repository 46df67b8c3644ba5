//! Frames as they are, put on a link and taken off it by packet sockets.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};

use crate::aws::interface::MacAddr;

use super::namespace;

/// The longest frame that matters here; of longer ones the beginning is looked at.
const FRAME: usize = 2048;

/// A link of the current namespace as packet sockets know it.
fn address(link: &str) -> Result<LinkAddr> {
    getifaddrs()?
        .filter(|found| found.interface_name == link)
        .find_map(|found| found.address?.as_link_addr().copied())
        .with_context(|| format!("no link {link}"))
}

/// The Ethernet address of a link of the current namespace.
///
/// # Errors
/// Where it has none, or is not there.
pub fn mac(link: &str) -> Result<MacAddr> {
    Ok(MacAddr(address(link)?.addr().context("a link without an Ethernet address")?))
}

/// Sends frames on a link of the current namespace; how many of them the link took.
///
/// # Errors
/// Where the link is not there, or the kernel refuses.
pub fn send(link: &str, frames: &[Vec<u8>]) -> Result<u64> {
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
    let address = address(link)?;
    let mut taken = 0;
    for frame in frames {
        match sendto(socket.as_raw_fd(), frame, &address, MsgFlags::empty()) {
            // The latter says that the program at the egress hook has dropped it.
            Ok(_) | Err(Errno::ENOBUFS) => taken += 1,
            // Longer than the link carries.
            Err(Errno::EMSGSIZE | Errno::EINVAL) => {}
            Err(error) => return Err(error).context("a packet socket refuses to send"),
        }
    }
    Ok(taken)
}

/// What comes on the links of a namespace, from when this was made.
#[derive(Debug)]
pub struct Arrivals(OwnedFd);

impl Arrivals {
    /// Listens in a namespace.
    ///
    /// # Errors
    /// Where it is not there, or the caller is not root.
    pub fn in_namespace(name: &str) -> Result<Self> {
        namespace::run_in(name, || {
            let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
            let socket = socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll);
            Ok(Self(socket.context("cannot make a packet socket")?))
        })
    }

    /// Waits until a frame comes that is wanted, for so long at most. Whether it came.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn has(&self, wanted: impl Fn(&[u8]) -> bool, patience: Duration) -> Result<bool> {
        let deadline = Instant::now() + patience;
        let mut frame = [0; FRAME];
        loop {
            match recv(self.0.as_raw_fd(), &mut frame, MsgFlags::empty()) {
                Ok(length) if wanted(&frame[..length]) => return Ok(true),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Ok(false);
                    }
                    let milliseconds = u16::try_from(left.as_millis().saturating_add(1)).unwrap_or(u16::MAX);
                    let mut polled = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
                    match poll(&mut polled, PollTimeout::from(milliseconds)) {
                        Ok(_) | Err(Errno::EINTR) => {}
                        Err(error) => return Err(error).context("cannot wait for frames"),
                    }
                }
                Err(error) => return Err(error).context("a packet socket refuses to receive"),
            }
        }
    }
}
