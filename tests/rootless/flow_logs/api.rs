//! Flow logs over the wire: what AWS refuses, what it does in part, what it shows (F-01, F-13).

use crate::ec2::{Account, text, texts};

const CREATE: &str =
    "CreateFlowLogs&TrafficType=ALL&LogDestinationType=s3&LogDestination=arn:aws:s3:::bucket";
const LOGS: &str = "CreateFlowLogs&TrafficType=ALL&LogGroupName=group";

fn default_vpc(account: &Account) -> String {
    text(&account.call("DescribeVpcs"), "vpcId")
}

#[test]
fn f13_parameters_that_aws_refuses() {
    let account = Account::new();
    let on = format!("&ResourceType=VPC&ResourceId.1={}", default_vpc(&account));
    let role = "&DeliverLogsPermissionArn=arn:aws:iam::123456789012:role/logs";
    let refusals = [
        (
            format!("CreateFlowLogs&TrafficType=ALL{on}"),
            "LogDestination can't be empty if LogGroupName is not provided.",
        ),
        (
            format!("{LOGS}{role}&LogDestination=arn:aws:s3:::b{on}"),
            "Please only provide LogGroupName or only provide LogDestination.",
        ),
        (
            format!("{LOGS}&LogDestinationType=s3{on}"),
            "LogDestination type must be cloud-watch-logs if LogGroupName is provided.",
        ),
        (
            format!("{LOGS}{on}"),
            "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.",
        ),
        (format!("{CREATE}{on}&MaxAggregationInterval=10"), "Invalid Flow Log Max Aggregation Interval"),
        (format!("{CREATE}{on}&LogFormat=source"), "Unknown fields provided"),
        (format!("{LOGS}/..%20/{role}{on}"), "LogGroupName: group/.. / is not a valid log group name."),
    ];
    for (call, message) in refusals {
        assert_eq!(account.refused(&call, "InvalidParameter"), message, "{call}");
    }
    let without_traffic = CREATE.replace("&TrafficType=ALL", "");
    account.refused(&format!("{without_traffic}{on}"), "MissingParameter");
    account.refused(&format!("{CREATE}{on}").replace("=ALL", "=SOME"), "InvalidParameterValue");
    account.refused(&format!("{CREATE}&ResourceType=VPC"), "MissingParameter");
    account
        .refused(&format!("{CREATE}&ResourceType=TransitGateway&ResourceId.1=tgw-1"), "UnsupportedOperation");
    account.refused(&format!("{CREATE}&ResourceType=Subnet&ResourceId.1=vpc-1"), "InvalidSubnetID.Malformed");
    let parquet = format!("{CREATE}{on}&DestinationOptions.FileFormat=parquet");
    account.refused(&parquet, "UnsupportedOperation");
    account.refused(
        &format!("{CREATE}{on}&DryRun=true")
            .replace("&DryRun", "&TagFieldSpecification.1.ResourceType=instance&DryRun"),
        "UnsupportedOperation",
    );
    assert_eq!(texts(&account.call("DescribeFlowLogs"), "flowLogId"), [""; 0], "no refused call made one");

    account.call(&format!("{CREATE}{on}"));
    let repeated = account.refused(&format!("{CREATE}{on}"), "FlowLogAlreadyExists");
    assert_eq!(
        repeated,
        "Error. There is an existing Flow Log with the same configuration and log destination."
    );
    account.call(&format!("{CREATE}{on}").replace("=ALL", "=REJECT"));
    account.call(&format!("{CREATE}/prefix{on}"));
}

#[test]
fn what_can_be_made_is_made_and_the_rest_is_told() {
    let account = Account::new();
    let vpc = default_vpc(&account);
    let ids = format!("&ResourceType=VPC&ResourceId.1={vpc}&ResourceId.2=vpc-0123456789abcdef0");
    let reply = account.call(&format!("{CREATE}{ids}&ClientToken=a"));
    assert_eq!(texts(&reply, "resourceId"), ["vpc-0123456789abcdef0"]);
    assert_eq!(text(&reply, "code"), "InvalidVpcID.NotFound");
    let made = texts(&reply, "flowLogIdSet");
    assert_eq!(made.len(), 1);
    assert_eq!(texts(&account.call("DescribeFlowLogs"), "flowLogId").len(), 1);
}

#[test]
fn flow_logs_are_shown_filtered_tagged_and_deleted() {
    let account = Account::new();
    let vpc = default_vpc(&account);
    let subnet =
        text(&account.call(&format!("CreateSubnet&VpcId={vpc}&CidrBlock=172.31.1.0/24")), "subnetId");
    let tags = "&TagSpecification.1.ResourceType=vpc-flow-log&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b";
    account.call(&format!("{CREATE}&ResourceType=VPC&ResourceId.1={vpc}{tags}"));
    let format = "&LogFormat=%24%7Bsrcaddr%7D%20%24%7Bsgsim-rule%7D&MaxAggregationInterval=60";
    account.call(&format!("{LOGS}&DeliverLogsPermissionArn=arn:aws:iam::1:role/r&ResourceType=Subnet&ResourceId.1={subnet}{format}"));
    let all = account.call("DescribeFlowLogs");
    assert_eq!(texts(&all, "maxAggregationInterval"), ["600", "60"]);
    assert_eq!(texts(&all, "logDestinationType"), ["s3", "cloud-watch-logs"]);
    assert_eq!(texts(&all, "creationTime"), ["2025-11-28T12:00:00.000Z"; 2]);
    assert!(texts(&all, "logFormat")[0].starts_with("${version} ${account-id} ${interface-id} ${srcaddr}"));
    assert_eq!(texts(&all, "logFormat")[1], "${srcaddr} ${sgsim-rule}");
    let found = |filter: &str, value: &str| {
        let call = format!("DescribeFlowLogs&Filter.1.Name={filter}&Filter.1.Value.1={value}");
        texts(&account.call(&call), "resourceId")
    };
    assert_eq!(found("resource-id", &vpc), [vpc.as_str()]);
    assert_eq!(found("log-group-name", "gr*"), [subnet.as_str()]);
    assert_eq!(found("log-destination-type", "s3"), [vpc.as_str()]);
    assert_eq!(found("tag:a", "b"), [vpc.as_str()]);
    assert_eq!(found("traffic-type", "REJECT"), [""; 0]);
    account.refused("DescribeFlowLogs&Filter.1.Name=colour&Filter.1.Value.1=a", "InvalidParameterValue");
    account.refused("DescribeFlowLogs&FlowLogId.1=fl-0123456789abcdef0", "InvalidFlowLogId.NotFound");

    // With its subnet the flow log goes; with its interface's likewise.
    account.call(&format!("DeleteSubnet&SubnetId={subnet}"));
    let left = texts(&account.call("DescribeFlowLogs"), "flowLogId");
    assert_eq!(left.len(), 1);
    account.refused("DeleteFlowLogs&FlowLogId.1=fl-0123456789abcdef0", "InvalidFlowLogId.NotFound");
    account.call(&format!("DeleteFlowLogs&FlowLogId.1={}", left[0]));
    assert_eq!(texts(&account.call("DescribeFlowLogs"), "flowLogId"), [""; 0]);
}

#[test]
fn q_15_a_resource_has_at_most_250_flow_logs() {
    let account = Account::new();
    let vpc = default_vpc(&account);
    let on =
        |n: usize, ids: &str| account.call(&format!("{CREATE}/{n}&ResourceType=VPC&ResourceId.1={vpc}{ids}"));
    for n in 0..250 {
        assert_eq!(texts(&on(n, ""), "flowLogIdSet").len(), 1, "{n}");
    }
    let other = text(&account.call("CreateVpc&CidrBlock=10.0.0.0/16"), "vpcId");
    let reply = on(250, &format!("&ResourceId.2={other}"));
    assert_eq!(
        (texts(&reply, "resourceId"), text(&reply, "code")),
        (vec![vpc.clone()], "FlowLogsLimitExceeded".into())
    );
    assert_eq!(texts(&reply, "flowLogIdSet").len(), 1, "the other one has room");
    let first = text(&account.call("DescribeFlowLogs"), "flowLogId");
    account.call(&format!("DeleteFlowLogs&FlowLogId.1={first}"));
    assert_eq!(texts(&on(251, ""), "flowLogIdSet").len(), 1);
}

/// What is in another region does not exist in this one.
#[test]
fn flow_logs_are_of_a_region() {
    let account = Account::new();
    let vpc = default_vpc(&account);
    account.call(&format!("{CREATE}&ResourceType=VPC&ResourceId.1={vpc}"));
    let elsewhere = account.in_region("eu-west-1");
    assert_eq!(texts(&elsewhere.call("DescribeFlowLogs"), "flowLogId"), [""; 0]);
    let reply = elsewhere.call(&format!("{CREATE}&ResourceType=VPC&ResourceId.1={vpc}"));
    assert_eq!(text(&reply, "code"), "InvalidVpcID.NotFound");
}
