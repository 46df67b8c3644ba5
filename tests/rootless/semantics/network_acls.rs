//! Network ACLs at the border of a subnet: N-01 to N-10, C-15. `near` (client, web) and `next` (db, aux) are two subnets of
//! one VPC; the ACL `custom` has no entries of its own.

use super::check;

#[test]
fn n01_only_what_crosses_the_border_of_a_subnet_meets_its_acl() {
    check(
        "
        + out: client out -1 VPC
        + in: web in -1 VPC
        + db: db in -1 VPC
        border near custom
        client: tcp CLIENT:40000 > WEB:443 S => out rule out, in rule in
        client: tcp [CLIENT6]:40000 > [WEB6]:443 S => out no-rule
        client: tcp CLIENT:40000 > DB:443 S => out network-acl 32767
        # Neither does what is within the other subnet.
        border next custom
        + aux: other out -1 VPC
        aux: tcp AUX:40000 > DB:443 S => out rule aux, in rule db
        ",
    );
}

#[test]
fn n01_nobody_in_the_subnet_is_beyond_its_border() {
    check(
        "
        + out: client out -1 VPC
        client: udp CLIENT:9 > NOBODY:9 => out no-route
        client: udp CLIENT:9 > SPARE:9 => out no-route
        border near custom
        client: udp CLIENT:9 > NOBODY:9 => out network-acl 32767
        client: udp CLIENT:9 > SPARE:9 => out network-acl 32767
        ",
    );
}

#[test]
fn n01_an_acl_has_no_memory() {
    check(
        "
        + in: web in tcp 443 203.0.113.0/24
        border near custom
        acl custom: 100 allow in tcp 443 0.0.0.0/0
        internet: tcp OUTSIDER:40000 > WEB:443 S => in rule in
        # The group would let the answer of its flow out; the ACL does not know it.
        web: tcp WEB:443 > OUTSIDER:40000 S. => out network-acl 32767
        acl custom: 100 allow out tcp 32768-61000 0.0.0.0/0
        web: tcp WEB:443 > OUTSIDER:40000 S. => out flow in
        internet: tcp OUTSIDER:40000 > WEB:443 . => in flow in
        ",
    );
}

#[test]
fn n02_an_acl_takes_the_place_of_the_one_before_and_may_serve_several_subnets() {
    check(
        "
        + in: web in -1 203.0.113.0/24
        + db: db in -1 203.0.113.0/24
        internet: udp OUTSIDER:9 > WEB:9 => in rule in
        border near custom
        border next custom
        internet: udp OUTSIDER:8 > WEB:9 => in network-acl 32767
        internet: udp OUTSIDER:8 > DB:9 => in network-acl 32767
        acl custom: 100 allow in udp 9 0.0.0.0/0
        internet: udp OUTSIDER:8 > WEB:9 => in rule in
        internet: udp OUTSIDER:8 > DB:9 => in rule db
        unacl custom: 100 in
        border near open
        internet: udp OUTSIDER:7 > WEB:9 => in rule in
        internet: udp OUTSIDER:7 > DB:9 => in network-acl 32767
        ",
    );
}

#[test]
fn n03_the_smallest_number_that_matches_decides() {
    check(
        "
        + in: web in -1 203.0.113.0/24
        border near custom
        acl custom: 32766 deny in -1 0.0.0.0/0
        acl custom: 200 allow in udp 53-60 0.0.0.0/0
        acl custom: 100 deny in udp 55 203.0.113.0/24
        internet: udp OUTSIDER:1 > WEB:53 => in rule in
        internet: udp OUTSIDER:1 > WEB:55 => in network-acl 100
        internet: udp OUTSIDER:1 > WEB:56 => in rule in
        internet: udp OUTSIDER:1 > WEB:61 => in network-acl 32766
        acl custom: 50 allow in udp 55 OUTSIDER/32
        internet: udp OUTSIDER:1 > WEB:55 => in rule in
        internet: udp 203.0.113.10:1 > WEB:55 => in network-acl 100
        unacl custom: 50 in
        # An entry denies what is tracked, too (N-08).
        internet: udp OUTSIDER:1 > WEB:55 => in network-acl 100
        unacl custom: 100 in
        internet: udp OUTSIDER:1 > WEB:55 => in flow in
        ",
    );
}

#[test]
fn n03_each_direction_has_numbers_of_its_own() {
    check(
        "
        + in: web in -1 203.0.113.0/24
        + out: web out -1 203.0.113.0/24
        border near custom
        acl custom: 100 allow in -1 0.0.0.0/0
        acl custom: 100 deny out -1 0.0.0.0/0
        internet: udp OUTSIDER:1 > WEB:53 => in rule in
        web: udp WEB:53 > OUTSIDER:1 => out network-acl 100
        acl custom: 100 allow out -1 0.0.0.0/0
        web: udp WEB:53 > OUTSIDER:1 => out flow in
        ",
    );
}

#[test]
fn n04_what_no_entry_matches_is_denied_in_each_family() {
    check(
        "
        + in4: web in -1 0.0.0.0/0
        + in6: web in -1 ::/0
        + out4: web out -1 0.0.0.0/0
        + out6: web out -1 ::/0
        border near custom
        internet: udp OUTSIDER:1 > WEB:53 => in network-acl 32767
        internet: udp [OUTSIDER6]:1 > [WEB6]:53 => in network-acl 32768
        web: udp WEB:53 > OUTSIDER:1 => out network-acl 32767
        web: udp [WEB6]:53 > [OUTSIDER6]:1 => out network-acl 32768
        # Neither family's block covers the other.
        acl custom: 100 allow in -1 0.0.0.0/0
        internet: udp OUTSIDER:1 > WEB:53 => in untracked in4
        internet: udp [OUTSIDER6]:1 > [WEB6]:53 => in network-acl 32768
        acl custom: 101 allow in -1 ::/0
        internet: udp [OUTSIDER6]:1 > [WEB6]:53 => in untracked in6
        ",
    );
}

#[test]
fn n05_a_new_acl_denies_and_the_vpcs_own_allows() {
    check(
        "
        + in: web in -1 203.0.113.0/24
        border near open
        internet: udp OUTSIDER:1 > WEB:53 => in rule in
        border near custom
        internet: udp OUTSIDER:1 > WEB:53 => in network-acl 32767
        border near open
        internet: udp OUTSIDER:1 > WEB:53 => in flow in
        ",
    );
}

#[test]
fn n06_entries_compare_destination_ports_icmp_types_and_numbers() {
    check(
        "
        + in: web in -1 203.0.113.0/24
        + in6: web in -1 2001:db8::/32
        border near custom
        acl custom: 10 allow in tcp 443 0.0.0.0/0
        acl custom: 20 allow in icmp 8/0 0.0.0.0/0
        acl custom: 30 allow in icmp 3 0.0.0.0/0
        acl custom: 40 allow in 50 0.0.0.0/0
        acl custom: 50 allow in icmpv6 all ::/0
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        internet: tcp OUTSIDER:443 > WEB:1 S => in network-acl 32767
        internet: udp OUTSIDER:1 > WEB:443 => in network-acl 32767
        internet: icmp OUTSIDER > WEB echo-request id 1 => in rule in
        internet: icmp OUTSIDER > WEB type 8 code 1 id 1 => in network-acl 32767
        internet: icmp OUTSIDER > WEB type 3 code 7 id 0 => in untracked in
        internet: icmp OUTSIDER > WEB type 11 code 0 id 0 => in network-acl 32767
        internet: proto 50 OUTSIDER > WEB => in rule in
        internet: proto 47 OUTSIDER > WEB => in network-acl 32767
        internet: icmpv6 OUTSIDER6 > WEB6 echo-request id 1 => in rule in6
        internet: tcp [OUTSIDER6]:1 > [WEB6]:443 S => in network-acl 32768
        ",
    );
}

#[test]
fn n06_entries_for_icmps_number_in_the_other_family_are_for_all_of_it() {
    check(
        "
        + in4: web in -1 203.0.113.0/24
        + in6: web in -1 2001:db8::/32
        border near custom
        acl custom: 10 allow in icmpv6 128/0 0.0.0.0/0
        acl custom: 20 allow in icmp 8/0 ::/0
        internet: proto 58 OUTSIDER > WEB => in rule in4
        internet: proto 1 OUTSIDER6 > WEB6 => in rule in6
        internet: icmp OUTSIDER > WEB echo-request id 1 => in network-acl 32767
        internet: icmpv6 OUTSIDER6 > WEB6 echo-request id 1 => in network-acl 32768
        ",
    );
}

#[test]
fn n08_inbound_the_acl_is_asked_before_the_groups_outbound_after_them() {
    check(
        "
        + out: client out tcp 443 VPC
        border near custom
        # Outbound: what the groups deny does not come so far, what they allow leaves an entry.
        client: tcp CLIENT:40000 > DB:80 S => out no-rule
        client: tcp CLIENT:40000 > DB:443 S => out network-acl 32767
        flows client out
        acl custom: 100 allow out -1 0.0.0.0/0
        # Inbound: the ACL of the receiver's subnet, before its groups.
        client: tcp CLIENT:40000 > DB:443 S => out flow out, in no-rule
        border next custom
        client: tcp CLIENT:40000 > DB:443 S => out flow out, in network-acl 32767
        ",
    );
}

#[test]
fn n08_c15_an_entry_that_denies_cuts_a_tracked_flow_at_once() {
    check(
        "
        + in: web in tcp 443 203.0.113.0/24
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        web: tcp WEB:443 > OUTSIDER:1 S. => out flow in
        internet: tcp OUTSIDER:1 > WEB:443 . => in flow in
        - in
        internet: tcp OUTSIDER:1 > WEB:443 . => in flow in
        acl open: 50 deny in tcp 443 OUTSIDER/32
        internet: tcp OUTSIDER:1 > WEB:443 . => in network-acl 50
        web: tcp WEB:443 > OUTSIDER:1 . => out flow in
        acl open: 50 deny out -1 OUTSIDER/32
        web: tcp WEB:443 > OUTSIDER:1 . => out network-acl 50
        # It forgets nothing: the entry is there again once the ACL lets it.
        unacl open: 50 in
        unacl open: 50 out
        internet: tcp OUTSIDER:1 > WEB:443 . => in flow in
        ",
    );
}

#[test]
fn n08_errors_about_a_tracked_flow_meet_the_acl() {
    check(
        "
        + ask: web out udp 53 203.0.113.0/24
        border near custom
        acl custom: 100 allow out -1 0.0.0.0/0
        web: udp WEB:9 > OUTSIDER:53 => out rule ask
        internet: icmp OUTSIDER > WEB type 3 code 4 about (udp WEB:9 > OUTSIDER:53) => in network-acl 32767
        # N-10: path MTU discovery needs an entry.
        acl custom: 100 allow in icmp 3/4 0.0.0.0/0
        internet: icmp OUTSIDER > WEB type 3 code 4 about (udp WEB:9 > OUTSIDER:53) => in related ask
        internet: icmp OUTSIDER > WEB type 3 code 3 about (udp WEB:9 > OUTSIDER:53) => in network-acl 32767
        ",
    );
}

#[test]
fn n09_exempt_services_do_not_meet_the_acl() {
    check(
        "
        border near custom
        client: udp CLIENT:5353 > 10.0.0.2:53 => out exempt
        client: tcp CLIENT:40000 > 169.254.169.254:80 S => out exempt
        client: tcp [CLIENT6]:40000 > [fd00:ec2::254]:80 S => out exempt
        client: udp 0.0.0.0:68 > 255.255.255.255:67 => out exempt
        client: icmpv6 fe80::2 > ff02::1 type 133 code 0 id 0 => out neighbour
        ",
    );
}

#[test]
fn n01_peered_vpcs_are_beyond_the_border() {
    check(
        "
        + out: client out -1 10.1.0.0/16
        + in: far in -1 VPC
        peering active
        client: udp CLIENT:9 > FAR:53 => out rule out, in rule in
        acl far: 50 deny in udp 53 CLIENT/32
        client: udp CLIENT:9 > FAR:53 => out flow out, in network-acl 50
        acl open: 50 deny out -1 10.1.0.0/16
        client: udp CLIENT:9 > FAR:53 => out network-acl 50
        ",
    );
}

#[test]
fn n03_c30_of_fragments_without_their_first_entries_with_ports_deny_and_do_not_allow() {
    check(
        "
        + in: web in -1 203.0.113.0/24
        border near custom
        acl custom: 200 allow in udp 53 0.0.0.0/0
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 1 length 8 => in network-acl 32767
        acl custom: 300 allow in udp all 0.0.0.0/0
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 1 length 8 => in untracked in
        acl custom: 100 deny in udp 80 0.0.0.0/0
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 1 length 8 => in network-acl 100
        # With its first it has a port.
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 0 more => in rule in
        internet: udp OUTSIDER:9 > WEB:53 fragment 5 at 1 length 8 => in flow in
        acl custom: 50 deny in icmp 8 0.0.0.0/0
        internet: udp OUTSIDER:9 > WEB:53 fragment 6 at 1 length 8 => in network-acl 100
        internet: tcp OUTSIDER:9 > WEB:53 . fragment 6 at 1 length 8 => in network-acl 32767
        internet: icmp OUTSIDER > WEB echo-request id 7 fragment 6 at 1 length 8 => in network-acl 50
        ",
    );
}
