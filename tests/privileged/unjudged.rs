//! No frame passes unjudged, from the first one on: what the links have received is what the programs have counted.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sg_tests::harness::address::{CLIENT, WEB, WEB6};
use sg_tests::harness::lab_file::standard_lab;
use sg_userspace::lab::namespace;

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
