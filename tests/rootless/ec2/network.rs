//! VPCs, subnets, interfaces, regions over the wire.

use super::{Account, text, texts};

/// A VPC with a subnet; their ids.
fn network(account: &Account) -> (String, String) {
    let vpc =
        text(&account.call("CreateVpc&CidrBlock=10.20.0.0/16&AmazonProvidedIpv6CidrBlock=true"), "vpcId");
    let subnet =
        account.call(&format!("CreateSubnet&VpcId={vpc}&CidrBlock=10.20.1.0/24&AvailabilityZone=us-east-1b"));
    (vpc, text(&subnet, "subnetId"))
}

#[test]
fn vpcs_and_subnets_round_trip() {
    let account = Account::new();
    let (vpc, subnet) = network(&account);
    let reply = account.call(&format!("DescribeVpcs&VpcId.1={vpc}"));
    assert_eq!(texts(&reply, "cidrBlock"), ["10.20.0.0/16", "10.20.0.0/16"]);
    assert_eq!(texts(&reply, "ipv6CidrBlock"), ["2600:1f13::/56"]);
    assert_eq!(
        text(&account.call("DescribeVpcs&Filter.1.Name=is-default&Filter.1.Value.1=true"), "cidrBlock"),
        "172.31.0.0/16"
    );
    let reply = account.call(&format!("DescribeSubnets&Filter.1.Name=vpc-id&Filter.1.Value.1={vpc}"));
    assert_eq!(texts(&reply, "subnetId"), [subnet.as_str()]);
    assert_eq!(text(&reply, "availableIpAddressCount"), "251", "M-05");
    assert_eq!(text(&reply, "availabilityZoneId"), "use1-az2");
    account.refused("CreateVpc&CidrBlock=10.0.0.0/8", "InvalidVpc.Range");
    account.refused("CreateVpc&CidrBlock=10.0.0.0", "InvalidParameterValue");
    account.refused(&format!("CreateSubnet&VpcId={vpc}&CidrBlock=10.20.1.0/25"), "InvalidSubnet.Conflict");
    account.refused(&format!("DeleteVpc&VpcId={vpc}"), "DependencyViolation");
    account.refused("DescribeVpcs&Filter.1.Name=colour&Filter.1.Value.1=blue", "InvalidParameterValue");
    account.call(&format!("DeleteSubnet&SubnetId={subnet}"));
    account.call(&format!("DeleteVpc&VpcId={vpc}"));
    account.refused(&format!("DescribeVpcs&VpcId.1={vpc}"), "InvalidVpcID.NotFound");
}

#[test]
fn interfaces_are_made_changed_one_attribute_a_call_and_deleted() {
    let account = Account::new();
    let (vpc, subnet) = network(&account);
    let web = text(
        &account.call(&format!("CreateSecurityGroup&GroupName=web&GroupDescription=a&VpcId={vpc}")),
        "groupId",
    );
    let reply = account.call(&format!(
        "CreateNetworkInterface&SubnetId={subnet}&PrivateIpAddress=10.20.1.7&SecurityGroupId.1={web}&Description=front&ConnectionTrackingSpecification.UdpTimeout=40"
    ));
    let id = text(&reply, "networkInterfaceId");
    assert_eq!(text(&reply, "status"), "available");
    assert_eq!(text(&reply, "udpTimeout"), "40");
    assert_eq!(text(&reply, "privateDnsName"), "ip-10-20-1-7.ec2.internal");
    let modify = format!("ModifyNetworkInterfaceAttribute&NetworkInterfaceId={id}");
    account.refused(&modify, "MissingParameter");
    account.refused(
        &format!("{modify}&SecurityGroupId.1={web}&SourceDestCheck.Value=false"),
        "InvalidParameterCombination",
    );
    account.refused(&format!("{modify}&EnablePrimaryIpv6=true"), "UnsupportedOperation");
    account.refused(
        &format!("{modify}&Attachment.AttachmentId=eni-attach-12345678&Attachment.DeleteOnTermination=true"),
        "InvalidAttachmentID.NotFound",
    );
    account.call(&format!("{modify}&Description.Value=back"));
    let foreign = account.group("other");
    assert_eq!(
        account.refused(&format!("{modify}&SecurityGroupId.1={foreign}"), "InvalidGroup.NotFound"),
        "You have specified two resources that belong to different networks."
    );
    account.call(&format!("{modify}&SourceDestCheck.Value=false"));
    let default = format!(
        "DescribeSecurityGroups&Filter.1.Name=vpc-id&Filter.1.Value.1={vpc}&Filter.2.Name=group-name&Filter.2.Value.1=default"
    );
    let default = text(&account.call(&default), "groupId");
    account.call(&format!("{modify}&SecurityGroupId.1={default}"));
    let attribute = |name: &str| {
        account.call(&format!("DescribeNetworkInterfaceAttribute&NetworkInterfaceId={id}&Attribute={name}"))
    };
    assert_eq!(texts(&attribute("groupSet"), "groupId"), [default]);
    assert_eq!(text(&attribute("sourceDestCheck"), "value"), "false");
    assert_eq!(text(&attribute("description"), "value"), "back");
    let reply = account
        .call(&format!("AssignPrivateIpAddresses&NetworkInterfaceId={id}&SecondaryPrivateIpAddressCount=2"));
    assert_eq!(texts(&reply, "privateIpAddress").len(), 2);
    let found = account.call(
        "DescribeNetworkInterfaces&Filter.1.Name=addresses.private-ip-address&Filter.1.Value.1=10.20.1.7",
    );
    assert_eq!(text(&found, "networkInterfaceId"), id);
    account.call(&format!("DeleteNetworkInterface&NetworkInterfaceId={id}"));
    account.refused(
        &format!("DescribeNetworkInterfaces&NetworkInterfaceId.1={id}"),
        "InvalidNetworkInterfaceID.NotFound",
    );
}

#[test]
fn regions_and_zones_are_told() {
    let account = Account::new();
    assert!(texts(&account.call("DescribeRegions"), "regionName").contains(&"eu-west-1".to_owned()));
    assert_eq!(
        texts(&account.call("DescribeRegions&RegionName.1=us-east-1"), "regionEndpoint"),
        ["ec2.us-east-1.amazonaws.com"]
    );
    account.refused("DescribeRegions&RegionName.1=mars-1", "InvalidParameterValue");
    assert_eq!(
        texts(&account.call("DescribeAvailabilityZones"), "zoneName"),
        ["us-east-1a", "us-east-1b", "us-east-1c"]
    );
}

#[test]
fn tags_are_set_found_and_deleted() {
    let account = Account::new();
    let (vpc, subnet) = network(&account);
    account
        .call(&format!("CreateTags&ResourceId.1={vpc}&ResourceId.2={subnet}&Tag.1.Key=env&Tag.1.Value=test"));
    let reply = account.call("DescribeTags&Filter.1.Name=key&Filter.1.Value.1=env");
    assert_eq!(texts(&reply, "resourceType"), ["vpc", "subnet"]);
    account.call(&format!("DeleteTags&ResourceId.1={vpc}&Tag.1.Key=env"));
    let reply = account.call("DescribeTags&Filter.1.Name=value&Filter.1.Value.1=te*");
    assert_eq!(texts(&reply, "resourceId"), [subnet]);
    account.refused(
        &format!("CreateTags&ResourceId.1={vpc}&Tag.1.Key=aws:x&Tag.1.Value=y"),
        "InvalidTagKey.Malformed",
    );
}
