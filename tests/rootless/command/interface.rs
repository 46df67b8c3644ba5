//! Network interfaces, their groups and addresses.

use std::net::{IpAddr, Ipv4Addr};

use sg_userspace::aws::interface::{ConnectionTracking, ConnectionTrackingSpecification};
use sg_userspace::command::Reply;
use sg_userspace::command::attachment::{AttachNetworkInterface, DetachNetworkInterface};
use sg_userspace::command::group::default_of;
use sg_userspace::command::interface::{
    CreateNetworkInterface, DeleteNetworkInterface, ModifyInterfaceConnectionTracking, ModifyInterfaceGroups,
    ModifySourceDestCheck,
};
use sg_userspace::command::interface_address::{AssignPrivateAddresses, UnassignPrivateAddresses};
use sg_userspace::command::quota::SetQuotas;
use sg_userspace::command::vpc::CreateVpc;

use super::{
    Account, account, account_with, applied, check_refused, made_group, made_instance, made_interface,
    made_subnet, made_vpc, reply, subnet, vpc,
};

fn ip(text: &str) -> Ipv4Addr {
    text.parse().expect("an address")
}

fn with_address(account: &Account, address: &str) -> CreateNetworkInterface {
    CreateNetworkInterface { private_ipv4: vec![ip(address)], ..account.interface(&[&account.web]) }
}

fn assign(account: &Account, interface: usize) -> AssignPrivateAddresses {
    let mut ids: Vec<_> = account.world.network_interfaces.values().collect();
    ids.sort_by_key(|it| it.number);
    AssignPrivateAddresses {
        interface_id: ids[interface].id.clone(),
        private_ipv4: Vec::new(),
        ipv4_count: 0,
        ipv6: Vec::new(),
        ipv6_count: 0,
        allow_reassignment: false,
    }
}

#[test]
fn m_05_the_first_four_addresses_and_the_last_are_reserved() {
    let mut account = account();
    for address in ["10.0.1.0", "10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.255"] {
        let create = with_address(&account, address);
        check_refused(&mut account.world, create, "InvalidParameterValue", "reserved address range");
    }
    let create = with_address(&account, "10.0.2.4");
    check_refused(
        &mut account.world,
        create,
        "InvalidParameterValue",
        "does not fall within the subnet's address range",
    );
    for address in ["10.0.1.4", "10.0.1.254"] {
        let create = with_address(&account, address);
        made_interface(&mut account.world, create);
    }
    let create = with_address(&account, "10.0.1.4");
    check_refused(&mut account.world, create, "InvalidIPAddress.InUse", "10.0.1.4");
}

#[test]
fn interface_has_at_most_fifty_addresses_of_a_family() {
    let mut account = account();
    let refused = |world: &mut _, command: sg_userspace::command::Command| {
        check_refused(world, command, "PrivateIpAddressLimitExceeded", "at most 50, not 51");
    };
    let create = |count| CreateNetworkInterface { secondary_ipv4_count: count, ..account.interface(&[]) };
    let (too_many, all, one) = (create(50), create(49), create(0));
    refused(&mut account.world, too_many.into());
    made_interface(&mut account.world, all);
    let more = AssignPrivateAddresses { ipv4_count: 1, ..assign(&account, 0) };
    refused(&mut account.world, more.into());
    made_interface(&mut account.world, one);
    let more = |ipv4_count| AssignPrivateAddresses { ipv4_count, ..assign(&account, 1) };
    let (too_many, all) = (more(50), more(49));
    refused(&mut account.world, too_many.into());
    applied(&mut account.world, all);
}

#[test]
fn instance_has_at_most_fifteen_interfaces() {
    let mut account = account();
    let create = account.interface(&[]);
    let (instance_id, _) = made_instance(&mut account.world, "one", create.clone());
    for device_index in 1..=15 {
        let interface_id = made_interface(&mut account.world, create.clone());
        let attach = AttachNetworkInterface { interface_id, instance_id: instance_id.clone(), device_index };
        match device_index {
            15 => check_refused(&mut account.world, attach, "AttachmentLimitExceeded", "at most 15"),
            _ => drop(applied(&mut account.world, attach)),
        }
    }
}

#[test]
fn automatic_addresses_are_the_lowest_free_ones_until_the_subnet_is_full() {
    let mut account = account();
    account.subnet = made_subnet(&mut account.world, subnet(&account.vpc, "10.0.9.0/28", "us-east-1a"));
    let create = CreateNetworkInterface { secondary_ipv4_count: 1, ..account.interface(&[]) };
    let id = made_interface(&mut account.world, create);
    assert_eq!(account.world.network_interfaces[&id].private_ipv4, [ip("10.0.9.4"), ip("10.0.9.5")]);
    for _ in 6..15 {
        let create = account.interface(&[]);
        made_interface(&mut account.world, create);
    }
    let create = account.interface(&[]);
    check_refused(
        &mut account.world,
        create.clone(),
        "InsufficientFreeAddressesInSubnet",
        account.subnet.as_str(),
    );
    applied(&mut account.world, DeleteNetworkInterface { interface_id: id });
    made_interface(&mut account.world, create);
}

#[test]
fn ipv6_addresses_need_a_subnet_with_ipv6() {
    let mut account = account();
    let create = CreateNetworkInterface { ipv6_count: 1, ..account.interface(&[]) };
    check_refused(&mut account.world, create, "InvalidParameterValue", "has no IPv6 CIDR block");
    let mut dual = account_with(vpc(&["10.0.0.0/16"], &["2001:db8::/56"]));
    let create = CreateNetworkInterface { ipv6_count: 2, ..dual.interface(&[]) };
    let id = made_interface(&mut dual.world, create);
    let text: Vec<_> = dual.world.network_interfaces[&id].ipv6.iter().map(ToString::to_string).collect();
    assert_eq!(text, ["2001:db8::4", "2001:db8::5"]);
    let create = CreateNetworkInterface { ipv6: vec!["2001:db8::3".parse().unwrap()], ..dual.interface(&[]) };
    check_refused(&mut dual.world, create, "InvalidParameterValue", "reserved address range");
}

#[test]
fn slots_are_reused_and_numbers_and_macs_are_not() {
    let mut account = account();
    let make = |account: &mut Account| {
        let create = account.interface(&[]);
        let id = made_interface(&mut account.world, create);
        account.world.network_interfaces[&id].clone()
    };
    let first = make(&mut account);
    let second = make(&mut account);
    assert_eq!((first.slot, second.slot), (0, 1));
    assert_eq!(first.mac.0[0], 0x02);
    applied(&mut account.world, DeleteNetworkInterface { interface_id: first.id.clone() });
    let third = make(&mut account);
    assert_eq!(third.slot, 0);
    assert!(third.number > second.number && third.mac != first.mac && third.id != first.id);
}

#[test]
fn m_13_an_interface_without_groups_gets_the_default_group_and_never_none() {
    let mut account = account();
    let create = account.interface(&[]);
    let interface_id = made_interface(&mut account.world, create);
    let default = default_of(&account.world, &account.vpc).unwrap().id.clone();
    assert_eq!(account.world.network_interfaces[&interface_id].groups, [default]);
    let modify = |groups| ModifyInterfaceGroups { interface_id: interface_id.clone(), groups };
    let none = modify(Vec::new());
    check_refused(&mut account.world, none, "MissingParameter", "at least one group");
    let both = vec![account.db.clone(), account.web.clone()];
    let repeated = modify([&both[..], &both[..1]].concat());
    applied(&mut account.world, repeated);
    assert_eq!(account.world.network_interfaces[&interface_id].groups, both);
}

#[test]
fn m_14_groups_of_another_vpc_or_region_are_refused() {
    let mut account = account();
    let near = made_vpc(&mut account.world, vpc(&["10.1.0.0/16"], &[]));
    let far = CreateVpc { region: "eu-west-1".parse().unwrap(), ..vpc(&["10.2.0.0/16"], &[]) };
    let far = made_vpc(&mut account.world, far);
    let near = made_group(&mut account.world, &near, "near");
    let far = made_group(&mut account.world, &far, "far");
    let create = account.interface(&[&account.web, &near]);
    check_refused(&mut account.world, create, "InvalidGroup.NotFound", "belong to different networks");
    let create = account.interface(&[&account.web, &far]);
    check_refused(&mut account.world, create, "InvalidGroup.NotFound", "does not exist");
    let create = account.interface(&[&account.web]);
    let interface_id = made_interface(&mut account.world, create);
    let modify = ModifyInterfaceGroups { interface_id, groups: vec![near] };
    check_refused(&mut account.world, modify, "InvalidGroup.NotFound", "belong to different networks");
}

#[test]
fn q_03_five_groups_fit_and_the_sixth_does_not_until_the_quota_is_raised() {
    let mut account = account();
    let mut groups = vec![account.web.clone()];
    let create = account.interface(&[&account.web]);
    let interface_id = made_interface(&mut account.world, create);
    for name in ["b", "c", "d", "e", "f"] {
        groups.push(made_group(&mut account.world, &account.vpc, name));
    }
    let modify = |count: usize| ModifyInterfaceGroups {
        interface_id: interface_id.clone(),
        groups: groups[..count].to_vec(),
    };
    applied(&mut account.world, modify(5));
    check_refused(
        &mut account.world,
        modify(6),
        "SecurityGroupsPerInterfaceLimitExceeded",
        "The maximum number of security groups per interface",
    );
    applied(&mut account.world, SetQuotas { groups_per_interface: Some(6), ..SetQuotas::default() });
    applied(&mut account.world, modify(6));
}

#[test]
fn c_21_timeouts_have_bounds_and_those_not_named_stay() {
    let mut account = account();
    let create = account.interface(&[]);
    let interface_id = made_interface(&mut account.world, create);
    let modify = |tcp_established, udp, udp_stream| ModifyInterfaceConnectionTracking {
        interface_id: interface_id.clone(),
        connection_tracking: ConnectionTrackingSpecification { tcp_established, udp, udp_stream },
    };
    for (bad, name) in [
        (modify(Some(59), None, None), "TcpEstablishedTimeout"),
        (modify(Some(432_001), None, None), "TcpEstablishedTimeout"),
        (modify(None, Some(29), None), "UdpTimeout"),
        (modify(None, Some(61), None), "UdpTimeout"),
        (modify(None, None, Some(59)), "UdpStreamTimeout"),
        (modify(None, None, Some(181)), "UdpStreamTimeout"),
    ] {
        check_refused(&mut account.world, bad, "InvalidParameterValue", name);
    }
    applied(&mut account.world, modify(Some(60), Some(60), None));
    let now = account.world.network_interfaces[&interface_id].connection_tracking;
    assert_eq!(now, ConnectionTracking { tcp_established: 60, udp: 60, udp_stream: 180 });
    applied(&mut account.world, modify(Some(432_000), Some(30), Some(60)));
}

#[test]
fn m_17_the_source_dest_check_can_be_switched() {
    let mut account = account();
    let create = account.interface(&[]);
    let interface_id = made_interface(&mut account.world, create);
    assert!(account.world.network_interfaces[&interface_id].source_dest_check);
    applied(
        &mut account.world,
        ModifySourceDestCheck { interface_id: interface_id.clone(), source_dest_check: false },
    );
    assert!(!account.world.network_interfaces[&interface_id].source_dest_check);
}

#[test]
fn m_06_m_11_interfaces_attach_in_their_zone_and_the_primary_one_stays() {
    let mut account = account();
    let create = account.interface(&[&account.web]);
    let (instance_id, primary) = made_instance(&mut account.world, "one", create);
    let other_zone = made_subnet(&mut account.world, subnet(&account.vpc, "10.0.2.0/24", "us-east-1b"));
    let away = made_interface(&mut account.world, CreateNetworkInterface::new(other_zone, Vec::new()));
    let create = account.interface(&[&account.db]);
    let second = made_interface(&mut account.world, create);
    let attach =
        |interface_id: &sg_userspace::aws::ids::NetworkInterfaceId, device_index| AttachNetworkInterface {
            interface_id: interface_id.clone(),
            instance_id: instance_id.clone(),
            device_index,
        };
    let world = &mut account.world;
    check_refused(
        world,
        attach(&away, 1),
        "InvalidParameterCombination",
        "not in the same availability zone",
    );
    check_refused(
        world,
        attach(&second, 0),
        "InvalidParameterValue",
        "already has an interface attached at device index '0'",
    );
    check_refused(world, attach(&primary, 1), "InvalidNetworkInterface.InUse", "in use");
    let Reply::Attachment(attachment_id) = reply(world, attach(&second, 1)) else { panic!("not attached") };
    check_refused(
        world,
        DeleteNetworkInterface { interface_id: second.clone() },
        "InvalidParameterValue",
        "is currently in use",
    );
    let before = world.network_interfaces[&second].clone();
    applied(world, DetachNetworkInterface { attachment_id: attachment_id.clone() });
    let after = world.network_interfaces[&second].clone();
    assert_eq!(
        (after.groups, after.private_ipv4, after.attachment),
        (before.groups, before.private_ipv4, None)
    );
    check_refused(
        world,
        DetachNetworkInterface { attachment_id },
        "InvalidAttachmentID.NotFound",
        "does not exist",
    );
    let attachment_id = world.network_interfaces[&primary].attachment.clone().unwrap().id;
    check_refused(world, DetachNetworkInterface { attachment_id }, "OperationNotPermitted", "device index 0");
    applied(world, DeleteNetworkInterface { interface_id: second });
}

#[test]
fn e_12_secondary_addresses_come_and_go_and_the_primary_one_stays() {
    let mut account = account();
    for _ in 0..2 {
        let create = account.interface(&[&account.web]);
        made_interface(&mut account.world, create);
    }
    let wanted =
        AssignPrivateAddresses { private_ipv4: vec![ip("10.0.1.20")], ipv4_count: 1, ..assign(&account, 0) };
    let interface_id = wanted.interface_id.clone();
    let Reply::Addresses(addresses) = reply(&mut account.world, wanted.clone()) else {
        panic!("no addresses")
    };
    assert_eq!(addresses, [IpAddr::V4(ip("10.0.1.20")), IpAddr::V4(ip("10.0.1.6"))]);

    let taken = AssignPrivateAddresses { private_ipv4: vec![ip("10.0.1.20")], ..assign(&account, 1) };
    check_refused(&mut account.world, taken.clone(), "InvalidIPAddress.InUse", "10.0.1.20");
    applied(&mut account.world, AssignPrivateAddresses { allow_reassignment: true, ..taken.clone() });
    assert_eq!(
        account.world.network_interfaces[&interface_id].private_ipv4,
        [ip("10.0.1.4"), ip("10.0.1.6")]
    );
    let primary =
        AssignPrivateAddresses { private_ipv4: vec![ip("10.0.1.4")], allow_reassignment: true, ..taken };
    check_refused(&mut account.world, primary, "InvalidIPAddress.InUse", "10.0.1.4");

    let unassign = |address: &str| UnassignPrivateAddresses {
        interface_id: interface_id.clone(),
        addresses: vec![address.parse().unwrap()],
    };
    check_refused(&mut account.world, unassign("10.0.1.4"), "InvalidParameterValue", "primary");
    check_refused(&mut account.world, unassign("10.0.1.20"), "InvalidParameterValue", "are not assigned");
    applied(&mut account.world, unassign("10.0.1.6"));
    assert_eq!(account.world.network_interfaces[&interface_id].private_ipv4, [ip("10.0.1.4")]);
    let nothing = assign(&account, 0);
    check_refused(&mut account.world, nothing, "MissingParameter", "PrivateIpAddresses");
    let nothing = UnassignPrivateAddresses { interface_id, addresses: Vec::new() };
    check_refused(&mut account.world, nothing, "MissingParameter", "PrivateIpAddresses");
}
