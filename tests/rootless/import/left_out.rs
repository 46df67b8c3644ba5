//! What has no place here is left out and told, with what follows; what matters all the same stays.

use serde_json::{Value, json};
use sg_userspace::analysis::ask::{Who, ask};
use sg_userspace::analysis::traffic::Traffic;
use sg_userspace::aws::world::World;
use sg_userspace::import::LeftOut;

use super::example;

fn left(change: impl Fn(&str, &mut Value)) -> Vec<LeftOut> {
    example(change).unwrap().report.left_out
}

#[track_caller]
fn told<'l>(left: &'l [LeftOut], what: &str) -> &'l LeftOut {
    let whats = || left.iter().map(|it| it.what.as_str()).collect::<Vec<_>>();
    left.iter().find(|it| it.what.contains(what)).unwrap_or_else(|| panic!("no `{what}` among {:?}", whats()))
}

#[test]
fn everything_that_is_left_out_is_told() {
    let left = left(|_, _| {});
    for (what, reason, consequence) in [
        ("prefix list pl-63a5400a", "get-managed-prefix-list-entries-pl-63a5400a.json", "rules that name it"),
        ("eni-01099999999999999 (ELB app/shop", "no instance is behind it", "members of its groups"),
        ("instance i-0e00000000000000e", "it has ended", "it is not there"),
        ("NAT gateway nat-05e00a1b2c3d4e5f6", "there are none here", "by their own addresses"),
    ] {
        let found = told(&left, what);
        assert!(found.reason.contains(reason) && found.consequence.contains(consequence), "{found:?}");
        assert!(found.place.file.ends_with(".json") && !found.place.path.is_empty(), "{found:?}");
    }
    assert_eq!(left.len(), 5, "{left:?}");
}

/// E-06: an interface that no instance here has is still a member of its groups.
#[test]
fn e_06_a_load_balancer_s_address_is_a_member_of_its_group() {
    let world = example(|_, _| {}).unwrap().world;
    let app = world.instances.values().find(|it| it.name == "app-server-00000a").unwrap();
    let to = Who::Interface(world.interfaces_of(&app.id)[0].id.clone(), None);
    let from = Who::Address("10.20.0.40".parse().unwrap());
    let answers = ask(&world, &from, &to, Traffic::Tcp(8080), true);
    let codes = |answers: &[sg_userspace::analysis::ask::Answer]| {
        let steps = answers.iter().flat_map(|answer| &answer.explanation.steps);
        steps.filter_map(|step| Some((step.component, step.finding.code()?))).collect::<Vec<_>>()
    };
    let groups =
        |answers: &[_]| codes(answers).iter().any(|(_, code)| code.to_string().contains("ENI_SG_RULES"));
    assert!(!groups(&answers), "its group's rule lets it in: {:?}", codes(&answers));
    let other = ask(&world, &Who::Address("10.20.0.41".parse().unwrap()), &to, Traffic::Tcp(22), true);
    assert!(groups(&other), "{:?}", codes(&other));
}

/// Rules that name what is not there: another account's group, AWS's list without blocks.
#[test]
fn rules_that_name_foreign_things_are_left_out_with_what_follows() {
    let left = left(|name, page| {
        if name.starts_with("describe-security-group-rules.") {
            let rules = page["SecurityGroupRules"].as_array_mut().unwrap();
            rules[5]["ReferencedGroupInfo"] = json!({
                "GroupId": "sg-0aaaaaaaaaaaaaaaa", "UserId": "999988887777", "VpcId": "vpc-0bbbbbbbbbbbbbbbb",
                "PeeringStatus": "active", "VpcPeeringConnectionId": "pcx-0cccccccccccccccc",
            });
        }
        if name.starts_with("describe-security-groups.") {
            page["SecurityGroups"][2]["IpPermissions"][0]["UserIdGroupPairs"] = json!([{
                "GroupId": "sg-0aaaaaaaaaaaaaaaa", "UserId": "999988887777", "VpcId": "vpc-0bbbbbbbbbbbbbbbb",
            }]);
        }
        if name.starts_with("get-managed") {
            *page = json!({});
        }
    });
    let foreign = told(&left, "sgr-006c0ffee00000006 of sg-0200000000000002b");
    assert_eq!(foreign.reason, "sg-0aaaaaaaaaaaaaaaa, the group that it names, is of account 999988887777");
    assert_eq!(foreign.consequence, "what it lets in is not let in by it");
    let listed = told(&left, "sgr-00bc0ffee0000000b of sg-0400000000000004d");
    assert!(listed.reason.contains("pl-0b7e151628aed2a6a"), "{listed:?}");
}

/// a rule whose group is gone beyond a peering stays, and matches nobody.
#[test]
fn r_27_a_stale_rule_stays_and_a_broken_reference_does_not() {
    let change = |pair: Value| {
        example(move |name, page| {
            if name.starts_with("describe-security-group-rules.") {
                *page = json!({});
            }
            if name.starts_with("describe-security-groups.") {
                page["SecurityGroups"][2]["IpPermissions"][0]["UserIdGroupPairs"] = json!([pair]);
            }
        })
    };
    let stale = json!({ "GroupId": "sg-0aaaaaaaaaaaaaaaa", "VpcId": "vpc-0bbbbbbbbbbbbbbbb", "PeeringStatus": "deleted" });
    let world = change(stale).unwrap().world;
    let rules = world.security_groups.values().flat_map(|group| &group.rules);
    let rule = rules.into_iter().find(|rule| rule.peer.to_string() == "sg-0aaaaaaaaaaaaaaaa").unwrap();
    assert_eq!(rule.referenced_vpc_id.as_ref().unwrap().as_str(), "vpc-0bbbbbbbbbbbbbbbb");
    let error = change(json!({ "GroupId": "sg-0aaaaaaaaaaaaaaaa", "UserId": "111122223333" })).unwrap_err();
    assert!(error.ends_with("SecurityGroups[2].IpPermissions[0].UserIdGroupPairs[0]: The security group 'sg-0aaaaaaaaaaaaaaaa' does not exist (InvalidGroup.NotFound)"), "{error}");
}

/// The example with these items of calls that it has no file of.
fn with(key: &str, items: Value) -> Result<(World, Vec<LeftOut>), String> {
    let loaded = example(|name, page| {
        if name.starts_with("describe-vpcs.") {
            page[key] = items.clone();
        }
    })?;
    Ok((loaded.world, loaded.report.left_out))
}

/// Targets and resources that there are none of, and forms that records do not have here.
#[test]
fn routes_and_flow_logs_that_have_no_place_here_are_told() {
    let (vpc, table) = ("vpc-0a1b2c3d4e5f60718", "rtb-0aaaaaaaaaaaaaaaa");
    let known = example(|_, _| {}).unwrap().world;
    assert_eq!(known.vpcs.keys().next().unwrap().as_str(), vpc);
    let routes = json!([
        { "DestinationCidrBlock": "10.20.0.0/16", "GatewayId": "local", "State": "active" },
        { "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-0aaaaaaaaaaaaaaaa", "State": "blackhole" },
        { "DestinationCidrBlock": "10.9.0.0/16", "NatGatewayId": "nat-0aaaaaaaaaaaaaaaa", "State": "active" },
        { "DestinationPrefixListId": "pl-63a5400a", "GatewayId": "vpce-0aaaaaaaaaaaaaaaa", "State": "active" },
    ]);
    let associations = json!([
        { "Main": true, "RouteTableAssociationId": "rtbassoc-0aaaaaaaaaaaaaaaa", "RouteTableId": table },
        { "Main": false, "RouteTableAssociationId": "rtbassoc-0bbbbbbbbbbbbbbbb", "GatewayId": "igw-0aaaaaaaaaaaaaaaa" },
    ]);
    let tables =
        json!([{ "RouteTableId": table, "VpcId": vpc, "Routes": routes, "Associations": associations }]);
    let (world, left) = with("RouteTables", tables.clone()).unwrap();
    let main = world.main_route_table_of(&vpc.parse().unwrap()).unwrap();
    assert_eq!((main.id.as_str(), main.routes.len(), main.associations.len()), (table, 1, 1), "{main:?}");
    told(&left, "an association of route table rtb-0aaaaaaaaaaaaaaaa");
    let reasons = left.iter().filter(|it| it.what.starts_with("a route of")).map(|it| it.reason.as_str());
    let reasons = reasons.collect::<Vec<_>>();
    assert_eq!(
        reasons,
        ["there is nothing of the kind that it leads to", "its destination is a prefix list"]
    );
    let mut second = tables[0].clone();
    second["RouteTableId"] = json!("rtb-0bbbbbbbbbbbbbbbb");
    let error = with("RouteTables", json!([tables[0], second])).unwrap_err();
    assert!(
        error.contains("RouteTables[1]: 'rtb-0bbbbbbbbbbbbbbbb' would be the second main route table"),
        "{error}"
    );

    let gateway = |n: usize| json!({ "InternetGatewayId": format!("igw-{n:017x}"), "Attachments": [{ "VpcId": vpc, "State": "available" }] });
    let (world, _) = with("InternetGateways", json!([gateway(1)])).unwrap();
    assert!(world.internet_gateway_of(&vpc.parse().unwrap()).is_some());
    let error = with("InternetGateways", json!([gateway(1), gateway(2)])).unwrap_err();
    assert!(
        error.contains("InternetGateways[1]: ") && error.contains("already has an internet gateway"),
        "{error}"
    );

    let log = |n: usize, more: Value| {
        let mut log = json!({
            "FlowLogId": format!("fl-{n:017x}"), "ResourceId": vpc, "TrafficType": "ALL", "LogDestinationType": "s3",
            "LogDestination": "arn:aws:s3:::b", "CreationTime": "2026-11-28T12:00:00+00:00", "MaxAggregationInterval": 60,
        });
        more.as_object().unwrap().iter().for_each(|(key, value)| log[key] = value.clone());
        log
    };
    let logs = [
        log(1, json!({})),
        log(2, json!({ "ResourceId": "tgw-0aaaaaaaaaaaaaaaa" })),
        log(3, json!({ "ResourceId": "eni-0aaaaaaaaaaaaaaaa" })),
        log(4, json!({ "DestinationOptions": { "FileFormat": "parquet" } })),
        log(5, json!({ "LogFormat": "${colour}" })),
    ];
    let (world, left) = with("FlowLogs", json!(logs)).unwrap();
    let made = world.flow_logs.values().collect::<Vec<_>>();
    assert_eq!((made.len(), made[0].created, made[0].max_aggregation_interval), (1, 1_795_867_200, 60));
    for (n, reason) in [(2, "tgw-"), (3, "eni-"), (4, "parquet"), (5, "fields")] {
        let found = told(&left, &format!("flow log fl-{n:017x}"));
        assert!(
            found.reason.contains(reason) && found.consequence == "nothing is logged for it",
            "{found:?}"
        );
    }
    let error = with("FlowLogs", json!([log(1, json!({ "MaxAggregationInterval": 7 }))])).unwrap_err();
    assert!(error.contains("FlowLogs[0]: Invalid Flow Log Max Aggregation Interval"), "{error}");
}
