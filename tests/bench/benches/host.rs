//! Packets a second and core through the host data plane: the kernel's decision core over tables in memory, without root.

#![expect(clippy::unwrap_used, reason = "frames are made of constants")]

#[path = "../src/worlds.rs"]
#[expect(dead_code, reason = "the kernel's benchmark wants more of it")]
mod worlds;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sg_tests::harness::lab::mac_of_slot;
use sg_userspace::dataplane::Dataplane;
use sg_userspace::dataplane::host::HostDataplane;
use sg_userspace::packet::build;
use sg_userspace::packet::spec::{PacketSpec, TcpFlags};

use worlds::{Bed, CLIENT, CLOSED_PORT, PORT, SERVER, Way, ends};

/// Rules of the server's group; the last one allows.
const RULES: usize = 300;

fn plane() -> HostDataplane {
    let mut host = HostDataplane::new();
    host.set_world(Bed::new(RULES, true, &Way::Block).world()).unwrap();
    host
}

fn request(packet: &PacketSpec) -> Vec<u8> {
    build::frame(packet, mac_of_slot(CLIENT), mac_of_slot(SERVER)).unwrap()
}

/// A segment of an open connection, judged by both interfaces.
fn established(c: &mut Criterion) {
    let mut group = c.benchmark_group("host data plane");
    group.throughput(Throughput::Elements(1));
    for is_ipv6 in [false, true] {
        let mut host = plane();
        let [client, server] = ends(is_ipv6);
        let there = |flags| request(&PacketSpec::tcp((client, 40_000), (server, PORT), flags));
        let back = PacketSpec::tcp((server, PORT), (client, 40_000), TcpFlags::SYN_ACK);
        let back = build::frame(&back, mac_of_slot(SERVER), mac_of_slot(CLIENT)).unwrap();
        assert!(host.forward_frame(CLIENT, &there(TcpFlags::SYN)).reason.is_allow());
        assert!(host.forward_frame(SERVER, &back).reason.is_allow());
        let segment = there(TcpFlags::ACK);
        let family = if is_ipv6 { "IPv6" } else { "IPv4" };
        group.bench_function(format!("established, {family}"), |b| {
            b.iter(|| host.forward_frame(CLIENT, black_box(&segment)));
        });
    }
    group.finish();
}

/// First packets, allowed by the last rule and denied.
fn new_flow(c: &mut Criterion) {
    let mut group = c.benchmark_group("host data plane");
    group.throughput(Throughput::Elements(1));
    let mut host = plane();
    let [client, server] = ends(false);
    // Without the flow that the one before made: a reset of it is judged by rules, and leaves no entry.
    let reset = request(&PacketSpec::tcp((client, 40_000), (server, PORT), TcpFlags::RST));
    group.bench_function("asked of 300 rules, allowed", |b| {
        b.iter(|| host.forward_frame(CLIENT, black_box(&reset)));
    });
    let denied = request(&PacketSpec::udp((client, 40_000), (server, CLOSED_PORT)));
    group.bench_function("asked of 300 rules, denied", |b| {
        b.iter(|| host.forward_frame(CLIENT, black_box(&denied)));
    });
    group.finish();
}

criterion_group!(benches, established, new_flow);
criterion_main!(benches);
