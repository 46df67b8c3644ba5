//! A world, written and read again, is the same world.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sg_tests::harness::numbering::renumbered;
use sg_tests::harness::universe::{Universe, world_plan};
use sg_userspace::aws::interface::ConnectionTrackingSpecification;
use sg_userspace::aws::network_acl::NetworkAclEntry;
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::Peer;
use sg_userspace::aws::world::World;
use sg_userspace::command::adopt::{adopt_defaults, adopt_main_route_tables, adopt_quotas};
use sg_userspace::import::export::export;
use sg_userspace::import::source::Sources;
use sg_userspace::lab::file::LabFile;
use sg_userspace::lab::plan::plan;

use super::sources;

const ACCOUNT: &str = "123456789012";

/// A random world as AWS would have it: those of the harness are made without asking anybody.
fn as_in_aws(mut world: World) -> World {
    for vpc_id in world.vpcs.keys().cloned().collect::<Vec<_>>() {
        adopt_defaults(&mut world, &vpc_id).unwrap();
    }
    let vpcs = world.security_groups.values().map(|group| (group.id.clone(), group.vpc_id.clone()));
    let vpcs = vpcs.collect::<BTreeMap<_, _>>();
    for group in world.security_groups.values_mut() {
        if group.description.is_empty() {
            group.description = format!("the group {}", group.name);
        }
        let rules = std::mem::take(&mut group.rules);
        for mut rule in rules {
            if let Peer::ReferencedGroup(id) = &rule.peer {
                rule.referenced_vpc_id = vpcs.get(id).cloned();
            }
            if !group.rules.iter().any(|other| other.is_same_permission(&rule)) {
                group.rules.push(rule);
            }
        }
    }
    for acl in world.network_acls.values_mut() {
        acl.entries.sort_by_key(NetworkAclEntry::order);
        for entry in &mut acl.entries {
            // N-06: in IPv4, ICMPv6 has no types.
            if entry.protocol == IpProtocol::ICMPV6 && matches!(entry.cidr, ipnet::IpNet::V4(_)) {
                entry.ports = PortRange::ALL;
            }
        }
    }
    let primaries = world.network_interfaces.values().filter_map(|it| it.attachment.as_ref());
    let primaries = primaries.filter(|it| it.device_index == 0).map(|it| it.instance_id.clone());
    let primaries = primaries.collect::<BTreeSet<_>>();
    for interface in world.network_interfaces.values_mut() {
        interface.attachment = interface.attachment.take().filter(|it| primaries.contains(&it.instance_id));
        let timers = interface.connection_tracking;
        interface.connection_tracking_specification = ConnectionTrackingSpecification {
            tcp_established: Some(timers.tcp_established),
            udp: Some(timers.udp),
            udp_stream: Some(timers.udp_stream),
        };
    }
    world.instances.retain(|id, _| primaries.contains(id));
    for instance in world.instances.values_mut() {
        instance.tags = BTreeMap::from([("Name".to_owned(), instance.name.clone())]);
    }
    for log in world.flow_logs.values_mut() {
        log.destination.permission_arn = Some("arn:aws:iam::123456789012:role/logs".to_owned());
    }
    adopt_main_route_tables(&mut world).unwrap();
    adopt_quotas(&mut world, None).unwrap();
    world
}

#[track_caller]
fn check(world: &World) {
    let files = export(world, &[], ACCOUNT).unwrap();
    let loaded = sources(files.clone()).load(0).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(loaded.report.left_out, [], "{:?}", loaded.report);
    let [before, after] =
        [world, &loaded.world].map(|world| serde_json::to_string_pretty(&renumbered(world.clone())).unwrap());
    let differences = before.lines().zip(after.lines()).filter(|(before, after)| before != after);
    assert_eq!(differences.collect::<Vec<_>>(), []);
    // A controller that is handed them makes the same of them.
    let text = sources(files).to_text();
    assert_eq!(Sources::from_text("x", &text).load(0).unwrap().world, loaded.world);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_worlds_come_back(plan in world_plan()) {
        let (world, _) = plan.resolve(&Universe::new());
        check(&as_in_aws(world));
    }
}

#[test]
fn examples_come_back() {
    for name in ["article", "peering", "hundred", "three"] {
        let path = format!("{}/../examples/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        let file = LabFile::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
        check(&plan(&file, &World { seed: 7, ..World::default() }).unwrap().world);
    }
}

/// What AWS's answers do not say has a file of its own: quotas, MTUs, allowances. Regions have directories.
#[test]
fn what_aws_has_no_words_for_comes_back() {
    let text = "
vpcs:
  a: {cidr: 10.0.0.0/16, internet-mtu: 1400, subnets: {x: {cidr: 10.0.0.0/24}},
      security-groups: {lent: {description: d, associated-vpcs: [b]}},
      instances: {one: {subnet: x, connection-allowance: 9, instance-type: m8i.large, groups: [lent, default]}}}
  b: {cidr: 10.1.0.0/16, ipv6: '2600:1f18:0:200::/56'}
  c: {cidr: 10.2.0.0/16, region: eu-west-1, security-groups: {far: {inbound: [SSH from prefix-list offices]}}}
prefix-lists: {offices: {region: eu-west-1, entries: [{cidr: 192.0.2.0/24, description: head}, 198.51.100.0/24]}}
peerings: {joint: {requester: a, accepter: c}}
quotas: {rules-per-group: 90}
";
    let file = LabFile::parse(text).unwrap_or_else(|error| panic!("{error}"));
    let world = plan(&file, &World::default()).unwrap_or_else(|error| panic!("{error}")).world;
    check(&world);
    let names = export(&world, &[], ACCOUNT).unwrap().into_iter().map(|file| file.name).collect::<Vec<_>>();
    assert!(names.contains(&"eu-west-1/describe-vpcs.json".to_owned()), "{names:?}");
    assert!(names.contains(&"sgsim-settings.json".to_owned()), "{names:?}");
}

/// Gateways, route tables, attributes of VPCs and flow logs, in every form that the API makes them in.
#[test]
fn what_decides_nothing_here_comes_back() {
    use crate::ec2::{Account, text};
    let account = Account::new();
    let call = |words: &str| account.call(words);
    let vpc = text(&call("CreateVpc&CidrBlock=10.0.0.0/16"), "vpcId");
    let peer = text(&call("CreateVpc&CidrBlock=10.1.0.0/16"), "vpcId");
    let subnet = text(&call(&format!("CreateSubnet&VpcId={vpc}&CidrBlock=10.0.1.0/24")), "subnetId");
    let gateway = text(&call("CreateInternetGateway"), "internetGatewayId");
    call(&format!("AttachInternetGateway&InternetGatewayId={gateway}&VpcId={vpc}"));
    call(&format!("CreateTags&ResourceId.1={gateway}&Tag.1.Key=Name&Tag.1.Value=way-out"));
    let spare = text(&call("CreateInternetGateway"), "internetGatewayId");
    let table = text(&call(&format!("CreateRouteTable&VpcId={vpc}")), "routeTableId");
    call(&format!("AssociateRouteTable&RouteTableId={table}&SubnetId={subnet}"));
    call(&format!("CreateRoute&RouteTableId={table}&DestinationCidrBlock=0.0.0.0/0&GatewayId={gateway}"));
    call(&format!("CreateRoute&RouteTableId={table}&DestinationIpv6CidrBlock=::/0&GatewayId={gateway}"));
    let peering = format!("CreateVpcPeeringConnection&VpcId={vpc}&PeerVpcId={peer}");
    let peering = text(&call(&peering), "vpcPeeringConnectionId");
    let way = format!("DestinationCidrBlock=10.1.0.0/16&VpcPeeringConnectionId={peering}");
    call(&format!("CreateRoute&RouteTableId={table}&{way}"));
    // Another table becomes the main one, and a route leads nowhere.
    let main = text(
        &call(&format!(
            "DescribeRouteTables&Filter.1.Name=vpc-id&Filter.1.Value.1={peer}&Filter.2.Name=association.main&Filter.2.Value.1=true"
        )),
        "routeTableAssociationId",
    );
    let other = text(&call(&format!("CreateRouteTable&VpcId={peer}")), "routeTableId");
    call(&format!("ReplaceRouteTableAssociation&AssociationId={main}&RouteTableId={other}"));
    call(&format!("AttachInternetGateway&InternetGatewayId={spare}&VpcId={peer}"));
    call(&format!("CreateRoute&RouteTableId={other}&DestinationCidrBlock=0.0.0.0/0&GatewayId={spare}"));
    call(&format!("DetachInternetGateway&InternetGatewayId={spare}&VpcId={peer}"));
    for attribute in ["EnableDnsSupport.Value=false", "EnableDnsHostnames.Value=true"] {
        call(&format!("ModifyVpcAttribute&VpcId={vpc}&{attribute}"));
    }
    call(&format!("ModifyVpcAttribute&VpcId={peer}&EnableNetworkAddressUsageMetrics.Value=true"));
    let role = "DeliverLogsPermissionArn=arn:aws:iam::123456789012:role/logs";
    let s3 = "LogDestinationType=s3&LogDestination=arn:aws:s3:::b/p&DestinationOptions.PerHourPartition=true";
    for log in [
        format!("TrafficType=ALL&LogGroupName=g&{role}&ResourceType=VPC&ResourceId.1={vpc}"),
        format!(
            "TrafficType=REJECT&{s3}&ResourceType=Subnet&ResourceId.1={subnet}&MaxAggregationInterval=60"
        ),
        format!(
            "TrafficType=ACCEPT&{s3}&ResourceType=VPC&ResourceId.1={peer}&LogFormat=%24%7Bsrcaddr%7D%20%24%7Bsgsim-rule%7D&TagSpecification.1.ResourceType=vpc-flow-log&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v"
        ),
    ] {
        call(&format!("CreateFlowLogs&{log}"));
    }
    let world = account.world();
    assert_eq!((world.internet_gateways.len(), world.flow_logs.len()), (2, 3));
    // The main tables of three VPCs, the one that was main before, and the subnet's.
    assert_eq!(world.route_tables.len(), 5);
    check(&world);
}
