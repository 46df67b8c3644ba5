//! `sgsim down` leaves nothing, whatever happened before it; and nobody gets in a running lab's way.

use std::path::PathBuf;

use sg_tests::harness::address::WEB;
use sg_tests::harness::lab_file::standard_lab;
use sg_userspace::lab::{hosts, namespace, process};

use crate::product::{Product, until};
use crate::traffic::{Traffic, check_denied};

/// What a lab has on this machine, by its own names.
struct Traces {
    state: PathBuf,
    namespaces: Vec<String>,
    links: std::ops::RangeInclusive<u32>,
    controller: u32,
}

impl Traces {
    fn of(lab: &Product) -> Self {
        let status = lab.status();
        let first = status.lab.as_ref().unwrap().link_base;
        Self {
            state: lab.directory().path().to_owned(),
            namespaces: lab.namespaces(),
            links: first..=first + sg_common::abi::INTERNET_SLOT,
            controller: status.pid,
        }
    }

    /// What of it is there, each as a line.
    fn found(&self) -> Vec<String> {
        let mut found = Vec::new();
        let standing = namespace::list().unwrap();
        for name in &self.namespaces {
            found.extend(standing.contains(name).then(|| format!("namespace {name}")));
            found.extend(hosts::directory(name).exists().then(|| format!("hosts of {name}")));
        }
        for line in std::fs::read_to_string("/proc/net/dev").unwrap().lines() {
            let name = line.split(':').next().unwrap().trim();
            let index = name.strip_prefix("sg").and_then(|index| index.parse::<u32>().ok());
            found.extend(index.filter(|index| self.links.contains(index)).map(|_| format!("link {name}")));
        }
        let state = self.state.display().to_string();
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        found.extend(mounts.lines().filter(|line| line.contains(&state)).map(|line| format!("mount {line}")));
        found.extend(self.state.exists().then(|| format!("state directory {state}")));
        found.extend(self.processes());
        found
    }

    /// Processes that name the state directory: the controller. One that has ended and waits for its parent is none.
    fn processes(&self) -> Vec<String> {
        let words = std::fs::read(format!("/proc/{}/cmdline", self.controller)).unwrap_or_default();
        let line = String::from_utf8_lossy(&words).replace('\0', " ");
        line.contains(&self.state.display().to_string())
            .then(|| format!("process {}: {line}", self.controller))
            .into_iter()
            .collect()
    }

    /// The lab's processes, by id; to be asked while their namespaces are there.
    fn servers(&self) -> Vec<u32> {
        let in_namespace = |name: &String| process::list(name).unwrap().into_iter().map(|process| process.id);
        self.namespaces.iter().flat_map(in_namespace).collect()
    }
}

/// Kinds of things that a lab in order has, all of them.
const KINDS: [&str; 6] = ["namespace", "hosts of", "link", "mount", "state directory", "process"];

#[track_caller]
fn check_nothing_left(traces: &Traces, servers: &[u32]) {
    // It closes the connection that `down` waits for as the last thing it does, and may take a moment to be gone.
    until("the controller has ended", || traces.processes().is_empty());
    assert_eq!(traces.found(), Vec::<String>::new());
    assert!(!servers.is_empty());
    for pid in servers {
        assert!(!std::path::Path::new(&format!("/proc/{pid}/ns/net")).exists(), "process {pid}");
    }
}

#[track_caller]
fn check_stands(traces: &Traces) {
    let found = traces.found();
    for kind in KINDS {
        assert!(found.iter().any(|line| line.starts_with(kind)), "no {kind} in {found:?}");
    }
}

#[test]
fn down_leaves_nothing_and_can_be_repeated() {
    let lab = Product::up(&standard_lab());
    let (traces, file) = (Traces::of(&lab), lab.file(&standard_lab()));
    let servers = traces.servers();
    check_stands(&traces);
    // Somebody is inside.
    let shell = lab.command(&["exec", "web", "--", "sleep", "60"]).spawn();
    let mut shell = shell.unwrap();
    until("the command runs", || traces.servers().contains(&shell.id()));
    assert!(lab.say("down").contains("the lab is down"));
    assert!(!shell.wait().unwrap().success());
    check_nothing_left(&traces, &servers);
    assert!(lab.say("down").contains("nothing to do"));
    // And the place is free again.
    lab.done(&["up", &file]);
    let traces = Traces::of(&lab);
    let servers = traces.servers();
    check_stands(&traces);
    lab.say("down");
    check_nothing_left(&traces, &servers);
}

#[test]
fn down_after_a_killed_controller_leaves_nothing() {
    let lab = Product::up(&standard_lab());
    let traces = Traces::of(&lab);
    let servers = traces.servers();
    lab.kill_controller();
    assert!(traces.found().iter().any(|line| line.starts_with("link")));
    let said = lab.say("down");
    assert!(said.contains("no controller was running") && said.contains("5 namespaces, 4 links"), "{said}");
    check_nothing_left(&traces, &servers);
    assert!(lab.say("down").contains("nothing to do"));
}

#[test]
fn down_after_a_controller_that_was_killed_while_building_leaves_nothing() {
    let lab = Product::up(&standard_lab());
    let (traces, file) = (Traces::of(&lab), lab.file(&standard_lab()));
    let servers = traces.servers();
    lab.say("down");
    for wait_for in 1..=traces.namespaces.len() {
        let mut up = lab.command(&["up", &file]).stderr(std::process::Stdio::null()).spawn().unwrap();
        until("it builds", || {
            let found = traces.found();
            found.iter().filter(|line| line.starts_with("namespace")).count() >= wait_for
        });
        lab.kill_controller();
        assert!(!up.wait().unwrap().success());
        lab.say("down");
        check_nothing_left(&traces, &servers);
    }
}

#[test]
fn second_up_and_second_controller_leave_a_running_lab_alone() {
    let lab = Product::up(&standard_lab());
    let traces = Traces::of(&lab);
    let file = lab.file(&standard_lab());
    let before = (lab.status().pid, lab.status().version);
    // The same again: nothing to do.
    lab.done(&["up", &file]);
    assert_eq!((lab.status().pid, lab.status().version), before);
    // Another one: refused.
    let other =
        lab.file(&standard_lab().replace("      db: {}\n", "      db: { inbound: [SSH from web] }\n"));
    let said = lab.refused(&["up", &other]);
    assert!(said.contains("is up") && said.contains("sgsim down"), "{said}");
    let said = lab.refused(&["controller"]);
    assert!(said.contains(&before.0.to_string()), "no pid {} in: {said}", before.0);
    assert_eq!((lab.status().pid, lab.status().version), before);
    check_stands(&traces);
    check_denied(&lab.namespace("client"), None, WEB.into(), Traffic::Tcp(80));
}
