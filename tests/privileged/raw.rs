//! Frames as they are, put on a link by a packet socket.

use std::os::fd::AsRawFd;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType, sendto, socket};
use sg_userspace::aws::interface::MacAddr;

/// A link of the current namespace as packet sockets know it.
fn address(link: &str) -> Result<LinkAddr> {
    getifaddrs()?
        .filter(|found| found.interface_name == link)
        .find_map(|found| found.address?.as_link_addr().copied())
        .with_context(|| format!("no link {link}"))
}

/// The Ethernet address of a link of the current namespace.
pub(crate) fn mac(link: &str) -> Result<MacAddr> {
    Ok(MacAddr(address(link)?.addr().context("a link without an Ethernet address")?))
}

/// Sends frames on a link of the current namespace; how many of them the link took.
pub(crate) fn send(link: &str, frames: &[Vec<u8>]) -> Result<u64> {
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::empty(), None)?;
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
