//! Instances, their interfaces, addresses and servers.

use sg_userspace::lab::file::shorthand::Server;

use super::{check, lab, planned, refusal};

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
fn c_26_an_instance_has_an_allowance_and_a_type() {
    let plan = planned(&lab(
        "      web: {}",
        "      few: { subnet: main, connection-allowance: 3 }\n      new: { subnet: main, instance-type: m8i.large }",
    ));
    let instance = |name: &str| &plan.world.instances[&plan.lab.instances[name].instance_id];
    assert_eq!((instance("few").connection_allowance, instance("new").connection_allowance), (3, 136_812));
    assert_eq!(instance("new").instance_type.as_ref().map(|it| it.as_str()), Some("m8i.large"));
    let text = lab("      web: {}", "      one: { subnet: main, instance-type: large }");
    check(&text, 9, 43, &["`large` is not an instance type such as m8i.large"]);
}
