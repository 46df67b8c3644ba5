//! No frame passes unjudged, from the first one on: what the links have received is what the programs have counted.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sg_tests::harness::address::{CLIENT, WEB, WEB6};
use sg_tests::harness::frames::{cases, with_source};
use sg_tests::harness::lab_file::standard_lab;
use sg_userspace::lab::{namespace, packet_socket};

use crate::product::{Product, until};
use crate::traffic::{Traffic, check_allowed, check_denied};

/// Frames that the host sides of the lab's links have received since they were made.
fn received(lab: &Product) -> u64 {
    let first = lab.status().lab.unwrap().link_base;
    let last = first + sg_common::abi::INTERNET_SLOT;
    let lines = std::fs::read_to_string("/proc/net/dev").unwrap();
    lines
        .lines()
        .filter_map(|line| {
            let (name, numbers) = line.split_once(':')?;
            let index: u32 = name.trim().strip_prefix("sg")?.parse().ok()?;
            let packets = numbers.split_whitespace().nth(1)?.parse::<u64>().ok()?;
            (first..=last).contains(&index).then_some(packets)
        })
        .sum()
}

/// Everything that was received has been counted, once nothing moves any more.
#[track_caller]
fn check_all_counted(lab: &Product) -> u64 {
    let mut counted = 0;
    until("frames received are frames counted", || {
        counted = lab.frames(|_| true);
        counted == received(lab)
    });
    counted
}

/// Sends datagrams to the subnet's broadcast address, which needs no neighbour, from the moment that there is a way.
fn blast(name: &str, end: &AtomicBool) -> u64 {
    let mut sent = 0;
    while !end.load(Ordering::Relaxed) {
        let _ = namespace::run_in(name, || {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
            socket.set_broadcast(true)?;
            while !end.load(Ordering::Relaxed) {
                sent += u64::from(socket.send_to(b"early", ("10.0.1.255", 9)).is_ok());
                std::thread::sleep(Duration::from_micros(200));
            }
            Ok(())
        });
        std::thread::sleep(Duration::from_micros(200));
    }
    sent
}

#[test]
fn instances_that_send_while_their_links_come_up_pass_nothing_unjudged() {
    let lab = Product::up(&standard_lab());
    let file = lab.file(&standard_lab());
    // The same state directory gives the same names.
    let names = ["client", "web"].map(|name| lab.namespace(name));
    lab.say("down");
    let end = AtomicBool::new(false);
    let sent = std::thread::scope(|scope| {
        let blasts = names.each_ref().map(|name| scope.spawn(|| blast(name, &end)));
        lab.done(&["up", &file]);
        assert_eq!(names, ["client", "web"].map(|name| lab.namespace(name)));
        until("some frames were stopped", || lab.frames(|row| row["reason"] == "multicast") > 100);
        end.store(true, Ordering::Relaxed);
        blasts.map(|blast| blast.join().unwrap())
    });
    assert!(sent.iter().all(|sent| *sent > 10), "{sent:?}");
    check_all_counted(&lab);
    assert_eq!(lab.frames(|row| row["allowed"] == true && row["reason"] != "neighbour"), 0);
}

#[test]
fn every_frame_of_real_traffic_ends_in_one_counter() {
    let lab = Product::up(&standard_lab());
    let client = lab.namespace("client");
    check_denied(&client, None, WEB.into(), Traffic::Echo);
    lab.say("rule allow web inbound all from 10.0.0.0/16");
    lab.say("rule allow web inbound all from 2600:1f18:0:100::/56");
    for to in [WEB.into(), WEB6.into()] {
        for traffic in [Traffic::Echo, Traffic::Udp(53), Traffic::Tcp(80)] {
            check_allowed(&client, None, to, traffic);
        }
    }
    check_all_counted(&lab);

    // A request and a reply are two frames, each counted where it was judged last: inbound.
    let inbound =
        |reason: &'static str| lab.frames(|row| row["direction"] == "inbound" && row["reason"] == reason);
    let before = (inbound("rule"), inbound("flow"));
    for _ in 0..20 {
        check_allowed(&client, Some(CLIENT.into()), WEB.into(), Traffic::Echo);
    }
    assert_eq!((inbound("rule") - before.0, inbound("flow") - before.1), (20, 20));
    check_all_counted(&lab);
}

/// Bytes that no program means: every header length and type is there, and most are wrong.
fn noise() -> Vec<Vec<u8>> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    let mut frames = Vec::new();
    for length in (14..120).chain([1514, 9015]) {
        for start in [[8, 0, 0x45, 0], [8, 0, 0x4f, 0], [8, 6, 0, 1], [0x86, 0xdd, 0x60, 0], [0x81, 0, 0, 5]]
        {
            // The kernel takes a VLAN tag off before any hook, and ends a frame whose tag is cut short.
            if start[0] == 0x81 && length < 20 {
                continue;
            }
            let mut frame: Vec<u8> = (0..length).map(|_| byte()).collect();
            let end = length.min(16);
            frame[12..end].copy_from_slice(&start[..end - 12]);
            frames.push(frame);
        }
    }
    frames
}

/// Whatever a link takes, and whichever hook it meets: from an instance, from the internet host, and from the host itself.
#[track_caller]
fn check_odd_frames_counted(hook: &str) {
    let lab = Product::new();
    let file = lab.file(&standard_lab());
    lab.done(&["up", "--hook", hook, &file]);
    let base = lab.status().lab.unwrap().link_base;
    let mac = namespace::run_in(&lab.namespace("client"), || packet_socket::mac("eth0")).unwrap();
    let mut frames: Vec<Vec<u8>> = cases().iter().map(|case| with_source(&case.frame, mac)).collect();
    frames.extend(noise());
    check_all_counted(&lab);
    for sender in ["client", "internet"] {
        let before = lab.frames(|_| true);
        let sent =
            namespace::run_in(&lab.namespace(sender), || packet_socket::send("eth0", &frames)).unwrap();
        assert!(sent > 400, "{sender} could send {sent} frames only");
        until("every odd frame is counted", || lab.frames(|_| true) >= before + sent);
        check_all_counted(&lab);
    }
    // What the host sends into a link has not been received from it, and meets the other hook.
    let counted = check_all_counted(&lab);
    let sent = packet_socket::send(&format!("sg{base}"), &frames).unwrap();
    until("every frame of the host is counted", || lab.frames(|_| true) - sent == received(&lab));
    assert!(sent > 400 && lab.frames(|_| true) >= counted + sent);
}

#[test]
fn every_odd_frame_ends_in_one_counter() {
    check_odd_frames_counted("tcx");
}

#[test]
fn every_odd_frame_ends_in_one_counter_through_xdp() {
    check_odd_frames_counted("xdp");
}
