//! Lab files: what they become, and what their errors say and where.

use sg_userspace::aws::ids::SecurityGroupId;
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::world::World;
use sg_userspace::lab::file::LabFile;
use sg_userspace::lab::file::position::LabError;
use sg_userspace::lab::file::shorthand::Server;
use sg_userspace::lab::plan::{Plan, plan};

const ARTICLE: &str = include_str!("../../examples/article.yaml");
const ARTICLE_REAL: &str = include_str!("../../examples/article-real.yaml");
const THREE: &str = include_str!("../../examples/three.yaml");
const HUNDRED: &str = include_str!("../../examples/hundred.yaml");

#[track_caller]
fn planned(text: &str) -> Plan {
    match LabFile::parse(text).and_then(|file| plan(&file, &World::default())) {
        Ok(plan) => plan,
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn refusal(text: &str) -> LabError {
    match LabFile::parse(text).and_then(|file| plan(&file, &World::default())) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(error) => error,
    }
}

/// Checks an error's line, column and parts of its text.
#[track_caller]
fn check(text: &str, line: u64, column: u64, parts: &[&str]) {
    let error = refusal(text);
    let place = error.at.map(|at| (at.line, at.column));
    assert_eq!(place, Some((line, column)), "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "`{part}` is not in: {error}");
    }
}

/// A VPC with these security groups and instances, indented by four.
fn lab(groups: &str, instances: &str) -> String {
    format!(
        "vpcs:\n  lab:\n    cidr: 10.0.0.0/16\n    subnets:\n      main: {{ cidr: 10.0.0.0/24 }}\n    security-groups:\n{groups}\n    instances:\n{instances}\n"
    )
}

/// The rules of a group in one direction, as text.
#[track_caller]
fn rules(plan: &Plan, group: &str, direction: Direction) -> Vec<String> {
    let group = &plan.world.security_groups[&plan.lab.security_groups[group]];
    let name = |id: &SecurityGroupId| plan.world.security_groups[id].name.clone();
    let peer = |peer: &Peer| match peer {
        Peer::ReferencedGroup(id) => format!("group {}", name(id)),
        peer => peer.to_string(),
    };
    group
        .rules_of(direction)
        .map(|rule| {
            format!("{} {}-{} {}", rule.protocol, rule.ports.from_port, rule.ports.to_port, peer(&rule.peer))
        })
        .collect()
}

#[test]
fn article_has_its_groups_instances_and_servers() {
    let plan = planned(ARTICLE);
    let inbound = |group: &str| rules(&plan, group, Direction::Inbound);
    assert_eq!(
        inbound("lab.web"),
        [
            "tcp 80-80 0.0.0.0/0",
            "tcp 80-80 ::/0",
            "tcp 443-443 0.0.0.0/0",
            "tcp 443-443 ::/0",
            "tcp 22-22 group maintenance"
        ]
    );
    assert_eq!(inbound("lab.db"), ["tcp 5432-5432 group web", "tcp 22-22 group maintenance"]);
    assert_eq!(inbound("lab.admin"), ["tcp 22-22 203.0.113.10/32"]);
    assert_eq!(rules(&plan, "lab.web", Direction::Outbound), ["-1 -1--1 0.0.0.0/0", "-1 -1--1 ::/0"]);
    let bastion = &plan.lab.instances["bastion"];
    let groups: Vec<_> = plan
        .world
        .interfaces_of(&bastion.instance_id)
        .iter()
        .map(|interface| plan.world.security_groups[&interface.groups[0]].name.clone())
        .collect();
    assert_eq!(groups, ["admin", "maintenance"]);
    assert_eq!(plan.lab.instances["db-1"].servers, [Server::Tcp(5432), Server::Tcp(22)]);
    let web = plan.world.interfaces_of(&plan.lab.instances["web-1"].instance_id)[0];
    assert_eq!(web.private_ipv4, ["10.0.1.4".parse::<std::net::Ipv4Addr>().unwrap()]);
    assert_eq!(web.ipv6, ["2001:db8:10:1::4".parse::<std::net::Ipv6Addr>().unwrap()]);
}

#[test]
fn article_real_differs_in_its_servers_only() {
    let (builtin, real) = (planned(ARTICLE), planned(ARTICLE_REAL));
    assert_eq!(builtin.world, real.world);
    assert!(real.lab.instances["db-1"].servers.contains(&Server::Postgres(5432)));
}

#[test]
fn three_is_small_and_its_client_has_the_default_group() {
    let plan = planned(THREE);
    assert_eq!(plan.world.instances.len(), 3);
    let client = plan.world.interfaces_of(&plan.lab.instances["client"].instance_id)[0];
    assert_eq!(client.groups, [plan.lab.security_groups["lab.default"].clone()]);
    assert_eq!(rules(&plan, "lab.web", Direction::Inbound), ["tcp 80-80 0.0.0.0/0"], "no IPv6 in this VPC");
}

#[test]
fn hundred_counts_from_one() {
    let plan = planned(HUNDRED);
    assert_eq!(plan.world.instances.len(), 101);
    assert!(plan.lab.instances.contains_key("worker-1") && plan.lab.instances.contains_key("worker-100"));
    assert_eq!(
        rules(&plan, "lab.worker", Direction::Inbound),
        ["tcp 7000-7000 group worker", "icmp 8--1 group worker"]
    );
    let mut slots: Vec<_> = plan.world.network_interfaces.values().map(|interface| interface.slot).collect();
    slots.sort_unstable();
    assert_eq!(slots, (0..101).collect::<Vec<u32>>());
}

#[test]
fn changes_name_every_object_of_the_plan_and_the_same_file_gives_the_same_world() {
    let plan = planned(ARTICLE);
    let world = &plan.world;
    let objects = world.vpcs.len()
        + world.subnets.len()
        + world.security_groups.len()
        + world.network_interfaces.len()
        + world.network_acls.len()
        + world.instances.len();
    assert_eq!(plan.changes.keys.len(), objects + 1, "all objects and the settings");
    assert_eq!(planned(ARTICLE), plan);
}

#[test]
fn rules_can_be_mappings_and_name_groups_that_come_later() {
    let plan = planned(&lab(
        "      web:
        description: web servers
        inbound:
          - { type: HTTP, source: anywhere-ipv4 }
          - { protocol: tcp, ports: 8080, source: sg late, description: admin port }
          - { type: Custom TCP, ports: 8000-8100, source: [10.0.0.0/8, 192.0.2.7/32] }
          - { protocol: icmp, ports: 8/0, source: self }
        outbound:
          - All traffic to 10.0.0.0/16
          - { protocol: 50, destination: late }
      late: {}",
        "      one: { subnet: main, groups: [web, late] }",
    ));
    assert_eq!(
        rules(&plan, "lab.web", Direction::Inbound),
        [
            "tcp 80-80 0.0.0.0/0",
            "tcp 8080-8080 group late",
            "tcp 8000-8100 10.0.0.0/8",
            "tcp 8000-8100 192.0.2.7/32",
            "icmp 8-0 group web"
        ]
    );
    assert_eq!(rules(&plan, "lab.web", Direction::Outbound), ["-1 -1--1 10.0.0.0/16", "50 -1--1 group late"]);
    let web = &plan.world.security_groups[&plan.lab.security_groups["lab.web"]];
    assert_eq!(
        web.rules.iter().filter_map(|rule| rule.description.as_deref()).collect::<Vec<_>>(),
        ["admin port"]
    );
}

#[test]
fn e_02_an_empty_outbound_list_takes_awss_own_rule_away() {
    let plan = planned(&lab("      shut: { outbound: [] }", "      one: { subnet: main, groups: [shut] }"));
    assert!(rules(&plan, "lab.shut", Direction::Outbound).is_empty());
}

#[test]
fn the_default_groups_rules_can_be_given() {
    let plan = planned(&lab("      default: { inbound: [SSH from my-ip] }", "      one: { subnet: main }"));
    assert_eq!(rules(&plan, "lab.default", Direction::Inbound), ["tcp 22-22 203.0.113.10/32"]);
}

#[test]
fn addresses_secondary_addresses_timeouts_and_servers_are_read() {
    let plan = planned(&lab(
        "      web: {}",
        "      one:
        subnet: main
        groups: [web]
        address: 10.0.0.10
        secondary-addresses: [10.0.0.20, 10.0.0.21]
        source-dest-check: false
        connection-tracking: { tcp-established-timeout: 350 }
        servers: [{ http: 80 }, udp 53, nginx 8080, { postgres: 5432 }, { run: iperf3 -s }]
      two: { subnet: main, secondary-addresses: 2 }",
    ));
    let one = plan.world.interfaces_of(&plan.lab.instances["one"].instance_id)[0];
    assert_eq!(
        one.private_ipv4.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["10.0.0.10", "10.0.0.20", "10.0.0.21"]
    );
    assert!(!one.source_dest_check);
    assert_eq!(one.connection_tracking.tcp_established, 350);
    assert_eq!(
        plan.lab.instances["one"].servers,
        [
            Server::Http(80),
            Server::Udp(53),
            Server::Nginx(8080),
            Server::Postgres(5432),
            Server::Run("iperf3 -s".to_owned())
        ]
    );
    let two = plan.world.interfaces_of(&plan.lab.instances["two"].instance_id)[0];
    assert_eq!(two.private_ipv4.len(), 3);
    let json = serde_json::to_string(&plan.lab).unwrap();
    assert_eq!(serde_json::from_str::<sg_userspace::lab::plan::Lab>(&json).unwrap(), plan.lab);
}

#[test]
fn m_12_an_instance_can_have_interfaces_in_two_vpcs_of_one_zone() {
    let plan = planned(
        "vpcs:
  a:
    cidr: 10.0.0.0/16
    subnets: { main: { cidr: 10.0.0.0/24 } }
    instances:
      both: { interfaces: [{ subnet: main }, { vpc: b, subnet: main }] }
  b:
    cidr: 10.1.0.0/16
    subnets: { main: { cidr: 10.1.0.0/24 } }
",
    );
    assert_eq!(plan.lab.instances["both"].interface_ids.len(), 2);
}

#[test]
fn malformed_yaml_is_located() {
    check("vpcs:\n  lab: { cidr: 10.0.0.0/16\n", 2, 8, &["unclosed bracket"]);
}

#[test]
fn unknown_keys_are_refused_with_those_that_exist() {
    check("vpcs:\n  lab:\n    cidr: 10.0.0.0/16\n    subnet: {}\n", 4, 5, &["subnet", "subnets"]);
    let text = lab("      web: { inbound: [{ type: HTTP, from: anywhere }] }", "      one: { subnet: main }");
    check(&text, 7, 38, &["from", "source"]);
}

#[test]
fn wrong_blocks_and_servers_say_what_to_write() {
    check(
        "vpcs:\n  lab:\n    cidr: 10.0.0.0\n",
        3,
        11,
        &["`10.0.0.0` is not an IPv4 block such as 10.0.0.0/16"],
    );
    let text = lab("      web: {}", "      one: { subnet: main, servers: [https 443] }");
    check(&text, 9, 38, &["unknown server `https 443`", "http PORT"]);
    let text = lab("      web: {}", "      one: { subnet: main, servers: [tcp 70000] }");
    check(&text, 9, 38, &["`70000` is not a port"]);
}

#[test]
fn unknown_names_are_located_with_those_that_exist() {
    let text = lab("      web: {}", "      one: { subnet: main, groups: [wbe] }");
    check(&text, 9, 37, &["'wbe' does not exist", "VPC lab has: default, web", "InvalidGroup.NotFound"]);
    let text = lab("      web: {}", "      one: { subnet: mian }");
    check(&text, 9, 22, &["no subnet `mian` in VPC lab; it has: main"]);
    let text = lab("      web:\n        inbound:\n          - HTTP from wbe", "      one: { subnet: main }");
    check(&text, 9, 13, &["vpcs.lab.security-groups.web.inbound[0]", "'wbe' does not exist", "default, web"]);
    let text = lab("      web: {}", "      one: { interfaces: [{ vpc: bal, subnet: main }] }");
    check(&text, 9, 34, &["no VPC `bal`; there are: lab"]);
}

#[test]
fn q_03_the_sixth_group_is_refused_and_a_raised_quota_admits_it() {
    let groups = "      a: {}\n      b: {}\n      c: {}\n      d: {}\n      e: {}\n      f: {}";
    let five = lab(groups, "      one: { subnet: main, groups: [a, b, c, d, e] }");
    planned(&five);
    let six = lab(groups, "      one: { subnet: main, groups: [a, b, c, d, e, f] }");
    check(&six, 14, 7, &["vpcs.lab.instances.one", "SecurityGroupsPerInterfaceLimitExceeded"]);
    planned(&format!("quotas: {{ groups-per-interface: 6 }}\n{six}"));
    check(&format!("quotas: {{ groups-per-interface: 17 }}\n{six}"), 1, 9, &["quotas", "1 to 16"]);
}

#[test]
fn overlapping_subnets_and_foreign_zones_are_located() {
    let text = "vpcs:\n  lab:\n    cidr: 10.0.0.0/16\n    subnets:\n      a: { cidr: 10.0.0.0/24 }\n      b: { cidr: 10.0.0.128/25 }\n";
    check(text, 6, 7, &["vpcs.lab.subnets.b", "conflicts with another subnet", "InvalidSubnet.Conflict"]);
    let text = "region: eu-west-1\nvpcs:\n  lab:\n    cidr: 10.0.0.0/16\n    subnets:\n      a: { cidr: 10.0.0.0/24, zone: us-east-1a }\n";
    check(text, 6, 7, &["us-east-1a", "eu-west-1"]);
    check("region: nowhere\nvpcs: { lab: { cidr: 10.0.0.0/16 } }\n", 1, 9, &["`nowhere` is not a region"]);
}

#[test]
fn r_38_a_rule_written_twice_is_located() {
    let text = lab(
        "      web:\n        inbound:\n          - HTTP from anywhere\n          - tcp 80 from 0.0.0.0/0",
        "      one: { subnet: main }",
    );
    check(
        &text,
        10,
        13,
        &["inbound[1]", "InvalidPermission.Duplicate", "peer: 0.0.0.0/0, TCP, from port: 80"],
    );
}

#[test]
fn r_03_every_way_of_writing_a_deny_rule_is_refused() {
    for rule in [
        "deny tcp 22 from 0.0.0.0/0",
        "Block HTTP from anywhere",
        "{ action: deny, type: SSH, source: anywhere }",
        "{ effect: Deny, type: SSH, source: anywhere }",
        "{ deny: SSH, source: anywhere }",
        "{ deny: { type: SSH, source: anywhere } }",
    ] {
        let text =
            lab(&format!("      web:\n        inbound:\n          - {rule}"), "      one: { subnet: main }");
        check(&text, 9, 13, &["security group rules only allow", "network ACL"]);
    }
}

#[test]
fn rules_with_the_wrong_word_or_end_say_the_right_one() {
    let rule = |rule: &str| {
        lab(&format!("      web:\n        inbound:\n          - {rule}"), "      one: { subnet: main }")
    };
    check(&rule("HTTP to anywhere"), 9, 13, &["an inbound rule says `from`, not `to`"]);
    check(&rule("HTTP"), 9, 13, &["HTTPS from anywhere"]);
    check(&rule("{ type: HTTP, destination: anywhere }"), 9, 13, &["an inbound rule has a `source`"]);
    check(&rule("HTPP from anywhere"), 9, 13, &["Invalid rule type `HTPP`"]);
    check(
        &rule("{ type: HTTP, ports: 81, source: anywhere }"),
        9,
        13,
        &["does not take ports `81`", "Custom TCP"],
    );
    check(&rule("HTTP from 10.0.0.7"), 9, 13, &["CIDR block 10.0.0.7 is malformed", "10.0.0.7/32"]);
}

#[test]
fn groups_names_and_addresses_must_be_unique_where_a_lab_needs_it() {
    let text = lab("      web: {}\n      WEB: {}", "      one: { subnet: main }");
    check(&text, 8, 7, &["InvalidGroup.Duplicate"]);
    let two = |b_cidr: &str, name: &str| {
        format!(
            "vpcs:\n  a:\n    cidr: 10.0.0.0/16\n    subnets: {{ main: {{ cidr: 10.0.0.0/24 }} }}\n    instances: {{ one: {{ subnet: main }} }}\n  b:\n    cidr: {b_cidr}\n    subnets: {{ main: {{ cidr: {b_cidr} }} }}\n    instances: {{ {name}: {{ subnet: main }} }}\n"
        )
    };
    check(&two("10.1.0.0/16", "one"), 9, 18, &["vpcs.b.instances.one", "another instance has it"]);
    planned(&two("10.1.0.0/16", "two"));
    check(
        &two("10.0.0.0/16", "two"),
        9,
        18,
        &["10.0.0.4", "vpcs.a.instances.one", "could not tell them apart"],
    );
    check("vpcs:\n  lab: { cidr: 203.0.113.0/24 }\n", 2, 3, &["internet host's address"]);
}

#[test]
fn two_servers_on_one_port_are_located() {
    let text = lab("      web: {}", "      one: { subnet: main, servers: [http 80, udp 80, tcp 80] }");
    check(&text, 9, 55, &["vpcs.lab.instances.one", "tcp port 80", "line 9, column 38"]);
    let text = "internet: { servers: [udp 53, { udp: 53 }] }\nvpcs: { lab: { cidr: 10.0.0.0/16 } }\n";
    check(text, 1, 31, &["internet.servers", "udp port 53"]);
    let text = lab("      web: {}", "      one: { subnet: main, servers: [tcp 53, udp 53, run a, run b] }");
    assert_eq!(planned(&text).lab.instances["one"].servers.len(), 4);
}

#[test]
fn names_that_stand_for_something_else_are_located() {
    for name in ["internet", "Localhost", "CONTROLLER"] {
        check(
            &lab("      web: {}", &format!("      {name}: {{ subnet: main }}")),
            9,
            7,
            &[name, "other than"],
        );
    }
    planned(&lab("      web: {}", "      internet: { subnet: main, count: 2 }"));
}

#[test]
fn instances_that_say_too_much_or_too_little_are_located() {
    let one = |one: &str| lab("      web: {}", &format!("      one: {one}"));
    check(&one("{ groups: [web] }"), 9, 7, &["`subnet`"]);
    check(&one("{ subnet: main, interfaces: [{ subnet: main }] }"), 9, 7, &["not both"]);
    check(&one("{ groups: [web], interfaces: [{ subnet: main }] }"), 9, 7, &["not both"]);
    check(&one("{ subnet: main, groups: [] }"), 9, 7, &["at least one group"]);
    check(&one("{ subnet: main, count: 0 }"), 9, 35, &["at least 1"]);
    check(&one("{ subnet: main, count: 2, address: 10.0.0.9 }"), 9, 35, &["cannot share an address"]);
    check(&one("{ subnet: main, address: 10.0.0.3 }"), 9, 7, &["reserved address range"]);
    assert!(refusal("vpcs: {}\n").to_string().contains("at least one VPC"));
}

#[test]
fn errors_of_shape_are_said_in_plain_words() {
    let lab = "vpcs:\n  lab:\n    cidr: 10.0.0.0/16\n";
    check("vpcs:\n  lab: {}\n", 2, 8, &["missing field `cidr`"]);
    check(&format!("{lab}    cidr: 10.0.0.0/16\n"), 4, 5, &["`cidr` is here twice"]);
    check(&format!("{lab}    subnets: [a]\n"), 4, 14, &["expected `key: value` entries"]);
    check(
        &format!("{lab}    security-groups:\n      web: {{ inbound: HTTP from anywhere }}\n"),
        5,
        23,
        &["expected a list"],
    );
    check(&format!("{lab}    default: maybe\n"), 4, 14, &["expected `true` or `false`"]);
    check("", 1, 1, &["starts with `vpcs:`"]);
    check("vpcs:\n  a.b: { cidr: 10.0.0.0/16 }\n", 2, 3, &["has no dot"]);
}

#[test]
fn refusals_say_what_to_do() {
    let text = "vpcs:\n  lab:\n    cidr: 10.0.0.0/16\n    subnets: { a: { cidr: 10.1.0.0/24 } }\n";
    check(text, 4, 16, &["The CIDR '10.1.0.0/24' is invalid: a subnet lies inside", "(InvalidSubnet.Range)"]);
    check("vpcs:\n  lab: { cidr: 10.0.0.0/8 }\n", 2, 3, &["'10.0.0.0/8'", "/16 to /28"]);
}
