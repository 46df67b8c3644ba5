//! Which packets rules allow: E-01 to E-12, R-11, R-12, R-17, R-22.

use super::check;

#[test]
fn e01_without_a_rule_nothing_passes() {
    check(
        "
        client: tcp CLIENT:40000 > WEB:443 S => out no-rule
        internet: tcp OUTSIDER:40000 > WEB:443 S => in no-rule
        flows
        ",
    );
}

#[test]
fn e01_some_rule_of_some_group_is_enough() {
    check(
        "
        + a: web in tcp 80 VPC
        + b: other in tcp 443 VPC
        + c: client out -1 VPC
        client: tcp CLIENT:40000 > WEB:443 S => out rule c, in no-rule
        groups web: web other
        client: tcp CLIENT:40000 > WEB:443 S => out flow c, in rule b
        client: tcp CLIENT:40000 > WEB:80 S => out rule c, in rule a
        groups web: web
        client: tcp CLIENT:40001 > WEB:443 S => out rule c, in no-rule
        ",
    );
}

#[test]
fn e02_no_outbound_rule_blocks_new_flows_but_not_replies() {
    check(
        "
        + a: web in tcp 443 203.0.113.0/24
        web: tcp WEB:40000 > OUTSIDER:443 S => out no-rule
        internet: tcp OUTSIDER:40000 > WEB:443 S => in rule a
        web: tcp WEB:443 > OUTSIDER:40000 S. => out flow a
        web: tcp WEB:443 > OUTSIDER:40001 S. => out no-rule
        ",
    );
}

#[test]
fn e03_both_ends_judge_and_keep_their_own_entries() {
    check(
        "
        + ask: client out tcp 443 VPC
        client: tcp CLIENT:40000 > WEB:443 S => out rule ask, in no-rule
        flows client ask
        + serve: web in tcp 443 VPC
        client: tcp CLIENT:40000 > WEB:443 S => out flow ask, in rule serve
        flows client ask, web serve
        - serve
        client: tcp CLIENT:40001 > WEB:443 S => out rule ask, in no-rule
        ",
    );
}

#[test]
fn e04_members_of_one_group_have_no_implicit_access() {
    check(
        "
        groups web: client
        client: tcp CLIENT:40000 > WEB:443 S => out no-rule
        + out: client out -1 VPC
        client: tcp CLIENT:40000 > WEB:443 S => out rule out, in no-rule
        + self: client in -1 client
        client: tcp CLIENT:40000 > WEB:443 S => out flow out, in rule self
        ",
    );
}

#[test]
fn e05_inbound_rules_look_at_the_source_outbound_at_the_destination() {
    check(
        "
        + out: client out tcp 443 WEB/32
        + in: web in tcp 443 CLIENT/32
        client: tcp CLIENT:40000 > WEB:443 S => out rule out, in rule in
        client: tcp CLIENT:40000 > DB:443 S => out no-rule
        + dbout: db out tcp 443 WEB/32
        db: tcp DB:40000 > WEB:443 S => out rule dbout, in no-rule
        ",
    );
}

#[test]
fn e06_a_referenced_group_is_its_interfaces_private_addresses() {
    check(
        "
        + out: client out tcp 5432 db
        + in: db in tcp 5432 client
        client: tcp CLIENT:40000 > DB:5432 S => out rule out, in rule in
        client: tcp CLIENT:40000 > WEB:5432 S => out no-rule
        web: tcp WEB:40000 > DB:5432 S => out no-rule
        # A public source is nobody's private address.
        internet: tcp OUTSIDER:40000 > DB:5432 S => in no-rule
        ",
    );
}

#[test]
fn e07_a_reference_covers_both_families_and_secondary_addresses() {
    check(
        "
        + out: client out tcp 5432 db
        + in: db in tcp 5432 client
        client: tcp [CLIENT6]:40000 > [DB6]:5432 S => out rule out, in rule in
        address client 10.0.1.44
        client: tcp 10.0.1.44:40000 > DB:5432 S => out rule out, in rule in
        address db 10.0.2.66
        client: tcp CLIENT:40000 > 10.0.2.66:5432 S => out rule out, in rule in
        ",
    );
}

#[test]
fn m08_e08_groups_are_an_interfaces_not_its_instances() {
    check(
        "
        + in: db in tcp 5432 web
        + web: web out -1 VPC
        + aux: other out -1 VPC
        web: tcp WEB:40000 > DB:5432 S => out rule web, in rule in
        # The second interface of the web server has other groups.
        aux: tcp AUX:40000 > DB:5432 S => out rule aux, in no-rule
        - aux
        aux: tcp AUX:40001 > DB:5432 S => out no-rule
        groups aux: web
        aux: tcp AUX:40001 > DB:5432 S => out rule web, in rule in
        # Nor does an interface speak with the other one's address.
        aux: tcp WEB:40001 > DB:5432 S => out source-dest-check
        ",
    );
}

#[test]
fn e09_a_group_of_an_unattached_interface_matches_but_nothing_arrives() {
    check(
        "
        + out: client out tcp 443 web
        client: tcp CLIENT:40000 > SPARE:443 S => out no-route
        flows client out
        internet: tcp OUTSIDER:40000 > SPARE:443 S => out no-route
        ",
    );
}

#[test]
fn e10_a_reference_needs_the_sender_to_own_the_source() {
    check(
        "
        + forward: web out -1 VPC
        + in: db in tcp 5432 client
        check web off
        # The web server forwards the client's packet with the source preserved: a middlebox.
        web: tcp CLIENT:40000 > DB:5432 S => out rule forward, in no-rule
        + cidr: db in tcp 5432 CLIENT/32
        web: tcp CLIENT:40000 > DB:5432 S => out flow forward, in rule cidr
        ",
    );
}

#[test]
fn e12_membership_is_live() {
    check(
        "
        + out: client out -1 VPC
        + in: db in tcp 5432 other
        client: tcp CLIENT:40000 > DB:5432 S => out rule out, in no-rule
        groups client: client other
        client: tcp CLIENT:40000 > DB:5432 S => out flow out, in rule in
        groups client: client
        client: tcp CLIENT:40000 > DB:5432 . => out flow out, in flow in
        client: tcp CLIENT:40001 > DB:5432 S => out rule out, in no-rule
        groups client: client other
        client: tcp CLIENT:40001 > DB:5432 S => out flow out, in rule in
        ",
    );
}

#[test]
fn r11_ports_are_destination_ports_with_inclusive_bounds() {
    check(
        "
        + out: client out -1 VPC
        + in: web in udp 53-60 VPC
        client: udp CLIENT:53 > WEB:52 => out rule out, in no-rule
        client: udp CLIENT:9 > WEB:53 => out rule out, in rule in
        client: udp CLIENT:9 > WEB:60 => out rule out, in rule in
        client: udp CLIENT:53 > WEB:61 => out rule out, in no-rule
        + zero: web in tcp 0 VPC
        + last: web in tcp 65535 VPC
        client: tcp CLIENT:9 > WEB:0 S => out rule out, in rule zero
        client: tcp CLIENT:9 > WEB:1 S => out rule out, in no-rule
        client: tcp CLIENT:9 > WEB:65534 S => out rule out, in no-rule
        client: tcp CLIENT:9 > WEB:65535 S => out rule out, in rule last
        ",
    );
}

#[test]
fn r12_icmp_rules_compare_type_and_code() {
    check(
        "
        + out: client out -1 VPC
        + unreachable: web in icmp 3/1 VPC
        client: icmp CLIENT > WEB type 3 code 1 id 0 => out untracked out, in untracked unreachable
        client: icmp CLIENT > WEB type 3 code 2 id 0 => out untracked out, in no-rule
        + every: web in icmp 3/-1 VPC
        client: icmp CLIENT > WEB type 3 code 2 id 0 => out untracked out, in untracked every
        client: icmp CLIENT > WEB echo-request id 1 => out rule out, in no-rule
        + all: web in icmp all VPC
        client: icmp CLIENT > WEB echo-request id 1 => out flow out, in rule all
        ",
    );
}

/// AWS takes such rules, or so it seems; they match nothing (CHOICE).
#[test]
fn r17_an_icmp_rule_for_a_block_of_the_other_family_matches_nothing() {
    check(
        "
        + out4: client out -1 0.0.0.0/0
        + out6: client out -1 ::/0
        + six: web in icmpv6 all VPC
        + four: web in icmp all VPC6
        client: proto 58 CLIENT > WEB => out rule out4, in no-rule
        client: icmp CLIENT > WEB echo-request id 1 => out rule out4, in no-rule
        client: proto 1 CLIENT6 > WEB6 => out rule out6, in no-rule
        client: icmpv6 CLIENT6 > WEB6 echo-request id 1 => out rule out6, in no-rule
        ",
    );
}

#[test]
fn r17_icmp_and_icmpv6_are_not_interchangeable() {
    check(
        "
        + out4: client out -1 0.0.0.0/0
        + out6: client out -1 ::/0
        + four: web in icmp all client
        client: icmp CLIENT > WEB echo-request id 1 => out rule out4, in rule four
        client: icmpv6 CLIENT6 > WEB6 echo-request id 1 => out rule out6, in no-rule
        client: proto 1 CLIENT6 > WEB6 => out rule out6, in no-rule
        + six: web in icmpv6 all client
        client: icmpv6 CLIENT6 > WEB6 echo-request id 1 => out flow out6, in rule six
        client: proto 58 CLIENT > WEB => out rule out4, in no-rule
        + any: web in -1 client
        client: proto 58 CLIENT > WEB => out flow out4, in rule any
        client: proto 1 CLIENT6 > WEB6 => out flow out6, in rule any
        ",
    );
}

#[test]
fn r22_neither_familys_open_cidr_covers_the_other() {
    check(
        "
        + four: web in tcp 443 0.0.0.0/0
        internet: tcp OUTSIDER:40000 > WEB:443 S => in rule four
        internet: tcp [OUTSIDER6]:40000 > [WEB6]:443 S => in no-rule
        - four
        + six: web in tcp 443 ::/0
        internet: tcp OUTSIDER:40001 > WEB:443 S => in no-rule
        internet: tcp [OUTSIDER6]:40000 > [WEB6]:443 S => in rule six
        ",
    );
}

#[test]
fn r18_prefix_lengths_are_exact_at_their_bounds() {
    check(
        "
        + half: web in tcp 443 203.0.113.8/31
        internet: tcp 203.0.113.7:1 > WEB:443 S => in no-rule
        internet: tcp 203.0.113.8:1 > WEB:443 S => in rule half
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule half
        internet: tcp 203.0.113.10:1 > WEB:443 S => in no-rule
        + net: web in tcp 80 192.0.0.0/8
        internet: tcp 191.255.255.255:1 > WEB:80 S => in no-rule
        internet: tcp 192.0.0.0:1 > WEB:80 S => in rule net
        internet: tcp 192.255.255.255:1 > WEB:80 S => in rule net
        internet: tcp 193.0.0.0:1 > WEB:80 S => in no-rule
        ",
    );
}

#[test]
fn r31_a_prefix_list_that_does_not_exist_matches_nothing() {
    check(
        "
        + list: web in -1 pl-01234567
        internet: tcp OUTSIDER:40000 > WEB:443 S => in no-rule
        ",
    );
}

#[test]
fn protocols_without_ports_match_by_number_alone() {
    check(
        "
        + esp: web in 50 203.0.113.0/24
        internet: proto 50 OUTSIDER > WEB => in rule esp
        internet: proto 51 OUTSIDER > WEB => in no-rule
        internet: proto 47 OUTSIDER > WEB => in no-rule
        ",
    );
}

#[test]
fn c06_an_open_rule_decides_before_an_older_narrow_one() {
    check(
        "
        + narrow: web in tcp 443 203.0.113.0/24
        + older: web in tcp 443 OUTSIDER/32
        internet: tcp OUTSIDER:40000 > WEB:443 S => in rule narrow
        + open: web in tcp 443 0.0.0.0/0
        internet: tcp OUTSIDER:40001 > WEB:443 S => in rule open
        + return: web out -1 0.0.0.0/0
        internet: tcp OUTSIDER:40002 > WEB:443 S => in untracked open
        - open
        internet: tcp OUTSIDER:40003 > WEB:443 S => in rule narrow
        ",
    );
}
