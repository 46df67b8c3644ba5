//! What a link's driver does by itself, for the XDP hook: `ethtool -K eth0 tx off gro on` inside an instance.
//!
//! XDP redirects a frame without what the socket buffer around it knew. A checksum that was left to the driver would
//! arrive unfinished, so the sender's stack has to write it. And a veth's end takes redirected frames only while it polls
//! (NAPI), which it does with a program of its own on it, or with receive offload on.

use std::ffi::c_char;
use std::os::fd::AsRawFd;

use anyhow::{Context, Result, bail};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::namespace;

/// Values of `linux/ethtool.h`.
const ETHTOOL_STXCSUM: u32 = 0x17;
const ETHTOOL_SGRO: u32 = 0x2c;

/// `struct ethtool_value`.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

nix::ioctl_readwrite_bad!(
    /// `SIOCETHTOOL`: runs the command that `ifr_data` points to on the link that `ifr_name` names.
    ethtool,
    libc::SIOCETHTOOL,
    libc::ifreq
);

/// Prepares the link of this name in a namespace for frames that XDP sends from it and to it.
///
/// # Errors
/// There is no such link, or its driver cannot do it.
pub fn prepare_for_xdp(namespace: &str, link: &str) -> Result<()> {
    namespace::run_in(namespace, || {
        switch(link, ETHTOOL_STXCSUM, false).context("cannot switch transmit checksums off")?;
        switch(link, ETHTOOL_SGRO, true).context("cannot switch receive offload on")
    })
    .with_context(|| format!("cannot prepare `{link}` for XDP"))
}

/// Switches one feature of a link of the calling thread's namespace.
fn switch(link: &str, command: u32, on: bool) -> Result<()> {
    let mut value = EthtoolValue { command, data: u32::from(on) };
    // SAFETY: a plain C structure, for which all bytes zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if link.len() >= request.ifr_name.len() {
        bail!("`{link}` is too long a name for a link");
    }
    for (to, from) in request.ifr_name.iter_mut().zip(link.bytes()) {
        *to = from as c_char;
    }
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: both commands read and write one `ethtool_value`, which outlives the call.
    unsafe { ethtool(socket.as_raw_fd(), &raw mut request) }?;
    Ok(())
}
