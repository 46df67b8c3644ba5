//! The built-in client: one try to reach something, and what came of it.
//!
//! That nobody answers is a result, not an error: it is what a security group does. Errors are for names that do not
//! resolve and sockets that cannot be made.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream, UdpSocket, lookup_host};
use tokio::time::{timeout, timeout_at};

use super::ping;

/// What the client tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// A TCP handshake.
    Connect,
    /// A TCP connection, its greeting, and one line exchanged.
    Line,
    /// The same with a line of so many bytes: more than one packet, where the path is narrow.
    LongLine {
        /// Bytes of the line.
        length: u16,
    },
    /// One datagram and its answer.
    Udp,
    /// `GET /`.
    Http,
    /// An ICMP or ICMPv6 echo; the port is not used.
    Icmp,
    /// TCP bytes to a sink for so many seconds.
    Bulk {
        /// How long to send.
        seconds: u16,
    },
}

/// Which family to use for a name that has both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// The first that the name resolves to.
    #[default]
    Any,
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// One try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSpec {
    /// Name or address.
    pub host: String,
    /// Port; 0 for ICMP.
    pub port: u16,
    /// What to try.
    pub probe: Probe,
    /// Family, for a name.
    pub family: Family,
    /// How long to wait for each answer.
    pub timeout: Duration,
    /// Local address and port to use; port 0 lets the kernel choose.
    pub source: Option<SocketAddr>,
}

/// What came of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The other side answered; for TCP, the handshake was completed.
    Answered,
    /// Nothing came back: what a security group's denial looks like.
    TimedOut,
    /// The other side is there, and nobody listens.
    Refused,
    /// The network said that it cannot be reached.
    Unreachable,
    /// The connection broke afterwards.
    Broken,
}

/// A try's outcome and measurements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientReport {
    /// What came of it.
    pub outcome: Outcome,
    /// What was tried.
    pub target: SocketAddr,
    /// From the first packet to its answer.
    pub latency: Option<Duration>,
    /// The first line of the answer.
    pub reply: Option<String>,
    /// Bulk: the bytes that the other side counted.
    pub bytes: Option<u64>,
    /// Bulk: the other side's time for them.
    pub took: Option<Duration>,
}

impl ClientReport {
    pub(super) fn new(outcome: Outcome, target: SocketAddr) -> Self {
        Self { outcome, target, latency: None, reply: None, bytes: None, took: None }
    }

    /// Bulk: bytes a second, as the other side measured.
    pub fn bytes_per_second(&self) -> Option<u64> {
        let (bytes, took) = (self.bytes?, self.took?);
        u64::try_from(u128::from(bytes) * 1_000_000_000 / took.as_nanos().max(1)).ok()
    }
}

/// What an error of a socket says about the network, if it does.
pub(super) fn outcome_of(error: &io::Error) -> Option<Outcome> {
    match error.raw_os_error()? {
        libc::ECONNREFUSED => Some(Outcome::Refused),
        libc::ETIMEDOUT => Some(Outcome::TimedOut),
        libc::EHOSTUNREACH | libc::ENETUNREACH | libc::EHOSTDOWN | libc::ENETDOWN | libc::EACCES => {
            Some(Outcome::Unreachable)
        }
        libc::ECONNRESET | libc::EPIPE => Some(Outcome::Broken),
        _ => None,
    }
}

/// Makes one try.
///
/// # Errors
/// The name does not resolve, or a socket cannot be made.
pub async fn connect(spec: ClientSpec) -> Result<ClientReport> {
    let target = resolve(&spec).await?;
    match spec.probe {
        Probe::Icmp => ping::echo(target, spec.source.map(|source| source.ip()), spec.timeout).await,
        Probe::Udp => exchange_datagram(&spec, target).await,
        Probe::Connect | Probe::Line | Probe::LongLine { .. } | Probe::Http | Probe::Bulk { .. } => {
            let begin = Instant::now();
            let stream = match open(&spec, target).await? {
                Ok(stream) => stream,
                Err(outcome) => return Ok(ClientReport::new(outcome, target)),
            };
            let mut report = ClientReport::new(Outcome::Answered, target);
            report.latency = Some(begin.elapsed());
            let talked = match spec.probe {
                Probe::Line => {
                    exchange_line(stream, &spec, "hello").await.map(|line| report.reply = Some(line))
                }
                Probe::LongLine { length } => {
                    let line = "x".repeat(length.into());
                    exchange_line(stream, &spec, &line).await.map(|answer| {
                        report.reply = Some(answer.replace(&line, &format!("{length} bytes")));
                    })
                }
                Probe::Http => get(stream, &spec).await.map(|line| report.reply = Some(line)),
                Probe::Bulk { seconds } => send_bulk(stream, &spec, seconds).await.map(|(bytes, took)| {
                    (report.bytes, report.took) = (Some(bytes), Some(took));
                }),
                Probe::Connect | Probe::Udp | Probe::Icmp => Ok(()),
            };
            if let Err(error) = talked {
                report.outcome = match error.kind() {
                    io::ErrorKind::TimedOut => Outcome::TimedOut,
                    _ => outcome_of(&error).unwrap_or(Outcome::Broken),
                };
            }
            Ok(report)
        }
    }
}

/// The address that a try goes to.
pub(super) async fn resolve(spec: &ClientSpec) -> Result<SocketAddr> {
    let found = timeout(spec.timeout, lookup_host((spec.host.as_str(), spec.port)))
        .await
        .with_context(|| format!("`{}` does not resolve in time", spec.host))?
        .with_context(|| format!("`{}` does not resolve: see /etc/hosts in the instance", spec.host))?;
    let wanted = |address: &SocketAddr| match spec.family {
        Family::Any => spec.source.is_none_or(|source| source.is_ipv4() == address.is_ipv4()),
        Family::V4 => address.is_ipv4(),
        Family::V6 => address.is_ipv6(),
    };
    let mut found = found.filter(wanted);
    found.next().with_context(|| format!("`{}` has no address of the family asked for", spec.host))
}

/// A connection, or why there is none.
pub(super) async fn open(
    spec: &ClientSpec,
    target: SocketAddr,
) -> Result<std::result::Result<TcpStream, Outcome>> {
    let socket = if target.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(source) = spec.source {
        socket.bind(source).with_context(|| format!("cannot use `{source}`: it is not this instance's"))?;
    }
    match timeout(spec.timeout, socket.connect(target)).await {
        Err(_) => Ok(Err(Outcome::TimedOut)),
        Ok(Ok(stream)) => {
            stream.set_nodelay(true)?;
            Ok(Ok(stream))
        }
        Ok(Err(error)) => match outcome_of(&error) {
            Some(outcome) => Ok(Err(outcome)),
            None => Err(error).with_context(|| format!("cannot connect to `{target}`")),
        },
    }
}

async fn exchange_datagram(spec: &ClientSpec, target: SocketAddr) -> Result<ClientReport> {
    let any = SocketAddr::new(if target.is_ipv4() { [0; 4].into() } else { [0_u16; 8].into() }, 0);
    let source = spec.source.unwrap_or(any);
    let socket = UdpSocket::bind(source)
        .await
        .with_context(|| format!("cannot use `{source}`: not this instance's"))?;
    ping::hear_errors(&socket, target)?;
    let begin = Instant::now();
    let mut buffer = vec![0; 65_535];
    let talk = async {
        socket.connect(target).await?;
        socket.send(b"hello\n").await?;
        socket.recv(&mut buffer).await
    };
    match timeout(spec.timeout, talk).await {
        Err(_) => Ok(ClientReport::new(Outcome::TimedOut, target)),
        Ok(Ok(length)) => {
            let mut report = ClientReport::new(Outcome::Answered, target);
            report.latency = Some(begin.elapsed());
            report.reply = Some(String::from_utf8_lossy(&buffer[..length]).trim_end().to_owned());
            Ok(report)
        }
        Ok(Err(error)) => match outcome_of(&error) {
            Some(outcome) => Ok(ClientReport::new(outcome, target)),
            None => Err(error).with_context(|| format!("cannot send to `{target}`")),
        },
    }
}

async fn bounded<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn exchange_line(stream: TcpStream, spec: &ClientSpec, line: &str) -> io::Result<String> {
    let mut stream = BufReader::new(stream);
    bounded(spec.timeout, async {
        read_line(&mut stream).await?;
        stream.write_all(format!("{line}\n").as_bytes()).await?;
        read_line(&mut stream).await
    })
    .await
}

/// A line; the end of the stream before it is an error.
pub(super) async fn read_line(reader: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<String> {
    let mut line = Vec::new();
    if reader.take(8192).read_until(b'\n', &mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

async fn get(mut stream: TcpStream, spec: &ClientSpec) -> io::Result<String> {
    let request =
        format!("GET / HTTP/1.1\r\nhost: {}\r\nuser-agent: sgsim\r\nconnection: close\r\n\r\n", spec.host);
    bounded(spec.timeout, async {
        stream.write_all(request.as_bytes()).await?;
        read_line(&mut BufReader::new(stream)).await
    })
    .await
}

/// Sends for so long, then asks the sink what arrived.
async fn send_bulk(stream: TcpStream, spec: &ClientSpec, seconds: u16) -> io::Result<(u64, Duration)> {
    let mut stream = BufReader::new(stream);
    let end = tokio::time::Instant::now() + Duration::from_secs(seconds.into());
    let chunk = vec![0x55; 1 << 17];
    // A session that is cut stays silent: `timeout_at` ends the wait for room in the socket too.
    while let Ok(sent) = timeout_at(end, stream.get_mut().write_all(&chunk)).await {
        sent?;
    }
    let line = bounded(spec.timeout, async {
        stream.get_mut().shutdown().await?;
        read_line(&mut stream).await
    })
    .await?;
    match line.split_once(' ').and_then(|(bytes, took)| Some((bytes.parse().ok()?, took.parse().ok()?))) {
        Some((bytes, took)) => Ok((bytes, Duration::from_nanos(took))),
        None => Err(io::Error::other(format!("`{}` port {} is no sink", spec.host, spec.port))),
    }
}

/// Waits until something accepts TCP connections there.
///
/// # Errors
/// Nothing does in time.
pub async fn wait_for_port(target: SocketAddr, limit: Duration) -> Result<()> {
    let end = tokio::time::Instant::now() + limit;
    loop {
        match timeout_at(end, TcpStream::connect(target)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(_)) if tokio::time::Instant::now() < end => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            _ => bail!("nothing listens on `{target}` after {limit:?}"),
        }
    }
}
