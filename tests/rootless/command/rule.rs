//! Rules: authorised, revoked, modified, described, and their quota.

use std::collections::BTreeMap;

use sg_userspace::aws::ids::{PrefixListId, SecurityGroupId, SecurityGroupRuleId};
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::command::Reply;
use sg_userspace::command::permission::Permission;
use sg_userspace::command::quota::SetQuotas;
use sg_userspace::command::rule::{
    Authorize, ModifyRules, Revoke, RuleContent, RuleDescription, UpdateRuleDescriptions,
};
use sg_userspace::command::vpc::CreateVpc;

use super::{Account, account, account_with, applied, check_refused, made_group, made_vpc, reply, vpc};

fn tcp(from_port: i32, to_port: i32, net: &str) -> Permission {
    let ports = PortRange { from_port, to_port };
    Permission::new(IpProtocol::TCP, ports, Peer::CidrIpv4(net.parse().expect("a block")))
}

fn icmp(kind: i32, code: i32) -> Permission {
    let ports = PortRange { from_port: kind, to_port: code };
    Permission { protocol: IpProtocol::ICMP, ports, ..tcp(0, 0, "10.0.0.0/8") }
}

fn inbound(account: &Account, permissions: Vec<Permission>) -> Authorize {
    Authorize {
        group_id: account.web.clone(),
        direction: Direction::Inbound,
        permissions,
        tags: BTreeMap::new(),
    }
}

#[test]
fn r_02_each_permission_becomes_a_rule_of_its_own_that_is_newer_than_the_last() {
    let mut account = account();
    let rules = account.authorized(&["HTTP from 10.0.0.0/8", "HTTP from db"]);
    assert!(rules[0].number < rules[1].number && rules[0].id != rules[1].id);
    assert_eq!(account.rules(), ["tcp 80-80 10.0.0.0/8".to_owned(), format!("tcp 80-80 {}", account.db)]);
}

#[test]
fn r_37_r_e1_one_existing_rule_fails_the_whole_call() {
    let mut account = account();
    account.authorized(&["SSH from 10.0.0.0/8"]);
    let command = account.authorize(&["HTTP from 10.0.0.0/8", "SSH from 10.0.0.0/8"]);
    let message =
        "the specified rule \"peer: 10.0.0.0/8, TCP, from port: 22, to port: 22, ALLOW\" already exists";
    check_refused(&mut account.world, command, "InvalidPermission.Duplicate", message);
    account.authorized(&["All traffic from 10.0.0.0/19"]);
    let command = account.authorize(&["All traffic from 10.0.0.0/19"]);
    check_refused(
        &mut account.world,
        command,
        "InvalidPermission.Duplicate",
        "\"peer: 10.0.0.0/19, ALL, ALLOW\"",
    );
}

#[test]
fn r_38_r_e2_a_rule_twice_in_one_call_is_refused() {
    let mut account = account();
    let command = account.authorize(&["SSH from 10.0.0.0/8", "tcp 22 from 10.0.0.0/8"]);
    check_refused(
        &mut account.world,
        command,
        "InvalidParameterValue",
        "The same permission must not appear multiple times",
    );
}

#[test]
fn r_05_descriptions_do_not_tell_rules_apart() {
    let mut account = account();
    account.authorized(&["SSH from 10.0.0.0/8"]);
    let again = account.inbound("SSH from 10.0.0.0/8").described("another");
    let command = inbound(&account, vec![again.clone()]);
    check_refused(&mut account.world, command, "InvalidPermission.Duplicate", "already exists");
    let revoke = Revoke { permissions: vec![again], ..account.revoke(&[]) };
    applied(&mut account.world, revoke);
    assert!(account.rules().is_empty());
}

#[test]
fn r_18_host_bits_are_masked_and_another_spelling_is_the_same_rule() {
    let mut account = account();
    let command = inbound(&account, vec![tcp(22, 22, "100.68.0.18/18")]);
    applied(&mut account.world, command);
    assert_eq!(account.rules(), ["tcp 22-22 100.68.0.0/18"]);
    let command = inbound(&account, vec![tcp(22, 22, "100.68.63.1/18")]);
    check_refused(&mut account.world, command, "InvalidPermission.Duplicate", "100.68.0.0/18");
}

#[test]
fn r_15_r_16_ports_of_an_all_protocols_rule_are_normalised_away() {
    let mut account = account();
    let all = |port| Permission { protocol: IpProtocol::All, ..tcp(port, port, "10.0.0.0/8") };
    let command = inbound(&account, vec![all(0)]);
    applied(&mut account.world, command);
    assert_eq!(account.rules(), ["-1 -1--1 10.0.0.0/8"]);
    let command = inbound(&account, vec![all(80)]);
    check_refused(&mut account.world, command, "InvalidPermission.Duplicate", "ALL");
}

#[test]
fn r_e3_r_e5_r_e6_r_e7_ports_and_icmp_types_have_limits() {
    let mut account = account();
    let net = "10.0.0.0/8";
    for permission in [
        tcp(0, 0, net),
        tcp(0, 65_535, net),
        tcp(65_535, 65_535, net),
        icmp(-1, -1),
        icmp(0, -1),
        icmp(255, 255),
    ] {
        let command = inbound(&account, vec![permission]);
        applied(&mut account.world, command);
    }
    for (permission, message) in [
        (tcp(-1, 80, net), "TCP/UDP (from) port (-1) out of range"),
        (tcp(80, 65_536, net), "TCP/UDP (to) port (65536) out of range"),
        (tcp(80, 70, net), "Invalid TCP/UDP port range (80:70)"),
        (icmp(256, -1), "ICMP type (256) out of range"),
        (icmp(8, 256), "ICMP code (256) out of range"),
        (icmp(-1, 0), "ICMP code (0)"),
    ] {
        let command = inbound(&account, vec![tcp(443, 443, net), permission]);
        check_refused(&mut account.world, command, "InvalidParameterValue", message);
    }
}

#[test]
fn r_e10_r_e11_r_e14_peers_must_exist_in_the_same_network() {
    let mut account = account();
    let other_vpc = made_vpc(&mut account.world, vpc(&["10.1.0.0/16"], &[]));
    let foreign = made_group(&mut account.world, &other_vpc, "foreign");
    let missing: SecurityGroupId = "sg-00000000000000000".parse().unwrap();
    let list: PrefixListId = "pl-00000000000000000".parse().unwrap();
    for (peer, code, message) in [
        (Peer::ReferencedGroup(missing), "InvalidGroup.NotFound", "does not exist"),
        (Peer::ReferencedGroup(foreign), "InvalidGroup.NotFound", "belong to different networks"),
        (Peer::PrefixList(list), "InvalidPrefixListID.NotFound", "does not exist"),
    ] {
        let permission = Permission { peer, ..tcp(80, 80, "10.0.0.0/8") };
        let command = inbound(&account, vec![permission]);
        check_refused(&mut account.world, command, code, message);
    }
    account.authorized(&["tcp 80 from db"]);
}

#[test]
fn r_e15_no_permission_is_a_missing_parameter() {
    let mut account = account();
    let command = inbound(&account, Vec::new());
    check_refused(&mut account.world, command, "MissingParameter", "ipPermissions");
    let revoke = account.revoke(&[]);
    check_refused(&mut account.world, revoke, "MissingParameter", "'securityGroupRuleIds'");
}

#[test]
fn r_04_r_e16_rule_descriptions_have_a_character_set_that_depends_on_the_peer() {
    let mut account = account();
    let cidr = tcp(80, 80, "10.0.0.0/8");
    let group = Permission { peer: Peer::ReferencedGroup(account.db.clone()), ..cidr.clone() };
    let long = "d".repeat(256);
    for (permission, text) in [(&cidr, "it's"), (&cidr, "é"), (&cidr, &long), (&group, "a & b")] {
        let command = inbound(&account, vec![permission.clone().described(text)]);
        check_refused(&mut account.world, command, "InvalidParameterValue", "Invalid rule description");
    }
    let command = inbound(&account, vec![cidr.described("a & b"), group.described("d".repeat(255))]);
    applied(&mut account.world, command);
}

#[test]
fn q_02_q_05_four_counters_and_a_referenced_group_counts_in_both_families() {
    let mut account = account_with(vpc(&["10.0.0.0/16"], &["2001:db8::/56"]));
    applied(&mut account.world, SetQuotas { rules_per_group: Some(2), ..SetQuotas::default() });
    account.authorized(&["tcp 1 from 10.0.0.0/8", "tcp 1 from db"]);
    let code = "RulesPerSecurityGroupLimitExceeded";
    let message = "The maximum number of rules per security group has been reached.";
    let command = account.authorize(&["tcp 2 from 10.0.0.0/8"]);
    check_refused(&mut account.world, command, code, message);
    let command = account.authorize(&["tcp 2 from 2001:db8::/64", "tcp 3 from 2001:db8::/64"]);
    check_refused(&mut account.world, command, code, message);
    account.authorized(&["tcp 2 from 2001:db8::/64"]);
    let command = account.authorize(&["tcp 3 from 2001:db8::/64"]);
    check_refused(&mut account.world, command, code, message);
    let outbound = |port| Authorize {
        direction: Direction::Outbound,
        ..inbound(&account, vec![tcp(port, port, "10.0.0.0/8")])
    };
    let (second, third) = (outbound(2), outbound(3));
    applied(&mut account.world, second);
    check_refused(&mut account.world, third, code, message);
    let revoke = account.revoke(&["tcp 1 from 10.0.0.0/8"]);
    applied(&mut account.world, revoke);
    account.authorized(&["tcp 2 from 10.0.0.0/8"]);
}

#[test]
fn q_02_sixty_rules_fit_and_the_sixty_first_does_not() {
    let mut account = account();
    let permissions = (0..60).map(|port| tcp(port, port, "10.0.0.0/8")).collect();
    let command = inbound(&account, permissions);
    applied(&mut account.world, command);
    let command = inbound(&account, vec![tcp(60, 60, "10.0.0.0/8")]);
    check_refused(
        &mut account.world,
        command,
        "RulesPerSecurityGroupLimitExceeded",
        "maximum number of rules",
    );
}

#[test]
fn r_39_r_42_revoke_needs_an_exact_match_and_answers_the_rule() {
    let mut account = account();
    account.authorized(&["tcp 80-90 from 10.0.0.0/8"]);
    for other in [
        "tcp 80 from 10.0.0.0/8",
        "tcp 80-91 from 10.0.0.0/8",
        "tcp 80-90 from 10.0.0.0/9",
        "udp 80-90 from 10.0.0.0/8",
    ] {
        let revoke = account.revoke(&[other]);
        check_refused(
            &mut account.world,
            revoke,
            "InvalidPermission.NotFound",
            "The specified rule does not exist",
        );
    }
    let outbound =
        Revoke { direction: Direction::Outbound, ..account.revoke(&["tcp 80-90 from 10.0.0.0/8"]) };
    check_refused(&mut account.world, outbound, "InvalidPermission.NotFound", "does not exist");
    let revoke = account.revoke(&["tcp 80-90 from 10.0.0.0/8"]);
    let Reply::Revoked { rules, unknown } = reply(&mut account.world, revoke) else {
        panic!("nothing revoked")
    };
    assert_eq!((rules.len(), unknown.len(), account.rules().len()), (1, 0, 0));
}

#[test]
fn r_40_a_default_vpc_forgives_unknown_permissions_and_another_revokes_nothing() {
    let mut custom = account();
    custom.authorized(&["tcp 80 from 10.0.0.0/8"]);
    let revoke = custom.revoke(&["tcp 80 from 10.0.0.0/8", "tcp 81 from 10.0.0.0/8"]);
    check_refused(&mut custom.world, revoke, "InvalidPermission.NotFound", "does not exist");

    let mut default = account_with(CreateVpc { is_default: true, ..vpc(&["10.0.0.0/16"], &[]) });
    default.authorized(&["tcp 80 from 10.0.0.0/8"]);
    let revoke = default.revoke(&["tcp 80 from 10.0.0.0/8", "tcp 81 from 10.0.0.0/8"]);
    let Reply::Revoked { rules, unknown } = reply(&mut default.world, revoke) else {
        panic!("nothing revoked")
    };
    assert_eq!((rules[0].ports.from_port, unknown[0].ports.from_port), (80, 81));
}

#[test]
fn r_41_r_46_revoke_by_id_and_ids_are_not_used_again() {
    let mut account = account();
    account.authorized(&["tcp 80 from 10.0.0.0/8"]);
    let rule_ids = account.rule_ids();
    let revoke = Revoke { rule_ids: rule_ids.clone(), ..account.revoke(&[]) };
    let outbound = Revoke { direction: Direction::Outbound, ..revoke.clone() };
    check_refused(&mut account.world, outbound, "InvalidSecurityGroupRuleId.NotFound", rule_ids[0].as_str());
    applied(&mut account.world, revoke.clone());
    account.authorized(&["tcp 80 from 10.0.0.0/8"]);
    assert_ne!(account.rule_ids(), rule_ids);
    check_refused(&mut account.world, revoke, "InvalidSecurityGroupRuleId.NotFound", "does not exist");
}

#[test]
fn r_43_modify_keeps_the_id_and_the_kind_of_peer() {
    let mut account = account();
    account.authorized(&["tcp 80 from 10.0.0.0/8", "tcp 443 from 10.0.0.0/8"]);
    let ids = account.rule_ids();
    let modify = |account: &Account, rule_id: &SecurityGroupRuleId, permission| ModifyRules {
        group_id: account.web.clone(),
        rules: vec![RuleContent { rule_id: rule_id.clone(), permission }],
    };
    let command = modify(&account, &ids[0], tcp(8080, 8080, "192.0.2.0/24"));
    applied(&mut account.world, command);
    assert_eq!(account.rules(), ["tcp 8080-8080 192.0.2.0/24", "tcp 443-443 10.0.0.0/8"]);
    assert_eq!(account.rule_ids(), ids);

    let group = Permission { peer: Peer::ReferencedGroup(account.db.clone()), ..tcp(80, 80, "10.0.0.0/8") };
    let command = modify(&account, &ids[0], group);
    check_refused(
        &mut account.world,
        command,
        "InvalidParameterValue",
        "You may not specify a referenced group id for an existing IPv4 CIDR rule.",
    );
    let command = modify(&account, &ids[0], tcp(443, 443, "10.0.0.0/8"));
    check_refused(&mut account.world, command, "InvalidPermission.Duplicate", "from port: 443");
    let all = Permission { protocol: IpProtocol::All, ..tcp(80, 80, "10.0.0.0/8") };
    let command = modify(&account, &ids[0], all);
    check_refused(
        &mut account.world,
        command,
        "InvalidParameterValue",
        "You may not specify all protocols and specific ports",
    );
    let mut twice = modify(&account, &ids[0], tcp(1, 1, "10.0.0.0/8"));
    twice.rules.push(twice.rules[0].clone());
    check_refused(&mut account.world, twice, "InvalidParameterValue", "must not appear multiple times");
    let unknown = "sgr-00000000000000000".parse().unwrap();
    let command = modify(&account, &unknown, tcp(1, 1, "10.0.0.0/8"));
    check_refused(&mut account.world, command, "InvalidSecurityGroupRuleId.NotFound", "does not exist");
}

#[test]
fn r_44_descriptions_are_set_by_permission_or_id_and_removed_when_left_out() {
    let mut account = account();
    account.authorized(&["tcp 80 from 10.0.0.0/8"]);
    let description = |account: &Account| {
        account.world.security_groups[&account.web].rules.last().unwrap().description.clone()
    };
    let update = |account: &Account, permissions, rules| UpdateRuleDescriptions {
        group_id: account.web.clone(),
        direction: Direction::Inbound,
        permissions,
        rules,
    };
    let command = update(&account, vec![tcp(80, 80, "10.0.0.0/8").described("plain HTTP")], Vec::new());
    applied(&mut account.world, command);
    assert_eq!(description(&account).as_deref(), Some("plain HTTP"));
    let rule_id = account.rule_ids().remove(0);
    let bad = RuleDescription { rule_id: rule_id.clone(), description: Some("it's".to_owned()) };
    let command = update(&account, Vec::new(), vec![bad]);
    check_refused(&mut account.world, command, "InvalidParameterValue", "Invalid rule description");
    let command = update(&account, Vec::new(), vec![RuleDescription { rule_id, description: None }]);
    applied(&mut account.world, command);
    assert_eq!(description(&account), None);
    let command = update(&account, vec![tcp(81, 81, "10.0.0.0/8")], Vec::new());
    check_refused(&mut account.world, command, "InvalidPermission.NotFound", "does not exist");
}

#[test]
fn r_13_r_14_what_has_no_ports_is_stored_as_minus_one_and_all_ports_as_a_range() {
    let mut account = account();
    account.authorized(&["tcp all from 10.0.0.0/8", "icmpv6 from ::/0", "udp 53 from 10.0.0.0/8"]);
    let esp = Permission { protocol: IpProtocol::Number(50), ..tcp(80, 90, "10.0.0.0/8") };
    let command = inbound(&account, vec![esp]);
    applied(&mut account.world, command);
    let stored =
        ["tcp 0-65535 10.0.0.0/8", "icmpv6 -1--1 ::/0", "udp 53-53 10.0.0.0/8", "50 -1--1 10.0.0.0/8"];
    assert_eq!(account.rules(), stored);
}

#[test]
fn r_17_icmp_with_a_block_of_the_other_family_is_taken() {
    let mut account = account();
    let ipv6 = Permission { peer: Peer::CidrIpv6("::/0".parse().unwrap()), ..icmp(8, 0) };
    let ipv4 = Permission { protocol: IpProtocol::ICMPV6, ..icmp(128, 0) };
    let command = inbound(&account, vec![ipv6, ipv4]);
    applied(&mut account.world, command);
    assert_eq!(account.rules(), ["icmp 8-0 ::/0", "icmpv6 128-0 10.0.0.0/8"]);
}

#[test]
fn r_39_r_18_revoke_matches_another_spelling_of_the_block() {
    let mut account = account();
    account.authorized(&["tcp 80 from 10.0.0.0/8"]);
    let revoke = Revoke { permissions: vec![tcp(80, 80, "10.1.2.3/8")], ..account.revoke(&[]) };
    applied(&mut account.world, revoke);
    assert!(account.rules().is_empty());
}
