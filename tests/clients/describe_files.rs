//! What the AWS CLI prints about a lab, in files, is that lab; and `sgsim export` writes the same.

use sg_tests::harness::aws_clients::AwsCli;
use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::numbering::renumbered;
use sg_tests::harness::place::Place;
use sg_tests::harness::program::sgsim;
use sg_userspace::import::export::export;
use sg_userspace::import::source::{SourceFile, Sources};

const LAB: &str = include_str!("../../examples/peering.yaml");

#[test]
fn aws_cli_s_answers_are_the_lab_they_are_about() {
    let place = Place::of(LAB);
    place.serve(|state| {
        let endpoint = Endpoint::start(sgsim(&[]), state);
        let aws = AwsCli(&endpoint);
        aws.run("ec2 describe-vpcs");
        let world = sg_userspace::controller::client::Client::connect(state).unwrap();
        let world = world_of(world);
        let written = export(&world, &[], "123456789012").unwrap();
        let mut files = Vec::new();
        for file in &written {
            let call = file.name.strip_suffix(".json").unwrap();
            let value = match call.split_once("-pl-") {
                _ if call == "sgsim-settings" => serde_json::from_str(&file.text).unwrap(),
                Some((call, list)) => aws.run(&format!("ec2 {call} --prefix-list-id pl-{list}")),
                None => aws.run(&format!("ec2 {call}")),
            };
            let exported: serde_json::Value = serde_json::from_str(&file.text).unwrap();
            assert_eq!(exported, value, "{call}");
            files.push(SourceFile { name: file.name.clone(), text: value.to_string() });
        }
        let sources = Sources { files, ..Sources::default() };
        let loaded = sources.load(0).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(loaded.report.left_out, []);
        assert_eq!(renumbered(loaded.world), renumbered(world));
    });
}

fn world_of(mut client: sg_userspace::controller::client::Client) -> sg_userspace::aws::world::World {
    use sg_userspace::controller::protocol::{Reply, Request};
    match client.call(&Request::World).unwrap() {
        Reply::World { world, .. } => *world,
        other => panic!("{other:?}"),
    }
}
