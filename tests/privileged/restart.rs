//! The controller may die at any instant: the kernel goes on judging, open connections go on, and the next controller
//! takes over what it finds.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use sg_tests::harness::address::{DB, WEB, WEB6};
use sg_tests::harness::lab_file::standard_lab;
use sg_userspace::command::instance::{InstanceInterface, RunInstance};
use sg_userspace::command::instance_state::TerminateInstances;
use sg_userspace::command::interface::CreateNetworkInterface;
use sg_userspace::controller::client::Client;
use sg_userspace::controller::protocol::{Reply, Request};
use sg_userspace::lab::manifest::Made;
use sg_userspace::lab::namespace;

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

/// Whatever the moment at which the controller dies: what it had acknowledged holds, and what is listed is in force.
#[test]
fn change_cut_short_by_a_kill_is_there_or_not_and_in_force_or_not() {
    let lab = Product::up(&standard_lab());
    let file = lab.file(&standard_lab());
    let client = lab.namespace("client");
    let (mut done, mut present) = (0, 0);
    for milliseconds in 0..12 {
        let mut change = lab.command(&["rule", "allow", "web", "inbound", "HTTP", "from", "sg", "client"]);
        let mut change = change.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        lab.kill_controller();
        let is_acknowledged = change.wait().unwrap().success();
        lab.done(&["up", &file]);
        let is_listed = lab.json("rule list web").to_string().contains("inbound tcp 80 from sg client");
        assert!(is_listed || !is_acknowledged, "an acknowledged rule is lost, after {milliseconds} ms");
        if is_listed {
            check_allowed(&client, None, WEB.into(), Traffic::Tcp(80));
            lab.say("rule revoke web inbound HTTP from sg client");
        }
        check_denied(&client, None, WEB.into(), Traffic::Tcp(80));
        done += u32::from(is_acknowledged);
        present += u32::from(is_listed);
    }
    println!("{done} of 12 changes acknowledged, {present} made");
}

/// Namespaces that the lab's manifest lists and that stand.
pub(crate) fn standing(lab: &Product) -> Vec<String> {
    let made = sg_userspace::lab::manifest::read(&lab.directory().made()).unwrap();
    let names = made.into_iter().filter_map(|thing| match thing {
        Made::Namespace(name) => Some(name),
        _ => None,
    });
    let mut names: Vec<_> = names.filter(|name| namespace::path(name).exists()).collect();
    names.sort();
    names.dedup();
    names
}

/// An instance is there with all that belongs to it, or nothing of it is: whenever the controller dies.
#[test]
fn instance_that_a_kill_left_half_made_or_half_removed_is_swept_away() {
    let lab = Product::up(&standard_lab());
    let file = lab.file(&standard_lab());
    let mut made = 0;
    for milliseconds in [0, 3, 6, 10, 15, 25, 40, 80] {
        let world = Client::connect(&lab.directory()).unwrap().call(&Request::World).unwrap();
        let Reply::World { world, .. } = world else { panic!("no world") };
        let extra = world.instances.values().find(|instance| instance.name == "extra");
        let command = match extra {
            Some(instance) => TerminateInstances { instance_ids: vec![instance.id.clone()] }.into(),
            None => {
                let subnet = world.subnets.values().next().unwrap();
                let interface = CreateNetworkInterface::new(subnet.id.clone(), Vec::new());
                RunInstance {
                    name: Some("extra".to_owned()),
                    interfaces: vec![InstanceInterface::New(interface)],
                    ..RunInstance::default()
                }
                .into()
            }
        };
        let mut client = Client::connect(&lab.directory()).unwrap();
        let call = std::thread::spawn(move || {
            let command = Box::new(command);
            client.call(&Request::Change { command }).is_ok()
        });
        std::thread::sleep(Duration::from_millis(milliseconds));
        lab.kill_controller();
        made += u32::from(call.join().unwrap());
        lab.done(&["up", &file]);

        let mut wanted = lab.namespaces();
        wanted.sort();
        assert_eq!(standing(&lab), wanted, "after {milliseconds} ms");
        let listed = lab.json("instance list");
        assert_eq!(listed["instances"].as_array().unwrap().len() + 1, wanted.len());
    }
    assert!(made > 0, "no change was ever done before the kill");
}
