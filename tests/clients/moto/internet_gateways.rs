//! Internet gateways.

use super::MotoFile;

const FILE: MotoFile = MotoFile { name: "test_internet_gateways", passing: 17, failing: &[] };

#[test]
fn moto_tests_of_internet_gateways_pass() {
    FILE.check();
}
