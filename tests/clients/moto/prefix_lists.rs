//! Prefix lists.

use super::MotoFile;
use super::Why::{Aws, OutOfScope};

const FAMILY: &str = "a list's family is IPv4 or IPv6, not `?` (A-10)";
const AWS_LISTS: &str = "AWS's own prefix lists (R-35)";

const FILE: MotoFile = MotoFile {
    name: "test_prefix_lists",
    passing: 0,
    failing: &[
        ("test_create", Aws(FAMILY)),
        ("test_create_with_tags", Aws(FAMILY)),
        ("test_delete_managed_prefix_list", Aws(FAMILY)),
        ("test_describe_managed_prefix_lists", OutOfScope(AWS_LISTS)),
        ("test_describe_managed_prefix_lists_with_prefix", OutOfScope(AWS_LISTS)),
        ("test_describe_managed_prefix_lists_with_tags", Aws(FAMILY)),
        ("test_describe_prefix_lists", OutOfScope(AWS_LISTS)),
        ("test_get_managed_prefix_list_entries", Aws(FAMILY)),
        ("test_get_managed_prefix_list_entries_0_entries", Aws(FAMILY)),
        ("test_modify_manage_prefix_list", Aws(FAMILY)),
        ("test_modify_manage_prefix_list_add_to_empty_list", Aws(FAMILY)),
        ("test_modify_manage_prefix_list_name_only", Aws(FAMILY)),
        ("test_modify_manage_prefix_list_specifying_version", Aws(FAMILY)),
    ],
};

#[test]
fn moto_tests_of_prefix_lists_pass_but_for_those_that_aws_contradicts() {
    FILE.check();
}
