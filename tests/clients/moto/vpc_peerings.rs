//! Peerings. Most of the file is for moto in the same process, and skipped.

use super::MotoFile;
use super::Why::Aws;

const FILE: MotoFile = MotoFile {
    name: "test_vpc_peering",
    passing: 4,
    failing: &[(
        "test_vpc_peering_connections_delete",
        Aws("the code is InvalidVpcPeeringConnectionID.NotFound"),
    )],
};

#[test]
fn moto_tests_of_peerings_pass_but_for_those_that_aws_contradicts() {
    FILE.check();
}
