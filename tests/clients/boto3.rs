//! The same with boto3: paginators, waiters, resources and exceptions of its own.

use sg_tests::harness::aws_clients::program;
use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::place::Place;
use sg_tests::harness::program::sgsim;

#[test]
fn boto3_drives_groups_rules_and_networks() {
    let place = Place::of(super::LAB);
    place.serve(|state| {
        let endpoint = Endpoint::start(sgsim(&[]), state);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/boto3_story.py");
        let output = program("python3", &endpoint).arg(script).output().unwrap();
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{out}\n{error}");
        assert_eq!(out.lines().last(), Some("all checks passed"), "{out}\n{error}");
    });
}
