//! Path MTU discovery with real senders: large segments to and from the internet find their size by the router's messages,
//! and a connection that does not hear them is a black hole (C-17).

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};

use sg_tests::harness::address::{DB, DB6, OUTSIDER, OUTSIDER6, WEB, WEB6};
use sg_tests::harness::lab_file::standard_lab;
use sg_userspace::lab::namespace;

use crate::lab_plumbing::route;
use crate::product::{PATIENCE, Product};
use crate::traffic::SILENCE;
use crate::volume::{check_stream, pattern};

/// Bytes that a sender has ready for its first flight, in segments that are larger than the path.
const FLIGHT: usize = 256 << 10;

/// The standard lab with a narrow way to the internet. No sender probes for its size by itself.
fn lab() -> Product {
    let text = standard_lab().replacen("    subnets:", "    internet-mtu: 1400\n    subnets:", 1);
    let lab = Product::up(&text);
    for name in ["web", "db"] {
        let set = || Ok(std::fs::write("/proc/sys/net/ipv4/tcp_mtu_probing", "0")?);
        namespace::run_in(&lab.namespace(name), set).unwrap();
    }
    lab
}

/// What a host has learnt of the path to an address.
fn learnt(namespace: &str, from: IpAddr, to: IpAddr) -> String {
    route(namespace, &[&to.to_string(), "from", &from.to_string()])
}

#[test]
fn c17_streams_in_both_directions_find_the_path_mtu() {
    let lab = lab();
    let [web, internet] = ["web", "internet"].map(|name| lab.namespace(name));
    for (inside, outside) in [(IpAddr::from(WEB), IpAddr::from(OUTSIDER)), (WEB6.into(), OUTSIDER6.into())] {
        let host = format!("{outside}/{}", if outside.is_ipv4() { 32 } else { 128 });
        lab.say(&format!("rule allow web inbound tcp 7000 from {host}"));
        for (at, from, to) in [(&web, inside, outside), (&internet, outside, inside)] {
            let found = learnt(at, from, to);
            assert!(!found.contains("mtu 1400"), "before: {found}");
        }
        // Each way twice: the answers of a stream are as long as its questions.
        check_stream(&internet, &web, inside);
        check_stream(&web, &internet, outside);
        for (at, from, to) in [(&web, inside, outside), (&internet, outside, inside)] {
            let found = learnt(at, from, to);
            assert!(found.contains("mtu 1400"), "{found}");
        }
    }
    // Between instances everything fits.
    let client = lab.namespace("client");
    lab.say("rule allow web inbound tcp 7000 from 10.0.0.0/16");
    check_stream(&client, &web, WEB.into());
    assert!(lab.frames(|row| row["reason"] == "packet-too-big") >= 4);
    let found = route(&client, &[&WEB.to_string()]);
    assert!(!found.contains("mtu"), "{found}");
}

/// An instance sends more than the path carries over a connection of the internet host; nothing arrives until `cure`, and
/// all of it afterwards.
#[track_caller]
fn check_black_hole(lab: &Product, sender: &str, at: IpAddr, cure: &str) {
    let listener = namespace::run_in(&lab.namespace(sender), || Ok(TcpListener::bind((at, 7000))?)).unwrap();
    let connect = || Ok(TcpStream::connect_timeout(&SocketAddr::new(at, 7000), PATIENCE)?);
    let mut receiver = namespace::run_in(&lab.namespace("internet"), connect).unwrap();
    let (mut accepted, _) = listener.accept().unwrap();
    accepted.set_write_timeout(Some(PATIENCE)).unwrap();
    let sent = pattern(FLIGHT);
    let mut arrived = vec![0; FLIGHT];
    std::thread::scope(|scope| {
        scope.spawn(|| accepted.write_all(&sent).unwrap());
        receiver.set_read_timeout(Some(SILENCE)).unwrap();
        let error = receiver.read(&mut arrived).expect_err("nothing gets through to the internet");
        assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
        lab.say(cure);
        receiver.set_read_timeout(Some(PATIENCE)).unwrap();
        receiver.read_exact(&mut arrived).unwrap();
    });
    assert!(arrived == sent, "what arrived is not what was sent");
}

#[test]
fn c17_an_untracked_flow_is_a_black_hole_without_a_rule_for_icmp() {
    let lab = lab();
    // Open in both directions.
    for range in ["0.0.0.0/0", "::/0"] {
        lab.say(&format!("rule allow web inbound tcp 7000 from {range}"));
    }
    check_black_hole(&lab, "web", WEB.into(), "rule allow web inbound icmp 3/4 from 10.0.1.0/24");
    check_black_hole(&lab, "web", WEB6.into(), "rule allow web inbound icmpv6 2/0 from anywhere-ipv6");
}

#[test]
fn c17_n10_a_network_acl_without_icmp_makes_a_black_hole_of_a_tracked_flow() {
    let lab = lab();
    lab.say("acl create edge");
    for direction in ["inbound tcp all from", "outbound tcp all to"] {
        lab.say(&format!("acl allow edge 100 {direction} 0.0.0.0/0"));
        lab.say(&format!("acl allow edge 101 {direction} ::/0"));
    }
    lab.say("acl associate next edge");
    for outside in [format!("{OUTSIDER}/32"), format!("{OUTSIDER6}/128")] {
        lab.say(&format!("rule allow db inbound tcp 7000 from {outside}"));
    }
    check_black_hole(&lab, "db", DB.into(), "acl allow edge 110 inbound icmp 3/4 from 0.0.0.0/0");
    check_black_hole(&lab, "db", DB6.into(), "acl allow edge 111 inbound icmpv6 2/0 from ::/0");
}
