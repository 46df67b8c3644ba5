//! What records say, field by field (F-02 to F-09).

use std::collections::BTreeMap;

use sg_userspace::aws::flow_log::TrafficType;
use sg_userspace::aws::flow_log_format::{Field, LogFormat};
use sg_userspace::aws::rule::Direction;
use sg_userspace::aws::world::World;
use sg_userspace::dataplane::logged::{Decider, LoggedAt, LoggedFlow};
use sg_userspace::flow_log::record::{Counted, Records};
use sg_userspace::flow_log::window::Window;

use super::{logged, none_lost, window, world_with};

fn lines_of(window: &Window, flows: Vec<LoggedAt>, lost: BTreeMap<u32, (u64, u64)>) -> Vec<String> {
    let counted = Counted { flows, lost };
    let records = Records::new(window, &counted);
    window.roll.0.values().flat_map(|coverage| records.lines(coverage)).collect()
}

fn lines(world: &World, flows: Vec<LoggedAt>) -> Vec<String> {
    lines_of(&window(world, 1), flows, none_lost())
}

/// The interface's id in what a line says about it.
fn named(world: &World, text: &str) -> String {
    let log = world.flow_logs.values().next().unwrap();
    text.replace("ENI", &log.resource.to_string())
}

#[test]
fn f02_default_format_is_version_2() {
    let (world, _) = world_with("");
    let line = "2 123456789012 ENI 203.0.113.9 10.0.1.5 40000 80 6 10 1000 1800000059 1800000060 ACCEPT OK";
    assert_eq!(lines(&world, vec![logged(&world)]), [named(&world, line)]);
}

#[test]
fn f03_version_is_the_highest_of_the_fields() {
    for (format, version) in [
        ("${srcaddr}", 2),
        ("${srcaddr} ${vpc-id}", 3),
        ("${region} ${type}", 4),
        ("${flow-direction} ${srcaddr}", 5),
        ("${ecs-task-id}", 7),
        ("${reject-reason} ${vpc-id}", 8),
        ("${sgsim-rule}", 2),
    ] {
        assert_eq!(format.parse::<LogFormat>().unwrap().version(), version, "{format}");
    }
    for bad in ["", "srcaddr", "${srcaddr}${dstaddr}", "${source}", "${srcaddr},${dstaddr}"] {
        assert_eq!(bad.parse::<LogFormat>().unwrap_err().message, "Unknown fields provided", "{bad}");
    }
    let all = Field::ALL.iter().map(|field| format!("${{{}}}", field.name())).collect::<Vec<_>>().join(" ");
    assert_eq!(all.parse::<LogFormat>().unwrap().to_string(), all);
}

#[test]
fn f05_silence_and_loss_are_said() {
    let (mut world, _) = world_with("");
    let silent = "2 123456789012 ENI - - - - - - - 1800000000 1800000060 - NODATA";
    assert_eq!(lines(&world, Vec::new()), [named(&world, silent)]);

    // Traffic that the flow log does not want is no silence, and no record.
    let log = world.flow_logs.values_mut().next().unwrap();
    log.traffic_type = TrafficType::Reject;
    assert_eq!(lines(&world, vec![logged(&world)]), [""; 0]);

    world_with_loss("");
    let (world, log) = world_with("${packets} ${log-status} ${sgsim-lost-packets} ${sgsim-lost-bytes}");
    let slot = world.network_interfaces.values().find(|it| log.resource.covers(it)).unwrap().slot;
    let found = lines_of(&window(&world, 1), vec![logged(&world)], [(slot, (5, 500))].into());
    assert_eq!(found, ["10 OK - -", "- SKIPDATA 5 500"]);
    let mut gap = window(&world, 1);
    gap.has_gap = true;
    assert_eq!(lines_of(&gap, Vec::new(), none_lost()), ["- SKIPDATA 0 0"]);
}

fn world_with_loss(format: &str) {
    let (world, log) = world_with(format);
    let slot = world.network_interfaces.values().find(|it| log.resource.covers(it)).unwrap().slot;
    let line = "2 123456789012 ENI - - - - - - - 1800000000 1800000060 - SKIPDATA";
    let found = lines_of(&window(&world, 1), Vec::new(), [(slot, (1, 1))].into());
    assert_eq!(found, [named(&world, line)]);
}

#[test]
fn f06_records_that_look_the_same_are_one_and_sums_stay() {
    let (world, _) = world_with("${srcaddr} ${dstport} ${packets} ${bytes} ${tcp-flags} ${action}");
    let first = logged(&world);
    let by_other_rule = LoggedAt {
        flow: LoggedFlow {
            decider: Some(Decider::Rule(78)),
            tcp_flags: 18,
            packets: 2,
            bytes: 50,
            ..first.flow.clone()
        },
        ..first.clone()
    };
    let refused =
        LoggedAt { flow: LoggedFlow { accepted: false, ..by_other_rule.flow.clone() }, ..first.clone() };
    let found = lines(&world, vec![first.clone(), by_other_rule.clone(), refused]);
    assert_eq!(found, ["203.0.113.9 80 2 50 18 REJECT", "203.0.113.9 80 12 1050 19 ACCEPT"]);

    let (world, _) = world_with("${packets} ${sgsim-rule} ${sgsim-reason}");
    assert_eq!(lines(&world, vec![first, by_other_rule]), ["10 #77 flow,rule", "2 #78 flow,rule"]);
}

#[test]
fn f09_own_end_is_shown_by_the_primary_address() {
    let format = "${flow-direction} ${srcaddr} ${dstaddr} ${pkt-srcaddr} ${pkt-dstaddr} ${packets}";
    let (world, _) = world_with(format);
    let inbound = logged(&world);
    let to_secondary = LoggedFlow { destination: "10.0.1.77".parse().unwrap(), ..inbound.flow.clone() };
    let outbound = LoggedFlow {
        direction: Direction::Outbound,
        source: "10.0.1.77".parse().unwrap(),
        destination: "203.0.113.9".parse().unwrap(),
        ..inbound.flow.clone()
    };
    let at = |flow| LoggedAt { flow, ..inbound.clone() };
    assert_eq!(
        lines(&world, vec![inbound.clone(), at(to_secondary.clone()), at(outbound)]),
        [
            "ingress 203.0.113.9 10.0.1.5 203.0.113.9 10.0.1.5 10",
            "ingress 203.0.113.9 10.0.1.5 203.0.113.9 10.0.1.77 10",
            "egress 10.0.1.5 203.0.113.9 10.0.1.77 203.0.113.9 10",
        ]
    );
    // Without the packets' own addresses they look the same.
    let (world, _) = world_with("${dstaddr} ${packets}");
    assert_eq!(lines(&world, vec![inbound.clone(), at(to_secondary)]), ["10.0.1.5 20"]);
}

#[test]
fn f08_type_direction_and_path() {
    let (world, _) = world_with("${type} ${flow-direction} ${traffic-path} ${action}");
    let first = logged(&world);
    let to = |destination: &str, accepted| LoggedAt {
        flow: LoggedFlow {
            direction: Direction::Outbound,
            source: if destination.contains(':') { "2600:1f18:0:101::5" } else { "10.0.1.5" }
                .parse()
                .unwrap(),
            destination: destination.parse().unwrap(),
            accepted,
            ..first.flow.clone()
        },
        ..first.clone()
    };
    let found = |flow| lines(&world, vec![flow]).remove(0);
    assert_eq!(found(first.clone()), "IPv4 ingress - ACCEPT");
    assert_eq!(found(to("10.0.2.6", true)), "IPv4 egress 1 ACCEPT");
    assert_eq!(found(to("2600:1f18:0:102::6", true)), "IPv6 egress 1 ACCEPT");
    assert_eq!(found(to("203.0.113.9", true)), "IPv4 egress 8 ACCEPT");
    assert_eq!(found(to("203.0.113.9", false)), "IPv4 egress - REJECT");
}

#[test]
fn fields_of_other_versions_name_the_interface_s_surroundings() {
    let (world, log) = world_with(
        "${vpc-id} ${subnet-id} ${instance-id} ${region} ${az-id} ${sublocation-type} ${pkt-dst-aws-service} \
         ${ecs-cluster-arn} ${reject-reason}",
    );
    let interface = world.network_interfaces.values().find(|it| log.resource.covers(it)).unwrap();
    let instance = &interface.attachment.as_ref().unwrap().instance_id;
    let zone = &world.subnets[&interface.subnet_id].availability_zone;
    let (vpc, subnet) = (&interface.vpc_id, &interface.subnet_id);
    let line = format!("{vpc} {subnet} {instance} {} {} - - - -", zone.region(), zone.zone_id());
    assert_eq!(lines(&world, vec![logged(&world)]), [line]);
}
