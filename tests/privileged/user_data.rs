//! User data that is run: as whom, and what it cannot do.

use std::path::PathBuf;

use sg_tests::harness::aws_clients::AwsCli;
use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::lab_file::standard_lab;
use sg_tests::harness::signer::credentials_file;
use sg_userspace::controller::user_data;
use sg_userspace::lab::{namespace, process};

use crate::product::{Product, program, until};

/// Tries what it should not be able to do, and says what came of each.
const SCRIPT: &str = r#"#!/bin/bash
say() { echo "$1=$2"; }
say user "$(id -u)"
say groups "$(id -G)"
say processes "$(ls -d /proc/[0-9]* | wc -l)"
for field in NoNewPrivs CapEff CapBnd CapPrm; do say $field "$(sed -n "s/^$field:[[:space:]]*//p" /proc/self/status)"; done
attempt() { name=$1; shift; if "$@" 2>/dev/null; then say "$name" done; else say "$name" refused; fi; }
attempt write-etc touch /etc/sgsim-user-data
attempt write-usr touch /usr/bin/sgsim-user-data
attempt write-run touch /run/sgsim-user-data
attempt write-tmp touch /tmp/own
attempt kill-host kill -0 HOST_PID
attempt see-host test -e /proc/HOST_PID
attempt see-state test -e STATE/store.redb
attempt see-file test -e HOST_FILE
attempt user-namespace unshare --user true
attempt mount mount -t tmpfs none /tmp
attempt address ip link set lo down
attempt su su root -c true
say mounts "$(grep -c /run/netns /proc/mounts)"
exec 3<>/dev/tcp/169.254.169.254/80
printf 'GET /latest/meta-data/instance-id HTTP/1.0\r\n\r\n' >&3
say instance "$(tail -n 1 <&3)"
sleep 1000 &
say end reached
"#;

/// A file of the machine's, which anybody may write, deleted in the end.
struct HostFile(PathBuf);

impl HostFile {
    fn new() -> Self {
        let path = PathBuf::from(format!("/var/tmp/sgsim-test-{}", std::process::id()));
        std::fs::write(&path, "untouched").unwrap();
        Self(path)
    }
}

impl Drop for HostFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn user_data_runs_once_as_nobody_in_a_world_of_its_own() {
    let lab = Product::up(&standard_lab());
    let keys = tempfile::tempdir().unwrap();
    let file = credentials_file(keys.path());
    let options = ["--require-signature", "--credentials", &file, "--run-user-data"];
    let endpoint = Endpoint::start_with(program(), &lab.directory(), &options);
    let host_file = HostFile::new();
    let script = SCRIPT
        .replace("HOST_PID", &std::process::id().to_string())
        .replace("HOST_FILE", &host_file.0.display().to_string())
        .replace("STATE", &lab.directory().path().display().to_string());
    let script_file = keys.path().join("script");
    std::fs::write(&script_file, &script).unwrap();
    let aws = AwsCli(&endpoint);
    let subnet = aws.run("ec2 describe-subnets")["Subnets"][0]["SubnetId"].as_str().unwrap().to_owned();
    let made = aws.run(&format!(
        "ec2 run-instances --image-id ami-12345678 --subnet-id {subnet} --user-data file://{}",
        script_file.display()
    ));
    let id = made["Instances"][0]["InstanceId"].as_str().unwrap().to_owned();
    let log = user_data::log(&lab.directory(), &id.parse().unwrap());
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    until("the script ends", || said().contains("end=reached") || said().contains("ERROR"));
    let said = said();
    let value = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap_or_else(|| panic!("no {name}: {said}"))
    };
    let user: u32 = value("user").parse().unwrap();
    assert!(user > 1_000_000_000 && value("groups") == value("user"), "{said}");
    assert!(value("processes").parse::<u32>().unwrap() < 8, "{said}");
    assert_eq!(value("NoNewPrivs"), "1");
    for field in ["CapEff", "CapBnd", "CapPrm"] {
        assert_eq!(value(field), "0000000000000000", "{said}");
    }
    for attempt in [
        "write-etc",
        "write-usr",
        "write-run",
        "kill-host",
        "see-host",
        "see-state",
        "see-file",
        "user-namespace",
        "mount",
        "address",
        "su",
    ] {
        assert_eq!(value(attempt), "refused", "{attempt}: {said}");
    }
    assert_eq!(value("mounts"), "0", "no namespace is kept alive: {said}");
    assert_eq!((value("write-tmp"), value("instance")), ("done", id.as_str()), "{said}");
    assert_eq!(std::fs::read_to_string(&host_file.0).unwrap(), "untouched");

    // Once: not when it is started again, and not by the next controller. It ends with its instance.
    until("what it left running runs", || {
        process::list(&id).unwrap().iter().any(|process| process.command.contains("sleep 1000"))
    });
    aws.run(&format!("ec2 stop-instances --instance-ids {id}"));
    assert!(!namespace::path(&id).exists());
    aws.run(&format!("ec2 start-instances --instance-ids {id}"));
    let file = lab.file(&standard_lab());
    lab.kill_controller();
    lab.done(&["up", &file]);
    assert_eq!(std::fs::read_to_string(&log).unwrap().matches("end=reached").count(), 1);
    assert!(process::list(&id).unwrap().is_empty());
    let shown = aws.run(&format!("ec2 describe-instance-attribute --instance-id {id} --attribute userData"));
    assert!(shown["UserData"]["Value"].as_str().unwrap().starts_with("IyEvYmluL2Jhc2g"), "{shown}");
    aws.run(&format!("ec2 terminate-instances --instance-ids {id}"));
}

#[test]
fn user_data_is_not_run_unless_the_endpoint_says_so() {
    let lab = Product::up(&standard_lab());
    let endpoint = Endpoint::start(program(), &lab.directory());
    let aws = AwsCli(&endpoint);
    let subnet = aws.run("ec2 describe-subnets")["Subnets"][0]["SubnetId"].as_str().unwrap().to_owned();
    let made = aws.run(&format!(
        "ec2 run-instances --image-id ami-12345678 --subnet-id {subnet} --user-data #!/bin/true"
    ));
    let id = made["Instances"][0]["InstanceId"].as_str().unwrap();
    assert!(!user_data::log(&lab.directory(), &id.parse().unwrap()).exists());
    let output = lab.run(&["serve", "--run-user-data"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("--require-signature"), "{said}");
}
