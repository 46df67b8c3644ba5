//! VPCs and subnets.

use super::{check, lab, planned};

#[test]
fn overlapping_subnets_and_foreign_zones_are_located() {
    let text = "vpcs:\n  lab:\n    cidr: 10.0.0.0/16\n    subnets:\n      a: { cidr: 10.0.0.0/24 }\n      b: { cidr: 10.0.0.128/25 }\n";
    check(text, 6, 7, &["vpcs.lab.subnets.b", "conflicts with another subnet", "InvalidSubnet.Conflict"]);
    let text = "region: eu-west-1\nvpcs:\n  lab:\n    cidr: 10.0.0.0/16\n    subnets:\n      a: { cidr: 10.0.0.0/24, zone: us-east-1a }\n";
    check(text, 6, 7, &["us-east-1a", "eu-west-1"]);
    check("region: nowhere\nvpcs: { lab: { cidr: 10.0.0.0/16 } }\n", 1, 9, &["`nowhere` is not a region"]);
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
fn refusals_say_what_to_do() {
    let text = "vpcs:\n  lab:\n    cidr: 10.0.0.0/16\n    subnets: { a: { cidr: 10.1.0.0/24 } }\n";
    check(text, 4, 16, &["The CIDR '10.1.0.0/24' is invalid: a subnet lies inside", "(InvalidSubnet.Range)"]);
    check("vpcs:\n  lab: { cidr: 10.0.0.0/8 }\n", 2, 3, &["'10.0.0.0/8'", "/16 to /28"]);
}

#[test]
fn c_17_the_mtu_to_the_internet_has_bounds() {
    let text = |mtu: u32| format!("vpcs:\n  lab:\n    cidr: 10.0.0.0/16\n    internet-mtu: {mtu}\n");
    for mtu in [1280, 9001] {
        let plan = planned(&text(mtu));
        assert_eq!(u32::from(plan.world.vpcs[&plan.lab.vpcs["lab"]].internet_mtu), mtu);
    }
    check(&text(1279), 2, 3, &["can be 1280 to 9001, not 1279"]);
    check(&text(9002), 2, 3, &["can be 1280 to 9001, not 9002"]);
    check(&text(65_536), 4, 19, &[]);
}
