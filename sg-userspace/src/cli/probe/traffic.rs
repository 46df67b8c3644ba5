//! The packets of a probe: what is sent, how it ended, and how to recognise verdicts on it.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockProtocol, SockType, SockaddrStorage, bind, connect, getsockname, getsockopt,
    socket, sockopt,
};

use crate::dataplane::Flow;
use crate::dataplane::row::VerdictEvent;
use crate::report::probe::ProbeEnd;

/// What to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Traffic {
    /// A TCP connection to this port.
    Tcp(u16),
    /// A UDP packet to this port.
    Udp(u16),
    /// An echo request of the address's family.
    Icmp,
}

impl FromStr for Traffic {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        if matches!(lower.as_str(), "icmp" | "icmpv6" | "ping") {
            return Ok(Self::Icmp);
        }
        let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
        let found = lower.split_once('/').and_then(|(protocol, text)| match protocol {
            "tcp" => port(text).map(Self::Tcp),
            "udp" => port(text).map(Self::Udp),
            _ => None,
        });
        found.ok_or_else(|| "write tcp/PORT, udp/PORT (ports 1 to 65535) or icmp".to_owned())
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(port) => write!(f, "tcp/{port}"),
            Self::Udp(port) => write!(f, "udp/{port}"),
            Self::Icmp => f.write_str("icmp"),
        }
    }
}

/// A probe that was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    protocol: u8,
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    /// Source port, or the echo request's identifier.
    pub(super) source_port: u16,
    /// Destination port, or the echo request's type.
    pub(super) destination_port: u16,
    /// How it ended.
    pub(super) end: ProbeEnd,
}

impl Sent {
    /// Whether a verdict is on a packet that the probe sent, rather than on an answer to it.
    pub(super) fn is_of(&self, event: &VerdictEvent) -> bool {
        event.protocol == self.protocol
            && event.source == Some(self.source)
            && event.destination == Some(self.destination)
            && event.source_port == self.source_port
            && (self.is_icmp() || event.destination_port == self.destination_port)
    }

    /// Whether an entry is the probe's.
    pub(super) fn is_flow(&self, flow: &Flow) -> bool {
        let ports = (flow.local_port, flow.remote_port);
        let (source, destination) = (self.source_port, self.destination_port);
        let sent =
            (flow.local, flow.remote) == (self.source, self.destination) && ports == (source, destination);
        let received =
            (flow.remote, flow.local) == (self.source, self.destination) && ports == (destination, source);
        let ping = self.is_icmp() && flow.local_port == source;
        let between = [flow.local, flow.remote];
        flow.protocol == self.protocol
            && (sent
                || received
                || (ping && between.contains(&self.source) && between.contains(&self.destination)))
    }

    fn is_icmp(&self) -> bool {
        matches!(self.protocol, 1 | 58)
    }
}

/// Sends the probe from the calling thread's network namespace and waits for its end.
pub(super) fn send(traffic: Traffic, source: IpAddr, destination: IpAddr, timeout: Duration) -> Result<Sent> {
    match traffic {
        Traffic::Tcp(port) => tcp(source, SocketAddr::new(destination, port), timeout).context("TCP"),
        Traffic::Udp(port) => udp(source, SocketAddr::new(destination, port), timeout).context("UDP"),
        Traffic::Icmp => icmp(source, destination, timeout).context("ICMP"),
    }
}

fn open(address: IpAddr, kind: SockType, protocol: Option<SockProtocol>) -> Result<(OwnedFd, u16)> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(family, kind, flags, protocol).context("cannot open a socket")?;
    bind(std::os::fd::AsRawFd::as_raw_fd(&fd), &SockaddrStorage::from(SocketAddr::new(address, 0)))
        .with_context(|| format!("cannot send from {address}"))?;
    let local: SockaddrStorage =
        getsockname(std::os::fd::AsRawFd::as_raw_fd(&fd)).context("cannot ask for the socket's port")?;
    let port = match (local.as_sockaddr_in(), local.as_sockaddr_in6()) {
        (Some(local), _) => local.port(),
        (_, Some(local)) => local.port(),
        _ => 0,
    };
    Ok((fd, port))
}

fn tcp(source: IpAddr, destination: SocketAddr, timeout: Duration) -> Result<Sent> {
    let (fd, source_port) = open(source, SockType::Stream, None)?;
    let sent = |end| Sent {
        protocol: 6,
        source,
        destination: destination.ip(),
        source_port,
        destination_port: destination.port(),
        end,
    };
    match connect(std::os::fd::AsRawFd::as_raw_fd(&fd), &SockaddrStorage::from(destination)) {
        Ok(()) => {}
        Err(Errno::EINPROGRESS) => {
            if !wait(&fd, PollFlags::POLLOUT, timeout)? {
                return Ok(sent(ProbeEnd::TimedOut));
            }
            match getsockopt(&fd, sockopt::SocketError).context("cannot ask how the connection went")? {
                0 => {}
                error => return ended(io::Error::from_raw_os_error(error)).map(sent),
            }
        }
        Err(error) => return ended(error.into()).map(sent),
    }
    drop(TcpStream::from(fd));
    Ok(sent(ProbeEnd::Answered))
}

fn udp(source: IpAddr, destination: SocketAddr, timeout: Duration) -> Result<Sent> {
    let socket = UdpSocket::bind((source, 0)).with_context(|| format!("cannot send from {source}"))?;
    let source_port = socket.local_addr()?.port();
    let sent = |end| Sent {
        protocol: 17,
        source,
        destination: destination.ip(),
        source_port,
        destination_port: destination.port(),
        end,
    };
    socket.set_read_timeout(Some(timeout))?;
    if let Err(error) = socket.connect(destination).and_then(|()| socket.send(b"sgsim probe")) {
        return ended(error).map(sent);
    }
    match socket.recv(&mut [0; 64]) {
        Ok(_) => Ok(sent(ProbeEnd::Answered)),
        Err(error) => ended(error).map(sent),
    }
}

fn icmp(source: IpAddr, destination: IpAddr, timeout: Duration) -> Result<Sent> {
    // A ping socket: the kernel picks the identifier, fills in the checksum and hands over this request's reply alone.
    let (protocol, number, request) = match source {
        IpAddr::V4(_) => (SockProtocol::Icmp, 1, 8),
        IpAddr::V6(_) => (SockProtocol::IcmpV6, 58, 128),
    };
    let (fd, id) = open(source, SockType::Datagram, Some(protocol))?;
    let sent = |end| Sent {
        protocol: number,
        source,
        destination,
        source_port: id,
        destination_port: u16::from(request),
        end,
    };
    let socket = UdpSocket::from(fd);
    if let Err(error) =
        socket.connect((destination, 0)).and_then(|()| socket.send(&[request, 0, 0, 0, 0, 0, 0, 1]))
    {
        return ended(error).map(sent);
    }
    let deadline = Instant::now() + timeout;
    while wait(&socket, PollFlags::POLLIN, deadline.saturating_duration_since(Instant::now()))? {
        match socket.recv(&mut [0; 256]) {
            Ok(_) => return Ok(sent(ProbeEnd::Answered)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return ended(error).map(sent),
        }
    }
    Ok(sent(ProbeEnd::TimedOut))
}

/// How a socket's error ends a probe.
fn ended(error: io::Error) -> Result<ProbeEnd> {
    match error.kind() {
        ErrorKind::ConnectionRefused => Ok(ProbeEnd::Refused),
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(ProbeEnd::TimedOut),
        // Somebody on the way, or the sender's own kernel, says that there is no way there.
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Ok(ProbeEnd::TimedOut),
        _ => Err(error).context("cannot send"),
    }
}

/// Waits until a socket is ready, at most this long. Says whether it is.
fn wait(fd: &impl AsFd, flags: PollFlags, timeout: Duration) -> Result<bool> {
    let deadline = Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(fd.as_fd(), flags)], left) {
            Ok(ready) => return Ok(ready > 0),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error).context("cannot wait for an answer"),
        }
    }
}
