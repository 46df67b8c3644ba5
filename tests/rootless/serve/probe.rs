//! `/metrics` and `/healthz` without a kernel: what they say, to whom, and when nothing answers behind them.

use std::net::SocketAddr;

use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::place::Place;
use sg_tests::harness::program::sgsim;
use sg_userspace::dataplane::row::Enforcement;

use super::{LAB, ask, connect, request_over};

fn get(address: SocketAddr, path: &str, headers: &str) -> (u16, String) {
    request_over(connect(address), &format!("GET {path}"), &format!("Host: {address}\r\n{headers}"), "")
}

/// The value of a line of a page of metrics.
fn value(page: &str, name: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn requests_changes_and_the_data_plane_are_measured() {
    let place = Place::of(LAB);
    place.serve(|state| {
        let endpoint = Endpoint::start(sgsim(&[]), state);
        let address = endpoint.address;
        let vpc = place.memory.lock().unwrap().world.vpcs.keys().next().unwrap().to_string();
        let create = format!("CreateSecurityGroup&GroupName=app&GroupDescription=a&VpcId={vpc}");
        for (parameters, status) in
            [("DescribeVpcs", 200), ("DescribeVpcs", 200), (&create, 200), (&create, 400), ("Nothing", 400)]
        {
            assert_eq!(ask(address, parameters).0, status);
        }
        let (status, page) = get(address, "/metrics", "");
        assert_eq!(status, 200, "{page}");
        assert!(page.contains("content-type: text/plain; version=0.0.4"), "{page}");
        for (name, expected) in [
            ("sgsim_api_requests_total{action=\"DescribeVpcs\",code=\"ok\"}", 2.0),
            ("sgsim_api_requests_total{action=\"CreateSecurityGroup\",code=\"ok\"}", 1.0),
            ("sgsim_api_requests_total{action=\"CreateSecurityGroup\",code=\"InvalidGroup.Duplicate\"}", 1.0),
            ("sgsim_api_requests_total{action=\"none\",code=\"InvalidAction\"}", 1.0),
            ("sgsim_api_request_seconds_count{action=\"CreateSecurityGroup\"}", 2.0),
            ("sgsim_change_seconds_count{stage=\"enforce\"}", 1.0),
            ("sgsim_change_seconds_count{stage=\"lead\"}", 1.0),
            ("sgsim_change_seconds_bucket{stage=\"whole\",le=\"+Inf\"}", 1.0),
            ("sgsim_controller_up", 1.0),
            ("sgsim_enforcement", 1.0),
            ("sgsim_frames_total{direction=\"inbound\",verdict=\"deny\",reason=\"no-rule\"}", 3.0),
            ("sgsim_map_entries{map=\"FLOWS4\"}", 2.0),
            ("sgsim_map_capacity{map=\"FLOWS4\"}", 131_072.0),
            ("sgsim_objects{kind=\"security-group\"}", 3.0),
        ] {
            assert_eq!(value(&page, name), Some(expected), "{name}:\n{page}");
        }
        assert!(value(&page, "sgsim_controller_memory_bytes").unwrap() > 1e6);
        assert!(value(&page, "sgsim_world_version").unwrap() >= 2.0);
        // What a client makes up is no label.
        assert!(!page.contains("Nothing"), "{page}");
    });
}

#[test]
fn a_lab_that_does_not_stand_is_unhealthy_and_says_why() {
    let place = Place::of(LAB);
    place.serve(|state| {
        let endpoint = Endpoint::start(sgsim(&[]), state);
        place.memory.lock().unwrap().enforcement = Enforcement::Off;
        let (status, reply) = get(endpoint.address, "/healthz", "");
        let found: serde_json::Value = serde_json::from_str(reply.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        assert_eq!((status, &found["healthy"]), (503, &false.into()), "{reply}");
        // Nobody has built the internet host here.
        for fault in ["enforcement is off", "internet: its namespace or a link of it is gone"] {
            assert!(found["faults"].to_string().contains(fault), "{reply}");
        }
    });
}

#[test]
fn without_a_controller_both_say_so() {
    let place = Place::of(LAB);
    let endpoint = Endpoint::start(sgsim(&[]), &place.state);
    let (status, reply) = get(endpoint.address, "/healthz", "");
    assert!(status == 503 && reply.contains("the controller does not answer"), "{reply}");
    let (status, page) = get(endpoint.address, "/metrics", "");
    assert_eq!((status, value(&page, "sgsim_controller_up")), (200, Some(0.0)), "{page}");
}

#[test]
fn pages_and_foreign_hosts_see_nothing() {
    let place = Place::of(LAB);
    let endpoint = Endpoint::start(sgsim(&[]), &place.state);
    let address = endpoint.address;
    for path in ["/metrics", "/healthz"] {
        for header in
            ["Origin: http://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n", "Host: evil.example\r\n"]
        {
            let (status, reply) = get(address, path, header);
            assert!(status == 403 && !reply.contains("sgsim_"), "{path} {header}: {reply}");
        }
        let foreign = request_over(connect(address), &format!("GET {path}"), "Host: evil.example\r\n", "");
        assert_eq!(foreign.0, 403);
        assert_ne!(
            request_over(connect(address), &format!("POST {path}"), &format!("Host: {address}\r\n"), "").0,
            200
        );
    }
}
