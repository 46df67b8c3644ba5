//! Commands inside an instance: what they see, how they end, and that nobody outside is touched.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use sg_userspace::lab::hosts;
use sg_userspace::lab::namespace::{self, Namespace};
use sg_userspace::lab::process::{self, Inside};

fn argv(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

#[tokio::test]
async fn command_sees_its_own_names_and_links_and_passes_its_status_on() {
    crate::require_root();
    let name = format!("sgt-sees-{}", std::process::id());
    let instance = Namespace::create(&name).await.unwrap();
    hosts::write(&name, "web-1", &[("db-1".into(), vec!["10.0.1.20".parse().unwrap()])]).unwrap();
    let mut inside = Inside::new(&name);
    inside.environment.push(("INSTANCE_ID".into(), "i-1".into()));
    let script =
        "cat /etc/hosts; hostname; ls /sys/class/net; echo $INSTANCE_ID; wc -c < /etc/resolv.conf; exit 7";
    let output = process::command(&inside, &argv(&["/bin/sh", "-c", script])).unwrap().output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("10.0.1.20 db-1\nweb-1\nlo\ni-1\n0\n"), "{text} {:?}", output.stderr);
    assert_eq!(output.status.code(), Some(7));
    assert!(!std::fs::read_to_string("/etc/hosts").unwrap().contains("db-1"));

    inside.user = Some((65534, 65534));
    let output = process::command(&inside, &argv(&["id", "-u"])).unwrap().output().unwrap();
    assert_eq!(output.stdout, b"65534\n");
    assert!(process::command(&inside, &[]).is_err());
    drop(instance);
    assert!(hosts::remove(&name).unwrap());
    namespace::delete(&name).unwrap();
}

#[tokio::test]
async fn kill_ends_all_processes_inside_and_none_outside() {
    crate::require_root();
    let name = format!("sgt-kill-{}", std::process::id());
    let _instance = Namespace::create(&name).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let mut outsider = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    let inside = Inside::new(&name);
    let first = process::spawn(&inside, &argv(&["sleep", "60"]), &log).unwrap();
    // Deaf to TERM, and starts a child of its own.
    let deaf = "trap '' TERM; echo started; sleep 60; sleep 60";
    process::spawn(&inside, &argv(&["/bin/sh", "-c", deaf]), &log).unwrap();
    let deadline = Instant::now() + Duration::from_secs(3);
    while process::list(&name).unwrap().len() < 3 {
        assert!(Instant::now() < deadline, "{:?}", process::list(&name));
        std::thread::sleep(Duration::from_millis(5));
    }
    let listed = process::list(&name).unwrap();
    assert!(listed.iter().any(|process| process.id == first && process.command == "sleep 60"), "{listed:?}");
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "started\n");

    let count = process::kill(std::slice::from_ref(&name), Duration::from_millis(200)).unwrap();
    assert!(count >= 3, "{count}");
    assert_eq!(process::list(&name).unwrap(), []);
    assert_eq!(process::kill(std::slice::from_ref(&name), Duration::ZERO).unwrap(), 0);
    assert!(outsider.try_wait().unwrap().is_none(), "the process outside must live");
    outsider.kill().unwrap();
    outsider.wait().unwrap();
    namespace::delete(&name).unwrap();
}
