//! Connections between VPCs: there while a peering is active, with rules that name groups of the other side (E-13).

use std::net::IpAddr;

use crate::product::Product;
use crate::sessions::Session;
use crate::traffic::{Traffic, check_allowed, check_denied};

const LAB: &str = "\
peerings: { joint: { requester: app, accepter: shared } }
vpcs:
  app:
    cidr: 10.0.0.0/16
    ipv6: '2600:1f18:0:100::/56'
    subnets: { main: { cidr: 10.0.1.0/24, ipv6: '2600:1f18:0:101::/64' } }
    security-groups: { web: {}, other: {} }
    instances:
      web: { subnet: main, groups: [web] }
      other: { subnet: main, groups: [other] }
  shared:
    cidr: 10.1.0.0/16
    ipv6: '2600:1f18:0:200::/56'
    subnets: { main: { cidr: 10.1.1.0/24, ipv6: '2600:1f18:0:201::/64' } }
    security-groups: { db: { inbound: [HTTP from sg app/web] } }
    instances:
      db: { subnet: main, groups: [db], address: 10.1.1.6, ipv6: ['2600:1f18:0:201::6'], servers: [tcp 80] }
";

fn stale(lab: &Product) -> usize {
    lab.json("group stale")["stale"].as_array().unwrap().len()
}

#[test]
fn e13_e14_a_deleted_peering_leaves_no_way_and_stale_rules_and_a_new_one_mends_both() {
    let lab = Product::up(LAB);
    let [web, other] = ["web", "other"].map(|name| lab.namespace(name));
    let database: [IpAddr; 2] = ["10.1.1.6", "2600:1f18:0:201::6"].map(|address| address.parse().unwrap());
    for to in database {
        check_allowed(&web, None, to, Traffic::Tcp(80));
        check_denied(&other, None, to, Traffic::Tcp(80));
    }
    assert_eq!(stale(&lab), 0);
    let mut session = Session::open(&web, database[0]);
    session.check("before");

    lab.say("peering delete joint");
    // From now on the other VPC's addresses are anybody's on the internet: nothing arrives at the database.
    let arrived = || lab.frames(|row| row["direction"] == "inbound");
    let before = arrived();
    session.check_cut("lost");
    for to in database {
        check_denied(&web, None, to, Traffic::Tcp(80));
    }
    assert_eq!(arrived(), before);
    assert_eq!(stale(&lab), 1);

    lab.say("peering create app shared --accept");
    assert_eq!(stale(&lab), 0);
    session.check_resumed("lost");
    for to in database {
        check_allowed(&web, None, to, Traffic::Tcp(80));
        check_denied(&other, None, to, Traffic::Tcp(80));
    }
}
