//! Network ACLs.

use super::MotoFile;
use super::Why::Aws;

const IMPLICIT: &str = "every ACL shows the entry that denies the rest (N-04)";

const FILE: MotoFile = MotoFile {
    name: "test_network_acls",
    passing: 9,
    failing: &[
        ("test_delete_network_acl_entry", Aws(IMPLICIT)),
        ("test_describe_network_acls", Aws("an entry for UDP has ports (N-06)")),
        (
            "test_describe_network_acls_associations_by_subnet",
            Aws("AWS's message names a networkAcl, as InvalidNetworkAclID.NotFound does"),
        ),
        ("test_network_acl_entries", Aws("a block is one, and of one family (N-06)")),
        ("test_replace_network_acl_entry", Aws(IMPLICIT)),
    ],
};

#[test]
fn moto_tests_of_network_acls_pass_but_for_those_that_aws_contradicts() {
    FILE.check();
}
