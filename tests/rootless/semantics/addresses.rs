//! Where packets may come from and go to: the source/destination check (M-17), exempt services (E-15, E-16), what a VPC
//! does not deliver (M-07), and delivery.

use super::check;

#[test]
fn m17_foreign_sources_need_the_check_off() {
    check(
        "
        + out: client out -1 0.0.0.0/0
        + in: web in -1 0.0.0.0/0
        client: udp WEB:53 > DB:53 => out source-dest-check
        client: udp OUTSIDER:53 > WEB:53 => out source-dest-check
        check client off
        client: udp OUTSIDER:53 > WEB:53 => out rule out, in rule in
        check client on
        client: udp OUTSIDER:53 > WEB:53 => out source-dest-check
        ",
    );
}

#[test]
fn e15_services_are_exempt_by_destination() {
    check(
        "
        client: udp CLIENT:5353 > 10.0.0.2:53 => out exempt
        client: tcp CLIENT:5353 > 10.0.0.2:80 S => out exempt
        client: udp CLIENT:5353 > 169.254.169.253:53 => out exempt
        client: udp [CLIENT6]:5353 > [fd00:ec2::253]:53 => out exempt
        client: tcp CLIENT:40000 > 169.254.169.254:80 S => out exempt
        client: tcp [CLIENT6]:40000 > [fd00:ec2::254]:80 S => out exempt
        client: tcp CLIENT:40000 > 169.254.170.2:80 S => out exempt
        client: tcp CLIENT:40000 > 169.254.169.250:1688 S => out exempt
        client: tcp CLIENT:40000 > 169.254.169.251:1688 S => out exempt
        client: tcp CLIENT:40000 > 169.254.169.250:1689 S => out multicast
        client: tcp [CLIENT6]:40000 > [fd00:ec2::250]:1688 S => out exempt
        client: udp CLIENT:123 > 169.254.169.123:123 => out exempt
        client: udp [CLIENT6]:123 > [fd00:ec2::123]:123 => out exempt
        client: icmp CLIENT > 10.0.1.1 echo-request id 1 => out exempt
        client: icmpv6 CLIENT6 > 2600:1f18:0:101::1 echo-request id 1 => out exempt
        client: icmpv6 CLIENT6 > fe80::1 echo-request id 1 => out exempt
        client: icmpv6 CLIENT6 > fe80:ec2::1 echo-request id 1 => out exempt
        # Another subnet's router is not the client's; a spoofed source is not served.
        client: icmp CLIENT > 10.0.2.1 echo-request id 1 => out no-rule
        client: udp WEB:5353 > 10.0.0.2:53 => out source-dest-check
        flows
        ",
    );
}

#[test]
fn e21_a_dns_server_of_ones_own_is_filtered() {
    check("client: udp CLIENT:5353 > DB:53 => out no-rule");
}

#[test]
fn e16_dhcp_is_exempt_before_the_client_has_an_address() {
    check(
        "
        client: udp 0.0.0.0:68 > 255.255.255.255:67 => out exempt
        client: udp CLIENT:68 > 10.0.1.255:67 => out exempt
        client: udp CLIENT:68 > 10.0.1.1:67 => out exempt
        client: udp [fe80::2]:546 > [ff02::1:2]:547 => out exempt
        client: udp CLIENT:68 > WEB:67 => out no-rule
        client: tcp CLIENT:68 > 255.255.255.255:67 S => out multicast
        client: udp 0.0.0.0:68 > 255.255.255.255:69 => out multicast
        ",
    );
}

#[test]
fn e16_neighbour_discovery_is_never_judged() {
    check(
        "
        client: icmpv6 fe80::2 > ff02::1 type 133 code 0 id 0 => out neighbour
        client: icmpv6 CLIENT6 > WEB6 type 135 code 0 id 0 => out neighbour
        client: icmpv6 CLIENT6 > WEB6 type 137 code 0 id 0 => out neighbour
        internet: icmpv6 OUTSIDER6 > WEB6 type 135 code 0 id 0 => out neighbour
        client: icmpv6 CLIENT6 > WEB6 type 132 code 0 id 0 => out no-rule
        client: icmpv6 CLIENT6 > WEB6 type 138 code 0 id 0 => out no-rule
        ",
    );
}

#[test]
fn m17_neighbour_discovery_speaks_for_its_own_interface() {
    check(
        "
        client: icmpv6 WEB6 > CLIENT6 type 136 code 0 id 0 => out source-dest-check
        client: icmpv6 WEB6 > DB6 type 135 code 0 id 0 => out source-dest-check
        client: icmpv6 OUTSIDER6 > ff02::1 type 134 code 0 id 0 => out source-dest-check
        client: icmpv6 CLIENT6 > WEB6 type 136 code 0 id 0 => out neighbour
        client: icmpv6 :: > ff02::1 type 135 code 0 id 0 => out neighbour
        client: icmpv6 fe80::2 > ff02::1 type 136 code 0 id 0 => out neighbour
        check client off
        client: icmpv6 WEB6 > CLIENT6 type 136 code 0 id 0 => out neighbour
        ",
    );
}

#[test]
fn m07_broadcast_and_multicast_go_nowhere() {
    check(
        "
        + out4: client out -1 0.0.0.0/0
        + out6: client out -1 ::/0
        client: udp CLIENT:9 > 10.0.1.255:9 => out multicast
        client: udp CLIENT:9 > 255.255.255.255:9 => out multicast
        client: udp CLIENT:9 > 224.0.0.1:9 => out multicast
        client: udp CLIENT:9 > 239.255.255.255:9 => out multicast
        client: udp CLIENT:9 > 127.0.0.1:9 => out multicast
        client: udp CLIENT:9 > 0.0.0.0:9 => out multicast
        client: udp CLIENT:9 > 169.254.1.1:9 => out multicast
        client: udp [CLIENT6]:9 > [ff02::1]:9 => out multicast
        client: udp [CLIENT6]:9 > [::1]:9 => out multicast
        client: udp [CLIENT6]:9 > [fe80::9]:9 => out multicast
        internet: udp 127.0.0.1:9 > WEB:9 => out multicast
        internet: udp OUTSIDER:9 > 224.0.0.1:9 => out multicast
        # Another subnet's last address is nobody's.
        client: udp CLIENT:9 > 10.0.2.255:9 => out no-route
        client: udp CLIENT:9 > 10.0.1.254:9 => out no-route
        ",
    );
}

#[test]
fn delivery_is_to_the_owner_or_the_internet() {
    check(
        "
        + out: client out -1 0.0.0.0/0
        + out6: client out -1 ::/0
        client: udp CLIENT:9 > NOBODY:9 => out no-route
        client: udp CLIENT:9 > OUTSIDER:9 => out rule out
        client: udp [CLIENT6]:9 > [OUTSIDER6]:9 => out rule out6
        # Another VPC's addresses are outside this one's blocks.
        client: udp CLIENT:9 > FAR:9 => out rule out
        internet: udp OUTSIDER:9 > NOBODY:9 => out no-route
        internet: udp OUTSIDER:9 > FAR:9 => in no-rule
        ",
    );
}

#[test]
fn entries_end_with_their_interface() {
    check(
        "
        + out: client out -1 VPC
        + in: web in -1 VPC
        client: udp CLIENT:9 > WEB:9 => out rule out, in rule in
        delete web
        flows client out
        client: udp CLIENT:9 > WEB:9 => out no-route
        ",
    );
}
