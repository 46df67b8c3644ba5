//! What is tracked and what is not, whatever the protocol: C-01 to C-13.

use super::check;

/// "Inbound and outbound TCP traffic on port 22 is tracked, … on port 80 is not tracked, … ICMP traffic is always tracked.
/// … If you remove the outbound rule for IPv4 traffic, all inbound and outbound IPv4 traffic is tracked, including traffic on
/// port 80. The same applies for IPv6": the worked example of AWS's page on connection tracking.
#[test]
fn c03_c04_the_example_of_aws() {
    check(
        "
        + ssh: web in tcp 22 203.0.113.1/32
        + http4: web in tcp 80 0.0.0.0/0
        + http6: web in tcp 80 ::/0
        + icmp: web in icmp all 0.0.0.0/0
        + out4: web out -1 0.0.0.0/0
        + out6: web out -1 ::/0

        internet: tcp 203.0.113.1:40000 > WEB:22 S => in rule ssh
        web: tcp WEB:22 > 203.0.113.1:40000 S. => out flow ssh
        internet: tcp OUTSIDER:40000 > WEB:22 S => in no-rule
        internet: tcp OUTSIDER:40000 > WEB:80 S => in untracked http4
        web: tcp WEB:80 > OUTSIDER:40000 S. => out untracked out4
        internet: tcp [OUTSIDER6]:40000 > [WEB6]:80 S => in untracked http6
        web: tcp [WEB6]:80 > [OUTSIDER6]:40000 S. => out untracked out6
        internet: icmp OUTSIDER > WEB echo-request id 1 => in rule icmp
        web: icmp WEB > OUTSIDER echo-reply id 1 => out flow icmp
        flows web ssh, web icmp

        - out4
        internet: tcp OUTSIDER:40001 > WEB:80 S => in rule http4
        web: tcp WEB:80 > OUTSIDER:40001 S. => out flow http4
        internet: tcp [OUTSIDER6]:40001 > [WEB6]:80 S => in untracked http6
        web: tcp [WEB6]:80 > [OUTSIDER6]:40001 S. => out untracked out6
        flows web ssh, web icmp, web http4

        - out6
        internet: tcp [OUTSIDER6]:40002 > [WEB6]:80 S => in rule http6
        web: tcp [WEB6]:80 > [OUTSIDER6]:40002 S. => out flow http6
        flows web ssh, web icmp, web http4, web http6
        ",
    );
}

#[test]
fn c01_replies_pass_without_rules() {
    check(
        "
        + ask: client out tcp 443 VPC
        + serve: web in tcp 443 VPC
        web: tcp WEB:443 > CLIENT:40000 S. => out no-rule
        client: tcp CLIENT:40000 > WEB:443 S => out rule ask, in rule serve
        web: tcp WEB:443 > CLIENT:40000 S. => out flow serve, in flow ask
        web: tcp WEB:443 > CLIENT:40001 S. => out no-rule
        web: tcp WEB:444 > CLIENT:40000 S. => out no-rule
        flows client ask, web serve
        ",
    );
}

#[test]
fn c02_icmp_is_always_tracked() {
    check(
        "
        + in: web in -1 0.0.0.0/0
        + out: web out -1 0.0.0.0/0
        internet: icmp OUTSIDER > WEB echo-request id 1 => in rule in
        internet: udp OUTSIDER:9 > WEB:9 => in untracked in
        flows web in
        ",
    );
}

#[test]
fn c03_open_both_ways_is_untracked() {
    check(
        "
        + in: web in tcp 443 0.0.0.0/0
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        + almost: web out tcp 0-65534 0.0.0.0/0
        internet: tcp OUTSIDER:2 > WEB:443 S => in rule in
        + udp: web out udp all 0.0.0.0/0
        internet: tcp OUTSIDER:3 > WEB:443 S => in rule in
        + all: web out tcp all 0.0.0.0/0
        internet: tcp OUTSIDER:4 > WEB:443 S => in untracked in
        # The reply passes by the other direction's rule.
        web: tcp WEB:443 > OUTSIDER:4 S. => out untracked almost
        - almost
        web: tcp WEB:443 > OUTSIDER:5 S. => out untracked all
        # But a flow that the instance opens itself has no such answer.
        web: tcp WEB:443 > OUTSIDER:6 S => out rule all
        ",
    );
}

#[test]
fn c03_replies_are_untracked_too_where_both_rules_are_for_all_ports() {
    check(
        "
        + in: web in -1 0.0.0.0/0
        + out: web out -1 0.0.0.0/0
        internet: tcp OUTSIDER:1 > WEB:443 S => in untracked in
        web: tcp WEB:443 > OUTSIDER:1 S. => out untracked out
        internet: udp OUTSIDER:1 > WEB:443 => in untracked in
        internet: proto 50 OUTSIDER > WEB => in rule in
        flows web in
        ",
    );
}

#[test]
fn c04_tracking_is_decided_by_family() {
    check(
        "
        + in4: web in tcp 443 0.0.0.0/0
        + in6: web in tcp 443 ::/0
        + out4: web out -1 0.0.0.0/0
        + out6: web out -1 ::/0
        internet: tcp OUTSIDER:1 > WEB:443 S => in untracked in4
        internet: tcp [OUTSIDER6]:1 > [WEB6]:443 S => in untracked in6
        - out4
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in4
        internet: tcp [OUTSIDER6]:1 > [WEB6]:443 S => in untracked in6
        ",
    );
}

#[test]
fn c05_narrower_peers_are_tracked() {
    check(
        "
        + low: web in tcp 443 0.0.0.0/1
        + high: web in tcp 443 128.0.0.0/1
        + ref: web in tcp 443 client
        + out: web out -1 0.0.0.0/0
        + ask: client out -1 VPC
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule high
        client: tcp CLIENT:1 > WEB:443 S => out rule ask, in rule low
        - low
        client: tcp CLIENT:2 > WEB:443 S => out rule ask, in rule ref
        ",
    );
}

#[test]
fn c07_the_two_open_rules_may_be_in_two_groups() {
    check(
        "
        + in: web in tcp 443 0.0.0.0/0
        + out: other out -1 0.0.0.0/0
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        groups web: web other
        internet: tcp OUTSIDER:2 > WEB:443 S => in untracked in
        ",
    );
}

#[test]
fn c08_one_end_may_track_what_the_other_does_not() {
    check(
        "
        + in: client in -1 0.0.0.0/0
        + out: client out -1 0.0.0.0/0
        + serve: web in tcp 443 VPC
        client: tcp CLIENT:1 > WEB:443 S => out untracked out, in rule serve
        web: tcp WEB:443 > CLIENT:1 S. => out flow serve, in untracked in
        flows web serve
        ",
    );
}

#[test]
fn c10_other_protocols_open_a_pinhole_for_ten_minutes() {
    check(
        "
        + esp: web out 50 203.0.113.0/24
        internet: proto 50 OUTSIDER > WEB => in no-rule
        web: proto 50 WEB > OUTSIDER => out rule esp
        internet: proto 50 OUTSIDER > WEB => in flow esp
        internet: proto 47 OUTSIDER > WEB => in no-rule
        internet: proto 50 203.0.113.10 > WEB => in no-rule
        advance 599
        internet: proto 50 OUTSIDER > WEB => in flow esp
        advance 600
        flows
        internet: proto 50 OUTSIDER > WEB => in no-rule
        ",
    );
}

#[test]
fn c11_a_tracked_flow_outlives_its_rule() {
    check(
        "
        + in: web in tcp 443 203.0.113.0/24
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        web: tcp WEB:443 > OUTSIDER:1 S. => out flow in
        - in
        internet: tcp OUTSIDER:1 > WEB:443 . => in flow in
        internet: tcp OUTSIDER:2 > WEB:443 S => in no-rule
        + again: web in tcp 443 203.0.113.0/24
        internet: tcp OUTSIDER:1 > WEB:443 . => in flow in
        internet: tcp OUTSIDER:2 > WEB:443 S => in rule again
        ",
    );
}

#[test]
fn c12_an_untracked_flow_ends_with_either_rule() {
    check(
        "
        + in: web in tcp 443 0.0.0.0/0
        + out: web out -1 0.0.0.0/0
        internet: tcp OUTSIDER:1 > WEB:443 S => in untracked in
        web: tcp WEB:443 > OUTSIDER:1 S. => out untracked out
        internet: tcp OUTSIDER:1 > WEB:443 . => in untracked in
        - in
        internet: tcp OUTSIDER:1 > WEB:443 . => in no-rule
        + back: web in -1 0.0.0.0/0
        internet: tcp OUTSIDER:1 > WEB:443 . => in untracked back
        web: tcp WEB:443 > OUTSIDER:1 . => out untracked out
        - out
        web: tcp WEB:443 > OUTSIDER:1 . => out no-rule
        flows
        ",
    );
}

#[test]
fn c12_what_is_left_of_an_untracked_flow_makes_no_entry() {
    check(
        "
        + in: web in tcp 443 0.0.0.0/0
        + out: web out -1 0.0.0.0/0
        internet: tcp OUTSIDER:1 > WEB:443 S => in untracked in
        web: tcp WEB:443 > OUTSIDER:1 S. => out untracked out
        - in
        # The server sends again what was not acknowledged.
        web: tcp WEB:443 > OUTSIDER:1 . => out untracked out
        internet: tcp OUTSIDER:1 > WEB:443 . => in no-rule
        + back: web in tcp 443 0.0.0.0/0
        internet: tcp OUTSIDER:1 > WEB:443 . => in untracked back
        - out
        internet: tcp OUTSIDER:1 > WEB:443 . => in untracked back
        web: tcp WEB:443 > OUTSIDER:1 . => out no-rule
        # A narrower rule in place of the open one picks it up (C-14).
        + narrow: web out tcp all 203.0.113.0/24
        web: tcp WEB:443 > OUTSIDER:1 . => out rule narrow
        flows web narrow
        ",
    );
}

#[test]
fn c13_new_groups_leave_entries_alone() {
    check(
        "
        + in: web in tcp 443 203.0.113.0/24
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        groups web: other
        internet: tcp OUTSIDER:1 > WEB:443 . => in flow in
        internet: tcp OUTSIDER:2 > WEB:443 S => in no-rule
        ",
    );
}

#[test]
fn c14_a_live_untracked_flow_under_a_narrower_rule_is_picked_up() {
    check(
        "
        + open: web in tcp 443 0.0.0.0/0
        + out: web out -1 0.0.0.0/0
        internet: tcp OUTSIDER:1 > WEB:443 S => in untracked open
        internet: tcp OUTSIDER:1 > WEB:443 . => in untracked open
        flows
        + narrow: web in tcp 443 203.0.113.0/24
        - open
        internet: tcp OUTSIDER:1 > WEB:443 . => in rule narrow
        - out
        web: tcp WEB:443 > OUTSIDER:1 . => out flow narrow
        ",
    );
}

#[test]
fn c21_timers_are_the_interfaces_own() {
    check(
        "
        + in: web in -1 203.0.113.0/24
        + aux: other in -1 203.0.113.0/24
        timers web 60 31 60
        internet: udp OUTSIDER:1 > WEB:53 => in rule in
        internet: udp OUTSIDER:1 > AUX:53 => in rule aux
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        web: tcp WEB:443 > OUTSIDER:1 S. => out flow in
        internet: tcp OUTSIDER:1 > WEB:443 . => in flow in
        advance 30
        flows web in, web in
        advance 1
        flows web in
        advance 28
        flows web in
        advance 1
        flows
        ",
    );
}

#[test]
fn c21_new_timers_hold_for_live_flows_too() {
    check(
        "
        + in: web in udp 53 203.0.113.0/24
        internet: udp OUTSIDER:1 > WEB:53 => in rule in
        timers web 432000 60 180
        advance 59
        internet: udp OUTSIDER:1 > WEB:53 => in flow in
        advance 31
        timers web 432000 30 180
        internet: udp OUTSIDER:1 > WEB:53 => in rule in
        ",
    );
}
