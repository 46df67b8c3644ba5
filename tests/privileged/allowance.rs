//! An instance that tracks as many connections as it may: new ones time out, open and untracked ones do not notice.

use sg_tests::harness::address::{CLIENT, OUTSIDER, WEB, WEB6};
use sg_tests::harness::lab_file::standard_lab;

use crate::product::{Product, until};
use crate::sessions::{Session, entries};
use crate::traffic::{Traffic, check_allowed, check_denied};

/// A number of `web`'s in `sgsim allowance`.
fn of_web(lab: &Product, what: &str) -> u64 {
    let document = lab.json("allowance");
    let rows = document["allowances"].as_array().unwrap();
    rows.iter().find(|row| row["instance"] == "web").unwrap()[what].as_u64().unwrap()
}

#[test]
fn c26_c27_c29_a_connection_beyond_the_allowance_times_out_until_others_are_over() {
    let text = standard_lab().replacen(
        "{ subnet: near, groups: [web],",
        "{ subnet: near, groups: [web], connection-allowance: 5,",
        1,
    );
    let lab = Product::up(&text);
    let [client, internet] = ["client", "internet"].map(|name| lab.namespace(name));
    for range in ["10.0.0.0/16", "2600:1f18:0:100::/56"] {
        lab.say(&format!("rule allow web inbound HTTP from {range}"));
    }
    lab.say("rule allow web inbound udp 53 from 0.0.0.0/0");
    assert_eq!(of_web(&lab, "conntrack_allowance_available"), 5);

    // Both families draw on it.
    let addresses = [WEB.into(), WEB.into(), WEB.into(), WEB6.into(), WEB6.into()];
    let mut sessions = addresses.map(|to| Session::open(&client, to)).into_iter().collect::<Vec<_>>();
    assert_eq!(of_web(&lab, "conntrack_allowance_available"), 0);
    assert_eq!(of_web(&lab, "conntrack_allowance_exceeded"), 0);
    check_denied(&client, None, WEB.into(), Traffic::Tcp(80));
    check_denied(&client, None, WEB6.into(), Traffic::Tcp(80));
    assert!(of_web(&lab, "conntrack_allowance_exceeded") >= 2);
    assert_eq!(of_web(&lab, "tracked"), 5);
    for session in &mut sessions {
        session.check("open already");
    }
    // The counts are the kernel's, and the next controller goes on with them.
    let exceeded = of_web(&lab, "conntrack_allowance_exceeded");
    lab.kill_controller();
    lab.done(&["up", &lab.file(&text)]);
    assert_eq!(of_web(&lab, "tracked"), 5);
    assert_eq!(of_web(&lab, "conntrack_allowance_exceeded"), exceeded);
    check_denied(&client, None, WEB.into(), Traffic::Tcp(80));
    for _ in 0..3 {
        check_allowed(&internet, Some(OUTSIDER.into()), WEB.into(), Traffic::Udp(53));
    }
    assert_eq!(of_web(&lab, "tracked"), 5);

    // A closed connection keeps its place for two minutes (C-22).
    sessions.drain(..2);
    until("both ends have closed", || {
        let flows = lab.json("flows --interface web");
        let rows = flows["flows"].as_array().unwrap().iter();
        rows.filter(|row| row["state"] == "established").count() == 3
    });
    check_denied(&client, None, WEB.into(), Traffic::Tcp(80));
    lab.say("clock advance 121s");
    assert_eq!(of_web(&lab, "conntrack_allowance_available"), 2);
    check_allowed(&client, None, WEB.into(), Traffic::Tcp(80));
    check_allowed(&client, None, WEB6.into(), Traffic::Tcp(80));
    check_denied(&client, None, WEB.into(), Traffic::Tcp(80));
    assert!(entries(&lab, "web", CLIENT.into()) > 0);
    for session in &mut sessions {
        session.check("to the end");
    }
}
