//! How many connections an instance may track: C-26, C-29. `web` and `aux` are two interfaces of one instance.

use super::check;

#[test]
fn c26_at_the_limit_new_connections_are_denied_and_old_ones_live() {
    check(
        "
        + in: web in udp all 203.0.113.0/24
        + some: web in udp 53 203.0.113.0/24
        allowance web 2
        internet: udp OUTSIDER:1 > WEB:53 => in rule in
        internet: udp OUTSIDER:2 > WEB:53 => in rule in
        internet: udp OUTSIDER:3 > WEB:53 => in connection-allowance-exceeded in
        internet: udp OUTSIDER:1 > WEB:53 => in flow in
        web: udp WEB:53 > OUTSIDER:2 => out flow in
        # What no rule allows does not come so far.
        internet: tcp OUTSIDER:3 > WEB:53 S => in no-rule
        flows web in, web in
        ",
    );
}

#[test]
fn c26_the_allowance_is_the_instances_over_all_its_interfaces() {
    check(
        "
        + web: web in udp 53 203.0.113.0/24
        + aux: other in udp 53 203.0.113.0/24
        + db: db in udp 53 203.0.113.0/24
        allowance web 2
        internet: udp OUTSIDER:1 > WEB:53 => in rule web
        internet: udp OUTSIDER:1 > AUX:53 => in rule aux
        internet: udp OUTSIDER:2 > WEB:53 => in connection-allowance-exceeded web
        internet: udp OUTSIDER:2 > AUX:53 => in connection-allowance-exceeded aux
        internet: udp OUTSIDER:2 > DB:53 => in rule db
        # An interface that goes takes its entries along.
        delete aux
        internet: udp OUTSIDER:2 > WEB:53 => in rule web
        ",
    );
}

#[test]
fn c26_an_entry_holds_its_place_until_it_idles_out() {
    check(
        "
        + in: web in udp 53 203.0.113.0/24
        allowance web 1
        internet: udp OUTSIDER:1 > WEB:53 => in rule in
        advance 29
        internet: udp OUTSIDER:2 > WEB:53 => in connection-allowance-exceeded in
        advance 1
        internet: udp OUTSIDER:2 > WEB:53 => in rule in
        internet: udp OUTSIDER:1 > WEB:53 => in connection-allowance-exceeded in
        allowance web 2
        internet: udp OUTSIDER:1 > WEB:53 => in rule in
        # Fewer than there are: none is ended.
        allowance web 1
        internet: udp OUTSIDER:1 > WEB:53 => in flow in
        internet: udp OUTSIDER:2 > WEB:53 => in flow in
        internet: udp OUTSIDER:3 > WEB:53 => in connection-allowance-exceeded in
        flows web in, web in
        ",
    );
}

#[test]
fn c26_both_ends_count_for_themselves() {
    check(
        "
        + out: client out udp 53 VPC
        + in: web in udp 53 VPC
        allowance web 1
        client: udp CLIENT:1 > WEB:53 => out rule out, in rule in
        client: udp CLIENT:2 > WEB:53 => out rule out, in connection-allowance-exceeded in
        flows client out, client out, web in
        allowance client 2
        client: udp CLIENT:3 > WEB:53 => out connection-allowance-exceeded out
        ",
    );
}

#[test]
fn c26_a_connection_that_starts_over_keeps_its_place() {
    check(
        "
        + in: web in tcp 443 203.0.113.0/24
        allowance web 1
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        web: tcp WEB:443 > OUTSIDER:1 R => out flow in
        internet: tcp OUTSIDER:2 > WEB:443 S => in connection-allowance-exceeded in
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        internet: tcp OUTSIDER:1 > WEB:443 . => in flow in
        flows web in
        ",
    );
}

#[test]
fn c26_what_is_refused_over_an_old_entry_leaves_it() {
    check(
        "
        + in: web in tcp 443 203.0.113.0/24
        allowance web 2
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        internet: tcp OUTSIDER:2 > WEB:443 S => in rule in
        web: tcp WEB:443 > OUTSIDER:1 R => out flow in
        allowance web 1
        internet: tcp OUTSIDER:1 > WEB:443 S => in connection-allowance-exceeded in
        internet: tcp OUTSIDER:1 > WEB:443 . => in flow-closed in
        ",
    );
}

#[test]
fn c29_untracked_flows_need_no_allowance() {
    check(
        "
        + in: web in tcp 443 0.0.0.0/0
        + out: web out -1 0.0.0.0/0
        + ping: web in icmp all 0.0.0.0/0
        allowance web 1
        internet: icmp OUTSIDER > WEB echo-request id 1 => in rule ping
        internet: icmp OUTSIDER > WEB echo-request id 2 => in connection-allowance-exceeded ping
        internet: tcp OUTSIDER:1 > WEB:443 S => in untracked in
        internet: tcp OUTSIDER:2 > WEB:443 S => in untracked in
        # ICMP messages other than queries need none either.
        internet: icmp OUTSIDER > WEB type 11 code 0 id 0 => in untracked ping
        flows web ping
        ",
    );
}

#[test]
fn c26_c30_fragments_of_what_is_refused_are_without_their_first() {
    check(
        "
        + in: web in udp 53 203.0.113.0/24
        allowance web 0
        internet: udp OUTSIDER:1 > WEB:53 fragment 5 at 0 more => in connection-allowance-exceeded in
        internet: udp OUTSIDER:1 > WEB:53 fragment 5 at 1 length 8 => in fragment-without-first
        ",
    );
}
