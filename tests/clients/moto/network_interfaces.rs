//! Network interfaces. Most of these tests begin with a subnet whose IPv6 block is not one of its VPC.

use super::MotoFile;
use super::Why::{Aws, OutOfScope};

const BLOCK: &str = "a subnet's IPv6 block is one of its VPC's";
const SSM: &str = "parameters of SSM, which name images";

const FILE: MotoFile = MotoFile {
    name: "test_elastic_network_interfaces",
    passing: 3,
    failing: &[
        ("test_assign_ipv6_addresses__by_address", Aws(BLOCK)),
        ("test_assign_ipv6_addresses__by_address_and_count", Aws(BLOCK)),
        ("test_assign_ipv6_addresses__by_count", Aws(BLOCK)),
        ("test_assign_private_ip_addresses__by_address", Aws(BLOCK)),
        ("test_assign_private_ip_addresses__with_secondary_count", Aws(BLOCK)),
        ("test_create_instance__termination_deletes_eni[DeleteOnTermination]", OutOfScope(SSM)),
        ("test_create_instance__termination_deletes_eni[KeepOnTermination]", OutOfScope(SSM)),
        ("test_elastic_network_interfaces", Aws(BLOCK)),
        ("test_elastic_network_interfaces_association", Aws(BLOCK)),
        ("test_elastic_network_interfaces_auto_create_securitygroup", Aws(BLOCK)),
        ("test_elastic_network_interfaces_describe_attachment", Aws(BLOCK)),
        ("test_elastic_network_interfaces_describe_network_interfaces_with_filter", Aws(BLOCK)),
        ("test_elastic_network_interfaces_filter_by_tag", Aws(BLOCK)),
        ("test_elastic_network_interfaces_filtering", Aws(BLOCK)),
        ("test_elastic_network_interfaces_get_by_attachment_id", Aws(BLOCK)),
        ("test_elastic_network_interfaces_get_by_attachment_instance_id", Aws(BLOCK)),
        ("test_elastic_network_interfaces_get_by_attachment_instance_owner_id", Aws(BLOCK)),
        ("test_elastic_network_interfaces_get_by_description", Aws(BLOCK)),
        ("test_elastic_network_interfaces_get_by_private_ip", Aws(BLOCK)),
        ("test_elastic_network_interfaces_get_by_subnet_id", Aws(BLOCK)),
        ("test_elastic_network_interfaces_get_by_tag_name", Aws(BLOCK)),
        ("test_elastic_network_interfaces_get_by_vpc_id", Aws(BLOCK)),
        ("test_elastic_network_interfaces_modify_attribute", Aws(BLOCK)),
        ("test_elastic_network_interfaces_with_groups", Aws(BLOCK)),
        ("test_elastic_network_interfaces_with_private_ip", Aws(BLOCK)),
        ("test_elastic_network_interfaces_without_group", Aws(BLOCK)),
        ("test_eni_detachment", Aws(BLOCK)),
        ("test_recreate_instance_with_same_ip_address", OutOfScope(SSM)),
        ("test_unassign_ipv6_addresses", Aws(BLOCK)),
        ("test_unassign_private_ip_addresses", Aws(BLOCK)),
        ("test_unassign_private_ip_addresses__multiple", Aws(BLOCK)),
    ],
};

#[test]
fn moto_tests_of_network_interfaces_pass_but_for_those_that_aws_contradicts() {
    FILE.check();
}
