//! Instances.

use sg_userspace::command::Reply;
use sg_userspace::command::instance::{InstanceInterface, RunInstance, TerminateInstance};
use sg_userspace::command::interface::CreateNetworkInterface;

use super::{
    account, applied, check_refused, made_group, made_instance, made_interface, made_subnet, made_vpc, reply,
    subnet, vpc,
};

fn run(name: &str, interfaces: Vec<InstanceInterface>) -> RunInstance {
    RunInstance {
        name: Some(name.to_owned()),
        interfaces,
        connection_allowance: None,
        tags: Default::default(),
    }
}

#[test]
fn m_08_an_instance_has_interfaces_by_device_index() {
    let mut account = account();
    let (web, db) = (account.interface(&[&account.web]), account.interface(&[&account.db]));
    let command = run("two", vec![InstanceInterface::New(web), InstanceInterface::New(db)]);
    let Reply::Instance { instance_id, interface_ids } = reply(&mut account.world, command) else {
        panic!("no instance")
    };
    let interfaces = account.world.interfaces_of(&instance_id);
    let ids: Vec<_> = interfaces.iter().map(|it| it.id.clone()).collect();
    assert_eq!(ids, interface_ids);
    assert_eq!(
        (&interfaces[0].groups, &interfaces[1].groups),
        (&vec![account.web.clone()], &vec![account.db.clone()])
    );
}

#[test]
fn m_06_m_12_further_interfaces_share_the_zone_and_may_be_in_another_vpc() {
    let mut account = account();
    let other = made_vpc(&mut account.world, vpc(&["10.1.0.0/16"], &[]));
    let same_zone = made_subnet(&mut account.world, subnet(&other, "10.1.1.0/24", "us-east-1a"));
    let other_zone = made_subnet(&mut account.world, subnet(&other, "10.1.2.0/24", "us-east-1b"));
    let command = |subnet_id: &sg_userspace::aws::ids::SubnetId| {
        let further = CreateNetworkInterface::new(subnet_id.clone(), Vec::new());
        run("both", vec![InstanceInterface::New(account.interface(&[])), InstanceInterface::New(further)])
    };
    let (far, near) = (command(&other_zone), command(&same_zone));
    check_refused(
        &mut account.world,
        far,
        "InvalidParameterCombination",
        "not in the same availability zone",
    );
    let Reply::Instance { instance_id, .. } = reply(&mut account.world, near) else { panic!("no instance") };
    assert_eq!(account.world.instances[&instance_id].vpc_id, account.vpc);
}

#[test]
fn a_group_of_another_network_has_run_instances_own_refusal() {
    let mut account = account();
    let other = made_vpc(&mut account.world, vpc(&["10.1.0.0/16"], &[]));
    let foreign = made_group(&mut account.world, &other, "foreign");
    let message =
        format!("Security group {foreign} and subnet {} belong to different networks.", account.subnet);
    let command = run("one", vec![InstanceInterface::New(account.interface(&[&foreign]))]);
    check_refused(&mut account.world, command, "InvalidParameter", &message);
}

#[test]
fn names_are_host_names_and_unique() {
    let mut account = account();
    let create = account.interface(&[]);
    made_instance(&mut account.world, "one", create.clone());
    for name in ["one", "ONE"] {
        let command = run(name, vec![InstanceInterface::New(create.clone())]);
        check_refused(&mut account.world, command, "InvalidParameterValue", "another instance has it");
    }
    for name in ["", "-a", "a b", "a.b", "é", &"n".repeat(64)] {
        let command = run(name, vec![InstanceInterface::New(create.clone())]);
        check_refused(&mut account.world, command, "InvalidParameterValue", "host name");
    }
    check_refused(&mut account.world, run("two", Vec::new()), "MissingParameter", "SubnetId");
    let unnamed = RunInstance { name: None, ..run("", vec![InstanceInterface::New(create)]) };
    let Reply::Instance { instance_id, .. } = reply(&mut account.world, unnamed) else {
        panic!("no instance")
    };
    assert_eq!(account.world.instances[&instance_id].name, instance_id.as_str());
}

#[test]
fn terminating_deletes_the_interfaces_made_with_the_instance_and_frees_the_others() {
    let mut account = account();
    let create = account.interface(&[]);
    let existing = made_interface(&mut account.world, create.clone());
    let command = run(
        "one",
        vec![
            InstanceInterface::New(create.clone()),
            InstanceInterface::NewKept(create),
            InstanceInterface::Existing(existing.clone()),
        ],
    );
    let Reply::Instance { instance_id, interface_ids } = reply(&mut account.world, command.clone()) else {
        panic!("no instance")
    };
    let again = run("two", vec![InstanceInterface::Existing(existing.clone())]);
    check_refused(&mut account.world, again.clone(), "InvalidNetworkInterface.InUse", "in use");
    let terminate = TerminateInstance { instance_id };
    applied(&mut account.world, terminate.clone());
    let left: Vec<_> =
        interface_ids.iter().map(|id| account.world.network_interfaces.contains_key(id)).collect();
    assert_eq!(left, [false, true, true]);
    check_refused(&mut account.world, terminate, "InvalidInstanceID.NotFound", "does not exist");
    applied(&mut account.world, again);
}
