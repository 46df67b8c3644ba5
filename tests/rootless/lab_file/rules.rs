//! Groups and their rules.

use sg_userspace::aws::rule::Direction;

use super::{check, lab, planned, rules};

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
