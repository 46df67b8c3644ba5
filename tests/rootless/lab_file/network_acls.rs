//! Network ACLs and the subnets that have them.

use super::{check, planned};

/// A VPC with these network ACLs, indented by six, whose one subnet has `edge`.
fn lab(acls: &str) -> String {
    format!(
        "vpcs:\n  lab:\n    cidr: 10.0.0.0/16\n    subnets:\n      main: {{ cidr: 10.0.0.0/24, network-acl: edge }}\n    network-acls:\n{acls}\n"
    )
}

#[test]
fn n_05_an_acl_has_the_entries_that_the_file_gives_it() {
    let plan = planned(&lab("      edge:
        inbound:
          200: deny all from 10.0.0.0/8
          100: allow HTTP from anywhere
          110: Allow SSH from my-ip
      default:
        outbound: {}"));
    let entries = |acl: &str| -> Vec<String> {
        let entries = &plan.world.network_acls[&plan.lab.network_acls[acl]].entries;
        entries
            .iter()
            .map(|it| {
                let ports = format!("{}-{}", it.ports.from_port, it.ports.to_port);
                format!(
                    "{} {} {} {} {ports} {}",
                    it.direction, it.rule_number, it.action, it.protocol, it.cidr
                )
            })
            .collect()
    };
    assert_eq!(
        entries("lab.edge"),
        [
            "inbound 100 allow tcp 80-80 0.0.0.0/0",
            "inbound 110 allow tcp 22-22 203.0.113.10/32",
            "inbound 200 deny -1 -1--1 10.0.0.0/8",
        ]
    );
    assert_eq!(
        entries("lab.default"),
        ["inbound 100 allow -1 -1--1 0.0.0.0/0"],
        "what is given replaces AWS's"
    );
    let subnet = &plan.world.subnets[&plan.lab.subnets["lab.main"]];
    assert_eq!(subnet.network_acl_id, plan.lab.network_acls["lab.edge"]);
    assert_eq!(plan.world.network_acls[&subnet.network_acl_id].tags["Name"], "edge");
}

#[test]
fn n_02_a_subnet_without_one_has_the_default_acl() {
    let plan = planned("vpcs: { lab: { cidr: 10.0.0.0/16, subnets: { main: { cidr: 10.0.0.0/24 } } } }\n");
    let subnet = &plan.world.subnets[&plan.lab.subnets["lab.main"]];
    assert_eq!(subnet.network_acl_id, plan.lab.network_acls["lab.default"]);
}

#[test]
fn what_is_wrong_with_an_acl_is_located() {
    let edge = |entry: &str| lab(&format!("      edge:\n        inbound:\n          {entry}"));
    check(&lab("      egde: {}"), 5, 47, &["no network ACL `edge` in VPC lab; it has: default, egde"]);
    check(
        &edge("first: allow all from 10.0.0.0/8"),
        9,
        11,
        &["`first` is not an entry's number", "1 to 32766"],
    );
    check(
        &edge("32767: allow all from 10.0.0.0/8"),
        9,
        11,
        &["vpcs.lab.network-acls.edge.inbound.32767", "Value (32767)", "(InvalidParameterValue)"],
    );
    check(&edge("100: all from 10.0.0.0/8"), 9, 16, &["starts with `allow` or `deny`"]);
    check(&edge("100: allow all to 10.0.0.0/8"), 9, 16, &["says `from`, not `to`"]);
    check(&edge("100: allow HTTP from sg web"), 9, 16, &["names a CIDR block"]);
    check(&edge("100: deny tcp from 10.0.0.0/8"), 9, 16, &["Must specify both from and to ports"]);
    let twice = "100: allow all from 10.0.0.0/8\n          100: deny all from 10.0.0.0/8";
    check(&edge(twice), 10, 11, &["`100` is here twice"]);
    check(&lab("      edge: { ingress: {} }"), 7, 15, &["ingress", "inbound"]);
}

#[test]
fn q_11_the_entry_that_is_too_many_is_located() {
    let entries = |count: u32| {
        let lines = (1..=count).map(|number| format!("          {number}: allow HTTP from anywhere"));
        lab(&format!("      edge:\n        inbound:\n{}", lines.collect::<Vec<_>>().join("\n")))
    };
    planned(&entries(19));
    check(&entries(20), 28, 11, &["inbound.20", "rules-per-network-acl: N", "NetworkAclEntryLimitExceeded"]);
    planned(&format!("quotas: {{ rules-per-network-acl: 40 }}\n{}", entries(39)));
}
