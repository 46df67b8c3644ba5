//! moto's own tests of security groups, from its source distribution, as an outside client over the wire. What contradicts
//! AWS's rules is listed, with the rule that it breaks; everything else must pass.

use std::collections::BTreeSet;

use sg_tests::harness::aws_clients::{directory, program};
use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::place::Place;
use sg_tests::harness::program::sgsim;
use sg_userspace::aws::region::Region;
use sg_userspace::command::subnet::CreateSubnet;
use sg_userspace::command::vpc::CreateVpc;
use sg_userspace::command::{Command, Reply};
use sg_userspace::controller::client::Client;
use sg_userspace::controller::directory::StateDirectory;
use sg_userspace::controller::protocol::{self, Request};

/// The version whose tests these are: what `cargo xtask aws-clients` installs.
const MOTO: &str = "moto-5.2.5";
const FILE: &str = "tests/test_ec2/test_security_groups.py";

/// Tests that AWS's rules contradict, with the rules.
const CONTRADICTED: [(&str, &str); 18] = [
    ("test_authorize_and_revoke_in_bulk", "a reference needs a VPC in common (R-23)"),
    ("test_authorize_group_in_vpc", "the VPC must exist"),
    ("test_authorize_ip_range_and_revoke", "the VPC must exist"),
    ("test_authorize_other_group_and_revoke", "an id must look like one (R-E12)"),
    ("test_create_and_describe_vpc_security_group", "the VPC must exist"),
    ("test_create_two_security_groups_with_same_name_in_different_vpc", "the VPC must exist"),
    ("test_delete_security_group_in_vpc", "the VPC must exist"),
    ("test_describe_security_groups", "the VPC must exist"),
    ("test_filter_egress__ip_permission__from_port", "the first port is not above the last (R-E5)"),
    ("test_get_all_security_groups_filter_with_same_vpc_id", "the VPC must exist"),
    (
        "test_get_groups_by_ippermissions_group_id_filter_across_vpcs",
        "a reference needs a VPC in common (R-23)",
    ),
    ("test_non_existent_security_group_raises_error_on_authorize", "an id must look like one (R-E12)"),
    ("test_revoke_security_group_egress__without_ipprotocol", "a default group lets itself in (M-31)"),
    ("test_sec_group_rule_limit[Use VPC]", "blocks are stored without host bits (R-18)"),
    ("test_sec_group_rule_limit[Without VPC]", "blocks are stored without host bits (R-18)"),
    // Its ports are at random, so it passes now and then.
    ("test_security_group_filter_ip_permission", "the first port is not above the last (R-E5)"),
    ("test_update_security_group_rule_descriptions_egress", "names are for the default VPC (R-26)"),
    ("test_update_security_group_rule_descriptions_ingress", "names are for the default VPC (R-26)"),
];

/// Gives a region the default VPC that every account has.
fn default_vpc(state: &StateDirectory, region: &Region) {
    let change = |command: Command| {
        let request = Request::Change { command: Box::new(command) };
        match Client::connect(state).unwrap().call(&request).unwrap() {
            protocol::Reply::Applied { answer: Some(answer), .. } => *answer,
            other => panic!("{other:?}"),
        }
    };
    let vpc = CreateVpc {
        region: region.clone(),
        cidr_ipv4: vec!["172.31.0.0/16".parse().unwrap()],
        is_default: true,
        ..CreateVpc::default()
    };
    let Reply::Vpc { vpc_id, .. } = change(vpc.into()) else { panic!("no VPC") };
    for (zone, block) in [('a', "172.31.0.0/20"), ('b', "172.31.16.0/20"), ('c', "172.31.32.0/20")] {
        let subnet = CreateSubnet {
            vpc_id: vpc_id.clone(),
            availability_zone: region.zone(zone),
            cidr_ipv4: block.parse().unwrap(),
            cidr_ipv6: None,
            tags: std::collections::BTreeMap::new(),
        };
        change(subnet.into());
    }
}

#[test]
fn moto_s_tests_of_security_groups_pass_but_for_those_that_aws_contradicts() {
    let place = Place::of(super::LAB);
    place.serve(|state| {
        for region in ["us-east-1", "us-west-1", "us-west-2", "ca-central-1", "eu-west-1"] {
            default_vpc(state, &region.parse().unwrap());
        }
        let endpoint = Endpoint::start(sgsim(&[]), state);
        let output = program("python3", &endpoint)
            .args(["-m", "pytest", "-q", "-rfE", "--tb=line", "--color=no", "-p", "no:cacheprovider", FILE])
            .current_dir(directory().join(MOTO))
            .envs([("TEST_SERVER_MODE", "true"), ("MOTO_CALL_RESET_API", "false")])
            .env("TEST_SERVER_MODE_ENDPOINT", endpoint.url())
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&output.stdout);
        // `FAILED file::name - why`; a name may have blanks in it.
        let bad = out.lines().filter(|line| line.starts_with("FAILED ") || line.starts_with("ERROR "));
        let bad = bad.filter_map(|line| line.split_once("::")?.1.split(" - ").next());
        let known = CONTRADICTED.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>();
        let news = bad.filter(|name| !known.contains(name)).collect::<Vec<_>>();
        assert!(news.is_empty(), "{news:?}\n{out}");
        let passed = out.lines().rev().find_map(|line| {
            let words = line.split([' ', ',']).filter(|word| !word.is_empty()).collect::<Vec<_>>();
            words.windows(2).find(|pair| pair[1] == "passed")?[0].parse::<usize>().ok()
        });
        assert!(passed.is_some_and(|passed| passed >= 34), "{passed:?} passed\n{out}");
    });
}
