//! A TCP connection's life: C-21 to C-24, and the timeouts of section 4.4.

use super::check;

/// Rules, then a finished handshake with the server `web`.
const ESTABLISHED: &str = "
    + in: web in tcp 443 203.0.113.0/24
    internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
    web: tcp WEB:443 > OUTSIDER:1 S. => out flow in
    internet: tcp OUTSIDER:1 > WEB:443 . => in flow in
";

#[track_caller]
fn check_established(text: &str) {
    check(&format!("{ESTABLISHED}{text}"));
}

#[test]
fn c22_an_unanswered_syn_lives_two_minutes() {
    check(
        "
        + in: web in tcp 443 203.0.113.0/24
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        advance 119
        internet: tcp OUTSIDER:1 > WEB:443 S => in flow in
        advance 119
        flows web in
        advance 1
        flows
        web: tcp WEB:443 > OUTSIDER:1 S. => out no-rule
        ",
    );
}

#[test]
fn c22_an_unfinished_handshake_lives_a_minute() {
    check(
        "
        + in: web in tcp 443 203.0.113.0/24
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        web: tcp WEB:443 > OUTSIDER:1 S. => out flow in
        advance 59
        internet: tcp OUTSIDER:1 > WEB:443 S => in flow in
        advance 60
        flows
        web: tcp WEB:443 > OUTSIDER:1 S. => out no-rule
        ",
    );
}

#[test]
fn c23_an_established_connection_lives_five_days() {
    check_established(
        "
        advance 431999
        web: tcp WEB:443 > OUTSIDER:1 . => out flow in
        advance 432000
        flows
        web: tcp WEB:443 > OUTSIDER:1 . => out no-rule
        internet: tcp OUTSIDER:1 > WEB:443 . => in rule in
        ",
    );
}

#[test]
fn c22_a_fin_from_one_side_leaves_two_minutes() {
    check_established(
        "
        web: tcp WEB:443 > OUTSIDER:1 F. => out flow in
        advance 119
        internet: tcp OUTSIDER:1 > WEB:443 . => in flow in
        advance 120
        web: tcp WEB:443 > OUTSIDER:1 . => out no-rule
        ",
    );
}

#[test]
fn c24_after_both_fins_a_syn_is_judged_as_new() {
    check_established(
        "
        web: tcp WEB:443 > OUTSIDER:1 F. => out flow in
        internet: tcp OUTSIDER:1 > WEB:443 S => in flow in
        internet: tcp OUTSIDER:1 > WEB:443 F. => in flow in
        web: tcp WEB:443 > OUTSIDER:1 . => out flow in
        + newer: web in tcp 443 OUTSIDER/32
        - in
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule newer
        web: tcp WEB:443 > OUTSIDER:1 S. => out flow newer
        internet: tcp OUTSIDER:1 > WEB:443 . => in flow newer
        flows web newer
        advance 431999
        internet: tcp OUTSIDER:1 > WEB:443 . => in flow newer
        ",
    );
}

#[test]
fn c24_a_denied_syn_leaves_the_closed_entry_as_it_was() {
    check_established(
        "
        web: tcp WEB:443 > OUTSIDER:1 F. => out flow in
        internet: tcp OUTSIDER:1 > WEB:443 F. => in flow in
        - in
        internet: tcp OUTSIDER:1 > WEB:443 S => in no-rule
        web: tcp WEB:443 > OUTSIDER:1 . => out flow in
        flows web in
        ",
    );
}

#[test]
fn c24_after_a_reset_only_a_syn_gets_through() {
    check_established(
        "
        web: tcp WEB:443 > OUTSIDER:1 R => out flow in
        internet: tcp OUTSIDER:1 > WEB:443 . => in flow-closed in
        web: tcp WEB:443 > OUTSIDER:1 R => out flow-closed in
        web: tcp WEB:443 > OUTSIDER:1 S. => out flow-closed in
        web: tcp WEB:443 > OUTSIDER:1 SF => out flow-closed in
        web: tcp WEB:443 > OUTSIDER:1 SR => out flow-closed in
        web: tcp WEB:443 > OUTSIDER:1 S => out no-rule
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        web: tcp WEB:443 > OUTSIDER:1 S. => out flow in
        ",
    );
}

#[test]
fn c24_a_reset_entry_lives_ten_seconds_and_denials_do_not_refresh_it() {
    check_established(
        "
        web: tcp WEB:443 > OUTSIDER:1 R => out flow in
        advance 9
        internet: tcp OUTSIDER:1 > WEB:443 . => in flow-closed in
        flows web in
        advance 1
        flows
        internet: tcp OUTSIDER:1 > WEB:443 . => in rule in
        ",
    );
}

#[test]
fn c24_an_untracked_syn_ends_the_reset_entry() {
    check_established(
        "
        web: tcp WEB:443 > OUTSIDER:1 R => out flow in
        + open: web in -1 0.0.0.0/0
        + back: web out -1 0.0.0.0/0
        internet: tcp OUTSIDER:1 > WEB:443 S => in untracked open
        flows
        internet: tcp OUTSIDER:1 > WEB:443 . => in untracked open
        ",
    );
}

#[test]
fn c24_mid_stream_packets_are_picked_up_as_established() {
    check(
        "
        + in: web in tcp 443 203.0.113.0/24
        internet: tcp OUTSIDER:1 > WEB:443 . => in rule in
        advance 431999
        web: tcp WEB:443 > OUTSIDER:1 . => out flow in
        internet: tcp OUTSIDER:2 > WEB:443 F. => in rule in
        advance 119
        flows web in, web in
        advance 1
        flows web in
        ",
    );
}

#[test]
fn c23_mid_stream_packets_under_an_open_rule_make_no_entry() {
    check(
        "
        + in: web in tcp 443 0.0.0.0/0
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        web: tcp WEB:443 > OUTSIDER:1 S. => out flow in
        internet: tcp OUTSIDER:1 > WEB:443 . => in flow in
        advance 432000
        internet: tcp OUTSIDER:1 > WEB:443 . => in untracked in
        web: tcp WEB:443 > OUTSIDER:1 . => out no-rule
        flows
        ",
    );
}

#[test]
fn c22_a_syn_ack_without_entry_is_the_first_packet_of_its_sender() {
    check(
        "
        + in: web in tcp 443 203.0.113.0/24
        internet: tcp OUTSIDER:1 > WEB:443 S. => in rule in
        advance 120
        flows
        ",
    );
}

#[test]
fn a_reset_without_entry_is_allowed_by_its_rule_and_not_tracked() {
    check(
        "
        + in: web in tcp 443 203.0.113.0/24
        internet: tcp OUTSIDER:1 > WEB:443 R => in untracked in
        internet: tcp OUTSIDER:1 > WEB:443 R. => in untracked in
        internet: tcp OUTSIDER:1 > WEB:80 R => in no-rule
        flows
        ",
    );
}

#[test]
fn c22_the_initiator_alone_does_not_establish_a_connection() {
    check(
        "
        + in: web in tcp 443 203.0.113.0/24
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        internet: tcp OUTSIDER:1 > WEB:443 . => in flow in
        advance 120
        flows
        ",
    );
}

#[test]
fn c24_after_one_fin_of_either_side_a_syn_belongs_to_the_old_connection() {
    check_established(
        "
        - in
        internet: tcp OUTSIDER:1 > WEB:443 F. => in flow in
        internet: tcp OUTSIDER:1 > WEB:443 S => in flow in
        web: tcp WEB:443 > OUTSIDER:1 F. => out flow in
        internet: tcp OUTSIDER:1 > WEB:443 S => in no-rule
        ",
    );
}
