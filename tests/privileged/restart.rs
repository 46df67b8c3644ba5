//! The controller may die at any instant: the kernel goes on judging, open connections go on, and the next controller
//! takes over what it finds.

use serde_json::Value;
use sg_tests::harness::address::{DB, WEB, WEB6};
use sg_tests::harness::lab_file::standard_lab;

use crate::product::Product;
use crate::sessions::Session;
use crate::traffic::{Traffic, check_allowed, check_denied};

fn world(lab: &Product) -> [Value; 3] {
    ["group list", "rule list", "interface list"].map(|words| lab.json(words))
}

fn established(lab: &Product) -> usize {
    let flows = lab.json("flows --interface web");
    flows["flows"].as_array().unwrap().iter().filter(|row| row["state"] == "established").count()
}

#[test]
fn killed_controller_is_missed_by_no_packet_and_the_next_one_takes_over() {
    let lab = Product::up(&standard_lab());
    let file = lab.file(&standard_lab());
    let client = lab.namespace("client");
    lab.say("rule allow web inbound HTTP from sg client");
    lab.say("rule allow db inbound udp 53 from sg client");
    let mut sessions = [Session::open(&client, WEB.into()), Session::open(&client, WEB6.into())];
    let mut check_session = |text: &str| sessions.iter_mut().for_each(|session| session.check(text));
    for round in 0..2 {
        check_session("before");
        let before = world(&lab);
        let first = lab.status().pid;
        lab.kill_controller();

        check_session("while there is none");
        check_allowed(&client, None, WEB.into(), Traffic::Tcp(80));
        check_denied(&client, None, DB.into(), Traffic::Tcp(80));
        let said = lab.refused(&["rule", "list"]);
        assert!(said.contains("no controller is running"), "{said}");

        lab.done(&["up", &file]);
        assert_ne!(lab.status().pid, first);
        check_session("after");
        assert_eq!(world(&lab), before);
        assert!(established(&lab) >= 2, "round {round}: {}", lab.say("flows"));

        // It rules: a change is in force, the open session stays.
        check_denied(&client, None, DB.into(), Traffic::Tcp(80));
        lab.say("rule allow db inbound HTTP from sg client");
        check_allowed(&client, None, DB.into(), Traffic::Tcp(80));
        lab.say("rule revoke db inbound HTTP from sg client");
        check_denied(&client, None, DB.into(), Traffic::Tcp(80));
        lab.say("rule revoke web inbound HTTP from sg client");
        check_denied(&client, None, WEB.into(), Traffic::Tcp(80));
        check_session("still");
        lab.say("rule allow web inbound HTTP from sg client");
    }
}
