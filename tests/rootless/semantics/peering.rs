//! Peerings: what they join, and references to groups across them (R-23, R-28, R-29, E-13, E-14, M-12). The VPC of `far` is
//! another one; the peering of the two is not active at first.

use super::check;

#[test]
fn e13_an_active_peering_joins_two_vpcs() {
    check(
        "
        + out: client out -1 0.0.0.0/0
        + in: far in -1 VPC
        # Without it, the other VPC's addresses are the internet's.
        client: udp CLIENT:9 > FAR:53 => out rule out
        peering pending-acceptance
        client: udp CLIENT:8 > FAR:53 => out rule out
        peering active
        client: udp CLIENT:7 > FAR:53 => out rule out, in rule in
        far: udp FAR:53 > CLIENT:7 => out flow in, in flow out
        client: udp CLIENT:7 > 10.1.1.200:53 => out no-route
        peering deleted
        client: udp CLIENT:7 > FAR:53 => out flow out
        ",
    );
}

#[test]
fn r23_a_reference_reaches_over_an_active_peering_from_either_end() {
    check(
        "
        + out: client out tcp 443 far
        + in: far in tcp 443 client
        + back: far out udp 53 client
        + answer: client in udp 53 far
        client: tcp CLIENT:40000 > FAR:443 S => out no-rule
        peering active
        client: tcp CLIENT:40000 > FAR:443 S => out rule out, in rule in
        far: udp FAR:9 > CLIENT:53 => out rule back, in rule answer
        web: tcp WEB:40000 > FAR:443 S => out no-rule
        + web: web out -1 10.1.0.0/16
        web: tcp WEB:40000 > FAR:443 S => out rule web, in no-rule
        ",
    );
}

#[test]
fn e13_a_reference_stops_matching_with_the_peering_and_flows_live_on() {
    check(
        "
        + out: client out tcp all far
        peering active
        client: tcp CLIENT:40000 > FAR:443 S => out rule out, in no-rule
        peering deleted
        # Stale (E-14): the rule is there and allows nothing new; the entry outlives it, as any rule's (C-11).
        client: tcp CLIENT:40001 > FAR:443 S => out no-rule
        client: tcp CLIENT:40000 > FAR:443 S => out flow out
        peering active
        client: tcp CLIENT:40001 > FAR:443 S => out rule out, in no-rule
        ",
    );
}

#[test]
fn e12_membership_across_a_peering_is_live() {
    check(
        "
        + out: client out -1 10.1.0.0/16
        + in: far in tcp 443 other
        peering active
        client: tcp CLIENT:40000 > FAR:443 S => out rule out, in no-rule
        groups client: client other
        client: tcp CLIENT:40000 > FAR:443 S => out flow out, in rule in
        # By address and interface, not by block: E-10.
        check web off
        + forward: web out -1 10.1.0.0/16
        web: tcp CLIENT:40001 > FAR:443 S => out rule forward, in no-rule
        ",
    );
}

#[test]
fn r28_a_reference_imports_no_rules() {
    check(
        "
        + db: db in tcp 5432 web
        + web: web in tcp 443 client
        + out: client out -1 VPC
        client: tcp CLIENT:40000 > DB:5432 S => out rule out, in no-rule
        client: tcp CLIENT:40000 > DB:443 S => out rule out, in no-rule
        ",
    );
}

#[test]
fn m12_far_interfaces_answer_by_the_rules_of_their_own_vpc() {
    check(
        "
        + in: far in tcp 443 0.0.0.0/0
        internet: tcp OUTSIDER:40000 > FAR:443 S => in rule in
        far: tcp FAR:443 > OUTSIDER:40000 S. => out flow in
        far: tcp FAR:443 > CLIENT:40000 S => out no-rule
        ",
    );
}

#[test]
fn e13_a_peering_is_not_transitive_to_the_internet_of_the_other_vpc() {
    check(
        "
        + out: client out -1 0.0.0.0/0
        peering active
        # What is in neither VPC's blocks still goes by the sender's own way.
        client: udp CLIENT:9 > OUTSIDER:53 => out rule out
        client: udp CLIENT:9 > 10.2.0.1:53 => out rule out
        client: udp CLIENT:9 > 10.1.255.254:53 => out no-route
        ",
    );
}
