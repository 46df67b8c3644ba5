//! Flow logs. Nearly all of these tests begin with a bucket of S3 or a log group of CloudWatch, which are services of their own.

use super::MotoFile;
use super::Why::{Aws, OutOfScope};

const LOGS: &str = "CloudWatch Logs: a destination's name is taken as it is";
const S3: &str = "S3: a destination's name is taken as it is";

const FILE: MotoFile = MotoFile {
    name: "test_flow_logs",
    passing: 0,
    failing: &[
        ("test_create_flow_log_create", OutOfScope(S3)),
        ("test_create_flow_logs_cloud_watch", OutOfScope(LOGS)),
        ("test_create_flow_logs_invalid_parameters", OutOfScope(S3)),
        ("test_create_flow_logs_max_aggregation_interval[cn-north-1]", OutOfScope(S3)),
        ("test_create_flow_logs_max_aggregation_interval[us-west-2]", OutOfScope(S3)),
        ("test_create_flow_logs_s3[cn-north-1-aws-cn]", OutOfScope(S3)),
        ("test_create_flow_logs_s3[us-west-2-aws]", OutOfScope(S3)),
        ("test_create_flow_logs_s3__bucket_in_different_partition", OutOfScope(S3)),
        ("test_create_flow_logs_unsuccessful", OutOfScope(S3)),
        ("test_create_multiple_flow_logs_cloud_watch", OutOfScope(LOGS)),
        ("test_create_multiple_flow_logs_s3", OutOfScope(S3)),
        ("test_delete_flow_logs", OutOfScope(S3)),
        ("test_delete_flow_logs_delete_many", OutOfScope(S3)),
        ("test_delete_flow_logs_non_existing", OutOfScope("words that list every id that is missing")),
        ("test_describe_flow_logs_filtering", OutOfScope(S3)),
        ("test_flow_logs_by_ids", Aws("a traffic type is ACCEPT, REJECT or ALL, in capitals (F-01)")),
    ],
};

#[test]
fn moto_tests_of_flow_logs_fail_for_want_of_the_services_that_they_begin_with() {
    FILE.check();
}
