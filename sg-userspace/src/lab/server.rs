//! The built-in servers of an instance: TCP and UDP echo, a one-page HTTP server, and a sink that measures throughput.
//!
//! One process serves all ports of an instance, both families. Everything a client can make wait is bounded.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::ifaddrs::getifaddrs;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Connections that one server holds at the same time; further ones wait to be accepted.
const CONNECTIONS: usize = 4096;

/// The longest line or HTTP request head, in bytes.
const LONGEST: u64 = 8192;

/// How long an HTTP client may take for its request.
const REQUEST: Duration = Duration::from_secs(10);

/// What a port does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Greets with a line, then answers each line with the instance's name and the line.
    TcpEcho,
    /// Answers each datagram with the instance's name and the datagram.
    UdpEcho,
    /// One page that names the instance.
    Http,
    /// Takes bytes until the client has sent its last, then answers with the count and the nanoseconds it took.
    Sink,
}

impl Service {
    const NAMES: [(&'static str, Self); 4] =
        [("tcp", Self::TcpEcho), ("udp", Self::UdpEcho), ("http", Self::Http), ("sink", Self::Sink)];
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Self::NAMES.iter().find(|(_, service)| service == self).map_or("", |(name, _)| name))
    }
}

impl FromStr for Service {
    type Err = anyhow::Error;

    /// # Errors
    /// No service has this name.
    fn from_str(text: &str) -> Result<Self> {
        let found = Self::NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, service)| *service).with_context(|| {
            format!("`{text}` is no server: there are {}", Self::NAMES.map(|(name, _)| name).join(", "))
        })
    }
}

/// One port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// What it does.
    pub service: Service,
    /// Where.
    pub port: u16,
}

/// The servers of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSpec {
    /// The instance's name, given in every answer.
    pub name: String,
    /// Its ports.
    pub listeners: Vec<Listener>,
}

/// Serves until the process is ended or a listener fails.
///
/// # Errors
/// A port is taken, or there are none.
pub async fn serve(spec: ServerSpec) -> Result<()> {
    if spec.listeners.is_empty() {
        bail!("no ports to serve for `{}`", spec.name);
    }
    let name: Arc<str> = spec.name.into();
    let mut tasks = JoinSet::new();
    for Listener { service, port } in spec.listeners {
        if service == Service::UdpEcho {
            for address in local_addresses()? {
                let socket = UdpSocket::bind(SocketAddr::new(address, port))
                    .await
                    .with_context(|| format!("cannot listen on {address} UDP port {port}"))?;
                tasks.spawn(echo_datagrams(socket, Arc::clone(&name)));
            }
        } else {
            let listener = listen(port)
                .await
                .with_context(|| format!("cannot listen on TCP port {port}: is it taken?"))?;
            tasks.spawn(accept(listener, service, Arc::clone(&name)));
        }
    }
    while let Some(ended) = tasks.join_next().await {
        ended.context("a server panicked")??;
    }
    Ok(())
}

/// Both families on one socket, or IPv4 alone on a kernel without IPv6.
async fn listen(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
        Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
        }
        other => other,
    }
}

/// A datagram is answered from the address that it came to, which one socket for all addresses does not do.
fn local_addresses() -> Result<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    for interface in getifaddrs().context("cannot list this instance's addresses")? {
        let Some(address) = interface.address else { continue };
        if let Some(v4) = address.as_sockaddr_in() {
            addresses.push(IpAddr::V4(v4.ip()));
        } else if let Some(v6) = address.as_sockaddr_in6()
            && !v6.ip().is_unicast_link_local()
        {
            addresses.push(IpAddr::V6(v6.ip()));
        }
    }
    Ok(addresses)
}

async fn accept(listener: TcpListener, service: Service, name: Arc<str>) -> Result<()> {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return Ok(()) };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // The client has gone, or descriptors ran out for a moment.
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        let name = Arc::clone(&name);
        tokio::spawn(async move {
            // A client that goes away is no fault of the server's.
            let _ = match service {
                Service::Http => timeout(REQUEST, answer_request(stream, &name)).await.unwrap_or(Ok(())),
                Service::Sink => swallow(stream).await,
                Service::TcpEcho | Service::UdpEcho => echo_lines(stream, &name).await,
            };
            drop(place);
        });
    }
}

async fn echo_datagrams(socket: UdpSocket, name: Arc<str>) -> Result<()> {
    let mut buffer = vec![0; 65_535];
    loop {
        // An error here is an earlier answer's that nobody took.
        if let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            let answer = [name.as_bytes(), b": ", &buffer[..length]].concat();
            let _ = socket.send_to(&answer, client).await;
        }
    }
}

async fn echo_lines(stream: TcpStream, name: &str) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let client = stream.peer_addr()?;
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let greeting = format!("{name} greets {}\n", client.ip().to_canonical());
    writer.write_all(greeting.as_bytes()).await?;
    loop {
        let mut line = Vec::new();
        if (&mut reader).take(LONGEST).read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let answer = [name.as_bytes(), b": ", &line].concat();
        writer.write_all(&answer).await?;
    }
}

async fn answer_request(mut stream: TcpStream, name: &str) -> io::Result<()> {
    let client = stream.peer_addr()?.ip().to_canonical();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut bytes = [0; 1024];
        let length = stream.read(&mut bytes).await?;
        if length == 0 || head.len() as u64 > LONGEST {
            return Ok(());
        }
        head.extend_from_slice(&bytes[..length]);
    }
    let body = format!("hello from {name} to {client}\n");
    let answer = format!(
        "HTTP/1.1 200 OK\r\nserver: sgsim\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

async fn swallow(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    let mut total = 0_u64;
    let mut first = None;
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            break;
        }
        first.get_or_insert_with(Instant::now);
        total += length as u64;
    }
    let took = first.map_or(Duration::ZERO, |first| first.elapsed());
    stream.write_all(format!("{total} {}\n", took.as_nanos()).as_bytes()).await
}
