//! `sgsim trace` on real packets.

use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::product::Product;
use crate::traffic::{Traffic, check_allowed, check_denied};

const LAB: &str = "\
vpcs:
  lab:
    cidr: 10.0.0.0/16
    subnets: {one: {cidr: 10.0.1.0/24}, two: {cidr: 10.0.2.0/24}}
    security-groups:
      client: {}
      server: {inbound: [tcp 8080 from client]}
    instances:
      client: {subnet: one, groups: [client], address: 10.0.1.4}
      server: {subnet: two, groups: [server], address: 10.0.2.4, servers: [tcp 8080, tcp 9090]}
";

const SERVER: [u8; 4] = [10, 0, 2, 4];

/// A trace that has begun.
fn begin(lab: &Product, words: &str) -> Child {
    let words: Vec<&str> = words.split_whitespace().collect();
    let arguments = [&["trace", "--output", "json"], &words[..]].concat();
    let mut command = lab.command(&arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
    assert!(said.starts_with("sgsim: tracing "), "{said}");
    child
}

/// The steps that it printed until its end.
fn steps(mut child: Child) -> Vec<Value> {
    let output = BufReader::new(child.stdout.take().unwrap());
    let steps =
        output.lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap()["step"].clone());
    let steps = steps.collect();
    assert!(child.wait().unwrap().success());
    steps
}

fn names(steps: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    steps.iter().map(|step| (text(&step["direction"]), text(&step["event"]["step"]))).collect()
}

#[test]
fn a_traced_packet_tells_every_step_and_the_rule_that_decided() {
    let lab = Product::up(LAB);
    let client = lab.namespace("client");
    let trace = begin(&lab, "client tcp/8080 --count 1");
    check_denied(&client, None, SERVER.into(), Traffic::Tcp(9090));
    check_allowed(&client, None, SERVER.into(), Traffic::Tcp(8080));
    // The packet after the last one that was asked for ends it.
    let steps = steps(trace);
    let expected = [
        ("outbound", "arrived"),
        ("outbound", "routed"),
        ("outbound", "flow"),
        ("outbound", "policy"),
        ("outbound", "open"),
        ("outbound", "network-acl"),
        ("outbound", "verdict"),
        ("inbound", "network-acl"),
        ("inbound", "flow"),
        ("inbound", "policy"),
        ("inbound", "open"),
        ("inbound", "address"),
        ("inbound", "owner"),
        ("inbound", "group"),
        ("inbound", "verdict"),
    ];
    let expected: Vec<_> =
        expected.iter().map(|(way, step)| ((*way).to_owned(), (*step).to_owned())).collect();
    assert_eq!(names(&steps), expected);
    let [group, verdict] = &steps[steps.len() - 2..] else { panic!("{steps:?}") };
    assert_eq!(
        (&group["event"]["hit"]["first"], &group["event"]["hit"]["last"]),
        (&8080.into(), &8080.into())
    );
    assert_eq!(group["event"]["hit"]["rule"], verdict["event"]["rule"]);
    assert_eq!(verdict["event"]["reason"], "rule");
    assert!(steps.iter().all(|step| step["destination_port"] == 8080), "the other connection was not meant");
}

#[test]
fn one_trace_at_a_time_and_the_next_begins_when_its_client_has_gone() {
    let lab = Product::up(LAB);
    let client = lab.namespace("client");
    let mut first = begin(&lab, "client");
    let refused = lab.refused(&["trace", "icmp"]);
    assert!(refused.contains("somebody is tracing already"), "{refused}");
    first.kill().unwrap();
    first.wait().unwrap();
    // The controller sees at its next look that nobody listens.
    std::thread::sleep(Duration::from_millis(200));
    let second = begin(&lab, "tcp port 9090 --count 1");
    check_denied(&client, None, IpAddr::from(SERVER), Traffic::Tcp(9090));
    check_denied(&client, None, IpAddr::from(SERVER), Traffic::Tcp(9090));
    let steps = steps(second);
    let last = steps.last().unwrap();
    assert_eq!((&last["direction"], &last["event"]["reason"]), (&"inbound".into(), &"no-rule".into()));
}
