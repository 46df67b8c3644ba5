//! Flow logs of real traffic: bytes and packets of the records are those that the kernels at both ends have counted,
//! whether tracked or not, accepted or refused (section 7 of AWS's semantics).

use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use serde_json::Value;
use sg_tests::harness::address::{CLIENT, CLIENT6, DB, DB6};
use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::lab_file::standard_lab;
use sg_userspace::lab::namespace;

use crate::product::{Product, program, until};
use crate::traffic::{Traffic, check_allowed, check_denied};
use crate::volume::{STREAM, check_stream};

/// What a namespace has counted of IPv4: octets and packets in, octets out.
fn counted(namespace: &str) -> [u64; 3] {
    let read = |path: &'static str| namespace::run_in(namespace, move || Ok(std::fs::read_to_string(path)?));
    let find = |text: &str, kind: &str, name: &str| -> u64 {
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(kind));
        let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
        let place = names.split_whitespace().position(|word| word == name).unwrap();
        values.split_whitespace().nth(place).unwrap().parse().unwrap()
    };
    let extended = read("/proc/thread-self/net/netstat").unwrap();
    let extended = |name| find(&extended, "IpExt:", name);
    // By segment, where the stack hands over several in one piece.
    let packets_in = ["InNoECTPkts", "InECT0Pkts", "InECT1Pkts", "InCEPkts"].map(extended).iter().sum();
    [extended("InOctets"), packets_in, extended("OutOctets")]
}

/// [`counted`] at both ends, once nothing is on its way any more: a connection's last packets come after its last answer.
fn settled(namespaces: [&str; 2]) -> [[u64; 3]; 2] {
    let mut last = namespaces.map(counted);
    until("nothing is on its way", || {
        std::thread::sleep(Duration::from_millis(300));
        let before = std::mem::replace(&mut last, namespaces.map(counted));
        before == last
    });
    last
}

/// The records of an interface so far, each with its fields.
fn records(lab: &Product, name: &str) -> Vec<Value> {
    let text = lab.say(&format!("flow-logs tail --lines 100000 --interface {name} --output json"));
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["record"].clone());
    records.collect()
}

fn sum(records: &[Value], field: &str, wanted: &[(&str, &str)]) -> u64 {
    let is_wanted = |record: &&Value| wanted.iter().all(|(name, value)| record[name] == *value);
    let values = records.iter().filter(is_wanted).map(|record| record[field].as_str().unwrap());
    values.map(|value| value.parse::<u64>().unwrap()).sum()
}

/// Ends the window, and waits until it is written.
fn end_window(lab: &Product, names: &[&str]) {
    let before: Vec<usize> = names.iter().map(|name| records(lab, name).len()).collect();
    lab.say("clock advance 60s");
    until("the window is written", || {
        names.iter().zip(&before).all(|(name, before)| records(lab, name).len() > *before)
    });
}

/// Sends datagrams of a size, each on its own.
fn send(from: &str, source: IpAddr, to: (IpAddr, u16), count: usize, size: usize) {
    let socket = namespace::run_in(from, || Ok(UdpSocket::bind((source, 0))?)).unwrap();
    for _ in 0..count {
        socket.send_to(&vec![7; size], to).unwrap();
    }
}

#[test]
fn records_have_the_bytes_that_both_ends_counted() {
    let lab = Product::up(&standard_lab());
    let [client, db] = ["client", "db"].map(|name| lab.namespace(name));
    lab.say("rule allow db inbound tcp 7000 from 10.0.0.0/16");
    lab.say("rule allow db inbound icmp from sg client");
    // Open both ways, hence untracked (C-03).
    lab.say("rule allow db inbound udp 7002 from anywhere");
    lab.say("flow-logs create lab");
    let server = namespace::run_in(&db, || Ok(UdpSocket::bind((DB, 7002))?)).unwrap();
    let before = settled([&client, &db]);

    check_stream(&client, &db, DB.into());
    send(&client, CLIENT.into(), (DB.into(), 7002), 40, 1000);
    send(&client, CLIENT.into(), (DB.into(), 7003), 7, 100);
    check_allowed(&client, None, DB.into(), Traffic::Echo);
    check_denied(&client, None, DB.into(), Traffic::Tcp(7004));
    let after = settled([&client, &db]);
    drop(server);
    end_window(&lab, &["client", "db"]);

    let [of_client, of_db] = ["client", "db"].map(|name| records(&lab, name));
    let delta = |end: usize, what: usize| after[end][what] - before[end][what];
    let (accept, reject) = (("action", "ACCEPT"), ("action", "REJECT"));
    let (ingress, egress) = (("flow-direction", "ingress"), ("flow-direction", "egress"));
    // What each kernel took in and sent is what was accepted there, to the byte and to the packet.
    for (end, records) in [(0, &of_client), (1, &of_db)] {
        assert_eq!(sum(records, "bytes", &[ingress, accept]), delta(end, 0), "into {end}");
        assert_eq!(sum(records, "packets", &[ingress, accept]), delta(end, 1), "into {end}");
        assert_eq!(sum(records, "bytes", &[egress, accept]), delta(end, 2), "out of {end}");
    }
    // Of what was refused, the receiver's kernel knows nothing and the sender's everything.
    let refused = ("dstport", "7003");
    assert_eq!(sum(&of_db, "packets", &[ingress, reject, refused]), 7);
    assert_eq!(sum(&of_db, "bytes", &[ingress, reject, refused]), 7 * 128);
    assert_eq!(sum(&of_client, "bytes", &[egress, accept, refused]), 7 * 128);
    assert!(sum(&of_db, "packets", &[ingress, reject, ("dstport", "7004")]) >= 1);
    let untracked = [ingress, accept, ("dstport", "7002"), ("sgsim-reason", "untracked")];
    assert_eq!(sum(&of_db, "packets", &untracked), 40);
    assert_eq!(sum(&of_db, "bytes", &untracked), 40 * 1028);
    assert_eq!(sum(&of_db, "packets", &[ingress, accept, ("protocol", "1")]), 1);
    // All that the one sends, the other accepts or refuses.
    let to_db = ("dstaddr", "10.0.2.6");
    let sent = sum(&of_client, "bytes", &[egress, accept, to_db]);
    assert_eq!(sent, sum(&of_db, "bytes", &[ingress, to_db]));
    // F-07: the client's SYN and FIN, the server's SYN-ACK.
    let stream = |records: &[Value], fields: &[(&str, &str)]| {
        let is_it = |record: &&Value| fields.iter().all(|(name, value)| record[name] == *value);
        records.iter().find(is_it).unwrap_or_else(|| panic!("{fields:?}: {records:#?}")).clone()
    };
    assert_eq!(stream(&of_db, &[ingress, accept, ("dstport", "7000")])["tcp-flags"], "3");
    assert_eq!(stream(&of_db, &[egress, accept, ("srcport", "7000")])["tcp-flags"], "19");
    let rule = lab.json("rule list db").to_string();
    let named = stream(&of_db, &[ingress, accept, ("dstport", "7000")])["sgsim-rule"].clone();
    assert!(rule.contains(named.as_str().unwrap()), "{named} is a rule of {rule}");

    // F-05, F-06: an idle interface has one record, and no flow has two.
    end_window(&lab, &["web"]);
    let of_web = records(&lab, "web");
    assert_eq!(of_web.last().unwrap()["log-status"], "NODATA", "{of_web:#?}");
    // Its kernel tells multicast routers of itself when its link comes up.
    let is_idle = |record: &Value| {
        record["log-status"] == "NODATA" || record["dstaddr"].as_str().unwrap().starts_with("ff02:")
    };
    assert!(of_web.iter().all(is_idle), "{of_web:#?}");
    let mut keys: Vec<String> = of_db
        .iter()
        .map(|record| {
            ["srcaddr", "dstaddr", "srcport", "dstport", "protocol", "action", "sgsim-rule"]
                .map(|f| record[f].to_string())
                .join(" ")
        })
        .collect();
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count, "{keys:#?}");
}

/// The header of IPv6, and of UDP.
const HEADERS6: usize = 40 + 8;

/// F-07: IPv6 has records like IPv4's, of the longer headers.
#[test]
fn ipv6_records_have_the_bytes_that_were_sent() {
    let lab = Product::up(&standard_lab());
    let [client, db] = ["client", "db"].map(|name| lab.namespace(name));
    lab.say("rule allow db inbound tcp 7000 from 2600:1f18:0:100::/56");
    lab.say("rule allow db inbound icmpv6 echo-request from sg client");
    lab.say("rule allow db inbound udp 7002 from anywhere-ipv6");
    lab.say("flow-logs create lab");
    let server = namespace::run_in(&db, || Ok(UdpSocket::bind((DB6, 7002))?)).unwrap();
    check_stream(&client, &db, DB6.into());
    send(&client, CLIENT6.into(), (DB6.into(), 7002), 40, 1000);
    send(&client, CLIENT6.into(), (DB6.into(), 7003), 7, 100);
    check_allowed(&client, None, DB6.into(), Traffic::Echo);
    settled([&client, &db]);
    drop(server);
    let endpoint = Endpoint::start(program(), &lab.directory());
    let (_, page) = crate::health::get(&endpoint, "/metrics");
    let entries = |map: &str| {
        let line =
            page.lines().find_map(|line| line.strip_prefix(&format!("sgsim_map_entries{{map=\"{map}\"}} ")));
        line.unwrap_or_else(|| panic!("no {map}: {page}")).parse::<f64>().unwrap()
    };
    // A stream and an echo both ways, and twice a datagram's way, each at both ends but for what was refused.
    assert!(entries("FLOW_LOG") >= 12.0, "{page}");
    end_window(&lab, &["client", "db"]);

    let [of_client, of_db] = ["client", "db"].map(|name| records(&lab, name));
    let (there, here) = (CLIENT6.to_string(), DB6.to_string());
    let (to_db, to_client) =
        ([("srcaddr", &*there), ("dstaddr", &*here)], [("srcaddr", &*here), ("dstaddr", &*there)]);
    let total = |records: &[Value], field, way: &[(&str, &str)], more: &[(&str, &str)]| {
        sum(records, field, &[way, more].concat())
    };
    for field in ["bytes", "packets"] {
        for way in [&to_db, &to_client] {
            // All that the one sends, the other accepts or refuses.
            let egress = total(&of_client, field, way, &[]);
            assert_eq!(egress, total(&of_db, field, way, &[]), "{field} {way:?}");
            assert!(egress > 0, "{field} {way:?}: {of_client:#?}");
        }
    }
    for (port, action, count, size) in [("7002", "ACCEPT", 40, 1000), ("7003", "REJECT", 7, 100)] {
        let datagrams =
            [("dstport", port), ("protocol", "17"), ("action", action), ("flow-direction", "ingress")];
        assert_eq!(total(&of_db, "packets", &to_db, &datagrams), count, "{of_db:#?}");
        assert_eq!(total(&of_db, "bytes", &to_db, &datagrams), count * (size + HEADERS6) as u64);
    }
    let stream = [("protocol", "6"), ("action", "ACCEPT")];
    for way in [&to_db, &to_client] {
        let bytes = total(&of_db, "bytes", way, &stream);
        // What it carries, what of it was sent again, and headers of 72 bytes, timestamps included: one for each piece that the
        // stack hands over, which is one packet or several.
        let packets = total(&of_db, "packets", way, &stream);
        assert!(bytes >= STREAM as u64 + 72 * 10 && packets > 100, "{bytes} bytes in {packets} packets");
        assert_eq!(total(&of_db, "packets", way, &[("protocol", "58"), ("action", "ACCEPT")]), 1, "an echo");
    }
}

#[test]
fn killed_controller_loses_and_repeats_no_record() {
    let lab = Product::up(&standard_lab());
    let file = lab.file(&standard_lab());
    let client = lab.namespace("client");
    lab.say("rule allow db inbound udp 7002 from sg client");
    lab.say("flow-logs create db");
    let mut sent = 0;
    for round in 0..4 {
        send(&client, CLIENT.into(), (DB.into(), 7002), 25, 100);
        lab.kill_controller();
        // Counted by the kernel, whoever controls it.
        send(&client, CLIENT.into(), (DB.into(), 7002), 25, 100);
        sent += 50;
        lab.done(&["up", &file]);
        if round % 2 == 0 {
            // In the middle of writing, or about.
            lab.say("clock advance 60s");
            lab.kill_controller();
            lab.done(&["up", &file]);
        }
    }
    end_window(&lab, &["db"]);
    let records = records(&lab, "db");
    let to_db = [("flow-direction", "ingress"), ("dstport", "7002"), ("dstaddr", &DB.to_string())];
    assert_eq!(sum(&records, "packets", &to_db), sent, "{records:#?}");
    assert_eq!(sum(&records, "bytes", &to_db), sent * 128);
    assert!(records.iter().all(|record| record["log-status"] != "SKIPDATA"), "{records:#?}");
}

/// F-10 and enforcement: what is never logged, and what nobody judged.
#[test]
fn services_have_no_records_and_unjudged_packets_are_skipped() {
    let lab = Product::up(&standard_lab());
    let client = lab.namespace("client");
    lab.say("flow-logs create client");
    for service in [[169, 254, 169, 253], [169, 254, 169, 254], [10, 0, 0, 2], [10, 0, 1, 1]] {
        send(&client, CLIENT.into(), (IpAddr::from(service), 53), 3, 20);
    }
    end_window(&lab, &["client"]);
    let of_services = records(&lab, "client");
    assert!(of_services.iter().all(|record| record["dstport"] != "53"), "{of_services:#?}");
    lab.say("enforcement off");
    send(&client, CLIENT.into(), (DB.into(), 7003), 3, 20);
    lab.say("enforcement on");
    // Whoever writes it, it is said.
    lab.kill_controller();
    lab.done(&["up", &lab.file(&standard_lab())]);
    end_window(&lab, &["client"]);
    let last = records(&lab, "client").pop().unwrap();
    assert_eq!(last["log-status"], "SKIPDATA");
}
