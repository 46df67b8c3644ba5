//! `/healthz` on a real lab: packets show that it is enforced, and show it, too, where it is not.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use serde_json::Value;
use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::lab_file::standard_lab;
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::Direction;
use sg_userspace::controller::client::Client;
use sg_userspace::controller::enforcer::{self, EnforcerOptions};
use sg_userspace::controller::protocol::{Reply, Request};
use sg_userspace::store::objects;

use crate::product::{PATIENCE, Product, program, until};

/// Status and text of a page of the endpoint.
pub(crate) fn get(endpoint: &Endpoint, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(endpoint.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", endpoint.address).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let status = reply.split(' ').nth(1).unwrap().parse().unwrap();
    (status, reply.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// Status, and what was found.
fn health(endpoint: &Endpoint) -> (u16, Value) {
    let (status, body) = get(endpoint, "/healthz");
    (status, serde_json::from_str(&body).unwrap())
}

/// Waits until it is unhealthy for this reason: an answer may be two seconds old.
#[track_caller]
fn until_fault(endpoint: &Endpoint, fault: &str) {
    until(fault, || {
        let (status, found) = health(endpoint);
        status == 503 && found["faults"].to_string().contains(fault)
    });
}

#[track_caller]
fn until_healthy(endpoint: &Endpoint) {
    until("it is healthy", || health(endpoint).0 == 200);
}

#[test]
fn packets_show_that_a_lab_is_enforced_and_leave_nothing_behind() {
    let lab = Product::up(&standard_lab());
    let endpoint = Endpoint::start(program(), &lab.directory());
    let tracked = |lab: &Product| lab.json("allowance");
    let before = tracked(&lab);
    let (status, found) = health(&endpoint);
    assert_eq!((status, &found["healthy"], &found["links"]), (200, &true.into(), &4.into()), "{found}");
    let mut seen = Vec::new();
    for rule in [
        "web inbound HTTP from sg client",
        "db inbound tcp 5432 from sg web",
        "client inbound all from anywhere",
    ] {
        // A change is looked at anew.
        lab.say(&format!("rule allow {rule}"));
        let (status, found) = health(&endpoint);
        assert_eq!(status, 200, "{found}");
        let packets = found["packets"].as_array().unwrap();
        let kinds = packets.iter().map(|packet| packet["allowed"].as_bool().unwrap()).collect::<Vec<_>>();
        assert_eq!(kinds, [true, false], "{found}");
        seen.extend(packets.iter().map(|packet| format!("{} {}", packet["from"], packet["to"])));
    }
    seen.sort();
    seen.dedup();
    assert!(seen.len() > 2, "others have their turn: {seen:?}");
    assert_eq!(tracked(&lab), before, "no connection is counted");
    assert_eq!(lab.json("flows")["flows"], serde_json::json!([]), "no entry is made");
}

#[test]
fn what_is_not_enforced_is_unhealthy() {
    let lab = Product::up(&standard_lab());
    let file = lab.file(&standard_lab());
    let endpoint = Endpoint::start(program(), &lab.directory());
    until_healthy(&endpoint);

    lab.say("enforcement off");
    until_fault(&endpoint, "had to be denied");
    until_fault(&endpoint, "enforcement is off");
    lab.say("enforcement on");
    until_healthy(&endpoint);

    // A program is taken off a link.
    let status = lab.status();
    let base = status.lab.as_ref().unwrap().link_base;
    let Reply::World { world, .. } =
        Client::connect(&lab.directory()).unwrap().call(&Request::World).unwrap()
    else {
        panic!("no world")
    };
    let web = world.instances.values().find(|instance| instance.name == "web").unwrap();
    let slot = world.interfaces_of(&web.id)[0].slot;
    let pin = lab.directory().bpf().join("links").join(format!("{}-0", base + slot));
    std::fs::remove_file(&pin).unwrap();
    until_fault(&endpoint, "is not judged by the programs");
    assert!(health(&endpoint).1["faults"][0].as_str().unwrap().starts_with("web (eni-"));

    lab.kill_controller();
    until_fault(&endpoint, "the controller does not answer");
    // The next one puts it on again.
    lab.done(&["up", &file]);
    until_healthy(&endpoint);

    let deleted =
        Command::new("ip").args(["link", "delete", &format!("sg{}", base + slot)]).status().unwrap();
    assert!(deleted.success());
    until_fault(&endpoint, "web: its namespace or a link of it is gone");
}

#[test]
fn rules_that_are_not_those_of_the_world_are_found_by_packets_alone() {
    let lab = Product::up(&standard_lab());
    let endpoint = Endpoint::start(program(), &lab.directory());
    until_healthy(&endpoint);
    let Reply::World { world, .. } =
        Client::connect(&lab.directory()).unwrap().call(&Request::World).unwrap()
    else {
        panic!("no world")
    };
    let manifest = lab.status().lab.unwrap();
    // Another process writes into the data plane: whatever lets out lets in as well.
    let mut other = *world;
    for group in other.security_groups.values_mut() {
        for rule in &mut group.rules {
            assert_eq!((rule.protocol, rule.ports), (IpProtocol::All, PortRange::ALL));
            rule.direction = Direction::Inbound;
        }
    }
    let (hook, link_base) = (manifest.hook, manifest.link_base);
    let mut saboteur =
        enforcer::open(&EnforcerOptions { directory: lab.directory(), hook, link_base }).unwrap();
    saboteur.set_world(&other, &objects::all(&other)).unwrap();
    until_fault(&endpoint, "had to arrive");
    let (_, page) = get(&endpoint, "/metrics");
    assert!(page.contains("sgsim_enforcement 1"), "and no flag says so: {page}");
    drop(saboteur);
}

#[test]
fn metrics_are_the_kernel_s_own() {
    let lab = Product::up(&standard_lab());
    let endpoint = Endpoint::start(program(), &lab.directory());
    let (status, page) = get(&endpoint, "/metrics");
    assert_eq!(status, 200);
    let value = |name: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name}:\n{page}")).parse::<f64>().unwrap()
    };
    assert_eq!(value("sgsim_map_entries{map=\"INTERFACES\"}"), 3.0);
    // An address may be known to the internet as well as to its VPC.
    assert!(value("sgsim_map_entries{map=\"MEMBERS4\"}") >= 3.0);
    assert_eq!(value("sgsim_map_capacity{map=\"FLOWS4\"}"), 131_072.0);
    assert!(value("sgsim_map_entries{map=\"POLICY_WORDS\"}") > 0.0);
    assert_eq!(page.matches("sgsim_allowance_available{").count(), 3);
    assert!(page.contains("# TYPE sgsim_frames_total counter"), "{page}");
}
