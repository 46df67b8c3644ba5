//! The same with boto3: paginators, waiters, resources and exceptions of its own.

use sg_tests::harness::aws_clients::program;
use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::place::Place;
use sg_tests::harness::program::sgsim;

/// Runs a script of this directory against an endpoint of its own.
#[track_caller]
fn check(script: &str) {
    let place = Place::of(super::LAB);
    place.serve(|state| {
        let endpoint = Endpoint::start(sgsim(&[]), state);
        let script = format!("{}/clients/{script}", env!("CARGO_MANIFEST_DIR"));
        let output = program("python3", &endpoint).arg(&script).output().unwrap();
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{out}\n{error}");
        assert_eq!(out.lines().last(), Some("all checks passed"), "{out}\n{error}");
    });
}

#[test]
fn boto3_drives_groups_rules_and_networks() {
    check("boto3_story.py");
}

#[test]
fn boto3_makes_and_takes_down_a_network_as_terraform_does() {
    check("boto3_network.py");
}
