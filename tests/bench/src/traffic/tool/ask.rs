//! One question at a time, a byte each way, over one connection or each over a new one.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Answers, FIRST_PORT, PORTS};
use crate::stats::quantile;

/// Questions before those that count.
const FIRST: usize = 100;
/// No answer takes so long that is ever to come.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn run(address: Ipv4Addr, time: Duration, fresh: bool) -> Result<Answers> {
    let mut client = Client { address, next: 0 };
    let mut kept = if fresh { None } else { Some(client.connect()?) };
    let mut ask = || match &mut kept {
        Some(stream) => exchange(stream),
        None => exchange(&mut client.connect()?),
    };
    for _ in 0..FIRST {
        ask()?;
    }
    let mut took = Vec::new();
    let begin = Instant::now();
    let mut now = begin;
    while now - begin < time {
        ask()?;
        let then = std::mem::replace(&mut now, Instant::now());
        took.push((now - then).as_secs_f64() * 1e6);
    }
    let rate = took.len() as f64 / (now - begin).as_secs_f64();
    took.sort_by(f64::total_cmp);
    if took.is_empty() {
        bail!("no time to ask anything in {time:?}");
    }
    Ok(Answers { rate, p50: quantile(&took, 0.5), p99: quantile(&took, 0.99) })
}

struct Client {
    address: Ipv4Addr,
    next: u16,
}

impl Client {
    /// To the server's ports in turn.
    fn connect(&mut self) -> Result<TcpStream> {
        let to = SocketAddrV4::new(self.address, FIRST_PORT + self.next);
        self.next = (self.next + 1) % PORTS;
        let stream = TcpStream::connect(to).with_context(|| format!("cannot connect to {to}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(stream)
    }
}

fn exchange(stream: &mut TcpStream) -> Result<()> {
    let mut byte = [1];
    stream.write_all(&byte)?;
    stream.read_exact(&mut byte).context("the server does not answer")
}
