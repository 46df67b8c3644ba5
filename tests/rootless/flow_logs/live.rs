//! Windows of a controller whose data plane is in memory, and its command line.

use std::sync::PoisonError;

use sg_tests::harness::place::Place;
use sg_userspace::aws::world::World;
use sg_userspace::controller::client::Client;
use sg_userspace::controller::directory::StateDirectory;
use sg_userspace::controller::protocol::{Reply, Request};
use sg_userspace::dataplane::logged::{LoggedAt, LoggedFlow};

use super::logged;
use crate::cli::live::{fails, json, run, says};

const LAB: &str = "\
vpcs:
  lab:
    cidr: 10.0.0.0/16
    subnets: {public: {cidr: 10.0.1.0/24}, private: {cidr: 10.0.2.0/24}}
    security-groups: {web: {inbound: [HTTP from anywhere]}}
    instances:
      web-1: {subnet: public, groups: [web]}
      web-2: {subnet: private, groups: [web]}
";

fn world(state: &StateDirectory) -> World {
    match Client::connect(state).unwrap().call(&Request::World).unwrap() {
        Reply::World { world, .. } => *world,
        other => panic!("{other:?}"),
    }
}

/// Counts packets of an instance's interface in the window that is open.
fn count(place: &Place, state: &StateDirectory, instance: &str, packets: u64) {
    let world = world(state);
    let instance = world.instances.values().find(|it| it.name == instance).unwrap();
    let interface = world.interfaces_of(&instance.id)[0].number;
    let like = {
        let (world, _) = super::world_with("");
        logged(&world)
    };
    let flow = LoggedFlow { interface, packets, accepted: false, decider: None, ..like.flow };
    let mut memory = place.memory.lock().unwrap_or_else(PoisonError::into_inner);
    let epoch = memory.window.epoch;
    memory.counted.push((epoch, LoggedAt { flow, first_tick: 0, last_tick: 0 }));
}

/// All records so far, as text.
fn records(state: &StateDirectory) -> String {
    let mut text = String::new();
    let mut directories = vec![state.flow_logs()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.file_name().unwrap().to_str().unwrap().starts_with("eni-") {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    text
}

/// Ends the window and waits for so many records in all.
#[track_caller]
fn end_window(state: &StateDirectory, wanted: usize) {
    run(state, 0, "clock advance 60s");
    for _ in 0..500 {
        if records(state).lines().count() >= wanted {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let text = records(state);
    assert_eq!(text.lines().count(), wanted, "{text}");
}

#[test]
fn flow_logs_are_made_listed_read_and_deleted() {
    let place = Place::of(LAB);
    place.serve(|state| {
        says(state, "flow-logs list", "no flow logs");
        fails(state, "flow-logs tail", "make one with `sgsim flow-logs create`");
        fails(state, "flow-logs create nobody", "no instance, subnet or VPC `nobody`");
        fails(state, "flow-logs create web-1 --format ${colour}", "Unknown fields provided");
        says(state, "flow-logs create web-1", "its records go to ");
        fails(state, "flow-logs create web-1", "existing Flow Log with the same configuration");
        says(state, "flow-logs create public --traffic ACCEPT --name accepted", " is on subnet-");
        says(state, "flow-logs list", "accepted");
        says(state, "flow-logs tail", "END ");
        count(&place, state, "web-1", 10);
        // Of the first a header, the window that the second one ended, and this one; of the second, which wants what is
        // accepted, a header alone.
        end_window(state, 4);
        let tail = says(state, "flow-logs tail web-1 --rejected --interface web-1", "REJECT");
        assert!(tail.contains("203.0.113.9:40000"), "{tail}");
        let record = &json(state, "flow-logs tail web-1 --lines 1")["record"];
        assert_eq!((&record["packets"], &record["action"]), (&"10".into(), &"REJECT".into()));
        says(state, "flow-logs delete accepted", "its records stay in ");
        fails(state, "flow-logs delete accepted", "there is no flow log `accepted`");
        assert_eq!(json(state, "flow-logs list")["flow_logs"].as_array().unwrap().len(), 1);
    });
}

/// A window that a controller has closed and nobody has written is written by the next one.
#[test]
fn next_controller_writes_what_the_last_one_owes() {
    let place = Place::of(LAB);
    place.serve(|state| {
        run(state, 0, "flow-logs create web-1");
        count(&place, state, "web-1", 10);
        end_window(state, 2);
        count(&place, state, "web-1", 11);
    });
    {
        // It dies after the window ended, before it was written.
        let mut memory = place.memory.lock().unwrap();
        memory.window.epoch += 1;
    }
    place.serve(|state| {
        // It and the one that was open are one window now.
        for _ in 0..500 {
            if records(state).contains(" 11 ") {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        count(&place, state, "web-1", 12);
        end_window(state, 4);
        let text = records(state);
        for packets in [10, 11, 12] {
            assert_eq!(text.matches(&format!(" 6 {packets} ")).count(), 1, "{packets}: {text}");
        }
    });
}

/// Whoever has switched enforcement off and on again need not be who writes the window.
#[test]
fn next_controller_says_what_was_skipped_while_enforcement_was_off() {
    let place = Place::of(LAB);
    let statuses = |state: &StateDirectory| {
        let text = records(state);
        text.lines().skip(1).filter_map(|line| line.split(' ').nth(13)).map(str::to_owned).collect::<Vec<_>>()
    };
    place.serve(|state| {
        run(state, 0, "flow-logs create web-1");
        end_window(state, 2);
        // On what is on, this says nothing.
        run(state, 0, "enforcement on");
    });
    place.serve(|state| {
        end_window(state, 3);
        assert_eq!(statuses(state), ["NODATA", "NODATA"]);
        run(state, 0, "enforcement off");
        run(state, 0, "enforcement on");
    });
    place.serve(|state| {
        end_window(state, 4);
        assert_eq!(statuses(state)[2..], ["SKIPDATA"]);
        run(state, 0, "enforcement off");
        // The next window begins unjudged, too, and ends judged.
        end_window(state, 5);
        run(state, 0, "enforcement on");
    });
    place.serve(|state| {
        end_window(state, 6);
        end_window(state, 7);
        assert_eq!(statuses(state)[3..], ["SKIPDATA", "SKIPDATA", "NODATA"]);
    });
}
