//! Instances stopped, started, rebooted and terminated: what becomes of their processes, links and connections.

use std::time::Duration;

use sg_tests::harness::address::WEB;
use sg_tests::harness::lab_file::standard_lab;
use sg_userspace::command::Command;
use sg_userspace::command::instance_state::{StartInstances, StopInstances};
use sg_userspace::controller::client::Client;
use sg_userspace::controller::protocol::Request;
use sg_userspace::lab::{namespace, process};

use crate::product::{Product, until};
use crate::restart::standing;
use crate::traffic::{Traffic, check_allowed, check_denied};

const HTTP: Traffic = Traffic::Tcp(80);

#[test]
fn stopped_instance_s_processes_end_and_starting_brings_all_back() {
    let lab = Product::up(&standard_lab());
    let (client, web) = (lab.namespace("client"), lab.namespace("web"));
    lab.say("rule allow web inbound HTTP from sg client");
    check_allowed(&client, None, WEB.into(), HTTP);
    let before = lab.json("interface list");
    let pids = process::list(&web).unwrap().into_iter().map(|process| process.id).collect::<Vec<_>>();
    assert!(!pids.is_empty());

    let said = lab.say("instance stop web");
    assert!(said.contains("stopped web"), "{said}");
    assert!(!namespace::path(&web).exists());
    for pid in &pids {
        assert!(!std::fs::exists(format!("/proc/{pid}")).unwrap(), "process {pid} lives on");
    }
    check_denied(&client, None, WEB.into(), HTTP);
    assert_eq!(lab.json("interface list"), before, "it keeps interfaces, addresses and groups");
    assert_eq!(lab.status().instances.iter().filter(|it| it.stopped).count(), 1);
    let said = lab.refused(&["exec", "web", "--", "true"]);
    assert!(said.contains("sgsim instance start web"), "{said}");

    // What is stopped stays so, whoever takes over.
    let file = lab.file(&standard_lab());
    lab.kill_controller();
    lab.done(&["up", &file]);
    assert!(!namespace::path(&web).exists());

    lab.say("instance start web");
    assert!(namespace::path(&web).exists());
    check_allowed(&client, None, WEB.into(), HTTP);
    lab.say("rule revoke web inbound HTTP from sg client");
    check_denied(&client, None, WEB.into(), HTTP);
}

#[test]
fn rebooted_instance_has_new_processes_in_the_same_place() {
    let lab = Product::up(&standard_lab());
    let (client, web) = (lab.namespace("client"), lab.namespace("web"));
    lab.say("rule allow web inbound HTTP from sg client");
    let identity = namespace::identity(&web).unwrap();
    let pids = || process::list(&web).unwrap().into_iter().map(|process| process.id).collect::<Vec<_>>();
    let before = pids();
    lab.say("instance reboot web");
    assert!(pids().iter().all(|pid| !before.contains(pid)));
    check_allowed(&client, None, WEB.into(), HTTP);
    assert_eq!(namespace::identity(&web).unwrap(), identity);
    let said = lab.refused(&["instance", "reboot", "web", "none"]);
    assert!(said.contains("none"), "{said}");
    lab.say("instance stop client");
    lab.say("instance terminate web");
    assert!(!namespace::path(&web).exists());
    assert!(!lab.say("instance list").contains(&web));
}

/// An instance runs with all that belongs to it, or nothing of it is there: whenever the controller dies.
#[test]
fn start_or_stop_cut_short_by_a_kill_is_whole_or_not_at_all() {
    let lab = Product::up(&standard_lab());
    let file = lab.file(&standard_lab());
    let client = lab.namespace("client");
    lab.say("rule allow web inbound HTTP from sg client");
    let web = lab.status().instances.into_iter().find(|it| it.name == "web").unwrap().id;
    for milliseconds in [0, 2, 5, 10, 20, 40] {
        let instance_ids = vec![web.clone()];
        let is_stopped = lab.status().instances.iter().any(|it| it.id == web && it.stopped);
        let command: Command = match is_stopped {
            true => StartInstances { instance_ids, at: None }.into(),
            false => StopInstances { instance_ids }.into(),
        };
        let mut connection = Client::connect(&lab.directory()).unwrap();
        let call = std::thread::spawn(move || {
            connection.call(&Request::Change { command: Box::new(command) }).is_ok()
        });
        std::thread::sleep(Duration::from_millis(milliseconds));
        lab.kill_controller();
        let is_acknowledged = call.join().unwrap();
        lab.done(&["up", &file]);
        let status = lab.status().instances.into_iter().find(|it| it.id == web).unwrap();
        assert!(!is_acknowledged || status.stopped != is_stopped, "after {milliseconds} ms");
        assert_eq!(status.running, !status.stopped, "after {milliseconds} ms");
        let mut wanted = lab.namespaces();
        wanted.sort();
        assert_eq!(standing(&lab), wanted, "after {milliseconds} ms");
        if status.running {
            until("its servers run", || {
                let status = lab.status().instances.into_iter().find(|it| it.id == web).unwrap();
                status.servers.iter().all(|server| server.running) && !status.servers.is_empty()
            });
            check_allowed(&client, None, WEB.into(), HTTP);
        } else {
            check_denied(&client, None, WEB.into(), HTTP);
        }
    }
}
