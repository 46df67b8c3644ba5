//! Small datagrams to one port, many to a system call. Nothing ever comes back, so that every packet is of a flow without a reply.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{PAYLOAD, UDP_PORT};

/// Datagrams to a system call.
const BATCH: usize = 64;

pub(super) fn run(address: Ipv4Addr, time: Duration) -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).context("cannot make a socket")?;
    socket.connect(SocketAddrV4::new(address, UDP_PORT))?;
    let mut payload = [0u8; PAYLOAD];
    let mut batch = Batch::new(&mut payload);
    let begin = Instant::now();
    while begin.elapsed() < time {
        batch.send(&socket).context("cannot send")?;
    }
    Ok(())
}

/// Messages that all have their bytes in one place: whoever sends, sends the same, and whoever receives, only counts.
pub(super) struct Batch<'a> {
    messages: Vec<libc::mmsghdr>,
    /// What every message points to.
    _place: Box<libc::iovec>,
    _bytes: std::marker::PhantomData<&'a mut [u8]>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(bytes: &'a mut [u8]) -> Self {
        let mut place = Box::new(libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() });
        // SAFETY: a plain C structure, for which all bytes zero is a value.
        let mut message: libc::mmsghdr = unsafe { std::mem::zeroed() };
        message.msg_hdr.msg_iov = &raw mut *place;
        message.msg_hdr.msg_iovlen = 1;
        Self { messages: vec![message; BATCH], _place: place, _bytes: std::marker::PhantomData }
    }

    /// Sends all.
    fn send(&mut self, socket: &UdpSocket) -> std::io::Result<usize> {
        let (fd, count) = (socket.as_raw_fd(), self.messages.len() as u32);
        // SAFETY: every message points to one place, which points to bytes that are borrowed for as long as `self` lives.
        taken(unsafe { libc::sendmmsg(fd, self.messages.as_mut_ptr(), count, 0) })
    }

    /// Waits for one, and takes what else is there.
    pub(super) fn receive(&mut self, socket: &UdpSocket) -> std::io::Result<usize> {
        let (fd, count) = (socket.as_raw_fd(), self.messages.len() as u32);
        let (flags, forever) = (libc::MSG_WAITFORONE, std::ptr::null_mut());
        // SAFETY: as in `send`; the bytes are borrowed mutably, and a null pointer means no timeout.
        taken(unsafe { libc::recvmmsg(fd, self.messages.as_mut_ptr(), count, flags, forever) })
    }
}

fn taken(count: libc::c_int) -> std::io::Result<usize> {
    usize::try_from(count).map_err(|_| std::io::Error::last_os_error())
}
