//! Instances through the API: launched, described, started, stopped, terminated.

use super::{Account, text, texts};

/// An account whose default VPC has a subnet.
fn account() -> Account {
    let account = Account::new();
    let vpc = text(&account.call("DescribeVpcs"), "vpcId");
    account.call(&format!("CreateSubnet&VpcId={vpc}&CidrBlock=172.31.0.0/20"));
    account
}

fn run(account: &Account, parameters: &str) -> Vec<String> {
    texts(&account.call(&format!("RunInstances&ImageId=ami-12345678{parameters}")), "instanceId")
}

fn states(account: &Account, parameters: &str) -> Vec<String> {
    let body = account.call(&format!("DescribeInstances{parameters}"));
    let document = roxmltree::Document::parse(&body).unwrap();
    let states = document.descendants().filter(|node| node.tag_name().name() == "instanceState");
    let name = |state: roxmltree::Node<'_, '_>| {
        state.children().find(|node| node.tag_name().name() == "name").unwrap().text().unwrap().to_owned()
    };
    states.map(name).collect()
}

#[test]
fn a_call_s_instances_are_one_reservation() {
    let account = account();
    let ids = run(&account, "&MinCount=2&MaxCount=3");
    assert_eq!(ids.len(), 3);
    run(&account, "&MinCount=1&MaxCount=1");
    let body = account.call("DescribeInstances");
    assert_eq!(texts(&body, "reservationId").len(), 2);
    assert_eq!(texts(&body, "amiLaunchIndex"), ["0", "1", "2", "0"]);
    assert_eq!(texts(&body, "imageId"), ["ami-12345678"; 4]);
    assert_eq!(text(&body, "launchTime"), "2025-11-28T12:00:00.000Z");
    let reservation = text(&body, "reservationId");
    let filter = format!("&Filter.1.Name=reservation-id&Filter.1.Value.1={reservation}");
    assert_eq!(states(&account, &filter).len(), 3);
    account.refused("RunInstances&ImageId=mine&MinCount=1&MaxCount=1", "InvalidAMIID.Malformed");
}

#[test]
fn as_many_are_launched_as_there_is_room_for_or_none() {
    let account = Account::new();
    let vpc = text(&account.call("DescribeVpcs"), "vpcId");
    // 16 addresses, of which AWS keeps five.
    account.call(&format!("CreateSubnet&VpcId={vpc}&CidrBlock=172.31.0.0/28"));
    account.refused(
        "RunInstances&ImageId=ami-12345678&MinCount=12&MaxCount=12",
        "InsufficientFreeAddressesInSubnet",
    );
    assert!(account.world().instances.is_empty());
    account.refused(
        "RunInstances&ImageId=ami-12345678&MinCount=12&MaxCount=20",
        "InsufficientFreeAddressesInSubnet",
    );
    assert!(account.world().instances.is_empty());
    assert_eq!(run(&account, "&MinCount=2&MaxCount=20").len(), 11);
}

#[test]
fn states_are_as_aws_answers_and_shows_them() {
    let account = account();
    let ids = run(&account, "&MinCount=2&MaxCount=2");
    let both = format!("&InstanceId.1={}&InstanceId.2={}", ids[0], ids[1]);
    let names = |body: &str| texts(body, "name");
    assert_eq!(states(&account, ""), ["running", "running"]);
    let first = format!("&InstanceId.1={}", ids[0]);
    assert_eq!(names(&account.call(&format!("StopInstances{first}"))), ["stopping", "running"]);
    assert_eq!(states(&account, &first), ["stopped"]);
    let stopped = account.call(&format!("DescribeInstances{first}"));
    assert_eq!(text(&stopped, "code"), "80");
    assert!(stopped.contains("Client.UserInitiatedShutdown"), "{stopped}");
    assert!(stopped.contains("<privateIpAddress>172.31.0.4<"), "it keeps its address: {stopped}");
    assert_eq!(texts(&account.call("DescribeInstanceStatus"), "instanceId"), [ids[1].as_str()]);
    let all = account.call("DescribeInstanceStatus&IncludeAllInstances=true");
    assert_eq!(texts(&all, "instanceId").len(), 2);
    assert_eq!(names(&account.call(&format!("StartInstances{both}"))).len(), 4);
    assert_eq!(states(&account, ""), ["running", "running"]);
    account.call(&format!("RebootInstances{both}"));

    // Of several, all or none.
    let unknown = "&InstanceId.3=i-00000000000000000";
    account.refused(&format!("TerminateInstances{both}{unknown}"), "InvalidInstanceID.NotFound");
    assert_eq!(states(&account, ""), ["running", "running"]);
    account.call(&format!("TerminateInstances{both}"));
    assert_eq!(states(&account, &both), ["terminated", "terminated"]);
    let over = account.call(&format!("DescribeInstances{both}"));
    assert!(texts(&over, "vpcId").is_empty() && texts(&over, "privateIpAddress").is_empty(), "{over}");
    let filter = "&Filter.1.Name=instance-state-name&Filter.1.Value.1=running";
    assert!(states(&account, filter).is_empty());
    account.refused(&format!("StartInstances{first}"), "IncorrectInstanceState");
}

#[test]
fn attributes_are_shown_and_changed_one_at_a_time() {
    let account = account();
    let id =
        run(&account, "&MinCount=1&MaxCount=1&InstanceType=m8i.large&DisableApiTermination=true").remove(0);
    let shown = |name: &str| {
        text(&account.call(&format!("DescribeInstanceAttribute&InstanceId={id}&Attribute={name}")), "value")
    };
    assert_eq!(shown("disableApiTermination"), "true");
    account.refused(&format!("TerminateInstances&InstanceId.1={id}"), "OperationNotPermitted");
    let modify = |parameters: &str| format!("ModifyInstanceAttribute&InstanceId={id}{parameters}");
    account.call(&modify("&DisableApiTermination.Value=false"));
    assert_eq!(shown("disableApiTermination"), "false");
    account.call(&modify("&Attribute=disableApiTermination&Value=true"));
    assert_eq!(shown("disableApiTermination"), "true");
    account.call(&modify("&Attribute=sourceDestCheck&Value=false"));
    assert_eq!(shown("sourceDestCheck"), "false");
    assert_eq!(shown("instanceType"), "m8i.large");
    account.refused(&modify("&InstanceType.Value=m7i.large"), "IncorrectInstanceState");
    account.call(&format!("StopInstances&InstanceId.1={id}"));
    account.call(&modify("&InstanceType.Value=m7i.large"));
    assert_eq!(shown("instanceType"), "m7i.large");
    account.refused(&modify(""), "MissingParameter");
    account.refused(
        &modify("&DisableApiStop.Value=true&SourceDestCheck.Value=true"),
        "InvalidParameterCombination",
    );
    account.refused(&modify("&Attribute=kernel&Value=k"), "InvalidParameterValue");
    account.refused(
        &format!("DescribeInstanceAttribute&InstanceId={id}&Attribute=kernel"),
        "InvalidParameterValue",
    );
}

#[test]
fn a_token_launches_once_though_the_endpoint_forgets() {
    let account = account();
    let parameters = "&MinCount=1&MaxCount=1&ClientToken=t";
    let first = run(&account, parameters);
    // Another endpoint over the same world remembers nothing.
    let other =
        Account { api: sg_userspace::ec2::Api::new(account.api.backend().clone()), caller: account.caller };
    assert_eq!(run(&other, parameters), first);
    other.refused("RunInstances&MinCount=1&MaxCount=2&ClientToken=t", "IdempotentParameterMismatch");
    assert_eq!(other.world().instances.len(), 1);
}

#[test]
fn images_and_types_are_those_in_use() {
    let account = account();
    run(&account, "&MinCount=1&MaxCount=1&InstanceType=m8i.large");
    assert_eq!(texts(&account.call("DescribeImages&Owner.1=self"), "imageId").len(), 2);
    let one = account.call("DescribeImages&ImageId.1=ami-12345678");
    assert_eq!(text(&one, "imageState"), "available");
    account.refused("DescribeImages&ImageId.1=ami-00000001", "InvalidAMIID.NotFound");
    let kind = account.call("DescribeInstanceTypes");
    assert_eq!(text(&kind, "instanceType"), "m8i.large");
    assert_eq!(text(&kind, "defaultTcpEstablishedTimeout"), "350");
}
