//! Bad input to a running lab gets a clear error and changes nothing.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::Value;
use sg_tests::harness::lab_file::standard_lab;

use crate::product::Product;

fn world(lab: &Product) -> [Value; 4] {
    ["group list", "rule list", "interface list", "status"].map(|words| {
        let mut document = lab.json(words);
        if let Some(status) = document.get_mut("status") {
            status["memory_kib"] = Value::Null;
        }
        document
    })
}

#[test]
fn bad_commands_say_what_is_wrong_and_change_nothing() {
    let lab = Product::up(&standard_lab());
    for name in ["one", "two", "three", "four", "five"] {
        lab.say(&format!("group create {name}"));
    }
    lab.say("rule allow db inbound PostgreSQL from sg web");
    let before = world(&lab);
    for (words, says) in [
        ("rule allow wbe inbound HTTP from anywhere", "wbe"),
        ("rule allow web inbound HTTP from sg clinet", "clinet"),
        ("interface set-groups client nobody", "nobody"),
        (
            "interface set-groups client one two three four five web",
            "SecurityGroupsPerInterfaceLimitExceeded",
        ),
        ("interface set-groups nobody web", "nobody"),
        ("rule allow db inbound PostgreSQL from sg web", "InvalidPermission.Duplicate"),
        ("rule allow db inbound tcp 5432 from sg web", "InvalidPermission.Duplicate"),
        ("rule allow web inbound deny HTTP from anywhere", "only allow"),
        ("rule allow web inbound tcp 70000 from anywhere", "70000"),
        ("rule allow web inbound tcp 80 from 10.0.0.0/33", "10.0.0.0/33"),
        ("rule revoke web inbound HTTP from anywhere", "InvalidPermission.NotFound"),
        ("rule revoke sgr-00000000000000000", "sgr-00000000000000000"),
        ("group delete db", "DependencyViolation"),
        ("group delete web", "DependencyViolation"),
        ("group delete default", "CannotDelete"),
        ("group create web", "InvalidGroup.Duplicate"),
        ("group create default", "default"),
    ] {
        let said = lab.refused(&words.split(' ').collect::<Vec<_>>());
        assert!(said.contains(says), "{words}: no `{says}` in: {said}");
        assert_eq!(world(&lab), before, "{words}");
    }
}

#[test]
fn bad_lab_files_are_refused_with_their_place_and_change_nothing() {
    let standard = standard_lab().replace("      db: {}\n", "      db: {}\n      one: {}\n      two: {}\n");
    let lab = Product::up(&standard);
    let before = world(&lab);
    for (from, to, place, says) in [
        ("    cidr: 10.0.0.0/16", "    cider: 10.0.0.0/16", "line 3, column ", "cider"),
        ("  lab:", "  lab", "line ", "column "),
        ("groups: [web]", "groups: [wbe]", "line 16, column ", "wbe"),
        ("cidr: 10.0.2.0/24", "cidr: 10.0.1.128/25", "line 7, column ", "InvalidSubnet.Conflict"),
        ("cidr: 10.0.2.0/24", "cidr: 10.9.2.0/24", "line 7, column ", "InvalidSubnet.Range"),
        ("web: {}", "web: { inbound: [deny HTTP from anywhere] }", "line 10, column ", "only allow"),
        ("web: {}", "web: { inbound: [HTTP from sg wbe] }", "line 10, column ", "wbe"),
        (
            "groups: [web]",
            "groups: [default, client, web, db, one, two]",
            "line 16, column ",
            "SecurityGroupsPerInterfaceLimitExceeded",
        ),
    ] {
        assert!(standard.contains(from));
        let file = lab.file(&standard.replacen(from, to, 1));
        for command in ["up", "check"] {
            let said = lab.refused(&[command, &file]);
            assert!(said.contains(place) && said.contains(says), "{to}: no `{place}`, `{says}` in: {said}");
            assert_eq!(world(&lab), before, "{to}");
        }
    }
}

#[test]
fn without_root_a_lab_is_neither_built_nor_taken_down() {
    let lab = Product::up(&standard_lab());
    let before = world(&lab);
    let file = lab.file(&standard_lab());
    // Where anybody may run it.
    let place = tempfile::tempdir().unwrap();
    std::fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
    let program = place.path().join("sgsim");
    std::fs::copy(crate::product::program(), &program).unwrap();
    let elsewhere = place.path().join("state").display().to_string();
    let here = lab.directory().path().display().to_string();
    for arguments in [
        ["--state-dir", &elsewhere, "up", &file],
        ["--state-dir", &here, "down", "--output=text"],
        ["--state-dir", &here, "shell", "web"],
    ] {
        let output = Command::new(&program).args(arguments).uid(65_534).gid(65_534).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("needs root") && said.contains("sudo"), "{arguments:?}: {said}");
    }
    assert!(!place.path().join("state").exists());
    assert_eq!(world(&lab), before);
}
