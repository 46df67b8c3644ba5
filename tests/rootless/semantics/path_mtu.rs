//! What the way to the internet does not carry, and who hears of it: C-17.

use super::check;

#[test]
fn c17_a_packet_too_big_for_the_internet_is_reported_to_its_sender() {
    check(
        "
        + ask: web out udp 53 203.0.113.0/24
        web: udp WEB:9 > OUTSIDER:53 length 1472 df => out rule ask
        # The router's message is about the flow, so the sender hears it.
        web: udp WEB:9 > OUTSIDER:53 length 1473 df => out packet-too-big, in related ask
        # Without the bit, the packet may be fragmented.
        web: udp WEB:9 > OUTSIDER:53 length 1473 => out flow ask
        flows web ask
        ",
    );
}

#[test]
fn c17_no_router_fragments_ipv6() {
    check(
        "
        + ask: web out udp 53 2001:db8::/32
        web: udp [WEB6]:9 > [OUTSIDER6]:53 length 1452 => out rule ask
        web: udp [WEB6]:9 > [OUTSIDER6]:53 length 1453 => out packet-too-big, in related ask
        ",
    );
}

#[test]
fn c17_the_message_about_an_untracked_flow_needs_a_rule() {
    check(
        "
        + in: web in tcp all 0.0.0.0/0
        + out: web out tcp all 0.0.0.0/0
        web: tcp WEB:9 > OUTSIDER:443 S => out untracked out
        web: tcp WEB:9 > OUTSIDER:443 . length 1461 df => out packet-too-big, in no-rule
        + pmtu: web in icmp 3/4 0.0.0.0/0
        web: tcp WEB:9 > OUTSIDER:443 . length 1461 df => out packet-too-big, in untracked pmtu
        - pmtu
        # It comes from the router's address in the sender's subnet, and from no member of any group.
        + router: web in icmp 3/4 10.0.1.1/32
        web: tcp WEB:9 > OUTSIDER:443 . length 1461 df => out packet-too-big, in untracked router
        - router
        + group: web in icmp 3/4 web
        web: tcp WEB:9 > OUTSIDER:443 . length 1461 df => out packet-too-big, in no-rule
        flows
        ",
    );
}

#[test]
fn c17_n10_the_message_crosses_the_border_of_the_subnet() {
    check(
        "
        + ask: web out udp 53 203.0.113.0/24
        border near custom
        acl custom: 100 allow out -1 0.0.0.0/0
        web: udp WEB:9 > OUTSIDER:53 length 1473 df => out packet-too-big, in network-acl 32767
        acl custom: 100 allow in icmp 3/4 0.0.0.0/0
        web: udp WEB:9 > OUTSIDER:53 length 1473 df => out packet-too-big, in related ask
        # What the ACL does not let out is not too big for anything.
        unacl custom: 100 out
        web: udp WEB:9 > OUTSIDER:53 length 1473 df => out network-acl 32767
        ",
    );
}

#[test]
fn c17_within_and_between_vpcs_everything_fits() {
    check(
        "
        + out: client out udp 53 10.0.0.0/8
        + web: web in udp 53 VPC
        + db: db in udp 53 VPC
        + far: far in udp 53 VPC
        peering active
        client: udp CLIENT:9 > WEB:53 length 2972 df => out rule out, in rule web
        client: udp CLIENT:9 > DB:53 length 2972 df => out rule out, in rule db
        client: udp CLIENT:9 > FAR:53 length 2972 df => out rule out, in rule far
        ",
    );
}

#[test]
fn c17_the_internet_host_is_told_before_anybody_is_asked() {
    check(
        "
        internet: udp OUTSIDER:9 > WEB:53 length 1473 df => out packet-too-big
        internet: udp OUTSIDER:9 > WEB:53 length 1473 => in no-rule
        internet: udp [OUTSIDER6]:9 > [WEB6]:53 length 1453 => out packet-too-big
        internet: udp OUTSIDER:9 > NOBODY:53 length 1473 df => out no-route
        internet: udp OUTSIDER:9 > 224.0.0.1:53 length 1473 df => out multicast
        ",
    );
}

#[test]
fn c17_the_lab_says_what_the_way_carries() {
    check(
        "
        + ask: web out udp 53 203.0.113.0/24
        mtu 1400
        web: udp WEB:9 > OUTSIDER:53 length 1372 df => out rule ask
        web: udp WEB:9 > OUTSIDER:53 length 1373 df => out packet-too-big, in related ask
        internet: udp OUTSIDER:53 > WEB:9 length 1373 df => out packet-too-big
        # The other VPC has a way of its own.
        + far: far in udp 53 0.0.0.0/0
        internet: udp OUTSIDER:53 > FAR:53 length 1373 df => in rule far
        mtu 9001
        web: udp WEB:9 > OUTSIDER:53 length 2972 df => out flow ask
        ",
    );
}

#[test]
fn c17_messages_about_fragments() {
    check(
        "
        + ask: web out udp 53 203.0.113.0/24
        web: udp WEB:9 > OUTSIDER:53 fragment 5 at 0 more length 1480 df => out packet-too-big, in related ask
        # A later fragment shows no ports, so the message about it belongs to no flow.
        web: udp WEB:9 > OUTSIDER:53 fragment 5 at 185 length 1500 df => out packet-too-big, in no-rule
        web: udp WEB:9 > OUTSIDER:53 fragment 5 at 185 length 1480 df => out flow ask
        ",
    );
}

#[test]
fn c17_queries_and_other_protocols_have_a_path_too() {
    check(
        "
        + out: web out -1 203.0.113.0/24
        web: icmp WEB > OUTSIDER echo-request id 7 length 1473 df => out packet-too-big, in related out
        web: proto 50 WEB > OUTSIDER length 1481 df => out packet-too-big, in related out
        # An error is never about an error.
        web: icmp WEB > OUTSIDER type 3 code 3 about (udp OUTSIDER:9 > WEB:53) length 1500 df => out packet-too-big, in no-rule
        ",
    );
}

#[test]
fn c17_who_forwards_a_packet_hears_of_it() {
    check(
        "
        + out: web out udp 53 203.0.113.0/24
        check web off
        web: udp CLIENT:9 > OUTSIDER:53 length 1473 df => out packet-too-big, in related out
        flows web out
        ",
    );
}
