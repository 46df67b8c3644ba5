//! Fragments (C-30).

use super::check;

#[test]
fn c30_later_fragments_follow_their_first() {
    check(
        "
        + in: web in udp 53 203.0.113.0/24
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 1 length 8 => in fragment-without-first
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 0 more => in rule in
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 1 more length 8 => in flow in
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 2 length 8 => in flow in
        internet: udp OUTSIDER:9 > WEB:53 fragment 6 at 1 length 8 => in fragment-without-first
        internet: udp OUTSIDER:9 > WEB:80 fragment 7 at 0 more => in no-rule
        internet: udp OUTSIDER:9 > WEB:80 fragment 7 at 1 length 8 => in fragment-without-first
        flows web in
        ",
    );
}

#[test]
fn c30_both_ends_remember_for_themselves() {
    check(
        "
        + out: client out udp 53 web
        + in: web in udp 53 client
        client: udp [CLIENT6]:9 > [WEB6]:53 fragment 70000 at 0 more => out rule out, in rule in
        client: udp [CLIENT6]:9 > [WEB6]:53 fragment 70000 at 1 length 8 => out flow out, in flow in
        web: udp [WEB6]:53 > [CLIENT6]:9 fragment 70000 at 1 length 8 => out fragment-without-first
        ",
    );
}

#[test]
fn c30_a_first_fragment_is_remembered_for_thirty_seconds() {
    check(
        "
        + in: web in udp 53 203.0.113.0/24
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 0 more => in rule in
        advance 29
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 1 length 8 => in flow in
        advance 1
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 2 length 8 => in fragment-without-first
        internet: udp OUTSIDER:9 > WEB:53 => in flow in
        ",
    );
}

#[test]
fn c30_untracked_fragments_are_judged_with_the_remembered_ports() {
    check(
        "
        + in: web in udp 53 0.0.0.0/0
        + out: web out -1 0.0.0.0/0
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 0 more => in untracked in
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 1 length 8 => in untracked in
        - in
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 2 length 8 => in no-rule
        ",
    );
}

#[test]
fn c30_a_fragment_header_on_a_whole_packet_is_no_fragment() {
    check(
        "
        + in: web in udp 53 ::/0
        internet: udp [OUTSIDER6]:9 > [WEB6]:53 fragment 5 at 0 => in rule in
        internet: udp [OUTSIDER6]:9 > [WEB6]:53 fragment 5 at 1 length 8 => in fragment-without-first
        ",
    );
}

#[test]
fn c30_fragments_of_a_ping_belong_to_it() {
    check(
        "
        + in: web in icmp 8 203.0.113.0/24
        internet: icmp OUTSIDER > WEB echo-request id 7 fragment 5 at 0 more length 8 => in rule in
        internet: icmp OUTSIDER > WEB echo-request id 7 fragment 5 at 2 length 8 => in flow in
        flows web in
        ",
    );
}

#[test]
fn c30_without_the_first_only_a_rule_for_every_port_allows_the_rest() {
    check(
        "
        + some: web in udp 0-65534 203.0.113.0/24
        + ping: web in icmp 8 203.0.113.0/24
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 1 length 8 => in fragment-without-first
        internet: icmp OUTSIDER > WEB echo-request id 7 fragment 5 at 1 length 8 => in fragment-without-first
        + every: web in udp all 203.0.113.0/24
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 1 length 8 => in untracked every
        internet: tcp OUTSIDER:9 > WEB:53 . fragment 5 at 1 length 8 => in fragment-without-first
        + types: web in icmp all 203.0.113.0/24
        internet: icmp OUTSIDER > WEB echo-request id 7 fragment 5 at 1 length 8 => in untracked types
        + esp: web in 50 203.0.113.0/24
        internet: proto 50 OUTSIDER > WEB fragment 5 at 1 length 8 => in untracked esp
        internet: proto 47 OUTSIDER > WEB fragment 5 at 1 length 8 => in fragment-without-first
        + all: web in -1 203.0.113.0/24
        internet: tcp OUTSIDER:9 > WEB:53 . fragment 5 at 1 length 8 => in untracked all
        internet: tcp 198.51.100.1:9 > WEB:53 . fragment 5 at 1 length 8 => in fragment-without-first
        flows
        # With the first, they belong to its flow.
        internet: proto 50 OUTSIDER > WEB fragment 5 at 0 more length 8 => in rule esp
        internet: proto 50 OUTSIDER > WEB fragment 5 at 1 length 8 => in flow esp
        ",
    );
}

#[test]
fn c30_later_fragments_have_no_tcp_flags() {
    check(
        "
        + in: web in tcp 443 203.0.113.0/24
        internet: tcp OUTSIDER:1 > WEB:443 S fragment 5 at 0 more => in rule in
        web: tcp WEB:443 > OUTSIDER:1 S. => out flow in
        # The initiator's first packet without SYN establishes the connection.
        internet: tcp OUTSIDER:1 > WEB:443 S fragment 5 at 3 length 8 => in flow in
        advance 431999
        web: tcp WEB:443 > OUTSIDER:1 . => out flow in
        ",
    );
}

#[test]
fn c30_a_denied_first_fragment_leaves_an_earlier_one_remembered() {
    check(
        "
        + in: web in udp 53 203.0.113.0/24
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 0 more => in rule in
        internet: udp OUTSIDER:9 > WEB:80 fragment 5 at 0 more => in no-rule
        internet: udp OUTSIDER:9 > WEB:80 fragment 5 at 1 length 8 => in flow in
        ",
    );
}

#[test]
fn c30_what_the_acl_denies_is_not_remembered_and_what_goes_nowhere_is() {
    check(
        "
        + out: web out udp 53 0.0.0.0/0
        border near custom
        web: udp WEB:9 > OUTSIDER:53 fragment 5 at 0 more => out network-acl 32767
        border near open
        web: udp WEB:9 > OUTSIDER:53 fragment 5 at 1 length 8 => out fragment-without-first
        web: udp WEB:9 > NOBODY:53 fragment 6 at 0 more => out no-route
        web: udp WEB:9 > NOBODY:53 fragment 6 at 1 length 8 => out no-route
        # A memory does not help against the ACL.
        web: udp WEB:9 > OUTSIDER:53 fragment 7 at 0 more => out flow out
        border near custom
        web: udp WEB:9 > OUTSIDER:53 fragment 7 at 1 length 8 => out network-acl 32767
        ",
    );
}
