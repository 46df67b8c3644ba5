//! Route tables.

use super::MotoFile;
use super::Why::{Aws, OutOfScope};

const LOCAL: &str = "a route to a gateway or a peering is for no block within the VPC's own";
const FAMILY: &str = "a prefix list's family is IPv4 or IPv6, not `?` (A-10)";
const ADDRESS: &str = "an interface's address is one of its subnet's";
const INTERFACES: &str = "routes to interfaces";
const TRANSIT: &str = "transit gateways";
const VPN: &str = "VPN gateways";
const NAT: &str = "NAT gateways";
const ENDPOINTS: &str = "VPC endpoints";
const EGRESS: &str = "egress-only internet gateways";
const EDGE: &str = "route tables of gateways";

const FILE: MotoFile = MotoFile {
    name: "test_route_tables",
    passing: 11,
    failing: &[
        ("test_route_tables_filters_standard", Aws(LOCAL)),
        ("test_route_tables_filters_vpc_peering_connection", Aws(LOCAL)),
        ("test_routes_additional", Aws(LOCAL)),
        ("test_routes_already_exist", Aws(LOCAL)),
        ("test_routes_vpc_peering_connection", Aws(LOCAL)),
        ("test_routes_replace", Aws(FAMILY)),
        ("test_route_tables_filters_transit_gateway", OutOfScope(TRANSIT)),
        ("test_routes_not_supported", OutOfScope(INTERFACES)),
        ("test_create_route_with_network_interface_id", Aws(ADDRESS)),
        ("test_routes_vpn_gateway", OutOfScope(VPN)),
        ("test_describe_route_tables_with_nat_gateway", OutOfScope(NAT)),
        ("test_describe_route_tables_filter_with_nat_gateway_id", OutOfScope(NAT)),
        ("test_create_vpc_end_point", OutOfScope(ENDPOINTS)),
        ("test_create_route_with_vpc_endpoint", OutOfScope(ENDPOINTS)),
        ("test_create_route_with_invalid_vpc_endpoint", OutOfScope(ENDPOINTS)),
        ("test_create_route_with_egress_only_igw", OutOfScope(EGRESS)),
        ("test_create_route_with_unknown_egress_only_igw", OutOfScope(EGRESS)),
        ("test_associate_route_table_by_gateway", OutOfScope(EDGE)),
    ],
};

#[test]
fn moto_tests_of_route_tables_pass_but_for_those_that_aws_contradicts() {
    FILE.check();
}
