//! Prefix lists, network ACLs, peerings and groups beyond their VPC over the wire.

use super::{Account, text, texts};

#[test]
fn prefix_lists_are_versioned_and_referred_to() {
    let account = Account::new();
    let web = account.group("web");
    let reply = account.call(
        "CreateManagedPrefixList&PrefixListName=offices&MaxEntries=3&AddressFamily=IPv4&Entry.1.Cidr=198.51.100.0/24&Entry.1.Description=main",
    );
    let list = text(&reply, "prefixListId");
    assert_eq!((text(&reply, "state"), text(&reply, "version")), ("create-complete".into(), "1".into()));
    let modify =
        format!("ModifyManagedPrefixList&PrefixListId={list}&AddEntry.1.Cidr=203.0.113.0/24&CurrentVersion");
    assert_eq!(text(&account.call(&format!("{modify}=1")), "version"), "2");
    account.refused(&format!("{modify}=1"), "PrefixListVersionMismatch");
    let entries = |version: &str| {
        let reply = account.call(&format!("GetManagedPrefixListEntries&PrefixListId={list}{version}"));
        texts(&reply, "cidr")
    };
    assert_eq!(entries(""), ["198.51.100.0/24", "203.0.113.0/24"]);
    assert_eq!(entries("&TargetVersion=1"), ["198.51.100.0/24"]);
    account.call(&format!(
        "AuthorizeSecurityGroupIngress&GroupId={web}&IpPermissions.1.IpProtocol=-1&IpPermissions.1.PrefixListIds.1.PrefixListId={list}"
    ));
    let reply = account.call(&format!("GetManagedPrefixListAssociations&PrefixListId={list}"));
    assert_eq!(text(&reply, "resourceId"), web);
    let reply = account.call(&format!("DeleteManagedPrefixList&PrefixListId={list}"));
    assert_eq!(text(&reply, "state"), "delete-failed", "a rule refers to it");
    let restore =
        format!("RestoreManagedPrefixListVersion&PrefixListId={list}&PreviousVersion=1&CurrentVersion=2");
    assert_eq!(text(&account.call(&restore), "version"), "3");
    let reply =
        account.call("DescribeManagedPrefixLists&Filter.1.Name=prefix-list-name&Filter.1.Value.1=off*");
    assert_eq!(text(&reply, "maxEntries"), "3");
}

#[test]
fn network_acls_have_entries_by_number_and_move_between_subnets() {
    let account = Account::new();
    let vpc = text(&account.call("CreateVpc&CidrBlock=10.0.0.0/16"), "vpcId");
    let subnet = text(&account.call(&format!("CreateSubnet&VpcId={vpc}&CidrBlock=10.0.1.0/24")), "subnetId");
    let default = account
        .call(&format!("DescribeNetworkAcls&Filter.1.Name=association.subnet-id&Filter.1.Value.1={subnet}"));
    assert_eq!(text(&default, "default"), "true");
    // N-04, N-05.
    assert_eq!(texts(&default, "ruleNumber"), ["100", "32767", "100", "32767"]);
    assert_eq!(texts(&default, "egress"), ["true", "true", "false", "false"]);
    let acl = text(&account.call(&format!("CreateNetworkAcl&VpcId={vpc}")), "networkAclId");
    let entry = |action: &str, rest: &str| {
        format!("{action}NetworkAclEntry&NetworkAclId={acl}&Egress=false&RuleNumber=10&{rest}")
    };
    let tcp = "Protocol=6&RuleAction=allow&CidrBlock=10.9.0.0/16&PortRange.From=80&PortRange.To=81";
    account.call(&entry("Create", tcp));
    account.refused(&entry("Create", tcp), "NetworkAclEntryAlreadyExists");
    account
        .refused(&entry("Create", "Protocol=1&RuleAction=allow&CidrBlock=10.9.0.0/16"), "MissingParameter");
    account
        .call(&entry("Replace", "Protocol=1&RuleAction=deny&CidrBlock=10.9.0.0/16&Icmp.Type=8&Icmp.Code=-1"));
    let shown = account.call(&format!("DescribeNetworkAcls&NetworkAclId.1={acl}"));
    assert_eq!((text(&shown, "type"), text(&shown, "code")), ("8".into(), "-1".into()));
    assert!(texts(&shown, "protocol").contains(&"1".to_owned()));
    let association = text(&default, "networkAclAssociationId");
    let reply =
        account.call(&format!("ReplaceNetworkAclAssociation&AssociationId={association}&NetworkAclId={acl}"));
    assert_ne!(text(&reply, "newAssociationId"), association);
    account.refused(&format!("DeleteNetworkAcl&NetworkAclId={acl}"), "DependencyViolation");
    account.call(entry("Delete", "").trim_end_matches('&'));
    account.refused(entry("Delete", "").trim_end_matches('&'), "InvalidNetworkAclEntry.NotFound");
}

#[test]
fn peerings_come_and_go_and_leave_stale_rules() {
    let account = Account::new();
    let vpc = |block: &str| text(&account.call(&format!("CreateVpc&CidrBlock={block}")), "vpcId");
    let (near, far) = (vpc("10.0.0.0/16"), vpc("10.1.0.0/16"));
    let group = |vpc: &str| {
        let create = format!("CreateSecurityGroup&GroupName=app&GroupDescription=a&VpcId={vpc}");
        text(&account.call(&create), "groupId")
    };
    let (here, there) = (group(&near), group(&far));
    let authorize = format!(
        "AuthorizeSecurityGroupIngress&GroupId={here}&IpPermissions.1.IpProtocol=-1&IpPermissions.1.Groups.1.GroupId={there}"
    );
    account.refused(&authorize, "InvalidGroup.NotFound");
    let reply = account.call(&format!("CreateVpcPeeringConnection&VpcId={near}&PeerVpcId={far}"));
    let peering = text(&reply, "vpcPeeringConnectionId");
    assert_eq!(texts(&reply, "code"), ["initiating-request"]);
    let asked =
        account.call("DescribeVpcPeeringConnections&Filter.1.Name=status-code&Filter.1.Value.1=pending*");
    assert_eq!(text(&asked, "vpcPeeringConnectionId"), peering);
    let reply = account.call(&format!("AcceptVpcPeeringConnection&VpcPeeringConnectionId={peering}"));
    assert_eq!(texts(&reply, "code"), ["active"]);
    account.call(&authorize);
    //
    let shown = account.call(&format!("DescribeSecurityGroups&GroupId.1={here}"));
    assert_eq!(
        (text(&shown, "peeringStatus"), text(&shown, "vpcPeeringConnectionId")),
        ("active".into(), peering.clone())
    );
    let reply = account.call(&format!("DescribeSecurityGroupReferences&GroupId.1={there}"));
    assert_eq!(text(&reply, "referencingVpcId"), near);
    account.call(&format!("DeleteVpcPeeringConnection&VpcPeeringConnectionId={peering}"));
    let stale = account.call(&format!("DescribeStaleSecurityGroups&VpcId={near}"));
    assert_eq!(text(&stale, "peeringStatus"), "deleted");
    assert_eq!(
        texts(&stale, "vpcId"),
        [far, near],
        "of the group that is named, and of the one that names it"
    );
    account.refused(
        &format!("AcceptVpcPeeringConnection&VpcPeeringConnectionId={peering}"),
        "InvalidStateTransition",
    );
}

#[test]
fn peerings_across_regions_are_answered_where_the_accepter_is() {
    let account = Account::new();
    let near = text(&account.call("CreateVpc&CidrBlock=10.0.0.0/16"), "vpcId");
    let account = account.in_region("eu-west-1");
    let far = text(&account.call("CreateVpc&CidrBlock=10.1.0.0/16"), "vpcId");
    let account = account.in_region("us-east-1");
    let create = format!("CreateVpcPeeringConnection&VpcId={near}&PeerVpcId={far}");
    account.refused(&create, "InvalidVpcID.NotFound");
    let peering = text(&account.call(&format!("{create}&PeerRegion=eu-west-1")), "vpcPeeringConnectionId");
    let accept = format!("AcceptVpcPeeringConnection&VpcPeeringConnectionId={peering}");
    account.refused(&accept, "OperationNotPermitted");
    let account = account.in_region("eu-west-1");
    assert_eq!(texts(&account.call(&accept), "code"), ["active"]);
    let account = account.in_region("ap-south-1");
    account.refused(&accept, "InvalidVpcPeeringConnectionID.NotFound");
}

#[test]
fn groups_are_associated_with_further_vpcs() {
    let account = Account::new();
    let vpc = |block: &str| text(&account.call(&format!("CreateVpc&CidrBlock={block}")), "vpcId");
    let (own, other) = (vpc("10.0.0.0/16"), vpc("10.1.0.0/16"));
    let group = text(
        &account.call(&format!("CreateSecurityGroup&GroupName=app&GroupDescription=a&VpcId={own}")),
        "groupId",
    );
    let reply = account.call(&format!("AssociateSecurityGroupVpc&GroupId={group}&VpcId={other}"));
    assert_eq!(text(&reply, "state"), "associating", "M-37");
    let reply = account
        .call(&format!("DescribeSecurityGroupVpcAssociations&Filter.1.Name=vpc-id&Filter.1.Value.1={other}"));
    assert_eq!((text(&reply, "groupId"), text(&reply, "state")), (group.clone(), "associated".into()));
    let reply = account.call(&format!("GetSecurityGroupsForVpc&VpcId={other}"));
    assert_eq!(texts(&reply, "groupName"), ["default", "app"]);
    assert_eq!(texts(&reply, "primaryVpcId"), [other.clone(), own]);
    account.call(&format!("DisassociateSecurityGroupVpc&GroupId={group}&VpcId={other}"));
}

#[test]
fn instances_are_run_shown_and_terminated() {
    let account = Account::new();
    let web = account.group("web");
    let run = "RunInstances&ImageId=ami-12345678&InstanceType=m8i.large&MinCount=1&MaxCount=2";
    account.refused(run, "MissingInput");
    let default = text(&account.call("DescribeVpcs"), "vpcId");
    account.call(&format!("CreateSubnet&VpcId={default}&CidrBlock=172.31.0.0/20"));
    let reply = account.call(&format!("{run}&SecurityGroup.1=web"));
    let ids = texts(&reply, "instanceId");
    assert_eq!(ids.len(), 2);
    let reply = account.call(&format!("DescribeInstances&InstanceId.1={}", ids[0]));
    assert_eq!((text(&reply, "name"), text(&reply, "instanceType")), ("running".into(), "m8i.large".into()));
    assert!(texts(&reply, "groupId").iter().all(|id| *id == web));
    account.refused(&format!("{run}&KeyName=k"), "UnsupportedOperation");
    account.refused(
        &format!("{run}&SecurityGroupId.1={web}&NetworkInterface.1.DeviceIndex=0"),
        "InvalidParameterCombination",
    );
    account.refused(&run.replace("MinCount=1", "MinCount=3"), "InvalidParameterValue");
    // Two of one name are as good as any; the first has it as host name.
    let named = "TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=one";
    account.call(&format!("{}&{named}", run.replace("MinCount=1", "MinCount=2")));
    let hosts = account.world().instances.into_values().filter(|it| it.name == "one").count();
    assert_eq!((account.world().instances.len(), hosts), (4, 1));
    let attachment = text(&reply, "attachmentId");
    let interface = text(&reply, "networkInterfaceId");
    account.call(&format!(
        "ModifyNetworkInterfaceAttribute&NetworkInterfaceId={interface}&Attachment.AttachmentId={attachment}&Attachment.DeleteOnTermination=false"
    ));
    let default_group = text(&account.call("DescribeSecurityGroups&GroupName.1=default"), "groupId");
    account.call(&format!("ModifyInstanceAttribute&InstanceId={}&GroupId.1={default_group}", ids[0]));
    account.refused(
        &format!("TerminateInstances&InstanceId.1={}&InstanceId.2=i-12345678", ids[0]),
        "InvalidInstanceID.NotFound",
    );
    let reply = account.call(&format!("TerminateInstances&InstanceId.1={}&InstanceId.2={}", ids[0], ids[1]));
    assert_eq!(texts(&reply, "name"), ["shutting-down", "running", "shutting-down", "running"]);
    let free = account.world().network_interfaces.into_values().filter(|it| it.attachment.is_none());
    let kept = free.map(|it| it.id.to_string()).collect::<Vec<_>>();
    assert_eq!(kept, [interface], "what was not to be deleted");
}
