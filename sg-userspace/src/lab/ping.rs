//! ICMP and ICMPv6 echo over the kernel's ping sockets, which need no privilege (`net.ipv4.ping_group_range`).
//!
//! The kernel fills in checksum and identifier and hands over only the replies to our own requests.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockProtocol, SockType, SockaddrStorage, bind, setsockopt, socket, sockopt,
};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::client::{ClientReport, Outcome, outcome_of};

const ECHO_V4: u8 = 8;
const ECHO_REPLY_V4: u8 = 0;
const ECHO_V6: u8 = 128;
const ECHO_REPLY_V6: u8 = 129;

/// Sends one echo request and waits for its reply.
///
/// # Errors
/// No ping socket, or a source address that is not this instance's.
pub async fn echo(target: SocketAddr, source: Option<IpAddr>, limit: Duration) -> Result<ClientReport> {
    let (family, protocol, request, reply) = match target {
        SocketAddr::V4(_) => (AddressFamily::Inet, SockProtocol::Icmp, ECHO_V4, ECHO_REPLY_V4),
        SocketAddr::V6(_) => (AddressFamily::Inet6, SockProtocol::IcmpV6, ECHO_V6, ECHO_REPLY_V6),
    };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let raw = socket(family, SockType::Datagram, flags, Some(protocol))
        .context("cannot open a ping socket: net.ipv4.ping_group_range may leave this group out")?;
    // A ping socket takes the same calls as a UDP one; std's type is only a descriptor.
    let socket = std::net::UdpSocket::from(raw);
    if let Some(source) = source {
        let address = SockaddrStorage::from(SocketAddr::new(source, 0));
        bind(socket.as_raw_fd(), &address)
            .with_context(|| format!("cannot use `{source}`: it is not this instance's"))?;
    }
    let socket = UdpSocket::from_std(socket)?;
    hear_errors(&socket, target)?;
    let mut message = vec![0; 64];
    message[0] = request;
    message[7] = 1;
    let begin = Instant::now();
    let talk = async {
        socket.connect(SocketAddr::new(target.ip(), 0)).await?;
        socket.send(&message).await?;
        let mut buffer = [0; 1500];
        loop {
            let length = socket.recv(&mut buffer).await?;
            if length >= 8 && buffer[0] == reply && buffer[6..8] == message[6..8] {
                return io::Result::Ok(());
            }
        }
    };
    match timeout(limit, talk).await {
        Err(_) => Ok(ClientReport::new(Outcome::TimedOut, target)),
        Ok(Ok(())) => {
            let mut report = ClientReport::new(Outcome::Answered, target);
            report.latency = Some(begin.elapsed());
            Ok(report)
        }
        Ok(Err(error)) => match outcome_of(&error) {
            Some(outcome) => Ok(ClientReport::new(outcome, target)),
            None => Err(error).with_context(|| format!("cannot ping `{}`", target.ip())),
        },
    }
}

/// Also "no route" and "prohibited" are then told by a datagram socket; by itself it hears refusals only.
pub(super) fn hear_errors(socket: &UdpSocket, target: SocketAddr) -> Result<()> {
    match target {
        SocketAddr::V4(_) => setsockopt(socket, sockopt::Ipv4RecvErr, &true),
        SocketAddr::V6(_) => setsockopt(socket, sockopt::Ipv6RecvErr, &true),
    }
    .context("cannot ask for a socket's errors")
}
