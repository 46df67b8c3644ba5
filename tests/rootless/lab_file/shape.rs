//! What is no lab file at all, and names that nothing has.

use super::{check, lab};

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
