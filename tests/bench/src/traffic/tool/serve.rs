//! Answers every byte with a byte, on many ports, and counts datagrams on one.

use std::io::{self, BufRead, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::{Context, Result};
use nix::sys::socket::{setsockopt, sockopt};

use super::flood::Batch;
use super::{FIRST_PORT, PAYLOAD, PORTS, UDP_PORT, tell};

/// Bytes of the receiver's buffer: a receiver that waits for its processor for a moment loses nothing.
const BUFFER: usize = 16 << 20;

pub(super) fn run() -> Result<()> {
    for port in FIRST_PORT..FIRST_PORT + PORTS {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))
            .with_context(|| format!("cannot listen on port {port}"))?;
        thread::spawn(move || answer_all(&listener));
    }
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, UDP_PORT))
        .with_context(|| format!("cannot listen on UDP port {UDP_PORT}"))?;
    setsockopt(&socket.as_fd(), sockopt::RcvBufForce, &BUFFER).context("cannot enlarge the buffer")?;
    let received = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&received);
    thread::spawn(move || count_all(&socket, &counter));
    let tell_count = || tell(&received.load(Ordering::Relaxed));
    tell_count()?;
    for line in io::stdin().lock().lines() {
        line?;
        tell_count()?;
    }
    Ok(())
}

/// One connection at a time; a client asks one question at a time.
fn answer_all(listener: &TcpListener) {
    for stream in listener.incoming().flatten() {
        // A client that went away in the middle has no answer to get.
        let _ = answer(stream);
    }
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut byte = [0];
    while stream.read(&mut byte)? > 0 {
        stream.write_all(&byte)?;
    }
    Ok(())
}

fn count_all(socket: &UdpSocket, received: &AtomicU64) {
    let mut bytes = [0u8; PAYLOAD];
    let mut batch = Batch::new(&mut bytes);
    while let Ok(count) = batch.receive(socket) {
        received.fetch_add(count as u64, Ordering::Relaxed);
    }
}
