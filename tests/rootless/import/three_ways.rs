//! One shop in three tiers, told by describe calls, by a template, and by Terraform's state and plan: one answer. And what
//! templates can say, or cannot.

use serde_json::{Value, json};
use sg_userspace::analysis::reach::{Scope, reach};
use sg_userspace::analysis::row::rows;
use sg_userspace::aws::world::World;
use sg_userspace::import::source::{Loaded, SourceFile, Sources};
use sg_userspace::report::reach::views;

use super::example;

fn read(name: &str) -> SourceFile {
    let path = format!("{}/../examples/import/{name}", env!("CARGO_MANIFEST_DIR"));
    SourceFile { name: name.to_owned(), text: std::fs::read_to_string(path).unwrap() }
}

fn of(file: SourceFile, parameters: &[(&str, &str)]) -> Result<Loaded, String> {
    let parameters = parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let sources = Sources { files: vec![file], parameters: parameters.collect(), ..Sources::default() };
    sources.load(0).map_err(|error| error.to_string())
}

/// What is open, without ids: the end of an instance's id is in its name where another has the same.
fn answer(world: &World) -> Value {
    let name = |text: &str| match text.rsplit_once('-') {
        Some((name, end)) if name == "app-server" && end.len() == 6 => name.to_owned(),
        _ => text.to_owned(),
    };
    let rows = rows(&reach(world, &Scope::default()));
    let mut views = views(&[world], &rows)
        .into_iter()
        .map(|row| {
            let mut from = row.from.iter().map(|from| name(from)).collect::<Vec<_>>();
            from.sort_unstable();
            json!([
                name(&row.to),
                row.protocol,
                row.from_port,
                row.to_port,
                row.ipv4,
                row.ipv6,
                from,
                row.answered,
                row.tracked
            ])
        })
        .collect::<Vec<_>>();
    views.sort_by_key(Value::to_string);
    Value::Array(views)
}

#[test]
fn all_sources_of_one_shop_give_one_answer() {
    let described = example(|_, _| {}).unwrap().world;
    let wanted = answer(&described);
    assert_eq!(wanted.as_array().unwrap().len(), 7);
    for name in ["shop.yaml", "shop.tfstate.json", "shop.tfplan.json"] {
        let loaded = of(read(name), &[]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(answer(&loaded.world), wanted, "{name}");
    }
    // A state knows every id.
    let state = of(read("shop.tfstate.json"), &[]).unwrap().world;
    assert!(state.instances.keys().eq(described.instances.keys()));
    assert!(state.security_groups.keys().eq(described.security_groups.keys()));
    let rules = |world: &World| {
        world
            .security_groups
            .values()
            .flat_map(|group| &group.rules)
            .map(|rule| rule.id.to_string())
            .collect::<Vec<_>>()
    };
    let of_resources = ["sgr-007c0ffee00000007", "sgr-009c0ffee00000009", "sgr-00ac0ffee0000000a"];
    assert!(of_resources.iter().all(|id| rules(&state).contains(&(*id).to_owned())), "{:?}", rules(&state));
}

#[test]
fn a_template_in_json_is_the_same_template() {
    let text = json!({
        "Parameters": { "Cidr": { "Type": "String" } },
        "Resources": {
            "Net": { "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": { "Ref": "Cidr" } } },
            "Six": { "Type": "AWS::EC2::VPCCidrBlock", "Properties": { "VpcId": { "Ref": "Net" }, "AmazonProvidedIpv6CidrBlock": true } },
            "Sub": { "Type": "AWS::EC2::Subnet", "DependsOn": "Six", "Properties": {
                "VpcId": { "Ref": "Net" },
                "CidrBlock": { "Fn::Select": ["1", { "Fn::Cidr": [{ "Fn::GetAtt": ["Net", "CidrBlock"] }, 4, 8] }] },
                "Ipv6CidrBlock": { "Fn::Select": [0, { "Fn::Cidr": [{ "Fn::Select": [0, { "Fn::GetAtt": ["Net", "Ipv6CidrBlocks"] }] }, 2, 64] }] },
            } },
            "Host": { "Type": "AWS::EC2::Instance", "Properties": { "SubnetId": { "Ref": "Sub" }, "SecurityGroupIds": [{ "Fn::GetAtt": "Net.DefaultSecurityGroup" }] } },
        },
    });
    let file = SourceFile { name: "net.template".to_owned(), text: text.to_string() };
    let error = of(file.clone(), &[]).unwrap_err();
    assert_eq!(
        error,
        "net.template: Parameters.Cidr: it has no default: give it with --parameter Cidr=VALUE"
    );
    let world = of(file, &[("Cidr", "10.7.0.0/16")]).unwrap().world;
    let subnet = world.subnets.values().next().unwrap();
    assert_eq!((subnet.cidr_ipv4.to_string().as_str(), subnet.cidr_ipv6.is_some()), ("10.7.1.0/24", true));
    let interface = world.network_interfaces.values().next().unwrap();
    assert_eq!(interface.private_ipv4[0].to_string(), "10.7.1.4", "the first that is free");
    let group = &world.security_groups[&interface.groups[0]];
    assert!(group.is_default() && group.rules.len() == 3, "{group:?}");
}

/// Parameters choose conditions, and conditions resources.
#[test]
fn parameters_and_conditions_choose() {
    let subnets = |environment: &str| {
        of(read("shop.yaml"), &[("Environment", environment)]).map(|it| it.world.subnets.len())
    };
    assert_eq!(subnets("prod"), Ok(4));
    assert_eq!(subnets("test"), Ok(3));
    let error = subnets("stage").unwrap_err();
    assert!(
        error.contains("Resources.App1.Properties.InstanceType: there is no stage.app in the mapping Sizes"),
        "{error}"
    );
    let refused = |parameter| of(read("shop.yaml"), &[parameter]).unwrap_err();
    let error = refused(("DatabaseType", "t2.nano"));
    assert!(error.ends_with("Parameters.DatabaseType: `t2.nano` is not among its AllowedValues"), "{error}");
    assert!(
        refused(("Databasetype", "x"))
            .contains("the template has no parameter `Databasetype`; it has: DatabaseType")
    );
    let error = refused(("Network", "10.300"));
    assert!(error.ends_with("Resources.AppA.Properties.CidrBlock: no such blocks"), "{error}");
}

#[test]
fn what_a_template_cannot_say_here_is_an_error_at_its_place() {
    for (from, to, wanted) in [
        (
            "DestinationSecurityGroupId: !GetAtt AppGroup.GroupId",
            "DestinationSecurityGroupId: !ImportValue app",
            "Resources.LoadBalancerToApp.Properties.DestinationSecurityGroupId: Fn::ImportValue takes a value of another stack",
        ),
        (
            "!Sub '${Network}.10.11'",
            "!Sub '${Netwrok}.10.11'",
            "Resources.App1.Properties.PrivateIpAddress: there is no parameter and no resource `Netwrok`",
        ),
        (
            "CidrIp: !GetAtt Vpc.CidrBlock",
            "CidrIp: !Sub '${Bastion.PrivateIp}/32'",
            "PrivateIp of Bastion is not known before it is made",
        ),
        (
            "[!Condition IsProduction,",
            "[!Condition HasTwoZones,",
            "Conditions.HasTwoZones: this refers to itself, or is nested too deeply",
        ),
        (
            "NetworkAclId: !Ref DataAcl, RuleNumber: 110",
            "NetworkAclId: acl-0123456789abcdef0, RuleNumber: 110",
            "Resources.DataAclSsh: there is no network ACL acl-0123456789abcdef0",
        ),
        (
            "!Sub '${Network}.11.12'",
            "!Sub '${Network}.10.12'",
            "Resources.App2: Address 10.20.10.12 does not fall within the subnet's address range 10.20.11.0/24",
        ),
        ("Type: String\n    Default: '10.20'", "Type: String\n\tDefault: '10.20'", "shop.yaml: "),
    ] {
        let file = read("shop.yaml");
        assert!(file.text.contains(from), "{from}");
        let file = SourceFile { text: file.text.replacen(from, to, 1), ..file };
        let error = of(file, &[]).err().unwrap_or_else(|| panic!("{to} is taken"));
        assert!(error.contains(wanted), "no `{wanted}` in `{error}`");
    }
}

/// A plan whose references cannot be followed says so, rather than to guess.
#[test]
fn a_plan_that_leaves_a_reference_open_is_refused() {
    let file = read("shop.tfplan.json");
    let mut plan: Value = serde_json::from_str(&file.text).unwrap();
    let resources = plan["configuration"]["root_module"]["resources"].as_array_mut().unwrap();
    let subnet = resources.iter_mut().find(|it| it["type"] == "aws_subnet").unwrap();
    subnet["expressions"]["vpc_id"] =
        json!({ "references": ["data.aws_vpc.elsewhere.id", "data.aws_vpc.elsewhere"] });
    let error = of(SourceFile { text: plan.to_string(), ..file }, &[]).unwrap_err();
    assert!(error.contains("aws_subnet.this[\"public-a\"]: there is no `VpcId`"), "{error}");
}

/// What decides nothing here, told by a template and by a state: gateway, tables, routes, attributes and a flow log.
#[test]
fn gateways_routes_and_flow_logs_come_from_templates_and_states() {
    let template = "
Resources:
  Net: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.7.0.0/16, EnableDnsSupport: false, EnableDnsHostnames: 'true'}}
  Sub: {Type: 'AWS::EC2::Subnet', Properties: {VpcId: !Ref Net, CidrBlock: 10.7.1.0/24}}
  Out: {Type: 'AWS::EC2::VPCGatewayAttachment', Properties: {VpcId: !Ref Net, InternetGatewayId: !Ref Gate}}
  Gate: {Type: 'AWS::EC2::InternetGateway', Properties: {Tags: [{Key: Name, Value: gate}]}}
  Way: {Type: 'AWS::EC2::Route', Properties: {RouteTableId: !GetAtt Table.RouteTableId, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gate}}
  Nat: {Type: 'AWS::EC2::Route', Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 10.9.0.0/16, NatGatewayId: nat-0}}
  With: {Type: 'AWS::EC2::SubnetRouteTableAssociation', Properties: {RouteTableId: !Ref Table, SubnetId: !Ref Sub}}
  Table: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Net}}
  Log: {Type: 'AWS::EC2::FlowLog', Properties: {ResourceType: VPC, ResourceId: !Ref Net, TrafficType: REJECT, LogDestinationType: s3,
        LogDestination: !GetAtt Bucket.Arn, MaxAggregationInterval: 60}}
  Bucket: {Type: 'AWS::S3::Bucket'}
";
    let state = |kind: &str, values: Value| json!({ "address": format!("{kind}.it"), "mode": "managed", "type": kind, "values": values });
    let (vpc, subnet) = ("vpc-0aaaaaaaaaaaaaaaa", "subnet-0aaaaaaaaaaaaaaaa");
    let (main, table, gateway) = ("rtb-0aaaaaaaaaaaaaaaa", "rtb-0bbbbbbbbbbbbbbbb", "igw-0aaaaaaaaaaaaaaaa");
    let to_gateway = json!({ "cidr_block": "0.0.0.0/0", "ipv6_cidr_block": "", "gateway_id": gateway, "nat_gateway_id": "" });
    let state = json!({ "format_version": "1.0", "values": { "root_module": { "resources": [
        state("aws_vpc", json!({ "id": vpc, "cidr_block": "10.7.0.0/16", "main_route_table_id": main,
            "enable_dns_support": false, "enable_dns_hostnames": true, "enable_network_address_usage_metrics": false })),
        state("aws_subnet", json!({ "id": subnet, "vpc_id": vpc, "cidr_block": "10.7.1.0/24", "availability_zone": "us-east-1a" })),
        state("aws_route_table_association", json!({ "id": "rtbassoc-0aaaaaaaaaaaaaaaa", "route_table_id": table, "subnet_id": subnet })),
        state("aws_route", json!({ "id": "r-1", "route_table_id": table, "destination_cidr_block": "0.0.0.0/0", "gateway_id": gateway })),
        state("aws_route_table", json!({ "id": table, "vpc_id": vpc, "route": [to_gateway, { "cidr_block": "10.9.0.0/16", "nat_gateway_id": "nat-0" }] })),
        state("aws_internet_gateway", json!({ "id": gateway, "vpc_id": vpc, "tags": { "Name": "gate" } })),
        state("aws_flow_log", json!({ "id": "fl-0aaaaaaaaaaaaaaaa", "vpc_id": vpc, "traffic_type": "REJECT", "log_destination_type": "s3",
            "log_destination": "arn:aws:s3:::b", "log_format": "", "max_aggregation_interval": 60, "destination_options": [] })),
    ] } } });
    for (name, text) in [("net.yaml", template.to_owned()), ("net.tfstate.json", state.to_string())] {
        let loaded =
            of(SourceFile { name: name.to_owned(), text }, &[]).unwrap_or_else(|error| panic!("{error}"));
        let world = &loaded.world;
        let vpc = world.vpcs.values().next().unwrap();
        assert_eq!(
            (vpc.attributes.enable_dns_support, vpc.attributes.enable_dns_hostnames),
            (false, true),
            "{name}"
        );
        let gateway = world.internet_gateway_of(&vpc.id).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(gateway.tags["Name"], "gate");
        assert!(world.main_route_table_of(&vpc.id).unwrap().routes.is_empty(), "{name}");
        let other = world.route_tables.values().filter(|it| !it.is_main()).collect::<Vec<_>>();
        let [table] = other[..] else { panic!("{name}: {other:?}") };
        assert_eq!(table.associations[0].subnet_id.as_ref(), world.subnets.keys().next());
        let target = &table.routes[&"0.0.0.0/0".parse().unwrap()];
        assert_eq!(
            (table.routes.len(), world.route_state(&vpc.id, target).to_string().as_str()),
            (1, "active")
        );
        let to_nat = |it: &&sg_userspace::import::LeftOut| it.what.starts_with("a route of route table rtb-");
        assert_eq!(
            loaded.report.left_out.iter().filter(to_nat).count(),
            1,
            "{name}: {:?}",
            loaded.report.left_out
        );
        let log = world.flow_logs.values().next().unwrap_or_else(|| panic!("{name}"));
        assert_eq!((log.traffic_type.as_str(), log.max_aggregation_interval), ("REJECT", 60));
        assert_eq!(log.resource.vpc_id(world), Some(&vpc.id));
    }
    // A state's ids stay.
    let world = of(SourceFile { name: "x.json".to_owned(), text: state.to_string() }, &[]).unwrap().world;
    let main_of = world.main_route_table_of(&vpc.parse().unwrap()).unwrap();
    assert_eq!(main_of.id.as_str(), main);
    assert!(
        world.route_tables.contains_key(&table.parse().unwrap())
            && world.internet_gateways.contains_key(&gateway.parse().unwrap())
    );
}
