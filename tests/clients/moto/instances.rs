//! Instances.

use super::MotoFile;
use super::Why::{Aws, OutOfScope};

const HOSTS: &str = "dedicated hosts";
const IAM: &str = "instance profiles of IAM";
const KEYS: &str = "key pairs, since nobody logs in to a namespace";
const MACHINES: &str = "what a machine has and a namespace has not: hibernation, credits, firmware";
const MONITORING: &str = "detailed monitoring";
const NETWORKS: &str = "a group and a subnet of one interface are of one VPC (M-14)";
const OTHERS: &str = "an account of its own: instances of the tests before are there, too";
const PUBLIC: &str = "public addresses";
const RESERVED: &str = "the first four addresses of a subnet are AWS's (M-05)";
const TEMPLATES: &str = "launch templates";
const VOLUMES: &str = "volumes and block devices";

const FILE: MotoFile = MotoFile {
    name: "test_instances",
    passing: 50,
    failing: &[
        ("test_create_instance_ebs_optimized", OutOfScope(VOLUMES)),
        ("test_create_instance_from_launch_template__process_tags", OutOfScope(TEMPLATES)),
        ("test_create_instance_from_launch_template_default_version[$Default]", OutOfScope(TEMPLATES)),
        ("test_create_instance_from_launch_template_default_version[1]", OutOfScope(TEMPLATES)),
        (
            "test_create_instance_from_launch_template_latest_and_default_version[$Default]",
            OutOfScope(TEMPLATES),
        ),
        (
            "test_create_instance_from_launch_template_latest_and_default_version[$Latest]",
            OutOfScope(TEMPLATES),
        ),
        ("test_create_instance_from_launch_template_latest_and_default_version[2]", OutOfScope(TEMPLATES)),
        (
            "test_create_instance_from_launch_template_latest_non_default_version[$Latest]",
            OutOfScope(TEMPLATES),
        ),
        ("test_create_instance_from_launch_template_latest_non_default_version[2]", OutOfScope(TEMPLATES)),
        ("test_create_instance_from_launch_template_single_template_version", OutOfScope(TEMPLATES)),
        ("test_create_with_volume_tags", OutOfScope(VOLUMES)),
        ("test_describe_instance_credit_specifications", OutOfScope(MACHINES)),
        ("test_describe_instance_status_no_instances", OutOfScope(OTHERS)),
        ("test_describe_instance_with_enhanced_monitoring", OutOfScope(MONITORING)),
        ("test_describe_instance_without_enhanced_monitoring", OutOfScope(MONITORING)),
        ("test_describe_instances_filter_vpcid_via_networkinterface", Aws(RESERVED)),
        ("test_describe_instances_while_attaching_and_detaching_volumes", OutOfScope(VOLUMES)),
        ("test_describe_instances_with_keypair_filter", OutOfScope(KEYS)),
        ("test_ec2_classic_has_public_ip_address", OutOfScope(PUBLIC)),
        ("test_get_instance_by_security_group", Aws("a group is shown with its name")),
        ("test_get_instance_uefi_data", OutOfScope(MACHINES)),
        ("test_get_instances_filtering_by_architecture", OutOfScope(OTHERS)),
        ("test_get_instances_filtering_by_dns_name", OutOfScope(PUBLIC)),
        ("test_get_instances_filtering_by_ni_private_dns", Aws("an address is one of its subnet")),
        ("test_get_instances_filtering_by_private_dns", Aws("an address is one of its subnet")),
        (
            "test_get_instances_filtering_by_reason_code",
            Aws("an instance that runs has no state reason, not an empty one"),
        ),
        ("test_get_paginated_instances", Aws("a page has so many instances, whatever their reservations")),
        ("test_instance_attach_volume", OutOfScope(VOLUMES)),
        ("test_instance_attribute_instance_type", Aws("an instance's type changes while it is stopped")),
        ("test_instance_attribute_user_data", Aws("an instance's user data changes while it is stopped")),
        ("test_instance_detach_volume_wrong_path", OutOfScope(VOLUMES)),
        ("test_instance_iam_instance_profile", OutOfScope(IAM)),
        ("test_instance_launch_and_terminate", OutOfScope(VOLUMES)),
        ("test_instance_lifecycle", OutOfScope(VOLUMES)),
        ("test_instance_terminate_detach_volumes", OutOfScope(VOLUMES)),
        ("test_instance_terminate_discard_volumes", OutOfScope(VOLUMES)),
        ("test_instance_terminate_keep_volumes_explicit", OutOfScope(VOLUMES)),
        ("test_instance_terminate_keep_volumes_implicit", OutOfScope(VOLUMES)),
        ("test_instance_with_nic_attach_detach", Aws(NETWORKS)),
        ("test_instance_without_default_subnet", OutOfScope("words about EC2-Classic")),
        ("test_modify_delete_on_termination", OutOfScope(VOLUMES)),
        ("test_modify_instance_attribute_security_groups", Aws("an interface has at least one group (M-13)")),
        ("test_modify_instance_metadata_options", OutOfScope("an answer over IPv6")),
        ("test_run_instance_and_associate_public_ip", OutOfScope(PUBLIC)),
        ("test_run_instance_in_subnet_with_nic_private_ip", Aws(RESERVED)),
        ("test_run_instance_in_subnet_with_nic_private_ip_and_public_association", OutOfScope(PUBLIC)),
        ("test_run_instance_mapped_public_ipv4", OutOfScope(PUBLIC)),
        ("test_run_instance_with_additional_args[False]", OutOfScope(MACHINES)),
        ("test_run_instance_with_additional_args[True]", OutOfScope(MACHINES)),
        ("test_run_instance_with_block_device_mappings", OutOfScope(VOLUMES)),
        ("test_run_instance_with_block_device_mappings_from_snapshot", OutOfScope(VOLUMES)),
        ("test_run_instance_with_block_device_mappings_missing_ebs", OutOfScope(VOLUMES)),
        ("test_run_instance_with_block_device_mappings_missing_size", OutOfScope(VOLUMES)),
        ("test_run_instance_with_block_device_mappings_using_no_device", OutOfScope(VOLUMES)),
        ("test_run_instance_with_keypair", OutOfScope(KEYS)),
        ("test_run_instance_with_nic_autocreated", Aws("a group's name is for the default VPC (R-26)")),
        ("test_run_instance_with_nic_preexisting", Aws(NETWORKS)),
        ("test_run_instance_with_placement", OutOfScope(HOSTS)),
        ("test_run_instances__instance_type_from_launch_template", OutOfScope(TEMPLATES)),
        ("test_run_instances__instance_type_override_takes_priority", OutOfScope(TEMPLATES)),
        ("test_run_instances__key_name_from_launch_template", OutOfScope(KEYS)),
        ("test_run_instances__security_group_ids_from_launch_template", OutOfScope(TEMPLATES)),
        ("test_run_instances__user_data_from_launch_template", OutOfScope(TEMPLATES)),
        ("test_run_instances__user_data_override_takes_priority", OutOfScope(TEMPLATES)),
        ("test_run_instances_default_response", OutOfScope(VOLUMES)),
        ("test_run_instances_with_unknown_security_group", Aws("an id must look like one (R-E12)")),
        ("test_run_multiple_instances_with_single_nic_template", OutOfScope(PUBLIC)),
    ],
};

#[test]
fn moto_tests_of_instances_pass_but_for_those_that_aws_contradicts() {
    FILE.check();
}
