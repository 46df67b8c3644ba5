//! Prefix lists, and groups in further VPCs, with real connections.

use std::net::IpAddr;

use sg_tests::harness::address::{OUTSIDER, OUTSIDER6, WEB, WEB6};
use sg_tests::harness::lab_file::standard_lab;

use crate::product::Product;
use crate::sessions::{Session, entries};
use crate::traffic::{Traffic, check_allowed, check_denied};

const WEB_TRAFFIC: Traffic = Traffic::Tcp(80);
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
fn r_31_c_11_an_entry_lets_in_at_once_and_its_removal_leaves_open_connections_alone() {
    let lab = Product::up(&standard_lab());
    let internet = lab.namespace("internet");
    for (list, family, to, from, length) in [
        ("offices", "ipv4", IpAddr::from(WEB), IpAddr::from(OUTSIDER), 32),
        ("offices6", "ipv6", WEB6.into(), OUTSIDER6.into(), 128),
    ] {
        lab.say(&format!("prefix-list create {list} --family {family} --max-entries 2"));
        lab.say(&format!("rule allow web inbound HTTP from pl {list}"));
        check_denied(&internet, None, to, WEB_TRAFFIC);
        lab.say(&format!("prefix-list modify {list} --add {from}/{length}"));
        let mut session = Session::open(&internet, to);
        session.check("before");
        assert!(entries(&lab, "web", from) > 0, "a list is never open: the connection is tracked (C-05)");
        lab.say(&format!("prefix-list modify {list} --remove {from}/{length}"));
        session.check("after");
        check_denied(&internet, None, to, WEB_TRAFFIC);
        lab.say(&format!("prefix-list restore {list} 2"));
        check_allowed(&internet, None, to, WEB_TRAFFIC);
    }
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
