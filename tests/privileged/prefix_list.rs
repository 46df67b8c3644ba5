//! Rules that name a prefix list follow it at once: new connections by its entries of now, open ones by tracking (C-11).

use std::net::IpAddr;

use sg_tests::harness::address::{OUTSIDER, OUTSIDER6, WEB, WEB6};
use sg_tests::harness::lab_file::standard_lab;

use crate::product::Product;
use crate::sessions::{Session, entries};
use crate::traffic::{Traffic, check_allowed, check_denied};

#[test]
fn r31_c11_an_entry_lets_in_at_once_and_its_removal_leaves_open_connections_alone() {
    let lab = Product::up(&standard_lab());
    let internet = lab.namespace("internet");
    for (list, family, to, from, length) in [
        ("offices", "ipv4", IpAddr::from(WEB), IpAddr::from(OUTSIDER), 32),
        ("offices6", "ipv6", WEB6.into(), OUTSIDER6.into(), 128),
    ] {
        lab.say(&format!("prefix-list create {list} --family {family} --max-entries 2"));
        lab.say(&format!("rule allow web inbound HTTP from pl {list}"));
        check_denied(&internet, None, to, Traffic::Tcp(80));
        lab.say(&format!("prefix-list modify {list} --add {from}/{length}"));
        let mut session = Session::open(&internet, to);
        session.check("before");
        assert!(entries(&lab, "web", from) > 0, "a list is never open: the connection is tracked (C-05)");
        lab.say(&format!("prefix-list modify {list} --remove {from}/{length}"));
        session.check("after");
        check_denied(&internet, None, to, Traffic::Tcp(80));
        lab.say(&format!("prefix-list restore {list} 2"));
        check_allowed(&internet, None, to, Traffic::Tcp(80));
    }
}
