//! Network ACLs on open connections: what one denies is cut at once, tracked or not, and only where a subnet ends.

use std::net::IpAddr;

use sg_tests::harness::address::{CLIENT, CLIENT6, DB, DB6, WEB, WEB6};
use sg_tests::harness::lab_file::standard_lab;

use crate::product::Product;
use crate::sessions::{Session, entries};
use crate::traffic::{Traffic, check_allowed, check_denied};

const WEB_TRAFFIC: Traffic = Traffic::Tcp(80);

/// Lets the VPC into `web` and `db`, by rules that are not open: connections are tracked.
fn lab() -> Product {
    let lab = Product::up(&standard_lab());
    for group in ["web", "db"] {
        for range in ["10.0.0.0/16", "2600:1f18:0:100::/56"] {
            lab.say(&format!("rule allow {group} inbound HTTP from {range}"));
        }
    }
    lab
}

#[test]
fn c15_n08_an_entry_that_denies_cuts_a_tracked_connection_until_it_is_removed() {
    let lab = lab();
    let client = lab.namespace("client");
    for (to, from, direction, denied) in [
        (IpAddr::from(DB), IpAddr::from(CLIENT), "inbound", "tcp 80 from 10.0.1.0/24"),
        (DB6.into(), CLIENT6.into(), "outbound", "tcp 80 to 2600:1f18:0:102::/64"),
        // The answers alone: an ACL has no memory of what they answer.
        (DB.into(), CLIENT.into(), "inbound", "tcp 1024-65535 from 10.0.2.0/24"),
    ] {
        let mut session = Session::open(&client, to);
        session.check("before");
        lab.say(&format!("acl deny default 90 {direction} {denied}"));
        let before = lab.frames(|row| row["reason"] == "network-acl");
        session.check_cut("lost");
        assert!(lab.frames(|row| row["reason"] == "network-acl") > before, "{denied}");
        assert!(entries(&lab, "db", from) > 0, "the entry itself lives on");
        check_denied(&client, None, to, WEB_TRAFFIC);
        lab.say(&format!("acl remove default 90 {direction}"));
        session.check_resumed("lost");
        session.check("after");
        check_allowed(&client, None, to, WEB_TRAFFIC);
    }
}

#[test]
fn n01_no_acl_acts_inside_a_subnet() {
    let lab = lab();
    let client = lab.namespace("client");
    let inside = [IpAddr::from(WEB), WEB6.into()];
    let mut sessions = inside.map(|to| Session::open(&client, to));
    // No entries at all.
    lab.say("acl create closed");
    lab.say("acl associate near closed");
    for (session, to) in sessions.iter_mut().zip(inside) {
        session.check("inside");
        check_allowed(&client, None, to, WEB_TRAFFIC);
    }
    for to in [IpAddr::from(DB), DB6.into()] {
        check_denied(&client, None, to, WEB_TRAFFIC);
    }
    lab.say("acl associate near default");
    for to in [IpAddr::from(DB), DB6.into()] {
        check_allowed(&client, None, to, WEB_TRAFFIC);
    }
}
