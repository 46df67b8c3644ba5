//! Security groups.

use super::MotoFile;
use super::Why::{Aws, AwsAtRandom};

const NO_VPC: &str = "the VPC must exist";
const COMMON_VPC: &str = "a reference needs a VPC in common (R-23)";
const MALFORMED: &str = "an id must look like one (R-E12)";
const PORT_ORDER: &str = "the first port is not above the last (R-E5)";
const ITSELF: &str = "a default group lets itself in (M-31)";
const HOST_BITS: &str = "blocks are stored without host bits (R-18)";
const NAMES: &str = "names are for the default VPC (R-26)";

const FILE: MotoFile = MotoFile {
    name: "test_security_groups",
    passing: 34,
    failing: &[
        ("test_authorize_and_revoke_in_bulk", Aws(COMMON_VPC)),
        ("test_authorize_group_in_vpc", Aws(NO_VPC)),
        ("test_authorize_ip_range_and_revoke", Aws(NO_VPC)),
        ("test_authorize_other_group_and_revoke", Aws(MALFORMED)),
        ("test_create_and_describe_vpc_security_group", Aws(NO_VPC)),
        ("test_create_two_security_groups_with_same_name_in_different_vpc", Aws(NO_VPC)),
        ("test_delete_security_group_in_vpc", Aws(NO_VPC)),
        ("test_describe_security_groups", Aws(NO_VPC)),
        ("test_filter_egress__ip_permission__from_port", Aws(PORT_ORDER)),
        ("test_get_all_security_groups_filter_with_same_vpc_id", Aws(NO_VPC)),
        ("test_get_groups_by_ippermissions_group_id_filter_across_vpcs", Aws(COMMON_VPC)),
        ("test_non_existent_security_group_raises_error_on_authorize", Aws(MALFORMED)),
        ("test_revoke_security_group_egress__without_ipprotocol", Aws(ITSELF)),
        ("test_sec_group_rule_limit[Use VPC]", Aws(HOST_BITS)),
        ("test_sec_group_rule_limit[Without VPC]", Aws(HOST_BITS)),
        ("test_security_group_filter_ip_permission", AwsAtRandom(PORT_ORDER)),
        ("test_update_security_group_rule_descriptions_egress", Aws(NAMES)),
        ("test_update_security_group_rule_descriptions_ingress", Aws(NAMES)),
    ],
};

#[test]
fn moto_tests_of_security_groups_pass_but_for_those_that_aws_contradicts() {
    FILE.check();
}
