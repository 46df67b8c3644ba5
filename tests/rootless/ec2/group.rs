//! Security groups and their rules over the wire.

use super::{Account, text, texts};

/// `authorize` on a group, with one permission.
fn ingress(group: &str, permission: &str) -> String {
    let parameters = permission.split('&').map(|it| format!("&IpPermissions.1.{it}")).collect::<String>();
    format!("AuthorizeSecurityGroupIngress&GroupId={group}{parameters}")
}

/// M-01, A-01, A-02.
#[test]
fn groups_are_made_described_and_deleted() {
    let account = Account::new();
    let reply = account.call(
        "CreateSecurityGroup&GroupName=web&GroupDescription=web+tier&TagSpecification.1.ResourceType=security-group&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=front",
    );
    let id = text(&reply, "groupId");
    assert_eq!(
        text(&reply, "securityGroupArn"),
        format!("arn:aws:ec2:us-east-1:123456789012:security-group/{id}")
    );
    let reply = account.call("DescribeSecurityGroups&Filter.1.Name=tag:Name&Filter.1.Value.1=fr*");
    assert_eq!(texts(&reply, "groupName"), ["web"]);
    assert_eq!(text(&reply, "groupDescription"), "web tier");
    assert_eq!(text(&reply, "ownerId"), "123456789012");
    // M-25, R-14: everything may leave, and a rule for all protocols has no ports here.
    assert_eq!(texts(&reply, "cidrIp"), ["0.0.0.0/0"]);
    assert!(texts(&reply, "fromPort").is_empty());
    account.refused("CreateSecurityGroup&GroupName=WEB&GroupDescription=a", "InvalidGroup.Duplicate");
    account.refused("CreateSecurityGroup&GroupName=default&GroupDescription=a", "InvalidParameterValue");
    account.refused("DescribeSecurityGroups&GroupId.1=sg-12345678", "InvalidGroup.NotFound");
    account.refused("DescribeSecurityGroups&GroupId.1=group", "InvalidGroupId.Malformed");
    let reply = account.call(&format!("DeleteSecurityGroup&GroupId={id}"));
    assert_eq!((text(&reply, "return"), text(&reply, "groupId")), ("true".to_owned(), id));
    account.refused("DeleteSecurityGroup&GroupName=web", "InvalidGroup.NotFound");
    account.refused("DeleteSecurityGroup&GroupName=default", "CannotDelete");
}

///
#[test]
fn rules_are_authorised_shown_and_revoked() {
    let account = Account::new();
    let (web, db) = (account.group("web"), account.group("db"));
    let reply = account.call(&ingress(
        &web,
        "IpProtocol=tcp&FromPort=443&ToPort=443&IpRanges.1.CidrIp=203.0.113.7/24&IpRanges.1.Description=office&Ipv6Ranges.1.CidrIpv6=2001:db8::/32",
    ));
    assert_eq!(texts(&reply, "cidrIpv4"), ["203.0.113.0/24"], "R-18");
    assert_eq!(texts(&reply, "cidrIpv6"), ["2001:db8::/32"]);
    assert_eq!(texts(&reply, "isEgress"), ["false", "false"]);
    let rules = texts(&reply, "securityGroupRuleId");
    // R-E1.
    let message = account.refused(
        &ingress(&web, "IpProtocol=6&FromPort=443&ToPort=443&IpRanges.1.CidrIp=203.0.113.0/24"),
        "InvalidPermission.Duplicate",
    );
    assert_eq!(
        message,
        "the specified rule \"peer: 203.0.113.0/24, TCP, from port: 443, to port: 443, ALLOW\" already exists"
    );
    account.call(&ingress(&db, &format!("IpProtocol=-1&Groups.1.GroupId={web}")));
    let reply = account
        .call(&format!("DescribeSecurityGroups&Filter.1.Name=ip-permission.group-id&Filter.1.Value.1={web}"));
    assert_eq!(texts(&reply, "groupName"), ["db"], "{reply}");
    let reply =
        account.call(&format!("DescribeSecurityGroupRules&Filter.1.Name=group-id&Filter.1.Value.1={db}"));
    assert_eq!(texts(&reply, "fromPort"), ["-1", "-1"], "R-14");
    assert_eq!(text(&reply, "userId"), "123456789012");
    //
    account.refused(&format!("DeleteSecurityGroup&GroupId={web}"), "DependencyViolation");

    let revoke = format!("RevokeSecurityGroupIngress&GroupId={web}");
    account.refused(&revoke, "MissingParameter");
    let reply = account.call(&format!("{revoke}&SecurityGroupRuleId.1={}", rules[0]));
    assert_eq!(texts(&reply, "securityGroupRuleId"), rules[..1]);
    assert_eq!(text(&reply, "description"), "office", "R-42");
    account.refused(
        &format!("{revoke}&SecurityGroupRuleId.1={}", rules[0]),
        "InvalidSecurityGroupRuleId.NotFound",
    );
    // the default VPC forgives.
    let reply = account.call(&format!("{revoke}&IpProtocol=tcp&FromPort=1&ToPort=1&CidrIp=10.0.0.0/8"));
    assert_eq!(texts(&reply, "cidrIp"), ["10.0.0.0/8"]);
    assert!(reply.contains("<unknownIpPermissionSet>"), "{reply}");
}

/// R-09, R-E17.
#[test]
fn one_bad_permission_makes_none() {
    let account = Account::new();
    let web = account.group("web");
    let both = format!(
        "{}&IpPermissions.2.IpProtocol=tcp&IpPermissions.2.FromPort=1&IpPermissions.2.ToPort=70000&IpPermissions.2.IpRanges.1.CidrIp=10.0.0.0/8",
        ingress(&web, "IpProtocol=tcp&FromPort=1&ToPort=1&IpRanges.1.CidrIp=10.0.0.0/8")
    );
    assert_eq!(account.refused(&both, "InvalidParameterValue"), "TCP/UDP (to) port (70000) out of range");
    for (permission, code, message) in [
        (
            "IpProtocol=all&IpRanges.1.CidrIp=10.0.0.0/8",
            "InvalidParameterValue",
            "Invalid value 'all' for IP protocol. Unknown protocol.",
        ),
        (
            "FromPort=1&ToPort=1&IpRanges.1.CidrIp=10.0.0.0/8",
            "InvalidParameterValue",
            "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly.",
        ),
        (
            "IpProtocol=tcp&FromPort=1&ToPort=1&IpRanges.1.CidrIp=10.0.0.1",
            "InvalidParameterValue",
            "CIDR block 10.0.0.1 is malformed",
        ),
        (
            "IpProtocol=tcp&FromPort=1&ToPort=1&IpRanges.1.CidrIp=::/0",
            "InvalidParameterValue",
            "CIDR block ::/0 is malformed",
        ),
        (
            "IpProtocol=tcp&FromPort=1&ToPort=1&Groups.1.GroupId=web",
            "InvalidGroupId.Malformed",
            "Invalid id: \"web\" (expecting \"sg-...\")",
        ),
        (
            "IpProtocol=tcp&FromPort=1&ToPort=1&Groups.1.GroupId=sg-12345678",
            "InvalidGroup.NotFound",
            "The security group 'sg-12345678' does not exist",
        ),
        (
            "IpProtocol=tcp&FromPort=1&ToPort=1&PrefixListIds.1.PrefixListId=pl-12345678",
            "InvalidPrefixListID.NotFound",
            "The prefix list ID 'pl-12345678' does not exist",
        ),
    ] {
        assert_eq!(account.refused(&ingress(&web, permission), code), message);
    }
    // R-E17.
    let reply = account.call(&ingress(&web, "IpProtocol=tcp&FromPort=1&ToPort=1"));
    assert!(texts(&reply, "securityGroupRuleId").is_empty());
    let rules =
        account.call(&format!("DescribeSecurityGroupRules&Filter.1.Name=group-id&Filter.1.Value.1={web}"));
    assert_eq!(texts(&rules, "isEgress"), ["true"]);
}

#[test]
fn rules_are_modified_in_place_and_described() {
    let account = Account::new();
    let web = account.group("web");
    let reply =
        account.call(&ingress(&web, "IpProtocol=tcp&FromPort=80&ToPort=80&IpRanges.1.CidrIp=10.0.0.0/8"));
    let rule = text(&reply, "securityGroupRuleId");
    let modify = |content: &str| {
        let content = content.split('&').map(|it| format!("&SecurityGroupRule.1.SecurityGroupRule.{it}"));
        let content = content.collect::<String>();
        format!(
            "ModifySecurityGroupRules&GroupId={web}&SecurityGroupRule.1.SecurityGroupRuleId={rule}{content}"
        )
    };
    account.call(&modify("IpProtocol=udp&FromPort=53&ToPort=53&CidrIpv4=10.1.0.0/16&Description=dns"));
    let shown = |of: &str| {
        text(&account.call(&format!("DescribeSecurityGroupRules&SecurityGroupRuleId.1={rule}")), of)
    };
    assert_eq!(
        (shown("ipProtocol"), shown("cidrIpv4"), shown("description")),
        ("udp".into(), "10.1.0.0/16".into(), "dns".into())
    );
    // Section 6.3.
    for (content, code) in [
        ("IpProtocol=tcp&FromPort=1&ToPort=1&CidrIpv6=::/0", "InvalidParameterValue"),
        (
            "IpProtocol=tcp&FromPort=1&ToPort=1&CidrIpv4=10.0.0.0/8&CidrIpv6=::/0",
            "InvalidParameterCombination",
        ),
        ("IpProtocol=tcp&FromPort=1&ToPort=1", "MissingParameter"),
        ("IpProtocol=-1&FromPort=1&ToPort=1&CidrIpv4=10.0.0.0/8", "InvalidParameterValue"),
        ("FromPort=1&ToPort=1&CidrIpv4=10.0.0.0/8", "InvalidParameterValue"),
    ] {
        account.refused(&modify(content), code);
    }
    let update =
        format!("UpdateSecurityGroupRuleDescriptionsIngress&GroupId={web}&SecurityGroupRuleDescription.1");
    account.call(&format!(
        "{update}.SecurityGroupRuleId={rule}&{}",
        "SecurityGroupRuleDescription.1.Description=names"
    ));
    assert_eq!(shown("description"), "names");
    account.call(&format!("{update}.SecurityGroupRuleId={rule}"));
    let reply = account.call(&format!("DescribeSecurityGroupRules&SecurityGroupRuleId.1={rule}"));
    assert!(texts(&reply, "description").is_empty(), "R-44");
}

///
#[test]
fn groups_are_named_in_the_default_vpc_only() {
    let account = Account::new();
    let (web, db) = (account.group("web"), account.group("db"));
    let reply = account.call(&ingress(&db, "IpProtocol=-1&Groups.1.GroupName=web"));
    assert_eq!(texts(&reply, "groupId"), [db.clone(), web]);
    account.refused(&ingress(&db, "IpProtocol=-1&Groups.1.GroupName=nobody"), "InvalidGroup.NotFound");
    let vpc = text(&account.call("CreateVpc&CidrBlock=10.0.0.0/16"), "vpcId");
    account.call(&format!("CreateSecurityGroup&GroupName=app&GroupDescription=a&VpcId={vpc}"));
    account.refused("DescribeSecurityGroups&GroupName.1=app", "InvalidGroup.NotFound");
    account.refused("RevokeSecurityGroupIngress&GroupName=app", "InvalidGroup.NotFound");
}

#[test]
fn rules_get_their_tags_with_them() {
    let account = Account::new();
    let web = account.group("web");
    let tags = "TagSpecification.1.ResourceType=security-group-rule&TagSpecification.1.Tag.1.Key=team&TagSpecification.1.Tag.1.Value=a";
    let permission = "IpProtocol=tcp&FromPort=80&ToPort=80&IpRanges.1.CidrIp=10.0.0.0/8";
    let reply = account.call(&format!("{}&{tags}", ingress(&web, permission)));
    assert_eq!(text(&reply, "key"), "team");
    let wrong = tags.replace("security-group-rule", "vpc");
    account.refused(&format!("{}&{wrong}", ingress(&web, permission)), "InvalidParameterValue");
    let reply = account.call("DescribeSecurityGroupRules&Filter.1.Name=tag:team&Filter.1.Value.1=?");
    assert_eq!(texts(&reply, "securityGroupRuleId").len(), 1);
}

#[test]
fn long_answers_come_in_pages_that_neither_repeat_nor_miss() {
    let account = Account::new();
    let names = (0..12).map(|n| format!("g{n}")).collect::<Vec<_>>();
    let ids = names.iter().map(|name| account.group(name)).collect::<Vec<_>>();
    account.refused("DescribeSecurityGroups&MaxResults=4", "InvalidParameterValue");
    account.refused("DescribeSecurityGroups&MaxResults=1001", "InvalidParameterValue");
    account.refused("DescribeSecurityGroups&NextToken=5", "InvalidNextToken");
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let reply = account.call(&format!("DescribeSecurityGroups&MaxResults=5{token}"));
        found.extend(texts(&reply, "groupName"));
        if found.len() == 5 {
            // Somebody deletes a group that was shown and makes another meanwhile.
            account.call(&format!("DeleteSecurityGroup&GroupId={}", ids[0]));
            account.group("late");
        }
        match texts(&reply, "nextToken").first() {
            Some(next) => token = format!("&NextToken={next}"),
            None => break,
        }
    }
    let wanted = ["default"].into_iter().chain(names.iter().map(String::as_str)).chain(["late"]);
    assert_eq!(found, wanted.collect::<Vec<_>>());
}
