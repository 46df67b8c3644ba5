//! Subnets.

use super::MotoFile;
use super::Why::{Aws, NotRun, OutOfScope};

const MALFORMED: &str = "an id must look like one, and is looked at before it is looked for (A-01)";
const ZONE: &str = "a subnet's zone is in the region of its VPC (M-06)";
const IPV6: &str = "addresses are assigned from the subnet's IPv6 block, which must be there";
const RANGE: &str = "an IPv6 block is one of the VPC's, /44 to /64 (M-04)";
const NATIVE: &str = "subnets without IPv4";
const NAMES: &str = "names of instances in DNS";
const RESERVATIONS: &str = "reservations of blocks in subnets";

const FILE: MotoFile = MotoFile {
    name: "test_subnets",
    passing: 22,
    failing: &[
        ("test_create_default_subnet", Aws("a VPC is not deleted while a gateway is attached to it")),
        ("test_run_instances_should_attach_to_default_subnet", NotRun("namespaces, which instances are")),
        ("test_subnet_get_by_id", Aws(MALFORMED)),
        ("test_availability_zone_in_create_subnet", Aws(ZONE)),
        ("test_create_subnet_with_tags", Aws(ZONE)),
        ("test_modify_subnet_attribute_assign_ipv6_address_on_creation", Aws(IPV6)),
        ("test_associate_subnet_cidr_block", Aws(RANGE)),
        ("test_disassociate_subnet_cidr_block", Aws(RANGE)),
        ("test_create_ipv6native_subnet", OutOfScope(NATIVE)),
        ("test_create_ipv6native_subnet_with_ipv4_and_ipv6_cidr", OutOfScope(NATIVE)),
        ("test_create_ipv6native_subnet_with_ipv4_cidr", OutOfScope(NATIVE)),
        ("test_create_ipv6native_subnet_without_cidr", OutOfScope(NATIVE)),
        ("test_private_dns_name_options", OutOfScope(NAMES)),
        ("test_create_subnet_cidr_reservations", OutOfScope(RESERVATIONS)),
        ("test_create_subnet_cidr_reservations_err_outside_subnet", OutOfScope(RESERVATIONS)),
        ("test_create_subnet_cidr_reservations_err_overlap_existing", OutOfScope(RESERVATIONS)),
        ("test_get_subnet_cidr_reservations_empty", OutOfScope(RESERVATIONS)),
        ("test_get_subnet_cidr_reservations_ipv4", OutOfScope(RESERVATIONS)),
        ("test_get_subnet_cidr_reservations_ipv6", OutOfScope(RESERVATIONS)),
        ("test_get_subnet_cidr_reservations_dual", OutOfScope(RESERVATIONS)),
        ("test_get_subnet_cidr_reservations_type_filter", OutOfScope(RESERVATIONS)),
        ("test_delete_subnet_cidr_reservation_not_exists", OutOfScope(RESERVATIONS)),
        ("test_delete_subnet_cidr_reservation", OutOfScope(RESERVATIONS)),
    ],
};

#[test]
fn moto_tests_of_subnets_pass_but_for_those_that_aws_contradicts() {
    FILE.check();
}
