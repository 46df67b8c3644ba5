//! A state directory has one controller, whatever path it is called by and however many try at once.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use sg_tests::harness::lab_file::standard_lab;
use sg_userspace::store::lock::held_by;

use crate::product::Product;

/// Further paths of the lab's state directory.
fn paths(lab: &Product) -> [PathBuf; 3] {
    let state = lab.directory().path().to_owned();
    let place = state.parent().unwrap();
    let link = place.join("link");
    symlink(&state, &link).unwrap();
    let detour = place.join("link/../state");
    [state, link, detour]
}

fn ends(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn second_controller_is_refused_by_whatever_path() {
    let lab = Product::up(&standard_lab());
    let pid = lab.status().pid;
    for path in paths(&lab) {
        let path = path.display().to_string();
        let (code, said) = ends(&lab.run(&["--state-dir", &path, "controller"]));
        assert_eq!(code, Some(2), "{path}: {said}");
        assert!(
            said.contains(&format!("another controller (pid {pid}) owns this state directory")),
            "{said}"
        );
        let status = lab.done(&["--state-dir", &path, "status", "--output", "json"]);
        assert!(status.contains(&format!("\"pid\":{pid},\"sgsim\"")), "{path} is the same lab: {status}");
    }
    assert_eq!(lab.status().pid, pid);
}

#[test]
fn of_many_that_start_at_once_one_becomes_the_controller() {
    let lab = Product::up(&standard_lab());
    let paths = paths(&lab);
    lab.kill_controller();
    let starts = paths.iter().cycle().take(9).map(|path| {
        let path = path.display().to_string();
        let mut start = lab.command(&["--state-dir", &path, "controller"]);
        start.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    });
    let starts = starts.collect::<Vec<_>>();
    crate::product::until("one has taken over", || {
        held_by(&lab.directory().lock()).is_some()
            && sg_userspace::controller::client::Client::connect(&lab.directory()).is_ok()
    });
    let pid = lab.status().pid;
    let mut running = 0;
    for start in starts {
        if start.id() == pid {
            // It ends with the lab.
            running += 1;
            continue;
        }
        let (code, said) = ends(&start.wait_with_output().unwrap());
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("owns this state directory"), "{said}");
    }
    assert_eq!(running, 1);
    lab.say("rule allow web inbound HTTP from sg client");
}
