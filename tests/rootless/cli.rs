//! The program from outside, without root and without a lab: help, exit codes, messages.

mod acl_and_peering;
pub(crate) mod live;

use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The program under test.
pub(crate) fn program() -> &'static Path {
    sg_tests::harness::program::sgsim(&[])
}

/// A state directory that no controller serves, and the program's answer there.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .env("SGSIM_STATE_DIR", self.0.path().join("state"))
            .env_remove("RUST_BACKTRACE");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn file(&self, text: &str) -> String {
        let path = self.0.path().join("lab.yaml");
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

/// Runs, and compares the exit code and what standard output and standard error must contain.
#[track_caller]
fn check(arguments: &[&str], code: i32, out: &str, error: &str) {
    check_at(&Place::new(), arguments, code, out, error);
}

#[track_caller]
fn check_at(place: &Place, arguments: &[&str], code: i32, out: &str, error: &str) {
    let output = place.run(arguments);
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{stdout}\n{stderr}");
    assert!(stdout.contains(out), "{arguments:?}: no `{out}` in\n{stdout}");
    assert!(stderr.contains(error), "{arguments:?}: no `{error}` in\n{stderr}");
    if code == 0 {
        assert_eq!(stderr, "", "{arguments:?}");
    }
}

const LAB: &str = "\
vpcs:
  lab:
    cidr: 10.0.0.0/16
    subnets:
      public: {cidr: 10.0.1.0/24}
    security-groups:
      web:
        inbound: [HTTP from anywhere]
    instances:
      web-1: {subnet: public, groups: [web]}
";

#[test]
fn help_of_every_command_lists_examples() {
    let commands: &[&[&str]] = &[
        &[],
        &["up"],
        &["down"],
        &["status"],
        &["exec"],
        &["shell"],
        &["group"],
        &["group", "create"],
        &["group", "list"],
        &["group", "show"],
        &["group", "delete"],
        &["group", "launch-wizard"],
        &["group", "associate"],
        &["group", "disassociate"],
        &["group", "stale"],
        &["group", "references"],
        &["rule"],
        &["rule", "allow"],
        &["rule", "revoke"],
        &["rule", "list"],
        &["prefix-list"],
        &["prefix-list", "create"],
        &["prefix-list", "modify"],
        &["prefix-list", "restore"],
        &["prefix-list", "delete"],
        &["prefix-list", "list"],
        &["prefix-list", "show"],
        &["tag"],
        &["tag", "set"],
        &["tag", "remove"],
        &["tag", "list"],
        &["interface"],
        &["interface", "show"],
        &["interface", "list"],
        &["interface", "set-groups"],
        &["instance", "list"],
        &["probe"],
        &["watch"],
        &["flows"],
        &["counters"],
        &["check"],
        &["server"],
        &["client"],
        &["enforcement"],
        &["clock", "advance"],
        &["acl"],
        &["acl", "create"],
        &["acl", "delete"],
        &["acl", "list"],
        &["acl", "show"],
        &["acl", "allow"],
        &["acl", "deny"],
        &["acl", "remove"],
        &["acl", "replace"],
        &["acl", "associate"],
        &["peering"],
        &["peering", "create"],
        &["peering", "accept"],
        &["peering", "reject"],
        &["peering", "delete"],
        &["peering", "list"],
    ];
    for command in commands {
        let line = [&["sgsim"], *command].concat().join(" ");
        check(&[*command, &["--help"]].concat(), 0, "Examples:\n", "");
        check(&[*command, &["--help"]].concat(), 0, &format!("  {line}"), "");
    }
}

#[test]
fn hidden_subcommands_are_not_in_the_help() {
    let help = Place::new().run(&["--help"]);
    let text = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(!text.contains("  controller "), "{text}");
}

#[test]
fn usage_errors_end_with_2() {
    check(&["frobnicate"], 2, "", "unrecognized subcommand 'frobnicate'");
    check(&[], 2, "", "Usage: sgsim");
    check(&["probe", "a", "b", "tcp/0"], 2, "", "tcp/PORT");
    check(&["probe", "a", "b", "sctp/1"], 2, "", "tcp/PORT");
    for time in ["0s", "999us", "61m", "500000000000years"] {
        check(&["probe", "a", "b", "icmp", "--timeout", time], 2, "", "invalid value");
    }
    check(&["probe", "a", "b", "icmp", "--timeout", "2h"], 2, "", "give a time from 1ms to 1h");
    check(&["acl", "allow", "edge", "first", "inbound", "HTTP"], 2, "", "invalid value 'first'");
    check(&["acl", "deny", "edge", "100", "sideways", "HTTP"], 2, "", "possible values: inbound, outbound");
    check(&["acl", "allow", "edge", "100", "ingress"], 2, "", "<RULE>...");
    check(&["peering", "create", "lab"], 2, "", "<ACCEPTER>");
    check(&["clock", "advance", "soon"], 2, "", "invalid value 'soon'");
    check(&["server"], 2, "", "tcp|udp|http|sink PORT");
    check(&["server", "http"], 2, "", "`http` has no port: write `http 80`");
    check(&["server", "ftp", "21"], 2, "", "`ftp` is no server: there are tcp, udp, http, sink");
    check(&["server", "tcp", "0"], 2, "", "`0` is not a port from 1 to 65535");
    check(&["status", "--output", "xml"], 2, "", "possible values: text, json");
}

#[test]
fn without_a_controller_commands_say_how_to_start_one() {
    for command in [
        &["status"][..],
        &["group", "list"],
        &["rule", "list"],
        &["acl", "list"],
        &["peering", "list"],
        &["flows"],
        &["counters"],
        &["watch"],
    ] {
        check(command, 2, "", "sgsim: no controller is running");
        check(command, 2, "", "start a lab with `sgsim up FILE`");
    }
}

#[test]
fn a_right_lab_file_is_summed_up() {
    let place = Place::new();
    let file = place.file(LAB);
    check_at(&place, &["check", &file], 0, "is right: 1 instances with 1 interfaces, 2 security groups", "");
    let output = place.run(&["check", &file, "--output", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["version"], 1);
    assert_eq!(document["check"]["instances"], 1);
}

#[test]
fn a_wrong_lab_file_is_refused_with_its_place() {
    let place = Place::new();
    let file = place.file(&LAB.replace("groups: [web]", "groups: [wbe]"));
    check_at(&place, &["check", &file], 2, "", "line 10, column ");
    check_at(&place, &["check", &file], 2, "", "wbe");
    let file = place.file(&LAB.replace("    cidr", "    cider"));
    check_at(&place, &["check", &file], 2, "", "line 3, column ");
    check_at(&place, &["check", "/nonexistent.yaml"], 2, "", "cannot read the lab file `/nonexistent.yaml`");
}

#[test]
fn errors_for_programs_are_json_on_standard_error() {
    let place = Place::new();
    let file = place.file("vpcs: [");
    for (arguments, code) in [(&["status"][..], "NoController"), (&["check", &file], "InvalidLabFile")] {
        let output = place.run(&[arguments, &["--output", "json"]].concat());
        let document: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        assert_eq!((&document["version"], &document["error"]["code"]), (&1.into(), &code.into()));
        assert!(document["error"]["message"].is_string());
    }
}

#[test]
fn up_with_a_wrong_file_starts_nothing() {
    let place = Place::new();
    let file = place.file("vpcs: [");
    check_at(&place, &["up", &file], 2, "", "sgsim: ");
    assert!(!place.0.path().join("state").exists());
}

#[test]
fn up_of_a_new_account_refuses_what_is_said_about_files() {
    let place = Place::new();
    let says = "sgsim: --parameter, --region and --internet are about sources, and none is named";
    for option in [["--parameter", "Stage=live"], ["--region", "eu-west-1"], ["--internet", "192.0.2.7"]] {
        check_at(&place, &["up", option[0], option[1]], 2, "", says);
        assert!(!place.0.path().join("state").exists());
    }
}

#[test]
fn version_needs_no_controller() {
    check(&["version"], 0, concat!("sgsim ", env!("CARGO_PKG_VERSION")), "");
    check(&["--version"], 0, concat!("sgsim ", env!("CARGO_PKG_VERSION")), "");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let place = Place::new();
    let file = place.file(LAB);
    let mut child =
        place.command(&["check", &file]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

/// What the controller's side of a connection going away is, whenever that happens, is no closed standard output.
#[test]
fn a_controller_that_hangs_up_is_an_error() {
    let place = Place::new();
    let state = place.0.path().join("state");
    std::fs::create_dir(&state).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(state.join("sgsim.sock")).unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    for _ in 0..10 {
        let output = place.run(&["counters"]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("the controller"), "{error}");
    }
}
