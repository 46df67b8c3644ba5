//! Instances.

use sg_userspace::aws::ids::NetworkInterfaceId;
use sg_userspace::aws::instance_type::InstanceType;
use sg_userspace::aws::interface::{ConnectionTracking, ConnectionTrackingSpecification};
use sg_userspace::aws::world::World;
use sg_userspace::command::Reply;
use sg_userspace::command::attachment::{AttachNetworkInterface, DetachNetworkInterface};
use sg_userspace::command::instance::{InstanceInterface, RunInstance};
use sg_userspace::command::instance_state::TerminateInstances;
use sg_userspace::command::interface::{CreateNetworkInterface, ModifyInterfaceConnectionTracking};

use super::{
    account, applied, check_refused, made_group, made_instance, made_interface, made_subnet, made_vpc, reply,
    subnet, vpc,
};

fn run(name: &str, interfaces: Vec<InstanceInterface>) -> RunInstance {
    RunInstance { name: Some(name.to_owned()), interfaces, ..RunInstance::default() }
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
    let terminate = TerminateInstances { instance_ids: vec![instance_id.clone()] };
    applied(&mut account.world, terminate.clone());
    let left: Vec<_> =
        interface_ids.iter().map(|id| account.world.network_interfaces.contains_key(id)).collect();
    assert_eq!(left, [false, true, true]);
    // It is shown on, with its name free for another.
    assert!(account.world.instances[&instance_id].is_terminated());
    applied(&mut account.world, terminate);
    applied(&mut account.world, again);
    let create = account.interface(&[]);
    made_instance(&mut account.world, "one", create);
}

/// The idle timeouts in force on an interface.
fn timeouts(world: &World, id: &NetworkInterfaceId) -> (u32, u32, u32) {
    let ConnectionTracking { tcp_established, udp, udp_stream } =
        world.network_interfaces[id].connection_tracking;
    (tcp_established, udp, udp_stream)
}

#[test]
fn c_21_idle_tcp_is_remembered_for_350_s_on_nitro_v6_and_for_five_days_before() {
    let mut account = account();
    for (kind, seconds) in [
        (None, 432_000),
        (Some("m5.large"), 432_000),
        (Some("m8g.large"), 432_000),
        (Some("p6e-gb200.36xlarge"), 432_000),
        (Some("m8i.large"), 350),
        (Some("m8i-flex.large"), 350),
        (Some("i8ge.metal-24xl"), 350),
    ] {
        let command = RunInstance {
            name: None,
            instance_type: kind.map(|kind| kind.parse().unwrap()),
            ..run("", vec![InstanceInterface::New(account.interface(&[]))])
        };
        let Reply::Instance { interface_ids, .. } = reply(&mut account.world, command) else {
            panic!("no instance")
        };
        assert_eq!(timeouts(&account.world, &interface_ids[0]), (seconds, 30, 180), "{kind:?}");
    }
    for text in ["", "m8i", "m8i.", ".large", "M8i.large", "m8i large"] {
        let message = format!("Invalid value '{text}' for InstanceType.");
        assert_eq!(text.parse::<InstanceType>().unwrap_err().message, message);
    }
}

#[test]
fn c_21_what_an_interface_states_goes_before_its_instances_type_and_with_it_elsewhere() {
    let mut account = account();
    let nitro_v6 = |interfaces| RunInstance {
        name: None,
        instance_type: Some("c8gn.large".parse().unwrap()),
        ..run("", interfaces)
    };
    let create = account.interface(&[]);
    let mut stating = create.clone();
    stating.connection_tracking.tcp_established = Some(432_000);
    let command = nitro_v6(vec![InstanceInterface::New(create.clone()), InstanceInterface::New(stating)]);
    let Reply::Instance { instance_id, interface_ids } = reply(&mut account.world, command) else {
        panic!("no instance")
    };
    let world = &mut account.world;
    assert_eq!(timeouts(world, &interface_ids[0]).0, 350);
    assert_eq!(timeouts(world, &interface_ids[1]).0, 432_000);

    let interface_id = made_interface(world, create);
    assert_eq!(timeouts(world, &interface_id).0, 432_000);
    let attach = AttachNetworkInterface { interface_id: interface_id.clone(), instance_id, device_index: 2 };
    let Reply::Attachment(attachment_id) = reply(world, attach) else { panic!("not attached") };
    assert_eq!(timeouts(world, &interface_id).0, 350);
    let set = |udp, tcp_established| ModifyInterfaceConnectionTracking {
        interface_id: interface_id.clone(),
        connection_tracking: ConnectionTrackingSpecification { udp, tcp_established, udp_stream: None },
    };
    applied(world, set(Some(60), None));
    assert_eq!(timeouts(world, &interface_id), (350, 60, 180));
    applied(world, DetachNetworkInterface { attachment_id });
    assert_eq!(timeouts(world, &interface_id), (432_000, 60, 180));
    applied(world, set(None, Some(600)));
    applied(world, nitro_v6(vec![InstanceInterface::Existing(interface_id.clone())]));
    assert_eq!(timeouts(world, &interface_id), (600, 60, 180));
}
