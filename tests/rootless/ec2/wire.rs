//! What every call has in common: refusals of the wire, dry runs, regions.

use std::collections::BTreeSet;

use super::{Account, text, texts};
use sg_userspace::ec2::Answer;
use sg_userspace::ec2::action::ACTIONS;
use sg_userspace::ec2::model::Model;

#[test]
fn every_action_is_in_the_table_and_named_once() {
    for (name, _) in ACTIONS {
        assert!(Model::ec2().operation(name).is_some(), "{name}");
        assert_eq!(ACTIONS.iter().filter(|(other, _)| other == name).count(), 1, "{name}");
    }
}

#[test]
fn readme_lists_the_actions_that_there_are() {
    let readme = include_str!("../../../README.md");
    let table = readme.split("| | actions |").nth(1).unwrap().split("\n\n").next().unwrap();
    let listed = table.split('`').skip(1).step_by(2).collect::<BTreeSet<_>>();
    assert_eq!(listed, ACTIONS.iter().map(|(name, _)| *name).collect());
}

#[test]
fn what_the_table_does_not_have_is_refused_and_never_passed_over() {
    let account = Account::new();
    let group = account.group("web");
    account.refused("DreamUp", "InvalidAction");
    // AWS has it, and it is not to be had here.
    account.refused("ModifyVpcPeeringConnectionOptions&VpcPeeringConnectionId=pcx-12345678", "InvalidAction");
    let message = account.refused("DescribeVpcs&VpcIds.1=vpc-12345678", "UnknownParameter");
    assert_eq!(message, "The parameter VpcIds is not recognized");
    for unknown in [
        // The model's name of a member, which is another on the wire.
        "IpPermissions.1.UserIdGroupPairs.1.GroupId=sg-12345678",
        "IpPermissions.1.IpRanges.item.1.CidrIp=10.0.0.0/8",
        "IpPermissions.x.IpProtocol=tcp",
        "IpPermissions.1.IpProtocol.1=tcp",
        "IpPermissions=tcp",
        "IpPermissions.1.IpRanges.1.CidrIp.deeper=1",
        "GroupId.1=sg-12345678",
    ] {
        let answer = account.answer(&format!("AuthorizeSecurityGroupIngress&{unknown}&GroupName=web"));
        assert_eq!(answer.status, 400, "{unknown}");
    }
    let authorize = format!("AuthorizeSecurityGroupIngress&GroupId={group}&IpPermissions.1");
    account.refused(&format!("{authorize}.FromPort=http"), "InvalidParameterValue");
    account.refused(&format!("{authorize}.FromPort=99999999999"), "InvalidParameterValue");
    account.refused("DescribeVpcs&DryRun=maybe", "InvalidParameterValue");
    account.refused("DescribeVpcs&MaxResults=5&MaxResults=6", "MalformedQueryString");
    account.refused("DescribeVpcs&NextToken=%ff", "MalformedQueryString");
    account.refused("CreateVpc&CidrBlock=10.0.0.0/16&Ipv4IpamPoolId=p", "UnsupportedOperation");
    let message = account.refused("CreateSecurityGroup&GroupName=db", "MissingParameter");
    assert_eq!(message, "The request must contain the parameter GroupDescription");
    let deep = format!("DescribeVpcs&{}=1", vec!["Filter"; 40].join("."));
    account.refused(&deep, "UnknownParameter");
}

#[test]
fn places_in_lists_may_have_gaps_and_come_in_any_order() {
    let account = Account::new();
    let (web, db) = (account.group("web"), account.group("db"));
    let reply = account.call(&format!("DescribeSecurityGroups&GroupId.30={db}&GroupId.7={web}"));
    assert_eq!(texts(&reply, "groupName"), ["web", "db"]);
}

#[test]
fn version_and_action_must_be_given() {
    let account = Account::new();
    for (body, code) in [
        ("Action=DescribeVpcs&Version=2015-10-01", "NoSuchVersion"),
        ("Action=DescribeVpcs", "NoSuchVersion"),
        ("Version=2016-11-15", "MissingAction"),
        ("", "MissingAction"),
    ] {
        let Answer { status, body: reply, .. } = account.answer_to(body);
        assert_eq!((status, text(&reply, "Code").as_str()), (400, code), "{body}");
        assert_eq!(text(&reply, "RequestID"), "an-id");
    }
}

///
#[test]
fn dry_run_says_what_would_happen_and_changes_nothing() {
    let account = Account::new();
    let before = account.world();
    for call in
        ["CreateSecurityGroup&GroupName=web&GroupDescription=a&DryRun=true", "DescribeVpcs&DryRun=true"]
    {
        let Answer { status, body, .. } = account.answer(call);
        assert_eq!((status, text(&body, "Code").as_str()), (412, "DryRunOperation"), "{call}");
    }
    account.refused(
        "CreateSecurityGroup&GroupName=sg-web&GroupDescription=a&DryRun=true",
        "InvalidParameterValue",
    );
    assert_eq!(account.world(), before);
}

#[test]
fn what_is_in_another_region_does_not_exist_in_this_one() {
    let account = Account::new();
    let group = account.group("web");
    let elsewhere = account.in_region("eu-west-1");
    assert!(texts(&elsewhere.call("DescribeSecurityGroups"), "groupId").is_empty());
    elsewhere.refused(&format!("DeleteSecurityGroup&GroupId={group}"), "InvalidGroup.NotFound");
    elsewhere.refused("CreateSecurityGroup&GroupName=web&GroupDescription=a", "VPCIdNotSpecified");
    let reply = elsewhere.call("CreateVpc&CidrBlock=10.0.0.0/16");
    assert_eq!(texts(&elsewhere.call("DescribeVpcs"), "vpcId"), [text(&reply, "vpcId")]);
}

#[test]
fn text_is_escaped_in_replies() {
    let account = Account::new();
    let group = account.group("web");
    account.call(&format!("CreateTags&ResourceId.1={group}&Tag.1.Key=k&Tag.1.Value=%3Ca%3E%26%22%27+%C3%A9"));
    let reply = account.call("DescribeTags");
    assert!(reply.contains("<value>&lt;a&gt;&amp;&quot;' é</value>"), "{reply}");
}

#[test]
fn void_actions_answer_return() {
    let account = Account::new();
    let vpc = text(&account.call("CreateVpc&CidrBlock=10.0.0.0/16"), "vpcId");
    let reply = account.call(&format!("DeleteVpc&VpcId={vpc}"));
    assert_eq!(
        reply,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DeleteVpcResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>an-id</requestId><return>true</return></DeleteVpcResponse>"
    );
}

#[test]
fn a_call_that_is_sent_again_with_its_token_is_done_once() {
    let account = Account::new();
    let create = "CreateManagedPrefixList&PrefixListName=l&MaxEntries=2&AddressFamily=IPv4&ClientToken=t";
    let first = text(&account.call(create), "prefixListId");
    assert_eq!(text(&account.call(create), "prefixListId"), first);
    account.refused(&create.replace("MaxEntries=2", "MaxEntries=3"), "IdempotentParameterMismatch");
    assert_ne!(text(&account.call(&create.replace("ClientToken=t", "ClientToken=u")), "prefixListId"), first);
    // A refusal is not remembered.
    let late = "CreateNetworkInterface&SubnetId=SUBNET&ClientToken=v";
    let vpc = text(&account.call("CreateVpc&CidrBlock=10.0.0.0/16"), "vpcId");
    account.refused(&late.replace("SUBNET", "subnet-12345678"), "InvalidSubnetID.NotFound");
    let subnet = text(&account.call(&format!("CreateSubnet&VpcId={vpc}&CidrBlock=10.0.0.0/24")), "subnetId");
    account.call(&late.replace("SUBNET", &subnet));
}
