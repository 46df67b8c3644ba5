//! Rules replaced, and controllers killed, under traffic: what both the old and the new rules allow is never lost, and what neither allows never
//! passes.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};
use sg_tests::harness::address::{CLIENT, CLIENT6, WEB, WEB6};
use sg_tests::harness::lab_file::standard_lab;
use sg_userspace::lab::namespace;

use crate::product::{PATIENCE, Product};

/// Between two datagrams of a prober.
const PACE: Duration = Duration::from_micros(300);

/// Sends numbered datagrams until told to end; gives how many. Each from a socket of its own is a flow of its own.
fn send(name: &str, from: IpAddr, to: SocketAddr, fresh: bool, end: &AtomicBool) -> u64 {
    namespace::run_in(name, || {
        let mut sent = 0_u64;
        let mut socket = UdpSocket::bind((from, 0))?;
        while !end.load(Ordering::Relaxed) {
            socket.send_to(&sent.to_be_bytes(), to)?;
            sent += 1;
            std::thread::sleep(PACE);
            if fresh {
                socket = UdpSocket::bind((from, 0))?;
            }
        }
        Ok(sent)
    })
    .unwrap()
}

/// A socket with room for what comes while its reader does not run.
fn receiver(name: &str, at: SocketAddr) -> UdpSocket {
    let open = || {
        let socket = UdpSocket::bind(at)?;
        setsockopt(&socket, sockopt::RcvBufForce, &(64 << 20))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    namespace::run_in(name, open).unwrap()
}

/// Takes what has arrived.
fn count(socket: &UdpSocket) -> u64 {
    let mut buffer = [0; 64];
    std::iter::from_fn(|| socket.recv(&mut buffer).ok()).count() as u64
}

/// What the receiver's stack has thrown away itself.
fn stack(name: &str) -> String {
    namespace::run_in(name, || Ok(std::fs::read_to_string("/proc/thread-self/net/snmp")?))
        .unwrap()
        .lines()
        .filter(|line| line.starts_with("Udp:"))
        .collect()
}

/// A prober and where it arrives.
struct Probe<'scope> {
    what: &'static str,
    sender: ScopedJoinHandle<'scope, u64>,
    receiver: UdpSocket,
    arrived: u64,
}

impl<'scope> Probe<'scope> {
    fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        (what, from, to): (&'static str, IpAddr, SocketAddr),
        [client, web]: &'env [String; 2],
        fresh: bool,
        end: &'env AtomicBool,
    ) -> Self {
        let receiver = receiver(web, to);
        let sender = scope.spawn(move || send(client, from, to, fresh, end));
        Self { what, sender, receiver, arrived: 0 }
    }
}

#[test]
fn rules_replaced_and_controllers_killed_under_traffic_lose_nothing_and_let_nothing_slip() {
    let lab = Product::up(&standard_lab());
    let file = lab.file(&standard_lab());
    let names = ["client", "web"].map(|name| lab.namespace(name));
    // 1000 and 1001 are allowed by rules that take turns, 1002 by one that stays, 1003 never.
    lab.say("rule allow web inbound udp 1000 from 10.0.1.0/24");
    lab.say("rule allow web inbound udp 1000-1001 from ::/0");
    lab.say("rule allow web inbound udp 1002 from sg client");
    // As many rules around it as a group may have.
    for n in 0..40 {
        lab.say(&format!("rule allow web inbound udp {} from 10.0.{n}.0/24", 2000 + n));
    }
    let end = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let probes = [
            ("tracked, each datagram a new flow", CLIENT.into(), SocketAddr::new(WEB.into(), 1000), true),
            ("untracked", CLIENT6.into(), SocketAddr::new(WEB6.into(), 1001), false),
            ("by group, each datagram a new flow", CLIENT.into(), SocketAddr::new(WEB.into(), 1002), true),
            ("never allowed", CLIENT.into(), SocketAddr::new(WEB.into(), 1003), true),
            ("never allowed, IPv6", CLIENT6.into(), SocketAddr::new(WEB6.into(), 1003), false),
        ];
        let mut probes =
            probes.map(|(what, from, to, fresh)| Probe::start(scope, (what, from, to), &names, fresh, &end));
        for round in 0..40 {
            for words in [
                "rule allow web inbound udp 1000 from 10.0.0.0/16",
                "rule revoke web inbound udp 1000 from 10.0.1.0/24",
                "rule allow web inbound udp 1001-1002 from ::/0",
                "rule revoke web inbound udp 1000-1001 from ::/0",
                "interface set-groups web web db",
                "rule allow web inbound udp 1000 from 10.0.1.0/24",
                "rule revoke web inbound udp 1000 from 10.0.0.0/16",
                "rule allow web inbound udp 1000-1001 from ::/0",
                "rule revoke web inbound udp 1001-1002 from ::/0",
                "interface set-groups web web",
            ] {
                lab.say(words);
            }
            if round % 15 == 7 {
                // The next controller puts the same rules in force again.
                lab.kill_controller();
                lab.done(&["up", &file]);
            }
            let gone = format!("web inbound udp {} from 10.0.{round}.0/24", 2000 + round);
            lab.say(&format!("rule revoke {gone}"));
            for probe in &mut probes {
                probe.arrived += count(&probe.receiver);
            }
        }
        end.store(true, Ordering::Relaxed);
        for mut probe in probes {
            let sent = probe.sender.join().unwrap();
            assert!(sent > 1000, "{}: {sent} sent", probe.what);
            let expected = if probe.what.starts_with("never") { 0 } else { sent };
            let deadline = Instant::now() + PATIENCE;
            while probe.arrived < expected && Instant::now() < deadline {
                probe.arrived += count(&probe.receiver);
                std::thread::sleep(PACE);
            }
            probe.arrived += count(&probe.receiver);
            let said =
                || format!("{} of {sent} sent: {}\n{}", probe.what, lab.say("counters"), stack(&names[1]));
            assert_eq!(probe.arrived, expected, "{}", said());
        }
    });
}
