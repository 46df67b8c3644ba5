//! `explain`, `reach` and `what-if` from outside, about a lab file: no root, no lab.

use std::process::{Command, Output};

use crate::cli::program;

fn run(arguments: &[&str]) -> Output {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let arguments = arguments.iter().copied().chain(["--file", "examples/article.yaml"]);
    let words = arguments.filter(|word| !word.is_empty());
    Command::new(program())
        .args(words)
        .current_dir(root)
        .env("SGSIM_STATE_DIR", "/nonexistent")
        .output()
        .unwrap()
}

#[track_caller]
fn check(arguments: &[&str], code: i32, said: &[&str]) {
    let output = run(arguments);
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{text}");
    said.iter().for_each(|part| assert!(text.contains(part), "{arguments:?}: no `{part}` in\n{text}"));
}

#[test]
fn explain_ends_with_0_1_or_2() {
    check(&["explain", "web-1", "db-1", "tcp/5432"], 0, &["reachable", "(db: inbound tcp 5432 from sg web)"]);
    check(&["explain", "bastion", "db-1", "tcp/22"], 1, &["ENI_SG_RULES_MISMATCH", "from sg admin"]);
    check(
        &["explain", "any", "db-1", "tcp/22"],
        0,
        &["bastion:1 (10.0.11.5) > db-1", "internet (0.0.0.0/0)"],
    );
    check(&["explain", "internet", "web-1", "icmp/8:0"], 1, &["internet (203.0.113.10) > web-1"]);
    check(&["explain", "internet", "web-1", "tcp/80", "-6"], 0, &["2001:db8:ffff::10", "untracked"]);
    check(&["explain", "web-1", "198.51.100.7", "udp/53"], 0, &["> internet (198.51.100.7) udp/53"]);
    check(&["explain", "web-1@10.0.1.77", "db-1", "tcp/5432"], 1, &["ENI_SOURCE_DEST_CHECK_RESTRICTION"]);
    check(&["explain", "wbe-1", "db-1", "tcp/22"], 2, &["did you mean `web-1`?"]);
    check(&["explain", "web-1", "db-1", "tcp"], 2, &["write tcp/PORT"]);
    check(&["explain", "10.0.1.4", "2001:db8::1", "tcp/22"], 2, &["not of one family"]);
    check(&["explain", "web-1", "db-1", "tcp/22", "--verify"], 2, &["cannot be used with"]);
}

#[test]
fn explain_for_programs_has_codes_and_rules() {
    let output = run(&["explain", "bastion", "db-1", "tcp/22", "--output", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let explanation = &document["explain"]["explanations"][0];
    assert_eq!(explanation["explanation_codes"], serde_json::json!(["ENI_SG_RULES_MISMATCH"]));
    assert_eq!(explanation["reachable"], false);
    assert_eq!(explanation["steps"][1]["rule"]["group_name"], "admin");
}

#[test]
fn reach_lists_and_ends_with_1_where_nothing_is_open() {
    check(&["reach", "--to", "db-1"], 0, &["tcp 5432", "web-1, web-2"]);
    check(&["reach", "--from", "internet", "--to", "db-1"], 1, &["nothing is open"]);
    check(&["reach", "--from", "10.0.0.1"], 2, &["name an instance"]);
}

/// `--file` stands before the change, whose own words follow.
#[test]
fn what_if_answers_and_changes_nothing() {
    let what_if = |words: &str, code, said: &[&str]| {
        let words: Vec<&str> = ["what-if"]
            .into_iter()
            .chain(["--file", "examples/article.yaml"])
            .chain(words.split(' '))
            .collect();
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let output = Command::new(program()).args(&words).current_dir(root).output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}\n{text}");
        said.iter().for_each(|part| assert!(text.contains(part), "{words:?}: no `{part}` in\n{text}"));
    };
    what_if("rule revoke web inbound HTTP from anywhere", 0, &["would close", "tcp 80", "stops at once"]);
    what_if(
        "rule allow db inbound tcp 5000-5500 from web",
        0,
        &["would open", "tcp 5000-5431", "tcp 5433-5500"],
    );
    what_if("interface set-groups web-1 default", 0, &["would open", "would close"]);
    what_if("rule list", 0, &["nothing would open or close"]);
    what_if("rule revoke web inbound tcp 99 from anywhere", 2, &["InvalidPermission.NotFound"]);
    what_if("group delete web", 2, &["DependencyViolation"]);
}

#[test]
fn help_lists_examples() {
    for command in ["explain", "reach", "what-if"] {
        let output = Command::new(program()).args([command, "--help"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("Examples:\n") && text.contains(&format!("  sgsim {command}")), "{text}");
    }
}
