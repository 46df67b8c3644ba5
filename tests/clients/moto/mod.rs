//! moto's own tests, from its source distribution, as an outside client over the wire: each of its files has a table of
//! the tests that fail and why, and how many pass. Every other test must pass, and what is listed must fail, so that the
//! tables stay true.

mod flow_logs;
mod instances;
mod internet_gateways;
mod network_acls;
mod network_interfaces;
mod prefix_lists;
mod route_tables;
mod security_groups;
mod subnets;
mod vpc_peerings;
mod vpcs;

use std::collections::{BTreeMap, BTreeSet};

use sg_tests::harness::aws_clients::{directory, program};
use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::place::Place;
use sg_tests::harness::program::sgsim;
use sg_userspace::aws::region::Region;
use sg_userspace::command::default_vpc::CreateDefaultVpc;
use sg_userspace::controller::client::Client;
use sg_userspace::controller::directory::StateDirectory;
use sg_userspace::controller::protocol::{Reply, Request};

/// The version whose tests these are: what `cargo xtask aws-clients` installs.
const MOTO: &str = "moto-5.2.5";
/// Regions that moto's tests expect a default VPC in.
const REGIONS: [&str; 9] = [
    "us-east-1",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "eu-west-1",
    "eu-central-1",
    "eu-north-1",
    "ap-northeast-1",
    "sa-east-1",
];

/// Why a test of moto's fails here.
#[derive(Clone, Copy)]
enum Why {
    /// AWS's rules contradict it: this one.
    Aws(&'static str),
    /// The same, for a test that draws its values at random and passes now and then.
    AwsAtRandom(&'static str),
    /// It needs what is not there, which README says: this.
    OutOfScope(&'static str),
    /// It is not run, since it needs what this tier has not got: this.
    NotRun(&'static str),
}

/// One of moto's files.
struct MotoFile {
    /// Its name below `tests/test_ec2`, without `.py`.
    name: &'static str,
    /// How many of its tests pass, those aside that fail at random.
    passing: usize,
    /// The tests that fail or are not run.
    failing: &'static [(&'static str, Why)],
}

impl MotoFile {
    /// Runs it against an endpoint of its own.
    fn check(&self) {
        let place = Place::of(super::LAB);
        place.serve(|state| {
            for region in REGIONS {
                default_vpc(state, region.parse().unwrap());
            }
            self.check_against(&Endpoint::start(sgsim(&[]), state));
        });
    }

    fn check_against(&self, endpoint: &Endpoint) {
        let file = format!("tests/test_ec2/{}.py", self.name);
        let (not_run, failing): (Vec<_>, Vec<_>) =
            self.failing.iter().copied().partition(|(_, why)| matches!(why, Why::NotRun(_)));
        let output = program("python3", endpoint)
            .args([
                "-m",
                "pytest",
                "-q",
                "-rpfE",
                "--tb=short",
                "--color=no",
                "-p",
                "no:cacheprovider",
                &file,
            ])
            .args(not_run.iter().map(|(test, _)| format!("--deselect={file}::{test}")))
            .current_dir(directory().join(MOTO))
            .envs([("TEST_SERVER_MODE", "true"), ("MOTO_CALL_RESET_API", "false")])
            .env("TEST_SERVER_MODE_ENDPOINT", endpoint.url())
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&output.stdout);
        // 0: everything passed, 1: something failed; anything else, such as a file that cannot be read, is no run of its tests.
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}: pytest ran no tests\n{out}", self.name);
        let (passed, failed) = (tests(&out, &["PASSED "]), tests(&out, &["FAILED ", "ERROR "]));
        let known = failing.iter().copied().collect::<BTreeMap<_, _>>();
        assert_eq!(known.len(), failing.len(), "{}: a test is listed twice", self.name);
        let news = failed.iter().filter(|name| !known.contains_key(*name)).collect::<Vec<_>>();
        assert!(news.is_empty(), "{}: these fail and are not listed: {news:#?}\n{out}", self.name);
        let at_random = |name: &str| matches!(known.get(name), Some(Why::AwsAtRandom(_)));
        let stale = known.iter().filter(|(name, _)| !failed.contains(*name) && !at_random(name));
        let stale = stale
            .map(|(name, why)| {
                let (Why::Aws(why) | Why::AwsAtRandom(why) | Why::OutOfScope(why) | Why::NotRun(why)) = why;
                format!("{name} ({why})")
            })
            .collect::<Vec<_>>();
        assert!(stale.is_empty(), "{}: these are listed and do not fail: {stale:#?}\n{out}", self.name);
        let passed = passed.iter().filter(|name| !at_random(name)).count();
        assert_eq!(passed, self.passing, "{}: tests that pass\n{out}", self.name);
    }
}

/// The tests under these words in pytest's summary, whose lines are `FAILED file::name - why`; a name may have blanks in it.
fn tests<'o>(out: &'o str, words: &[&str]) -> BTreeSet<&'o str> {
    let lines = out.lines().filter(|line| words.iter().any(|word| line.starts_with(word)));
    lines.filter_map(|line| line.split_once("::")?.1.split(" - ").next()).collect()
}

/// Gives a region the default VPC that every account has.
fn default_vpc(state: &StateDirectory, region: Region) {
    let zones = ['a', 'b', 'c'].map(|letter| region.zone(letter)).into();
    let command = Box::new(CreateDefaultVpc { region, zones }.into());
    match Client::connect(state).unwrap().call(&Request::Change { command }).unwrap() {
        Reply::Applied { .. } => {}
        other => panic!("{other:?}"),
    }
}
