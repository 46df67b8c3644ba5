//! Security groups.

use sg_userspace::aws::ids::SecurityGroupId;
use sg_userspace::aws::rule::Direction;
use sg_userspace::command::group::{
    CreateLaunchWizardGroup, CreateSecurityGroup, DeleteSecurityGroup, default_of,
};
use sg_userspace::command::interface::{DeleteNetworkInterface, ModifyInterfaceGroups};
use sg_userspace::command::quota::SetQuotas;
use sg_userspace::command::{Reply, apply};

use super::{
    account, account_with, applied, check_refused, group, made_group, made_interface, made_vpc, reply, vpc,
};

#[test]
fn m_19_name_and_description_are_mandatory() {
    let mut account = account();
    check_refused(&mut account.world, group(&account.vpc, ""), "MissingParameter", "GroupName");
    check_refused(&mut account.world, group(&account.vpc, "   "), "MissingParameter", "GroupName");
    let undescribed = CreateSecurityGroup { description: String::new(), ..group(&account.vpc, "new") };
    check_refused(&mut account.world, undescribed, "MissingParameter", "GroupDescription");
}

#[test]
fn m_20_names_and_descriptions_have_a_character_set_and_a_length() {
    let mut account = account();
    made_group(&mut account.world, &account.vpc, "a Z 0 ._-:/()#,@[]+=&;{}!$*");
    made_group(&mut account.world, &account.vpc, &"n".repeat(255));
    for name in ["it's", "a<b", "a>b", "a\"b", "a\\b", "a\nb", &"n".repeat(256)] {
        check_refused(
            &mut account.world,
            group(&account.vpc, name),
            "InvalidParameterValue",
            "Invalid security group name",
        );
    }
    check_refused(&mut account.world, group(&account.vpc, "wéb"), "InvalidParameterValue", "beyond ASCII");
    for description in ["it's", "é", &"d".repeat(256)] {
        let create =
            CreateSecurityGroup { description: description.to_owned(), ..group(&account.vpc, "new") };
        check_refused(
            &mut account.world,
            create,
            "InvalidParameterValue",
            "Invalid security group description",
        );
    }
}

#[test]
fn m_21_m_22_m_33_names_are_trimmed_and_some_are_reserved() {
    let mut account = account();
    let id = made_group(&mut account.world, &account.vpc, "padded  ");
    assert_eq!(account.world.security_groups[&id].name, "padded");
    check_refused(&mut account.world, group(&account.vpc, "web\t"), "InvalidParameterValue", "Valid names");
    check_refused(&mut account.world, group(&account.vpc, "sg-web"), "InvalidParameterValue", "format sg-*");
    for name in ["default", "Default", "default "] {
        check_refused(
            &mut account.world,
            group(&account.vpc, name),
            "InvalidParameterValue",
            "reserved security group name",
        );
    }
}

#[test]
fn m_23_m_24_names_are_unique_in_a_vpc_without_regard_to_case() {
    let mut account = account();
    for name in ["web", "WEB", "web "] {
        check_refused(
            &mut account.world,
            group(&account.vpc, name),
            "InvalidGroup.Duplicate",
            "already exists for VPC",
        );
    }
    let other = made_vpc(&mut account.world, vpc(&["10.1.0.0/16"], &[]));
    made_group(&mut account.world, &other, "web");
}

#[test]
fn m_25_a_new_group_has_no_inbound_rule_and_every_outbound_one() {
    let peers = |account: &super::Account, direction| -> Vec<String> {
        account.world.security_groups[&account.web]
            .rules_of(direction)
            .map(|rule| rule.peer.to_string())
            .collect()
    };
    let account = account();
    assert!(peers(&account, Direction::Inbound).is_empty());
    assert_eq!(peers(&account, Direction::Outbound), ["0.0.0.0/0"]);
    let account = account_with(vpc(&["10.0.0.0/16"], &["2001:db8::/56"]));
    assert_eq!(peers(&account, Direction::Outbound), ["0.0.0.0/0", "::/0"]);
}

#[test]
fn m_28_launch_wizard_groups_count_up() {
    let mut account = account();
    let create = CreateLaunchWizardGroup {
        vpc_id: account.vpc.clone(),
        created: "2026-11-22T19:02:11.000Z".to_owned(),
    };
    for name in ["launch-wizard-1", "launch-wizard-2", "launch-wizard-4"] {
        if name == "launch-wizard-4" {
            made_group(&mut account.world, &account.vpc, "Launch-Wizard-3");
        }
        let Reply::SecurityGroup(id) = reply(&mut account.world, create.clone()) else { panic!("no group") };
        let group = &account.world.security_groups[&id];
        assert_eq!(group.name, name);
        assert_eq!(group.description, format!("{name} created 2026-11-22T19:02:11.000Z"));
        let rules: Vec<_> = group.rules_of(Direction::Inbound).collect();
        assert_eq!(
            (rules.len(), rules[0].ports.from_port, rules[0].peer.to_string()),
            (1, 22, "0.0.0.0/0".to_owned())
        );
    }
}

#[test]
fn m_32_the_default_group_cannot_be_deleted() {
    let mut account = account();
    let group_id = default_of(&account.world, &account.vpc).unwrap().id.clone();
    let message =
        format!("the specified group: \"{group_id}\" name: \"default\" cannot be deleted by a user");
    check_refused(&mut account.world, DeleteSecurityGroup { group_id }, "CannotDelete", &message);
}

#[test]
fn r_29_a_group_in_use_cannot_be_deleted_until_nothing_uses_it() {
    let mut account = account();
    let web = account.web.clone();
    let delete = DeleteSecurityGroup { group_id: web.clone() };
    let create = account.interface(&[&web]);
    let interface_id = made_interface(&mut account.world, create);
    check_refused(&mut account.world, delete.clone(), "DependencyViolation", "has a dependent object");
    let groups = vec![account.db.clone()];
    applied(&mut account.world, ModifyInterfaceGroups { interface_id: interface_id.clone(), groups });
    assert!(apply(&mut account.world.clone(), delete.clone().into()).is_ok());
    applied(&mut account.world, DeleteNetworkInterface { interface_id });

    account.authorized(&["tcp 22 from self"]);
    assert!(
        apply(&mut account.world.clone(), delete.clone().into()).is_ok(),
        "its own reference does not count"
    );
    account.authorized(&["tcp 22 from db"]);
    let delete_db = DeleteSecurityGroup { group_id: account.db.clone() };
    check_refused(&mut account.world, delete_db.clone(), "DependencyViolation", account.db.as_str());
    let revoke = account.revoke(&["tcp 22 from db"]);
    applied(&mut account.world, revoke);
    applied(&mut account.world, delete_db.clone());
    check_refused(&mut account.world, delete_db, "InvalidGroup.NotFound", "does not exist");
}

#[test]
fn q_01_a_region_has_room_for_so_many_groups() {
    let mut account = account();
    let quota = |groups| SetQuotas { groups_per_region: Some(groups), ..SetQuotas::default() };
    applied(&mut account.world, quota(3));
    check_refused(&mut account.world, group(&account.vpc, "new"), "SecurityGroupLimitExceeded", "us-east-1");
    check_refused(&mut account.world, vpc(&["10.1.0.0/16"], &[]), "SecurityGroupLimitExceeded", "us-east-1");
    let elsewhere = sg_userspace::command::vpc::CreateVpc {
        region: "eu-west-1".parse().unwrap(),
        ..vpc(&["10.1.0.0/16"], &[])
    };
    made_vpc(&mut account.world, elsewhere);
    applied(&mut account.world, quota(4));
    made_group(&mut account.world, &account.vpc, "new");
}

#[test]
fn unknown_objects_have_awss_codes() {
    let mut account = account();
    let group_id: SecurityGroupId = "sg-00000000000000000".parse().unwrap();
    check_refused(
        &mut account.world,
        DeleteSecurityGroup { group_id },
        "InvalidGroup.NotFound",
        "sg-00000000000000000",
    );
    let vpc_id = "vpc-00000000000000000".parse().unwrap();
    check_refused(
        &mut account.world,
        group(&vpc_id, "new"),
        "InvalidVpcID.NotFound",
        "The vpc ID 'vpc-00000000000000000'",
    );
}
