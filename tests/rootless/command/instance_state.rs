//! Instances started, stopped, rebooted and ended: all of those named, or none.

use sg_userspace::aws::ids::InstanceId;
use sg_userspace::aws::instance::{ClientToken, InstanceState};
use sg_userspace::aws::world::World;
use sg_userspace::command::Reply;
use sg_userspace::command::instance::{InstanceInterface, RunInstance, RunInstances};
use sg_userspace::command::instance_setting::{InstanceChange, ModifyInstance};
use sg_userspace::command::instance_state::{
    ForgetInstances, RebootInstances, StartInstances, StopInstances, TerminateInstances,
};
use sg_userspace::command::subnet::DeleteSubnet;
use sg_userspace::command::vpc::DeleteVpc;

use super::{Account, account, applied, check_refused, made_instance, reply};

fn stop(ids: &[&InstanceId]) -> StopInstances {
    StopInstances { instance_ids: ids.iter().copied().cloned().collect() }
}

fn start(ids: &[&InstanceId]) -> StartInstances {
    StartInstances { instance_ids: ids.iter().copied().cloned().collect(), at: Some(7) }
}

fn terminate(ids: &[&InstanceId]) -> TerminateInstances {
    TerminateInstances { instance_ids: ids.iter().copied().cloned().collect() }
}

fn states(world: &World) -> Vec<InstanceState> {
    world.instances.values().map(|instance| instance.state).collect()
}

fn pair(account: &mut Account) -> (InstanceId, InstanceId) {
    let create = account.interface(&[&account.web]);
    let (one, _) = made_instance(&mut account.world, "one", create.clone());
    let (two, _) = made_instance(&mut account.world, "two", create);
    (one, two)
}

#[test]
fn a_stopped_instance_keeps_its_interfaces_addresses_and_groups() {
    let mut account = account();
    let (one, two) = pair(&mut account);
    let interfaces = account.world.network_interfaces.clone();
    applied(&mut account.world, stop(&[&one, &two]));
    assert_eq!(states(&account.world), [InstanceState::Stopped; 2]);
    assert_eq!(account.world.network_interfaces, interfaces);
    let once = account.world.clone();
    applied(&mut account.world, stop(&[&one]));
    assert_eq!(account.world, once, "what is stopped is left as it is");
    applied(&mut account.world, start(&[&one, &two]));
    assert_eq!(states(&account.world), [InstanceState::Running; 2]);
    assert_eq!(account.world.network_interfaces, interfaces);
    assert_eq!(
        (account.world.instances[&one].launch.at, account.world.instances[&one].launch.boots),
        (Some(7), 1)
    );
    applied(&mut account.world, RebootInstances { instance_ids: vec![one.clone()] });
    assert_eq!(account.world.instances[&one].launch.boots, 2);
}

#[test]
fn several_instances_are_changed_together_or_not_at_all() {
    let mut account = account();
    let (one, two) = pair(&mut account);
    let none = InstanceId::mint(0, 4000);
    let world = &mut account.world;
    check_refused(world, stop(&[&one, &none]), "InvalidInstanceID.NotFound", "does not exist");
    check_refused(world, terminate(&[&one, &none]), "InvalidInstanceID.NotFound", "does not exist");
    applied(world, stop(&[&two]));
    let reboot = RebootInstances { instance_ids: vec![one.clone(), two.clone()] };
    check_refused(world, reboot, "IncorrectInstanceState", "rebooted");
    let protect = |change| ModifyInstance { instance_id: two.clone(), change };
    applied(world, protect(InstanceChange::DisableApiTermination(true)));
    check_refused(world, terminate(&[&one, &two]), "OperationNotPermitted", "disableApiTermination");
    applied(world, protect(InstanceChange::DisableApiTermination(false)));
    applied(world, start(&[&two]));
    applied(world, protect(InstanceChange::DisableApiStop(true)));
    check_refused(world, stop(&[&one, &two]), "OperationNotPermitted", "disableApiStop");
    applied(world, terminate(&[&one, &two]));
    check_refused(world, start(&[&one]), "IncorrectInstanceState", "started");
    check_refused(world, stop(&[&one]), "IncorrectInstanceState", "stopped");
    let modify = protect(InstanceChange::DisableApiStop(false));
    check_refused(world, modify, "IncorrectInstanceState", "terminated");
    assert!(world.network_interfaces.is_empty());
}

#[test]
fn c_21_the_type_changes_while_an_instance_is_stopped_and_with_it_idle_timeouts() {
    let mut account = account();
    let (one, _) = pair(&mut account);
    let modify = ModifyInstance {
        instance_id: one.clone(),
        change: InstanceChange::InstanceType("m8i.large".parse().unwrap()),
    };
    check_refused(&mut account.world, modify.clone(), "IncorrectInstanceState", "not in the 'stopped' state");
    applied(&mut account.world, stop(&[&one]));
    applied(&mut account.world, modify);
    let interface = account.world.interfaces_of(&one)[0];
    assert_eq!(interface.connection_tracking.tcp_established, 350);
}

#[test]
fn ended_instances_are_shown_up_to_a_hundred_and_no_longer_than_their_vpc() {
    let mut account = account();
    let create = account.interface(&[]);
    let first = made_instance(&mut account.world, "one", create.clone()).0;
    applied(&mut account.world, terminate(&[&first]));
    for _ in 0..99 {
        let id = made_instance(&mut account.world, "one", create.clone()).0;
        applied(&mut account.world, terminate(&[&id]));
    }
    assert!(account.world.instances.contains_key(&first));
    let (running, last) = pair(&mut account);
    applied(&mut account.world, terminate(&[&last]));
    assert!(!account.world.instances.contains_key(&first), "the first that ended is forgotten first");
    assert_eq!(account.world.instances.len(), 101);
    let ids = account.world.instances.keys().cloned().collect();
    applied(&mut account.world, ForgetInstances { instance_ids: ids });
    assert_eq!(account.world.instances.keys().collect::<Vec<_>>(), [&running]);

    applied(&mut account.world, terminate(&[&running]));
    let (vpc_id, subnet_id) = (account.vpc.clone(), account.subnet.clone());
    for group_id in [account.web.clone(), account.db.clone()] {
        applied(&mut account.world, sg_userspace::command::group::DeleteSecurityGroup { group_id });
    }
    applied(&mut account.world, DeleteSubnet { subnet_id });
    applied(&mut account.world, DeleteVpc { vpc_id });
    assert!(account.world.instances.is_empty());
}

#[test]
fn a_client_token_launches_once_even_where_the_instances_are_over() {
    let mut account = account();
    let run = |count, request: &str| RunInstances {
        count,
        instance: RunInstance {
            interfaces: vec![InstanceInterface::New(account.interface(&[]))],
            ..RunInstance::default()
        },
        client_token: Some(ClientToken {
            token: "t".to_owned(),
            region: "us-east-1".parse().unwrap(),
            request: request.to_owned(),
        }),
    };
    let (same, other) = (run(3, "a"), run(3, "b"));
    let Reply::Instances(ids) = reply(&mut account.world, same.clone()) else { panic!("no instances") };
    assert_eq!(ids.len(), 3);
    assert_eq!(reply(&mut account.world, same.clone()), Reply::Instances(ids.clone()));
    check_refused(&mut account.world, other, "IdempotentParameterMismatch", "other parameters");
    let launches = ids.iter().map(|id| &account.world.instances[id]);
    assert!(launches.clone().all(|instance| *instance.reservation() == ids[0]));
    assert_eq!(launches.map(|instance| instance.launch.index).collect::<Vec<_>>(), [0, 1, 2]);
    applied(&mut account.world, TerminateInstances { instance_ids: ids.clone() });
    assert_eq!(reply(&mut account.world, same), Reply::Instances(ids));
    assert!(account.world.network_interfaces.is_empty());
}

#[test]
fn all_instances_of_a_call_are_made_or_none() {
    let mut account = account();
    let instance = RunInstance {
        interfaces: vec![InstanceInterface::New(account.interface(&[]))],
        ..RunInstance::default()
    };
    // The subnet has 251 addresses.
    let run = |count| RunInstances { count, instance: instance.clone(), client_token: None };
    check_refused(&mut account.world, run(252), "InsufficientFreeAddressesInSubnet", "free");
    assert!(account.world.instances.is_empty());
    applied(&mut account.world, run(251));
    assert_eq!(account.world.instances.len(), 251);
}
