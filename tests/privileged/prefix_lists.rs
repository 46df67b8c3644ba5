//! Prefix lists, and groups in further VPCs, with real connections.

use std::net::IpAddr;

use crate::product::Product;
use crate::traffic::{Traffic, check_allowed, check_denied};

const SERVICE: Traffic = Traffic::Tcp(8080);
const SERVER: [u8; 4] = [10, 0, 1, 10];
const FAR: [u8; 4] = [10, 1, 1, 10];

const LAB: &str = "\
vpcs:
  lab:
    cidr: 10.0.0.0/16
    subnets: {public: {cidr: 10.0.1.0/24}}
    security-groups:
      client: {}
      server: {}
      shared: {inbound: [tcp 8080 from self]}
    instances:
      client: {subnet: public, groups: [client], address: 10.0.1.4}
      server: {subnet: public, groups: [server], address: 10.0.1.10, servers: [tcp 8080]}
  other:
    cidr: 10.1.0.0/16
    subnets: {public: {cidr: 10.1.1.0/24}}
    security-groups: {alone: {}}
    instances:
      near: {subnet: public, groups: [alone], address: 10.1.1.4}
      far: {subnet: public, groups: [alone], address: 10.1.1.10, servers: [tcp 8080]}
";

#[test]
fn r_31_r_32_rules_follow_the_current_version_of_a_list_and_a_restart_keeps_it() {
    let lab = Product::up(LAB);
    let (client, server) = (lab.namespace("client"), IpAddr::from(SERVER));
    lab.say("prefix-list create friends 10.0.1.0/28 --max-entries 2");
    check_denied(&client, None, server, SERVICE);
    lab.say("rule allow server inbound tcp 8080 from pl friends");
    check_allowed(&client, None, server, SERVICE);
    lab.say("prefix-list modify friends --remove 10.0.1.0/28 --add 10.0.1.16/28");
    check_denied(&client, None, server, SERVICE);

    lab.kill_controller();
    lab.done(&["up", &lab.file(LAB)]);
    assert_eq!(lab.json("prefix-list list")["prefix_lists"][0]["version"], 2);
    check_denied(&client, None, server, SERVICE);
    lab.say("prefix-list restore friends 1");
    check_allowed(&client, None, server, SERVICE);
}

#[test]
fn m_14_m_39_members_in_an_associated_vpc_reach_each_other_by_the_groups_rules() {
    let lab = Product::up(LAB);
    let (near, far) = (lab.namespace("near"), IpAddr::from(FAR));
    let refused = lab.refused(&["interface", "set-groups", "near", "shared"]);
    assert!(refused.contains("belong to different networks"), "{refused}");
    lab.say("group associate shared other");
    lab.say("interface set-groups far shared");
    check_denied(&near, None, far, SERVICE);
    lab.say("interface set-groups near shared");
    check_allowed(&near, None, far, SERVICE);
    lab.say("interface set-groups near alone");
    check_denied(&near, None, far, SERVICE);
    let refused = lab.refused(&["group", "disassociate", "shared", "other"]);
    assert!(refused.contains("DependencyViolation"), "{refused}");
}
