//! What an applied command reports: what it touched, and how to take it back.

use std::collections::BTreeSet;

use sg_userspace::aws::rule::Direction;
use sg_userspace::command::changes::ObjectKey;
use sg_userspace::command::group::DeleteSecurityGroup;
use sg_userspace::command::instance_state::TerminateInstances;
use sg_userspace::command::interface::ModifyInterfaceGroups;
use sg_userspace::command::network_acl::ReplaceNetworkAclAssociation;
use sg_userspace::command::network_acl_entry::DeleteNetworkAclEntry;
use sg_userspace::command::peering::CreateVpcPeeringConnection;
use sg_userspace::command::quota::SetQuotas;
use sg_userspace::command::{Applied, Command};

use super::{account, applied, made_instance, vpc};

fn keys(applied: &Applied) -> BTreeSet<ObjectKey> {
    applied.changes.keys.clone()
}

#[test]
fn changes_name_the_touched_objects_and_no_others() {
    let mut account = account();
    let web = ObjectKey::SecurityGroup(account.web.clone());
    let authorize = account.authorize(&["HTTP from db"]);
    assert_eq!(keys(&applied(&mut account.world, authorize)), [web.clone(), ObjectKey::Settings].into());
    let revoke = account.revoke(&["HTTP from db"]);
    assert_eq!(keys(&applied(&mut account.world, revoke)), [web].into(), "no number was used");

    let create = account.interface(&[&account.web]);
    let (instance_id, interface_id) = made_instance(&mut account.world, "one", create);
    let modify =
        ModifyInterfaceGroups { interface_id: interface_id.clone(), groups: vec![account.db.clone()] };
    let interface = ObjectKey::NetworkInterface(interface_id);
    assert_eq!(keys(&applied(&mut account.world, modify)), [interface.clone()].into());
    let terminate = TerminateInstances { instance_ids: vec![instance_id.clone()] };
    let changes = keys(&applied(&mut account.world, terminate));
    assert_eq!(changes, [interface, ObjectKey::Instance(instance_id), ObjectKey::Settings].into());
    let quota = SetQuotas { rules_per_group: Some(100), ..SetQuotas::default() };
    assert_eq!(keys(&applied(&mut account.world, quota)), [ObjectKey::Settings].into());
}

#[test]
fn undo_restores_everything_but_the_numbers_used() {
    let mut account = account();
    let create = account.interface(&[&account.web]);
    let (instance_id, _) = made_instance(&mut account.world, "one", create);
    let subnet = &account.world.subnets[&account.subnet];
    let acl_id = subnet.network_acl_id.clone();
    let commands: [Command; 8] = [
        ReplaceNetworkAclAssociation {
            association_id: subnet.network_acl_association_id.clone(),
            network_acl_id: acl_id.clone(),
        }
        .into(),
        DeleteNetworkAclEntry { network_acl_id: acl_id, direction: Direction::Inbound, rule_number: 100 }
            .into(),
        CreateVpcPeeringConnection {
            requester_vpc_id: account.vpc.clone(),
            accepter_vpc_id: account.vpc.clone(),
            tags: Default::default(),
        }
        .into(),
        account.authorize(&["HTTP from db"]).into(),
        vpc(&["10.1.0.0/16"], &[]).into(),
        TerminateInstances { instance_ids: vec![instance_id] }.into(),
        DeleteSecurityGroup { group_id: account.db.clone() }.into(),
        SetQuotas { rules_per_group: Some(100), ..SetQuotas::default() }.into(),
    ];
    for command in commands {
        let mut before = account.world.clone();
        let applied = applied(&mut account.world, command.clone());
        before.last_number = account.world.last_number;
        assert_ne!(account.world, before, "{command:?}");
        applied.undo.restore(&mut account.world);
        assert_eq!(account.world, before, "{command:?}");
    }
}

#[test]
fn commands_and_replies_travel_as_json() {
    let mut account = account();
    let command: Command = account.authorize(&["HTTP from db"]).into();
    let json = serde_json::to_string(&command).unwrap();
    assert!(json.starts_with("{\"Authorize\":"), "{json}");
    assert_eq!(serde_json::from_str::<Command>(&json).unwrap(), command);
    let applied = applied(&mut account.world, command);
    let reply = serde_json::to_string(&applied.reply).unwrap();
    assert_eq!(serde_json::from_str::<sg_userspace::command::Reply>(&reply).unwrap(), applied.reply);
    let changes = serde_json::to_string(&applied.changes).unwrap();
    assert_eq!(
        serde_json::from_str::<sg_userspace::command::changes::Changes>(&changes).unwrap(),
        applied.changes
    );
    let misspelt = "{\"DeleteVpc\":{\"vpc_id\":\"vpc-00000000000000000\",\"force\":true}}";
    assert!(serde_json::from_str::<Command>(misspelt).is_err(), "unknown fields are refused");
}

#[test]
fn the_same_commands_give_the_same_ids_and_another_seed_gives_others() {
    assert_eq!(account().world, account().world);
    let mut world = sg_userspace::aws::world::World { seed: 7, ..Default::default() };
    let id = super::made_vpc(&mut world, vpc(&["10.0.0.0/16"], &[]));
    assert_ne!(id, account().vpc);
}
