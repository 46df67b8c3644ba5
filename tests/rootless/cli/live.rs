//! Commands that change a running lab, against a controller whose data plane is in memory.

use std::process::Command;

use serde_json::Value;
use sg_userspace::controller::directory::StateDirectory;

use super::program;
use sg_tests::harness::place::Place;

const LAB: &str = "\
vpcs:
  lab:
    cidr: 10.0.0.0/16
    subnets: {public: {cidr: 10.0.1.0/24}}
    security-groups: {web: {inbound: [HTTP from anywhere]}, db: {}}
    instances: {web-1: {subnet: public, groups: [web]}}
  other:
    cidr: 10.1.0.0/16
    security-groups: {app: {}, db: {}}
";

/// What `sgsim` answers in this state directory; the exit code must be `code`.
#[track_caller]
pub(crate) fn run(state: &StateDirectory, code: i32, line: &str) -> String {
    let output = Command::new(program())
        .args(line.split(' '))
        .env("SGSIM_STATE_DIR", state.path())
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{line}\n{out}\n{error}");
    if code == 0 { out.into_owned() } else { error.into_owned() }
}

#[track_caller]
pub(crate) fn says(state: &StateDirectory, line: &str, part: &str) -> String {
    let out = run(state, 0, line);
    assert!(out.contains(part), "{line}: no `{part}` in\n{out}");
    out
}

#[track_caller]
pub(crate) fn fails(state: &StateDirectory, line: &str, part: &str) {
    let error = run(state, 2, line);
    assert!(error.contains(part), "{line}: no `{part}` in\n{error}");
}

#[track_caller]
pub(crate) fn json(state: &StateDirectory, line: &str) -> Value {
    serde_json::from_str(&run(state, 0, &format!("{line} --output json"))).unwrap()
}

#[test]
fn prefix_lists_are_made_named_in_rules_changed_restored_and_deleted() {
    Place::of(LAB).serve(|state| {
        fails(state, "prefix-list show offices", "there is no prefix list `offices`, nor any other");
        let create = "prefix-list create offices 198.51.100.7/24 203.0.113.0/24=branch --max-entries 5";
        says(state, create, "(offices): version 1 with 2 of 5 entries");
        says(state, "rule allow web inbound HTTPS from pl offices", "(web: inbound tcp 443 from pl offices)");
        says(state, "rule allow web outbound tcp 25 to offices", "(web: outbound tcp 25 to pl offices)");
        says(state, "rule list web", "(offices)");
        says(state, "rule revoke web outbound tcp 25 to pl offices", "revoked sgr-");

        let modify = "prefix-list modify offices --add 192.0.2.0/24 --remove 203.0.113.0/24";
        says(state, modify, "version 2 with 2 of 5 entries");
        fails(state, &format!("{modify} --current-version 1"), "`sgsim prefix-list show` shows its entries");
        says(state, "prefix-list show offices", "192.0.2.0/24");
        says(state, "prefix-list show offices --target-version 1", "203.0.113.0/24   branch");
        fails(
            state,
            "prefix-list show offices --target-version 3",
            "offices has no version 3; it has 1 to 2",
        );
        says(state, "prefix-list restore offices 1", "version 3 with 2 of 5 entries");
        says(
            state,
            "prefix-list modify offices --name sites --max-entries 2",
            "(sites): version 3 with 2 of 2",
        );
        fails(state, "prefix-list modify sites --add 192.0.2.0/24", "modify NAME --max-entries N");

        let lists = json(state, "prefix-list list");
        let list = &lists["prefix_lists"][0];
        assert_eq!((&list["name"], &list["address_family"]), (&"sites".into(), &"IPv4".into()));
        assert_eq!(list["entries"][0], serde_json::json!({ "cidr": "198.51.100.0/24", "description": null }));
        assert_eq!(list["rules"][0]["text"], "inbound tcp 443 from pl sites");
        assert_eq!(list["rules"][0]["peer_name"], "sites");

        fails(
            state,
            "prefix-list delete sites",
            "(web: inbound tcp 443 from pl sites) with `sgsim rule revoke`",
        );
        run(state, 0, "rule revoke web inbound HTTPS from pl sites");
        says(state, "prefix-list delete sites", "(sites)");
        fails(state, "rule allow web inbound HTTPS from pl sites", "InvalidPrefixListID.NotFound");
    });
}

#[test]
fn prefix_lists_of_one_name_are_told_apart_by_id() {
    Place::of(LAB).serve(|state| {
        let made = json(state, "prefix-list create twin --family ipv6");
        let id = made["created"]["id"].as_str().unwrap();
        assert_eq!(
            (&made["created"]["address_family"], &made["created"]["max_entries"]),
            (&"IPv6".into(), &1.into())
        );
        run(state, 0, "prefix-list create twin");
        fails(state, "prefix-list show twin", "several prefix lists are named `twin`");
        fails(state, "rule allow web inbound HTTPS from pl twin", "Several prefix lists are named 'twin'");
        let rule = format!("rule allow web inbound HTTPS from {id}");
        says(state, &rule, &format!("inbound tcp 443 from pl {id}"));
        says(state, &format!("rule revoke web inbound HTTPS from pl {id}"), "revoked");
    });
}

#[test]
fn groups_are_used_in_further_vpcs_and_rules_there_go_stale() {
    Place::of(LAB).serve(|state| {
        fails(state, "rule allow app inbound tcp 80 from sg lab/web", "belong to different networks");
        fails(state, "rule allow app inbound tcp 80 from web", "InvalidGroup.NotFound");
        says(state, "group associate web other", "(web) with other");
        says(state, "group show web", "also usable in other");
        says(state, "rule allow app inbound tcp 80 from web", "(app: inbound tcp 80 from sg lab/web)");
        says(state, "rule revoke app inbound tcp 80 from sg lab/web", "revoked");
        says(state, "rule allow app inbound tcp 80 from sg lab/web", "allowed");
        says(state, "group stale", "no stale rules");
        says(state, "group references web", "no VPC beyond a peering");
        fails(state, "group delete web", "association with other with `sgsim group disassociate`");

        says(state, "group disassociate web other", "(web) from other");
        says(state, "group stale", "web is not associated with other");
        says(state, "group stale --vpc lab", "no stale rules");
        let stale = json(state, "group stale");
        assert_eq!(stale["stale"][0]["rule"]["group_name"], "app");
        assert_eq!(stale["stale"][0]["vpc_peering_connection_id"], Value::Null);
    });
}

#[test]
fn tags_are_set_removed_and_listed_by_name_or_id() {
    Place::of(LAB).serve(|state| {
        says(state, "tag set web team=red note=", "which now has: note=, team=red");
        says(state, "tag list web", "team");
        fails(state, "tag set web aws:x=1", "InvalidTagKey.Malformed");
        says(state, "tag remove web team=blue note", "which now has: team=red");
        says(state, "tag remove web --all", "which now has: -");
        fails(state, "tag set db team=red", "there is no instance, security group, prefix list or VPC `db`");
        says(state, "tag set web-1 Name=another", "Name=another");
        // Its host name stays.
        says(state, "tag list web-1", "another");
        let rule = json(state, "rule list web")["rules"][0]["id"].as_str().unwrap().to_owned();
        says(state, &format!("tag set {rule} ticket=1"), "ticket=1");
        says(state, "tag set lab Name=production", "Name=production");
        says(state, "tag list production", "production");
        fails(state, "tag list sg-00000000000000000", "InvalidGroup.NotFound");
    });
}
