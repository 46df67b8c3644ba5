//! Network insights over the wire: what a path is, what an analysis finds, and that it stays as it was found.

mod pair;

use sg_userspace::command;
use sg_userspace::command::network_insights::StartNetworkInsightsAnalysis;
use sg_userspace::store::objects;

use super::{text, texts};
use pair::{Pair, codes, forward, of_items};

#[test]
fn ra_04_components_of_a_path_are_in_the_order_in_which_a_packet_meets_them() {
    let pair = Pair::new();
    pair.allow("tcp", 443, "172.31.0.0/24");
    let path = pair.path("tcp", 443);
    let found = pair.analyse(&path);
    assert_eq!(texts(&found, "networkPathFound"), ["true"]);
    assert_eq!(text(&found, "status"), "succeeded");
    assert!(codes(&found).is_empty());

    let acl = text(&pair.account.call("DescribeNetworkAcls"), "networkAclId");
    let [from, to] = [&pair.client, &pair.server].map(|instance| pair.interface(instance));
    let expected = [&from, &pair.client_group, &acl, &acl, &pair.server_group, &to].map(String::as_str);
    assert_eq!(forward(&found), expected);
    let steps = |names: &[&str]| of_items(&found, "forwardPathComponentSet", names);
    assert_eq!(steps(&["sequenceNumber"]), ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(steps(&["securityGroupRule", "cidr"]), ["", "0.0.0.0/0", "", "", "172.31.0.0/24", ""]);
    assert_eq!(steps(&["securityGroupRule", "direction"]), ["", "egress", "", "", "ingress", ""]);
    assert_eq!(steps(&["aclRule", "ruleNumber"]), ["", "", "100", "100", "", ""]);
    assert_eq!(steps(&["aclRule", "egress"]), ["", "", "true", "false", "", ""]);
    assert_eq!(steps(&["attachedTo", "id"]), [pair.client.as_str(), "", "", "", "", pair.server.as_str()]);
    assert_eq!(steps(&["outboundHeader", "sourceAddressSet", "item"])[0], "172.31.0.10/32");
    // Answers pass both groups by the flow's entry, or an open rule; the ACLs by their own entries.
    let back = of_items(&found, "returnPathComponentSet", &["component", "id"]);
    assert_eq!(back, [&pair.server_group, &acl, &acl, &pair.client_group].map(String::as_str));

    // Within a subnet no ACL is asked (N-01), and by addresses alone the same interfaces are found.
    let beside = format!(
        "RunInstances&ImageId=ami-12345678&MinCount=1&MaxCount=1&SubnetId={}&SecurityGroupId.1={}",
        pair.server_subnet, pair.client_group
    );
    let beside = text(&pair.account.call(&beside), "instanceId");
    pair.allow("tcp", 443, "172.31.1.0/24");
    let path = format!("Source={beside}&DestinationIp=172.31.1.10&Protocol=tcp&DestinationPort=443");
    let found = pair.analyse(&pair.path_of(&path));
    let from = pair.interface(&beside);
    let expected = [&from, &pair.client_group, &pair.server_group, &to].map(String::as_str);
    assert_eq!(forward(&found), expected);
}

#[test]
fn ra_03_groups_of_both_ends_and_acls_each_have_an_explanation() {
    let pair = Pair::new();
    let account = &pair.account;
    account.call(&format!(
        "RevokeSecurityGroupEgress&GroupId={}&IpPermissions.1.IpProtocol=-1&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0",
        pair.client_group
    ));
    pair.allow("tcp", 80, "0.0.0.0/0");
    let path = pair.path("tcp", 443);
    let blocked = pair.analyse(&path);
    assert_eq!(text(&blocked, "status"), "succeeded");
    assert_eq!(text(&blocked, "networkPathFound"), "false");
    assert_eq!(forward(&blocked), [""; 0]);
    assert_eq!(codes(&blocked), ["SG_HAS_NO_RULES", "ENI_SG_RULES_MISMATCH"]);
    let explained = |xml: &str, names: &[&str]| of_items(xml, "explanationSet", names);
    assert_eq!(explained(&blocked, &["direction"]), ["egress", "ingress"]);
    let interfaces = [&pair.client, &pair.server].map(|instance| pair.interface(instance));
    assert_eq!(explained(&blocked, &["networkInterface", "id"]), interfaces);
    let groups = [pair.client_group.clone(), pair.server_group.clone()];
    assert_eq!(explained(&blocked, &["securityGroupSet", "item", "id"]), groups);
    assert_eq!(explained(&blocked, &["subnet", "id"])[1], pair.server_subnet);
    let arn = format!("arn:aws:ec2:us-east-1:123456789012:security-group/{}", pair.server_group);
    assert_eq!(explained(&blocked, &["securityGroupSet", "item", "arn"])[1], arn);

    // An ACL that denies as well is named as well, with its entry; the earlier analysis stays as it was.
    let acl = text(&account.call("DescribeNetworkAcls"), "networkAclId");
    let entry = "RuleNumber=50&Protocol=6&PortRange.From=443&PortRange.To=443&RuleAction=deny&Egress=false&CidrBlock=172.31.0.0/16";
    account.call(&format!("CreateNetworkAclEntry&NetworkAclId={acl}&{entry}"));
    let both = pair.analyse(&path);
    assert_eq!(codes(&both), ["SG_HAS_NO_RULES", "SUBNET_ACL_RESTRICTION", "ENI_SG_RULES_MISMATCH"]);
    assert_eq!(explained(&both, &["acl", "id"]), ["", acl.as_str(), ""]);
    assert_eq!(explained(&both, &["aclRule", "ruleNumber"]), ["", "50", ""]);
    assert_eq!(explained(&both, &["aclRule", "portRange", "from"]), ["", "443", ""]);
    assert_eq!(explained(&both, &["aclRule", "ruleAction"]), ["", "deny", ""]);
    let first = text(&blocked, "networkInsightsAnalysisId");
    let again = account.call(&format!("DescribeNetworkInsightsAnalyses&NetworkInsightsAnalysisId.1={first}"));
    assert_eq!(codes(&again), codes(&blocked));
}

/// What was found is kept with everything else, and a command that made it can be taken back.
#[test]
fn paths_and_analyses_are_kept_and_can_be_undone() {
    let pair = Pair::new();
    pair.analyse(&pair.path("tcp", 443));
    let mut world = pair.account.world();
    let written = objects::touched(&world, &objects::all(&world)).into_iter();
    let written = written.map(|write| (write.key, write.value.unwrap())).collect::<Vec<_>>();
    assert_eq!(objects::world(&written).unwrap(), world);
    let before = world.clone();
    let path_id = world.network_insights_paths.keys().next().unwrap().clone();
    let command = StartNetworkInsightsAnalysis { path_id, started: 7, tags: [].into() };
    let applied = command::apply(&mut world, command.into()).unwrap();
    assert_eq!(world.network_insights_analyses.len(), 2);
    applied.undo.restore(&mut world);
    assert_eq!(world.network_insights_analyses, before.network_insights_analyses);
}

/// AWS's answer is about the world as it was when the analysis was started: a later one may differ, an earlier one never
/// does.
#[test]
fn ra_01_an_analysis_is_of_the_moment_and_of_udp_as_of_tcp() {
    let pair = Pair::new();
    let path = pair.path("udp", 53);
    let before = pair.analyse(&path);
    assert_eq!(text(&before, "networkPathFound"), "false");
    pair.allow("udp", 53, "172.31.0.10/32");
    let after = pair.analyse(&path);
    assert_eq!(text(&after, "networkPathFound"), "true");
    // The rule is UDP's alone.
    assert_eq!(text(&pair.analyse(&pair.path("tcp", 53)), "networkPathFound"), "false");
    let found = |value: &str| {
        let filter =
            format!("Filter.1.Name=path-found&Filter.1.Value.1={value}&NetworkInsightsPathId={path}");
        texts(
            &pair.account.call(&format!("DescribeNetworkInsightsAnalyses&{filter}")),
            "networkInsightsAnalysisId",
        )
    };
    assert_eq!(found("false"), [text(&before, "networkInsightsAnalysisId")]);
    assert_eq!(found("true"), [text(&after, "networkInsightsAnalysisId")]);
    // With an end gone there is nothing to analyse; the path and what was found before stay.
    pair.account.call(&format!("TerminateInstances&InstanceId.1={}", pair.server));
    let failed = pair.analyse(&path);
    assert_eq!((text(&failed, "status"), texts(&failed, "networkPathFound").len()), ("failed".to_owned(), 0));
    assert!(!text(&failed, "statusMessage").is_empty());
    assert_eq!(found("true").len(), 1);
}

/// Where no port, interface or address of the internet is named, one that gets through is enough.
#[test]
fn ra_01_a_feasible_path_is_found_among_ports_and_addresses_of_the_internet() {
    let pair = Pair::new();
    let gateway = text(&pair.account.call("CreateInternetGateway"), "internetGatewayId");
    let inward = pair.path_of(&format!("Source={gateway}&Destination={}&Protocol=tcp", pair.server));
    let blocked = pair.analyse(&inward);
    assert_eq!(codes(&blocked), ["SG_HAS_NO_RULES"]);
    pair.allow("tcp", 8443, "203.0.113.0/24");
    let found = pair.analyse(&inward);
    assert_eq!(text(&found, "networkPathFound"), "true");
    assert_eq!(forward(&found)[0], gateway);
    let header = |names: &[&str]| {
        let names = [&["outboundHeader"], names].concat();
        of_items(&found, "forwardPathComponentSet", &names)[0].clone()
    };
    assert!(header(&["sourceAddressSet", "item"]).starts_with("203.0.113."));
    assert_eq!(header(&["destinationPortRangeSet", "item", "from"]), "8443");
    // The other way there is a rule for everything.
    let outward = pair.path_of(&format!("Source={}&Destination={gateway}&Protocol=udp", pair.client));
    assert_eq!(forward(&pair.analyse(&outward)).last(), Some(&gateway));
    // An address of the VPC's own is not reached through a gateway.
    let inside =
        format!("Source={}&Destination={gateway}&DestinationIp=172.31.1.10&Protocol=tcp", pair.client);
    assert_eq!(text(&pair.analyse(&pair.path_of(&inside)), "status"), "failed");
}

/// A rule that names a group holds over a peering, which is then among the components; without the peering there is no way.
#[test]
fn ra_04_a_peering_is_on_the_way_between_vpcs() {
    let pair = Pair::new();
    let account = &pair.account;
    let vpc = text(&account.call("DescribeVpcs"), "vpcId");
    let other = text(&account.call("CreateVpc&CidrBlock=10.9.0.0/16"), "vpcId");
    let subnet =
        text(&account.call(&format!("CreateSubnet&VpcId={other}&CidrBlock=10.9.0.0/24")), "subnetId");
    let remote = text(
        &account.call(&format!("RunInstances&ImageId=ami-12345678&MinCount=1&MaxCount=1&SubnetId={subnet}")),
        "instanceId",
    );
    pair.allow("tcp", 443, "10.9.0.0/16");
    let ends = format!("Source={remote}&Destination={}", pair.server);
    let path = pair.path_of(&format!("{ends}&Protocol=tcp&DestinationPort=443"));
    let apart = pair.analyse(&path);
    assert_eq!(codes(&apart), ["DISCONNECTED_VPCS"]);
    let peering = text(
        &account.call(&format!("CreateVpcPeeringConnection&VpcId={vpc}&PeerVpcId={other}")),
        "vpcPeeringConnectionId",
    );
    let pending = pair.analyse(&path);
    assert_eq!(codes(&pending), ["BAD_STATE"]);
    assert_eq!(of_items(&pending, "explanationSet", &["vpcPeeringConnection", "id"]), [peering.as_str()]);
    account.call(&format!("AcceptVpcPeeringConnection&VpcPeeringConnectionId={peering}"));
    let joined = pair.analyse(&path);
    assert_eq!(forward(&joined)[3], peering);
    assert_eq!(forward(&joined).len(), 7);
}

/// ACLs know nothing of flows: one that keeps answers back is in the way of TCP, and UDP needs none.
#[test]
fn ra_03_an_acl_that_stops_answers_is_in_the_way_of_tcp() {
    let pair = Pair::new();
    pair.allow("tcp", 443, "0.0.0.0/0");
    pair.allow("udp", 443, "0.0.0.0/0");
    let acl = text(&pair.account.call("DescribeNetworkAcls"), "networkAclId");
    let entry = "RuleNumber=50&Protocol=-1&RuleAction=deny&Egress=true&CidrBlock=172.31.0.10/32";
    pair.account.call(&format!("CreateNetworkAclEntry&NetworkAclId={acl}&{entry}"));
    let blocked = pair.analyse(&pair.path("tcp", 443));
    assert_eq!(codes(&blocked), ["SUBNET_ACL_RESTRICTION"]);
    assert_eq!(of_items(&blocked, "explanationSet", &["direction"]), ["egress"]);
    assert_eq!(
        of_items(&blocked, "explanationSet", &["networkInterface", "id"]),
        [pair.interface(&pair.server)]
    );
    let found = pair.analyse(&pair.path("udp", 443));
    assert_eq!(forward(&found).len(), 6);
    assert_eq!(of_items(&found, "returnPathComponentSet", &["component"]), [""; 0]);
}

#[test]
fn ra_02_a_foreign_source_address_and_an_address_that_nobody_has_are_said() {
    let pair = Pair::new();
    pair.allow("tcp", 443, "0.0.0.0/0");
    let foreign = format!("Source={}&SourceIp=172.31.0.99&Destination={}", pair.client, pair.server);
    let blocked = pair.analyse(&pair.path_of(&format!("{foreign}&Protocol=tcp&DestinationPort=443")));
    assert_eq!(codes(&blocked)[0], "ENI_SOURCE_DEST_CHECK_RESTRICTION");
    assert_eq!(of_items(&blocked, "explanationSet", &["address"])[0], "172.31.0.99");
    let nobody = format!("Source={}&DestinationIp=172.31.1.99&Protocol=tcp&DestinationPort=443", pair.client);
    let blocked = pair.analyse(&pair.path_of(&nobody));
    assert_eq!(codes(&blocked), ["NO_ROUTE_TO_DESTINATION"]);
    assert_eq!(of_items(&blocked, "explanationSet", &["address"]), ["172.31.1.99"]);
}

#[test]
fn ra_01_what_is_no_path_is_refused_and_makes_nothing() {
    let pair = Pair::new();
    let (client, server, group) = (&pair.client, &pair.server, &pair.server_group);
    let ends = format!("Source={client}&Destination={server}");
    let tcp = format!("{ends}&Protocol=tcp");
    let refusals = [
        (format!("{ends}&Protocol=icmp"), "InvalidParameterValue"),
        (format!("{ends}&Protocol=-1"), "InvalidParameterValue"),
        (ends.clone(), "MissingParameter"),
        (format!("Source={client}&Protocol=tcp"), "MissingParameter"),
        (format!("Destination={server}&Protocol=tcp"), "MissingParameter"),
        (format!("Source={client}&Destination={client}&Protocol=tcp"), "InvalidParameterValue"),
        (format!("{tcp}&DestinationPort=0"), "InvalidParameterValue"),
        (format!("{tcp}&DestinationPort=65536"), "InvalidParameterValue"),
        (format!("{tcp}&SourceIp=fd00::1"), "InvalidParameterValue"),
        (format!("{tcp}&FilterAtSource.SourceAddress=10.0.0.0/8"), "UnsupportedOperation"),
        (format!("Source={client}&Destination={group}&Protocol=tcp"), "UnsupportedOperation"),
        (
            format!("Source=i-0123456789abcdef0&Destination={server}&Protocol=tcp"),
            "InvalidInstanceID.NotFound",
        ),
        (
            format!(
                "Source=arn:aws:ec2:eu-west-1:123456789012:instance/{client}&Destination={server}&Protocol=tcp"
            ),
            "InvalidInstanceID.NotFound",
        ),
    ];
    let before = pair.account.world();
    for (parameters, code) in refusals {
        pair.account.refused(&format!("CreateNetworkInsightsPath&ClientToken=a&{parameters}"), code);
    }
    pair.account.refused(&format!("CreateNetworkInsightsPath&{tcp}"), "MissingParameter");
    let start = "StartNetworkInsightsAnalysis&ClientToken=a&NetworkInsightsPathId=nip-0123456789abcdef0";
    pair.account.refused(start, "InvalidNetworkInsightsPathId.NotFound");
    pair.account.refused(&format!("{start}&FilterInArn.1=arn:aws:a"), "UnsupportedOperation");
    assert_eq!(pair.account.world(), before);
    let arn = format!("arn:aws:ec2:us-east-1:123456789012:instance/{client}");
    pair.path_of(&format!("Source={arn}&Destination={server}&Protocol=tcp"));
}

#[test]
fn paths_and_analyses_are_tagged_filtered_paged_and_deleted() {
    let pair = Pair::new();
    let account = &pair.account;
    let tag = |kind: &str| {
        let it = "TagSpecification.1";
        format!("{it}.ResourceType={kind}&{it}.Tag.1.Key=team&{it}.Tag.1.Value=red")
    };
    let ends = format!("Source={}&Destination={}", pair.client, pair.server);
    let create = format!(
        "CreateNetworkInsightsPath&ClientToken=a&{ends}&Protocol=tcp&{}",
        tag("network-insights-path")
    );
    let first = text(&account.call(&create), "networkInsightsPathId");
    assert_eq!(text(&account.call(&create), "networkInsightsPathId"), first, "the token is the same");
    let second = pair.path("udp", 53);
    let all = account.call("DescribeNetworkInsightsPaths");
    assert_eq!(texts(&all, "networkInsightsPathId"), [first.clone(), second.clone()]);
    assert_eq!(texts(&all, "createdDate"), ["2025-11-28T12:00:00.000Z"; 2]);
    let with = |filter: &str, value: &str| {
        let call = format!("DescribeNetworkInsightsPaths&Filter.1.Name={filter}&Filter.1.Value.1={value}");
        texts(&account.call(&call), "networkInsightsPathId")
    };
    assert_eq!(with("protocol", "udp"), [second.as_str()]);
    assert_eq!(with("source", &pair.client).len(), 2);
    assert_eq!(with("destination", &pair.client), [""; 0]);
    assert_eq!(with("tag:team", "red"), [first.as_str()]);
    account
        .refused("DescribeNetworkInsightsPaths&Filter.1.Name=a&Filter.1.Value.1=b", "InvalidParameterValue");
    let page = account.call("DescribeNetworkInsightsPaths&MaxResults=1");
    assert_eq!(texts(&page, "networkInsightsPathId"), [first.as_str()]);
    let next = text(&page, "nextToken");
    let page = account.call(&format!("DescribeNetworkInsightsPaths&MaxResults=1&NextToken={next}"));
    assert_eq!(texts(&page, "networkInsightsPathId"), [second.as_str()]);
    assert_eq!(texts(&page, "nextToken"), [""; 0]);

    let start = format!(
        "StartNetworkInsightsAnalysis&ClientToken=a&NetworkInsightsPathId={first}&{}",
        tag("network-insights-analysis")
    );
    let analysis = text(&account.call(&start), "networkInsightsAnalysisId");
    let tagged =
        account.call("DescribeTags&Filter.1.Name=resource-type&Filter.1.Value.1=network-insights-analysis");
    assert_eq!(texts(&tagged, "resourceId"), [analysis.as_str()]);
    let since = |moment: &str| {
        let call = format!("DescribeNetworkInsightsAnalyses&AnalysisStartTime={moment}");
        texts(&account.call(&call), "networkInsightsAnalysisId").len()
    };
    assert_eq!((since("2025-11-28T12:00:00Z"), since("2025-11-28T12:00:01Z")), (1, 0));

    let delete = format!("DeleteNetworkInsightsPath&NetworkInsightsPathId={first}");
    account.refused(&delete, "AnalysisExistsForNetworkInsightsPath");
    let delete_analysis = format!("DeleteNetworkInsightsAnalysis&NetworkInsightsAnalysisId={analysis}");
    assert_eq!(text(&account.call(&delete_analysis), "networkInsightsAnalysisId"), analysis);
    account.refused(&delete_analysis, "InvalidNetworkInsightsAnalysisId.NotFound");
    assert_eq!(text(&account.call(&delete), "networkInsightsPathId"), first);
    account.refused(&delete, "InvalidNetworkInsightsPathId.NotFound");
    assert_eq!(
        texts(&account.call("DescribeNetworkInsightsPaths"), "networkInsightsPathId"),
        [second.as_str()]
    );

    // What is in another region does not exist in this one.
    let elsewhere = pair.account.in_region("eu-west-1");
    assert_eq!(texts(&elsewhere.call("DescribeNetworkInsightsPaths"), "networkInsightsPathId"), [""; 0]);
    let start = format!("StartNetworkInsightsAnalysis&ClientToken=b&NetworkInsightsPathId={second}");
    elsewhere.refused(&start, "InvalidNetworkInsightsPathId.NotFound");
}
