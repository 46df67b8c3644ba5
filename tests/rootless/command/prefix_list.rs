//! Managed prefix lists: their versions, their size, and rules that refer to them.

use std::collections::BTreeMap;

use sg_userspace::aws::ids::PrefixListId;
use sg_userspace::aws::prefix_list::{AddressFamily, PrefixListEntry};
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::world::World;
use sg_userspace::command::permission::Permission;
use sg_userspace::command::prefix_list::{
    CreateManagedPrefixList, DeleteManagedPrefixList, ModifyManagedPrefixList,
    RestoreManagedPrefixListVersion, by_name,
};
use sg_userspace::command::quota::SetQuotas;
use sg_userspace::command::rule::{Authorize, ModifyRules, RuleContent};
use sg_userspace::command::rule_count::RuleCount;
use sg_userspace::command::vpc::CreateVpc;
use sg_userspace::command::{Reply, apply};

use super::{Account, account, account_with, applied, check_refused, made_group, made_vpc, reply, vpc};

fn entry(cidr: &str) -> PrefixListEntry {
    PrefixListEntry { cidr: cidr.parse().expect("a block"), description: None }
}

fn described(cidr: &str, description: &str) -> PrefixListEntry {
    PrefixListEntry { description: Some(description.to_owned()), ..entry(cidr) }
}

fn list(name: &str, max_entries: u32, cidrs: &[&str]) -> CreateManagedPrefixList {
    CreateManagedPrefixList {
        region: Default::default(),
        name: name.to_owned(),
        address_family: AddressFamily::Ipv4,
        max_entries,
        entries: cidrs.iter().map(|cidr| entry(cidr)).collect(),
        tags: Default::default(),
    }
}

#[track_caller]
fn made_list(world: &mut World, create: CreateManagedPrefixList) -> PrefixListId {
    let Reply::PrefixList { prefix_list_id, version: 1 } = reply(world, create) else {
        panic!("no prefix list")
    };
    prefix_list_id
}

fn change(id: &PrefixListId, version: u64, add: &[&str], remove: &[&str]) -> ModifyManagedPrefixList {
    ModifyManagedPrefixList {
        current_version: Some(version),
        add_entries: add.iter().map(|cidr| entry(cidr)).collect(),
        remove_entries: remove.iter().map(|cidr| cidr.parse().expect("a block")).collect(),
        ..ModifyManagedPrefixList::new(id.clone())
    }
}

fn resize(id: &PrefixListId, max_entries: u32) -> ModifyManagedPrefixList {
    ModifyManagedPrefixList { max_entries: Some(max_entries), ..ModifyManagedPrefixList::new(id.clone()) }
}

fn cidrs(world: &World, id: &PrefixListId) -> Vec<String> {
    world.prefix_lists[id].entries().iter().map(|entry| entry.cidr.to_string()).collect()
}

/// The command that lets `web` be reached on a port from a list.
fn from_list(account: &Account, id: &PrefixListId, port: u16) -> Authorize {
    let peer = Peer::PrefixList(id.clone());
    let permission = Permission::new(IpProtocol::TCP, PortRange::single(port), peer);
    Authorize {
        group_id: account.web.clone(),
        direction: Direction::Inbound,
        permissions: vec![permission],
        tags: BTreeMap::new(),
    }
}

#[test]
fn a_10_names_sizes_and_entries_are_checked() {
    let mut account = account();
    let world = &mut account.world;
    check_refused(world, list("", 1, &[]), "MissingParameter", "PrefixListName");
    check_refused(world, list(&"n".repeat(256), 1, &[]), "InvalidParameterValue", "up to 255");
    for name in ["com.amazonaws.x", "com.amazon.x", "com.aws.x"] {
        let message = "The prefix list name cannot begin with (com.amazonaws., com.amazon., com.aws.).";
        check_refused(world, list(name, 1, &[]), "InvalidParameterValue", message);
    }
    for size in [0, 1001] {
        check_refused(world, list("l", size, &[]), "InvalidParameterValue", "between 1 and 1000");
    }
    let message = "The number of entries cannot be greater than the maximum number of entries";
    let two = ["10.0.0.0/8", "192.0.2.0/24"];
    check_refused(world, list("l", 1, &two), "InvalidParameterValue", message);
    let long = CreateManagedPrefixList {
        entries: vec![described("10.0.0.0/8", &"d".repeat(256))],
        ..list("l", 1, &[])
    };
    check_refused(world, long, "InvalidParameterValue", "up to 255 characters");
    let many = (0..101).map(|i| format!("10.0.{i}.0/24")).collect::<Vec<_>>();
    let many = many.iter().map(String::as_str).collect::<Vec<_>>();
    check_refused(world, list("l", 200, &many), "InvalidParameterValue", "more than 100 entry additions");

    let id = made_list(world, list(&"n".repeat(255), 1000, &many[..100]));
    assert_eq!((world.prefix_lists[&id].version(), cidrs(world, &id).len()), (1, 100));
    made_list(world, list("Commerce", 1, &[]));
}

#[test]
fn a_13_one_family_host_bits_masked_and_no_block_twice() {
    let mut account = account();
    let world = &mut account.world;
    let message = "An (IPv4) prefix list cannot contain an (IPv6) CIDR.";
    check_refused(world, list("l", 2, &["2001:db8::/32"]), "InvalidParameterValue", message);
    let ipv6 =
        CreateManagedPrefixList { address_family: AddressFamily::Ipv6, ..list("l", 2, &["10.0.0.0/8"]) };
    let message = "An (IPv6) prefix list cannot contain an (IPv4) CIDR.";
    check_refused(world, ipv6, "InvalidParameterValue", message);
    let message = "must not appear multiple times";
    check_refused(world, list("l", 2, &["10.1.2.3/8", "10.0.0.0/8"]), "InvalidParameterValue", message);

    let id = made_list(world, list("l", 2, &["10.1.2.3/8"]));
    assert_eq!(cidrs(world, &id), ["10.0.0.0/8"]);
    let again = change(&id, 1, &["10.9.9.9/8"], &[]);
    let message = "An entry with the CIDR (10.0.0.0/8) and description () already exists.";
    check_refused(world, again.clone(), "InvalidPrefixListModification", message);
    let other_words =
        ModifyManagedPrefixList { add_entries: vec![described("10.0.0.0/8", "office")], ..again };
    check_refused(world, other_words, "InvalidRequest", "already exists");
}

#[test]
fn a_11_r_32_entries_make_a_version_and_a_name_or_a_size_does_not() {
    let mut account = account();
    let world = &mut account.world;
    let id = made_list(world, list("l", 3, &["10.0.0.0/8"]));
    let command = change(&id, 1, &["192.0.2.1/24"], &["10.0.0.9/8"]);
    let Reply::PrefixList { version: 2, .. } = reply(world, command.clone()) else { panic!("no version") };
    assert_eq!(cidrs(world, &id), ["192.0.2.0/24"]);
    check_refused(world, command, "PrefixListVersionMismatch", "incorrect version number");
    let unversioned =
        ModifyManagedPrefixList { current_version: None, ..change(&id, 2, &["10.0.0.0/8"], &[]) };
    check_refused(world, unversioned, "MissingParameter", "CurrentVersion");

    let rename = ModifyManagedPrefixList { name: Some("m".to_owned()), ..resize(&id, 2) };
    assert_eq!(reply(world, rename), Reply::PrefixList { prefix_list_id: id.clone(), version: 2 });
    let list = &world.prefix_lists[&id];
    assert_eq!((list.name.as_str(), list.max_entries, list.version()), ("m", 2, 2));
    assert!(by_name(world, &Default::default(), "l").is_empty());
    let stale = ModifyManagedPrefixList { current_version: Some(1), ..resize(&id, 5) };
    check_refused(world, stale, "PrefixListVersionMismatch", "incorrect version number");
}

#[test]
fn a_11_changes_that_contradict_each_other_are_refused() {
    let mut account = account();
    let world = &mut account.world;
    let id = made_list(world, list("l", 2, &["10.0.0.0/8", "192.0.2.0/24"]));
    check_refused(world, ModifyManagedPrefixList::new(id.clone()), "MissingParameter", "AddEntries");
    let both = ModifyManagedPrefixList { max_entries: Some(9), ..change(&id, 1, &["198.51.100.0/24"], &[]) };
    let message = "You cannot modify the entries and the maximum number of entries";
    check_refused(world, both, "InvalidParameterCombination", message);
    let message =
        "Request cannot contain Cidr 10.0.0.0/8 in both AddPrefixListEntries and RemovePrefixListEntries";
    check_refused(world, change(&id, 1, &["10.0.0.0/8"], &["10.0.0.0/8"]), "InvalidParameterValue", message);
    let message = "An entry with the CIDR (10.0.0.0/9) does not exist.";
    check_refused(world, change(&id, 1, &[], &["10.0.0.0/9"]), "InvalidPrefixListModification", message);
    let twice = change(&id, 1, &[], &["10.0.0.0/8", "10.1.0.0/8"]);
    check_refused(world, twice, "InvalidParameterValue", "must not appear multiple times");
    let third = change(&id, 1, &["198.51.100.0/24"], &[]);
    check_refused(world, third, "PrefixListMaxEntriesExceeded", "maximum number of entries");
    check_refused(world, resize(&id, 1), "InvalidParameterValue", "cannot be greater than the maximum");
    applied(world, change(&id, 1, &["198.51.100.0/24"], &["10.0.0.0/8"]));
}

#[test]
fn a_12_restoring_makes_a_new_version_with_the_entries_of_an_old_one() {
    let mut account = account();
    let world = &mut account.world;
    let id = made_list(world, list("l", 2, &["10.0.0.0/8", "192.0.2.0/24"]));
    applied(world, change(&id, 1, &[], &["10.0.0.0/8"]));
    let restore = |previous_version, current_version| RestoreManagedPrefixListVersion {
        prefix_list_id: id.clone(),
        previous_version,
        current_version,
    };
    check_refused(world, restore(1, 1), "PrefixListVersionMismatch", "incorrect version number");
    check_refused(world, restore(2, 2), "InvalidParameterValue", "must be less than (2)");
    check_refused(world, restore(0, 2), "InvalidParameterValue", "no version 0");
    assert_eq!(reply(world, restore(1, 2)), Reply::PrefixList { prefix_list_id: id.clone(), version: 3 });
    assert_eq!(cidrs(world, &id), ["10.0.0.0/8", "192.0.2.0/24"]);
    applied(world, change(&id, 3, &[], &["10.0.0.0/8"]));
    applied(world, resize(&id, 1));
    check_refused(world, restore(1, 4), "PrefixListMaxEntriesExceeded", "there would be 2");
}

#[test]
fn q_08_a_thousand_versions_are_kept_and_the_oldest_goes() {
    let mut account = account();
    let world = &mut account.world;
    let id = made_list(world, list("l", 1, &[]));
    for version in 1..=1000 {
        let (add, remove): (&[&str], &[&str]) =
            if version % 2 == 1 { (&["10.0.0.0/8"], &[]) } else { (&[], &["10.0.0.0/8"]) };
        applied(world, change(&id, version, add, remove));
    }
    let versions = &world.prefix_lists[&id].versions;
    assert_eq!(
        (versions.len(), versions.keys().next(), versions.keys().last()),
        (1000, Some(&2), Some(&1001))
    );
    let restore = RestoreManagedPrefixListVersion {
        prefix_list_id: id.clone(),
        previous_version: 1,
        current_version: 1001,
    };
    check_refused(world, restore, "InvalidParameterValue", "no version 1");
}

#[test]
fn q_07_a_region_has_room_for_a_hundred_lists() {
    let mut account = account();
    for _ in 0..100 {
        made_list(&mut account.world, list("same", 1, &[]));
    }
    check_refused(&mut account.world, list("same", 1, &[]), "PrefixListLimitExceeded", "us-east-1");
    let region = "eu-west-1".parse().unwrap();
    made_list(&mut account.world, CreateManagedPrefixList { region, ..list("same", 1, &[]) });
    assert_eq!(by_name(&account.world, &Default::default(), "same").len(), 100);
}

#[test]
fn q_09_a_list_can_be_referred_to_ten_thousand_times() {
    let mut account = account();
    let id = made_list(&mut account.world, list("l", 1, &[]));
    let command = from_list(&account, &id, 80);
    applied(&mut account.world, command);
    let group = account.world.security_groups.get_mut(&account.db).unwrap();
    let rule = group.rules[0].clone();
    group.rules = vec![rule; 9_998];
    for rule in &mut group.rules {
        rule.peer = Peer::PrefixList(id.clone());
    }
    let command = from_list(&account, &id, 81);
    applied(&mut account.world, command);
    let command = from_list(&account, &id, 82);
    check_refused(&mut account.world, command, "PrefixListReferenceLimitExceeded", id.as_str());
}

#[test]
fn r_31_r_e14_a_rule_refers_to_a_list_of_its_region() {
    let mut account = account();
    let id = made_list(&mut account.world, list("l", 1, &["10.0.0.0/8"]));
    let command = from_list(&account, &id, 80);
    applied(&mut account.world, command.clone());
    assert_eq!(account.rules(), [format!("tcp 80-80 {id}")]);
    let message = format!("\"peer: {id}, TCP, from port: 80, to port: 80, ALLOW\" already exists");
    check_refused(&mut account.world, command, "InvalidPermission.Duplicate", &message);

    let region: sg_userspace::aws::region::Region = "eu-west-1".parse().unwrap();
    let far = CreateManagedPrefixList { region: region.clone(), ..list("far", 1, &[]) };
    let far = made_list(&mut account.world, far);
    let command = from_list(&account, &far, 80);
    check_refused(&mut account.world, command, "InvalidPrefixListID.NotFound", far.as_str());
    let elsewhere = CreateVpc { region, ..vpc(&["10.1.0.0/16"], &[]) };
    let elsewhere = made_vpc(&mut account.world, elsewhere);
    let group_id = made_group(&mut account.world, &elsewhere, "web");
    let command = Authorize { group_id, ..from_list(&account, &far, 80) };
    applied(&mut account.world, command);
    assert_eq!("pl-XYZ".parse::<PrefixListId>().unwrap_err().code, "InvalidPrefixListId.Malformed");
}

#[test]
fn r_04_descriptions_of_rules_with_a_list_have_no_ampersand() {
    let mut account = account();
    let id = made_list(&mut account.world, list("l", 1, &[]));
    let mut command = from_list(&account, &id, 80);
    command.permissions[0].description = Some("a & b".to_owned());
    check_refused(&mut account.world, command, "InvalidParameterValue", "Invalid rule description");
}

#[test]
fn r_33_r_34_q_06_a_list_costs_its_max_entries_in_its_own_family() {
    let mut account = account_with(vpc(&["10.0.0.0/16"], &["2001:db8::/56"]));
    let code = "RulesPerSecurityGroupLimitExceeded";
    let message = "The maximum number of rules per security group has been reached.";
    let big = made_list(&mut account.world, list("big", 60, &["10.0.0.0/8"]));
    let small = made_list(&mut account.world, list("small", 1, &[]));
    let command = from_list(&account, &big, 80);
    applied(&mut account.world, command);
    let one_more = account.authorize(&["tcp 81 from 10.0.0.0/8"]);
    check_refused(&mut account.world, one_more, code, message);
    let one_more = from_list(&account, &small, 81);
    check_refused(&mut account.world, one_more, code, message);
    account.authorized(&["tcp 81 from 2001:db8::/32"]);
    let outbound = Authorize { direction: Direction::Outbound, ..from_list(&account, &small, 80) };
    applied(&mut account.world, outbound);

    let count = RuleCount::of(&account.world, &account.world.security_groups[&account.web]);
    let counts = [Direction::Inbound, Direction::Outbound].map(|direction| {
        [AddressFamily::Ipv4, AddressFamily::Ipv6].map(|family| count.get(direction, family))
    });
    assert_eq!(counts, [[60, 1], [2, 1]]);

    let too_big = made_list(&mut account.world, list("too big", 61, &[]));
    let empty = Authorize { group_id: account.db.clone(), ..from_list(&account, &too_big, 80) };
    check_refused(&mut account.world, empty, code, message);
}

#[test]
fn r_34_a_list_does_not_grow_beyond_what_every_group_that_refers_to_it_can_bear() {
    let mut account = account();
    let id = made_list(&mut account.world, list("l", 30, &[]));
    let command = from_list(&account, &id, 80);
    applied(&mut account.world, command);
    let command = from_list(&account, &id, 81);
    applied(&mut account.world, command);
    let message = format!("The security group '{}' refers to '{id}'", account.web);
    check_refused(&mut account.world, resize(&id, 31), "RulesPerSecurityGroupLimitExceeded", &message);

    // What a lowered quota left too big may shrink.
    applied(&mut account.world, SetQuotas { rules_per_group: Some(10), ..SetQuotas::default() });
    applied(&mut account.world, resize(&id, 20));
    check_refused(&mut account.world, resize(&id, 21), "RulesPerSecurityGroupLimitExceeded", "reached");
}

#[test]
fn r_33_modifying_a_rule_to_a_dearer_list_is_held_to_the_quota() {
    let mut account = account();
    let cheap = made_list(&mut account.world, list("cheap", 1, &[]));
    let dear = made_list(&mut account.world, list("dear", 61, &[]));
    let command = from_list(&account, &cheap, 80);
    applied(&mut account.world, command);
    let rule_id = account.rule_ids().remove(0);
    let permission = from_list(&account, &dear, 80).permissions.remove(0);
    let rules = vec![RuleContent { rule_id, permission }];
    let modify = ModifyRules { group_id: account.web.clone(), rules };
    check_refused(&mut account.world, modify.clone(), "RulesPerSecurityGroupLimitExceeded", "reached");
    applied(&mut account.world, resize(&dear, 60));
    applied(&mut account.world, modify);
    assert_eq!(account.rules(), [format!("tcp 80-80 {dear}")]);
}

#[test]
fn a_12_a_list_that_a_rule_refers_to_cannot_be_deleted() {
    let mut account = account();
    let prefix_list_id = made_list(&mut account.world, list("l", 1, &[]));
    let delete = DeleteManagedPrefixList { prefix_list_id: prefix_list_id.clone() };
    assert!(apply(&mut account.world.clone(), delete.clone().into()).is_ok());
    let command = from_list(&account, &prefix_list_id, 80);
    applied(&mut account.world, command);
    check_refused(&mut account.world, delete.clone(), "DependencyViolation", "has a dependent object");
    let rule_ids = account.rule_ids();
    let revoke = sg_userspace::command::rule::Revoke { rule_ids, ..account.revoke(&[]) };
    applied(&mut account.world, revoke);
    applied(&mut account.world, delete.clone());
    check_refused(&mut account.world, delete, "InvalidPrefixListID.NotFound", "does not exist");
}
