//! ICMP queries and errors: C-16 to C-20.

use super::check;

#[test]
fn c18_an_echo_request_admits_its_replies_and_nothing_else() {
    check(
        "
        + ping: web out icmp 8 203.0.113.0/24
        internet: icmp OUTSIDER > WEB echo-reply id 7 => in no-rule
        web: icmp WEB > OUTSIDER echo-request id 7 => out rule ping
        internet: icmp OUTSIDER > WEB echo-reply id 7 => in flow ping
        internet: icmp OUTSIDER > WEB echo-reply id 8 => in no-rule
        internet: icmp OUTSIDER > WEB echo-request id 7 => in no-rule
        internet: icmp OUTSIDER > WEB type 14 code 0 id 7 => in no-rule
        web: icmp WEB > OUTSIDER echo-reply id 7 => out no-rule
        web: icmp WEB > OUTSIDER echo-request id 7 => out flow ping
        flows web ping
        ",
    );
}

#[test]
fn c18_every_kind_of_query_is_tracked() {
    check(
        "
        + out: web out icmp all 203.0.113.0/24
        + out6: web out icmpv6 all 2001:db8::/32
        web: icmp WEB > OUTSIDER type 13 code 0 id 7 => out rule out
        internet: icmp OUTSIDER > WEB type 14 code 0 id 7 => in flow out
        web: icmp WEB > OUTSIDER type 15 code 0 id 7 => out rule out
        internet: icmp OUTSIDER > WEB type 16 code 0 id 7 => in flow out
        web: icmp WEB > OUTSIDER type 17 code 0 id 7 => out rule out
        internet: icmp OUTSIDER > WEB type 18 code 0 id 7 => in flow out
        web: icmpv6 WEB6 > OUTSIDER6 echo-request id 7 => out rule out6
        internet: icmpv6 OUTSIDER6 > WEB6 echo-reply id 7 => in flow out6
        flows web out, web out, web out, web out6
        ",
    );
}

#[test]
fn c18_both_ends_may_ask_with_the_same_identifier() {
    check(
        "
        + out: web out icmp 8 203.0.113.0/24
        + in: web in icmp 8 203.0.113.0/24
        web: icmp WEB > OUTSIDER echo-request id 7 => out rule out
        internet: icmp OUTSIDER > WEB echo-request id 7 => in rule in
        web: icmp WEB > OUTSIDER echo-reply id 7 => out flow in
        internet: icmp OUTSIDER > WEB echo-reply id 7 => in flow out
        flows web in, web out
        ",
    );
}

#[test]
fn c18_a_reply_without_its_request_is_allowed_by_rules_alone() {
    check(
        "
        + in: web in icmp all 203.0.113.0/24
        internet: icmp OUTSIDER > WEB echo-reply id 7 => in untracked in
        internet: icmp OUTSIDER > WEB type 9 code 0 id 0 => in untracked in
        flows
        ",
    );
}

#[test]
fn c20_a_query_lives_thirty_seconds() {
    check(
        "
        + ping: web out icmp 8 203.0.113.0/24
        web: icmp WEB > OUTSIDER echo-request id 7 => out rule ping
        advance 29
        internet: icmp OUTSIDER > WEB echo-reply id 7 => in flow ping
        advance 30
        internet: icmp OUTSIDER > WEB echo-reply id 7 => in no-rule
        ",
    );
}

#[test]
fn c17_errors_about_a_tracked_flow_are_related() {
    check(
        "
        + ask: web out tcp 443 203.0.113.0/24
        internet: icmp 198.51.100.1 > WEB type 3 code 4 about (tcp WEB:9 > OUTSIDER:443 S) => in no-rule
        web: tcp WEB:9 > OUTSIDER:443 S => out rule ask
        # From any hop on the way.
        internet: icmp 198.51.100.1 > WEB type 3 code 4 about (tcp WEB:9 > OUTSIDER:443 S) => in related ask
        internet: icmp OUTSIDER > WEB type 11 code 0 about (tcp WEB:9 > OUTSIDER:443 S) => in related ask
        internet: icmp OUTSIDER > WEB type 3 code 4 about (tcp WEB:8 > OUTSIDER:443 S) => in no-rule
        # Not about what the other end sent, and no error types beyond those listed.
        internet: icmp OUTSIDER > WEB type 3 code 4 about (tcp OUTSIDER:443 > WEB:9 S.) => in no-rule
        internet: icmp OUTSIDER > WEB type 6 code 0 about (tcp WEB:9 > OUTSIDER:443 S) => in no-rule
        ",
    );
}

#[test]
fn c17_every_error_type_of_both_families() {
    check(
        "
        + ask: web out udp 53 203.0.113.0/24
        + ask6: web out udp 53 2001:db8::/32
        web: udp WEB:9 > OUTSIDER:53 => out rule ask
        web: udp [WEB6]:9 > [OUTSIDER6]:53 => out rule ask6
        internet: icmp OUTSIDER > WEB type 4 code 0 about (udp WEB:9 > OUTSIDER:53) => in related ask
        internet: icmp OUTSIDER > WEB type 5 code 0 about (udp WEB:9 > OUTSIDER:53) => in related ask
        internet: icmp OUTSIDER > WEB type 12 code 0 about (udp WEB:9 > OUTSIDER:53) => in related ask
        internet: icmpv6 OUTSIDER6 > WEB6 type 1 code 4 about (udp [WEB6]:9 > [OUTSIDER6]:53) => in related ask6
        internet: icmpv6 OUTSIDER6 > WEB6 type 2 code 0 about (udp [WEB6]:9 > [OUTSIDER6]:53) => in related ask6
        internet: icmpv6 OUTSIDER6 > WEB6 type 3 code 0 about (udp [WEB6]:9 > [OUTSIDER6]:53) => in related ask6
        internet: icmpv6 OUTSIDER6 > WEB6 type 4 code 0 about (udp [WEB6]:9 > [OUTSIDER6]:53) => in related ask6
        internet: icmpv6 OUTSIDER6 > WEB6 type 5 code 0 about (udp [WEB6]:9 > [OUTSIDER6]:53) => in no-rule
        ",
    );
}

#[test]
fn c19_errors_go_both_ways_and_do_not_refresh() {
    check(
        "
        + in: web in udp 53 203.0.113.0/24
        internet: udp OUTSIDER:9 > WEB:53 => in rule in
        advance 29
        web: icmp WEB > OUTSIDER type 3 code 3 about (udp OUTSIDER:9 > WEB:53) => out related in
        advance 1
        web: icmp WEB > OUTSIDER type 3 code 3 about (udp OUTSIDER:9 > WEB:53) => out no-rule
        ",
    );
}

#[test]
fn c19_errors_about_queries_and_other_protocols_are_related() {
    check(
        "
        + out: web out -1 203.0.113.0/24
        web: icmp WEB > OUTSIDER echo-request id 7 => out rule out
        web: proto 50 WEB > OUTSIDER => out rule out
        internet: icmp OUTSIDER > WEB type 3 code 1 about (icmp WEB > OUTSIDER echo-request id 7) => in related out
        internet: icmp OUTSIDER > WEB type 3 code 1 about (icmp WEB > OUTSIDER echo-request id 8) => in no-rule
        internet: icmp OUTSIDER > WEB type 3 code 2 about (proto 50 WEB > OUTSIDER length 8) => in related out
        internet: icmp OUTSIDER > WEB type 3 code 2 about (proto 47 WEB > OUTSIDER length 8) => in no-rule
        ",
    );
}

#[test]
fn c16_nothing_is_related_to_an_untracked_flow() {
    check(
        "
        + in: web in tcp all 0.0.0.0/0
        + out: web out tcp all 0.0.0.0/0
        web: tcp WEB:9 > OUTSIDER:443 S => out untracked out
        internet: icmp OUTSIDER > WEB type 3 code 4 about (tcp WEB:9 > OUTSIDER:443 S) => in no-rule
        + pmtu: web in icmp 3/4 0.0.0.0/0
        internet: icmp OUTSIDER > WEB type 3 code 4 about (tcp WEB:9 > OUTSIDER:443 S) => in untracked pmtu
        ",
    );
}

#[test]
fn c19_fragments_and_errors_are_never_what_an_error_is_about() {
    check(
        "
        + ask: web out udp 53 203.0.113.0/24
        web: udp WEB:9 > OUTSIDER:53 => out rule ask
        internet: icmp OUTSIDER > WEB type 3 code 1 about (udp WEB:9 > OUTSIDER:53 fragment 5 at 0 more) => in related ask
        internet: icmp OUTSIDER > WEB type 3 code 1 about (udp WEB:9 > OUTSIDER:53 fragment 5 at 1) => in no-rule
        + ask6: web out udp 53 2001:db8::/32
        web: udp [WEB6]:9 > [OUTSIDER6]:53 => out rule ask6
        internet: icmp OUTSIDER > WEB type 3 code 1 about (udp [WEB6]:9 > [OUTSIDER6]:53) => in no-rule
        internet: icmp OUTSIDER > WEB type 3 code 1 about (icmp WEB > OUTSIDER type 3 code 1 about (udp WEB:9 > OUTSIDER:53)) => in no-rule
        ",
    );
}
