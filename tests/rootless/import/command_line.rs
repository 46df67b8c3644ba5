//! `import`, `export` and every command that takes sources, from outside: no root, no lab.

use std::process::Command;

use crate::cli::program;

/// Runs at the repository's root, with an argument made from each word.
#[track_caller]
fn check(line: &str, code: i32, said: &[&str]) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let output = Command::new(program())
        .args(line.split_whitespace())
        .current_dir(root)
        .env("SGSIM_STATE_DIR", "/nonexistent")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(code), "{line}\n{text}");
    said.iter().for_each(|part| assert!(text.contains(part), "{line}: no `{part}` in\n{text}"));
    text
}

#[test]
fn import_says_what_is_used_left_out_and_assumed() {
    let said = [
        "security groups       5",
        "NAT gateway nat-05e00a1b2c3d4e5f6: there are none here",
        "3 interfaces have public",
    ];
    check("import examples/import/aws", 0, &said);
    let text = check("import examples/import/aws --output json", 0, &[]);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let left = &document["import"]["left_out"];
    assert_eq!(left.as_array().unwrap().len(), 5);
    assert_eq!(left[0]["path"], "PrefixLists[1]");
    assert_eq!(document["import"]["used"][0], serde_json::json!({ "kind": "VPCs", "count": 1 }));
}

#[test]
fn every_command_takes_sources() {
    let file = "--file examples/import/aws";
    check(&format!("explain bastion db-primary tcp/22 {file}"), 0, &["reachable", "sgr-00ac0ffee0000000a"]);
    check(&format!("explain internet db-primary tcp/5432 {file}"), 1, &["SUBNET_ACL_RESTRICTION"]);
    check(&format!("reach --to db-primary {file}"), 0, &["tcp 5432", "app-server-00000a, app-server-00000b"]);
    check(
        &format!("what-if {file} rule revoke database inbound tcp 22 from bastion"),
        0,
        &["would close", "db-primary"],
    );
    check("check examples/import/aws", 0, &["examples/import/aws is right: 4 instances with 6 interfaces"]);
    check("check examples/import/aws --internet 10.20.0.5", 2, &["lies inside vpc-0a1b2c3d4e5f60718"]);
}

#[test]
fn export_and_import_again_answer_alike() {
    let place = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| place.path().join(name).display().to_string());
    check(&format!("export {one} --file examples/peering.yaml"), 0, &["wrote 15 files"]);
    let of_lab_file = check("reach --file examples/peering.yaml", 0, &[]);
    assert_eq!(check(&format!("reach --file {one}"), 0, &[]), of_lab_file);
    check(&format!("import {one} --to {two}"), 0, &["prefix lists"]);
    assert_eq!(check(&format!("reach --file {two}"), 0, &[]), of_lab_file);
    check(
        &format!("export {one} --file examples/peering.yaml"),
        2,
        &["has something in it; name a directory"],
    );
}

#[test]
fn what_cannot_be_is_an_error_for_people_and_programs() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().display().to_string();
    check(&format!("import {path}"), 2, &["has no file whose name ends in .json"]);
    let vpcs = r#"{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}]}"#;
    std::fs::write(place.path().join("vpcs.json"), vpcs).unwrap();
    check(&format!("import {path}"), 2, &["vpcs.json: Vpcs[0].VpcId: Invalid id: \"vpc-1\""]);
    let text = check(&format!("import {path} --output json"), 2, &[]);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["error"]["code"], "InvalidVpcID.Malformed");
    check("import examples/article.yaml --region eu-west-1", 2, &["a lab file says these things itself"]);
    check(
        "reach --region eu-west-1",
        2,
        &["--parameter, --region and --internet are about what --file names"],
    );
    check("import", 2, &["<SOURCE>"]);
    check("import --help", 0, &["Examples:\n", "  sgsim import state"]);
    check("export --help", 0, &["Examples:\n", "  sgsim export state"]);
}
