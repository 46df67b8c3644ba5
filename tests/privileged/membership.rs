//! A referenced group stands for the interfaces that carry it now, each on its own.

use sg_tests::harness::address::{CLIENT6, DB, DB6, VPC, VPC6};

use crate::product::Product;
use crate::traffic::{Traffic, check_allowed, check_denied};

const DATABASE: Traffic = Traffic::Tcp(5432);

/// `db` lets members of `web` in. `two` has an interface with `web` and one without.
fn lab() -> Product {
    Product::up(&format!(
        "\
vpcs:
  lab:
    cidr: {VPC}
    ipv6: '{VPC6}'
    subnets:
      near: {{ cidr: 10.0.1.0/24, ipv6: '2600:1f18:0:101::/64' }}
      next: {{ cidr: 10.0.2.0/24, ipv6: '2600:1f18:0:102::/64' }}
    security-groups:
      client: {{}}
      web: {{}}
      db: {{ inbound: [PostgreSQL from web] }}
    instances:
      client:
        {{ subnet: near, groups: [client], address: 10.0.1.4, secondary-addresses: [10.0.1.40], ipv6: ['{CLIENT6}'] }}
      two:
        interfaces:
          - {{ subnet: near, groups: [web], address: 10.0.1.20, ipv6: ['2600:1f18:0:101::20'] }}
          - {{ subnet: next, groups: [client], address: 10.0.2.20, ipv6: ['2600:1f18:0:102::20'] }}
      db: {{ subnet: next, groups: [db], address: {DB}, ipv6: ['{DB6}'], servers: [tcp 5432] }}
"
    ))
}

#[test]
fn membership_opens_at_once_and_closes_for_new_connections() {
    let lab = lab();
    let client = lab.namespace("client");
    let all = [
        ("10.0.1.4", DB.into()),
        // A secondary address is the member's as well (E-07).
        ("10.0.1.40", DB.into()),
        ("2600:1f18:0:101::4", DB6.into()),
    ];
    for _ in 0..2 {
        for (from, to) in all {
            check_denied(&client, Some(from.parse().unwrap()), to, DATABASE);
        }
        lab.say("interface set-groups client client web");
        for (from, to) in all {
            check_allowed(&client, Some(from.parse().unwrap()), to, DATABASE);
        }
        lab.say("interface set-groups client client");
    }
    for (from, to) in all {
        check_denied(&client, Some(from.parse().unwrap()), to, DATABASE);
    }
}

#[test]
fn two_interfaces_of_one_instance_are_judged_by_their_own_groups() {
    let lab = lab();
    let two = lab.namespace("two");
    let (member, other) = (["10.0.1.20", "2600:1f18:0:101::20"], ["10.0.2.20", "2600:1f18:0:102::20"]);
    let check = |allowed: [&str; 2], denied: [&str; 2]| {
        for (from, to) in allowed.into_iter().zip([DB.into(), DB6.into()]) {
            check_allowed(&two, Some(from.parse().unwrap()), to, DATABASE);
        }
        for (from, to) in denied.into_iter().zip([DB.into(), DB6.into()]) {
            check_denied(&two, Some(from.parse().unwrap()), to, DATABASE);
        }
    };
    check(member, other);
    lab.say("interface set-groups two:0 client");
    lab.say("interface set-groups two:1 web");
    check(other, member);
}
