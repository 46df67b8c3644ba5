//! A UDP flow's life (section 4.4).

use super::check;

#[test]
fn a_udp_flow_without_reply_lives_thirty_seconds() {
    check(
        "
        + ask: web out udp 53 203.0.113.0/24
        web: udp WEB:9 > OUTSIDER:53 => out rule ask
        advance 29
        web: udp WEB:9 > OUTSIDER:53 => out flow ask
        advance 29
        internet: udp OUTSIDER:53 > WEB:9 => in flow ask
        advance 30
        flows
        internet: udp OUTSIDER:53 > WEB:9 => in no-rule
        ",
    );
}

#[test]
fn the_second_reply_makes_it_a_stream() {
    check(
        "
        + ask: web out udp 53 203.0.113.0/24
        web: udp WEB:9 > OUTSIDER:53 => out rule ask
        internet: udp OUTSIDER:53 > WEB:9 => in flow ask
        # Further packets of the responder are no exchange.
        internet: udp OUTSIDER:53 > WEB:9 => in flow ask
        internet: udp OUTSIDER:53 > WEB:9 => in flow ask
        web: udp WEB:9 > OUTSIDER:53 => out flow ask
        web: udp WEB:9 > OUTSIDER:53 => out flow ask
        advance 29
        internet: udp OUTSIDER:53 > WEB:9 => in flow ask
        advance 179
        internet: udp OUTSIDER:53 > WEB:9 => in flow ask
        advance 180
        flows
        internet: udp OUTSIDER:53 > WEB:9 => in no-rule
        ",
    );
}

#[test]
fn two_requests_and_a_reply_are_one_exchange() {
    check(
        "
        + ask: web out udp 53 203.0.113.0/24
        web: udp WEB:9 > OUTSIDER:53 => out rule ask
        web: udp WEB:9 > OUTSIDER:53 => out flow ask
        internet: udp OUTSIDER:53 > WEB:9 => in flow ask
        web: udp WEB:9 > OUTSIDER:53 => out flow ask
        advance 30
        internet: udp OUTSIDER:53 > WEB:9 => in no-rule
        ",
    );
}

#[test]
fn the_second_request_does_not_make_it_a_stream() {
    check(
        "
        + ask: web out udp 53 203.0.113.0/24
        web: udp WEB:9 > OUTSIDER:53 => out rule ask
        internet: udp OUTSIDER:53 > WEB:9 => in flow ask
        web: udp WEB:9 > OUTSIDER:53 => out flow ask
        web: udp WEB:9 > OUTSIDER:53 => out flow ask
        advance 30
        flows
        ",
    );
}
