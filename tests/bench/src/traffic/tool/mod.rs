//! The small tools that make and answer traffic: hidden subcommands of the benchmark, run inside its namespaces on a processor each.

mod ask;
mod flood;
mod serve;

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::Duration;

use anyhow::Result;
use clap::Subcommand;
use serde::{Deserialize, Serialize};

/// Where the server counts datagrams.
pub(crate) const UDP_PORT: u16 = 6000;
/// The first of the ports on which the server answers.
pub(crate) const FIRST_PORT: u16 = 6001;
/// How many there are: one port alone would run out of pairs of ports.
pub(crate) const PORTS: u16 = 16;
/// A port that no rule allows and nobody listens on.
pub(crate) const CLOSED_PORT: u16 = 9;
/// Bytes of a datagram that make the Ethernet frame 64 bytes long, with its checksum.
pub(crate) const PAYLOAD: usize = 18;
/// How long a probe waits for an answer that must not come.
const SILENCE: Duration = Duration::from_millis(300);

/// A tool.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Tool {
    /// Answers and counts until its standard input ends; tells the datagrams so far for every line of it
    #[command(hide = true)]
    Serve,
    /// Asks and waits for the answer, again and again
    #[command(hide = true)]
    Ask {
        /// Whom.
        address: Ipv4Addr,
        /// For how long.
        seconds: f64,
        /// A connection for every question
        #[arg(long)]
        fresh: bool,
    },
    /// Sends small datagrams as fast as it can
    #[command(hide = true)]
    Flood {
        /// Where to.
        address: Ipv4Addr,
        /// For how long.
        seconds: f64,
    },
    /// Tries to connect to a port that should be closed, and says what came of it
    #[command(hide = true)]
    Probe {
        /// Whom.
        address: Ipv4Addr,
    },
}

/// What came of asking.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Answers {
    /// Questions a second.
    pub(crate) rate: f64,
    /// Microseconds from question to answer, the connection included where it is new: half of them took less.
    pub(crate) p50: f64,
    /// A hundredth took more.
    pub(crate) p99: f64,
}

/// What came of knocking at the closed port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Knock {
    /// The server's own stack refused: the packet got there.
    Refused,
    /// Nothing came back.
    Silence,
}

/// Runs a tool; its answer is JSON on standard output.
pub(crate) fn run(tool: &Tool) -> Result<()> {
    match *tool {
        Tool::Serve => serve::run(),
        Tool::Ask { address, seconds, fresh } => {
            tell(&ask::run(address, Duration::from_secs_f64(seconds), fresh)?)
        }
        Tool::Flood { address, seconds } => flood::run(address, Duration::from_secs_f64(seconds)),
        Tool::Probe { address } => tell(&probe(address)?),
    }
}

fn probe(address: Ipv4Addr) -> Result<Knock> {
    let to = SocketAddrV4::new(address, CLOSED_PORT).into();
    match TcpStream::connect_timeout(&to, SILENCE) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(Knock::Refused),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(Knock::Silence),
        Err(error) => Err(error.into()),
        Ok(_) => anyhow::bail!("somebody listens on port {CLOSED_PORT}"),
    }
}

/// Writes an answer for whoever started the tool.
fn tell(answer: &impl Serialize) -> Result<()> {
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, answer)?;
    output.write_all(b"\n")?;
    Ok(output.flush()?)
}
