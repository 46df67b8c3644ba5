//! VPCs.

use super::MotoFile;
use super::Why::{Aws, OutOfScope};

const MALFORMED: &str = "an id must look like one, and is looked at before it is looked for (A-01)";
const HOST_BITS: &str = "blocks are stored without host bits (M-03)";
const DHCP: &str = "sets of DHCP options";
const TENANCY: &str = "dedicated hardware";
const FIVE: &str = "a VPC has up to five IPv6 blocks (Q-14)";
const CLASSIC: &str = "EC2-Classic is no more, and neither are its links";
const ENDPOINTS: &str = "VPC endpoints";
const AWS_LISTS: &str = "AWS's own prefix lists (R-35)";

const FILE: MotoFile = MotoFile {
    name: "test_vpcs",
    passing: 26,
    failing: &[
        ("test_vpc_get_by_id", Aws(MALFORMED)),
        ("test_vpc_get_by_cidr_block", Aws(HOST_BITS)),
        ("test_vpc_get_by_dhcp_options_id", OutOfScope(DHCP)),
        ("test_vpc_associate_dhcp_options", OutOfScope(DHCP)),
        ("test_vpc_dedicated_tenancy", OutOfScope(TENANCY)),
        ("test_vpc_modify_tenancy_unknown", OutOfScope(TENANCY)),
        ("test_disassociate_vpc_ipv4_cidr_block", Aws(MALFORMED)),
        ("test_vpc_associate_ipv6_cidr_block", Aws(FIVE)),
        ("test_enable_vpc_classic_link", Aws(CLASSIC)),
        ("test_enable_vpc_classic_link_failure", Aws(CLASSIC)),
        ("test_disable_vpc_classic_link", Aws(CLASSIC)),
        ("test_describe_classic_link_enabled", Aws(CLASSIC)),
        ("test_describe_classic_link_disabled", Aws(CLASSIC)),
        ("test_describe_classic_link_multiple", Aws(CLASSIC)),
        ("test_enable_vpc_classic_link_dns_support", Aws(CLASSIC)),
        ("test_disable_vpc_classic_link_dns_support", Aws(CLASSIC)),
        ("test_describe_classic_link_dns_support_enabled", Aws(CLASSIC)),
        ("test_describe_classic_link_dns_support_disabled", Aws(CLASSIC)),
        ("test_describe_classic_link_dns_support_multiple", Aws(CLASSIC)),
        ("test_create_vpc_endpoint__policy", OutOfScope(ENDPOINTS)),
        ("test_describe_vpc_gateway_end_points", OutOfScope(ENDPOINTS)),
        ("test_describe_vpc_interface_end_points", OutOfScope(ENDPOINTS)),
        ("test_modify_vpc_endpoint_add_subnet", OutOfScope(ENDPOINTS)),
        ("test_modify_vpc_endpoint_add_duplicate_subnet", OutOfScope(ENDPOINTS)),
        ("test_modify_vpc_endpoint_remove_subnet", OutOfScope(ENDPOINTS)),
        ("test_modify_vpc_endpoint_add_route_table", OutOfScope(ENDPOINTS)),
        ("test_modify_vpc_endpoint_add_duplicate_route_table", OutOfScope(ENDPOINTS)),
        ("test_modify_vpc_endpoint_remove_route_table", OutOfScope(ENDPOINTS)),
        ("test_modify_vpc_endpoint_add_security_group", OutOfScope(ENDPOINTS)),
        ("test_modify_vpc_endpoint_add_security_group_duplicate", OutOfScope(ENDPOINTS)),
        ("test_modify_vpc_endpoint_remove_security_group", OutOfScope(ENDPOINTS)),
        ("test_delete_vpc_end_points", OutOfScope(ENDPOINTS)),
        ("test_describe_prefix_lists", OutOfScope(AWS_LISTS)),
    ],
};

#[test]
fn moto_tests_of_vpcs_pass_but_for_those_that_aws_contradicts() {
    FILE.check();
}
