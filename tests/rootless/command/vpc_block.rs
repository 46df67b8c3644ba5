//! Blocks that VPCs and subnets get and lose, default VPCs, and attributes.

use ipnet::IpNet;
use sg_userspace::aws::ids::{SubnetCidrAssociationId, VpcCidrAssociationId, VpcId};
use sg_userspace::aws::rule::Direction;
use sg_userspace::aws::world::World;
use sg_userspace::command::Reply;
use sg_userspace::command::default_vpc::{CreateDefaultSubnet, CreateDefaultVpc};
use sg_userspace::command::network_acl_entry::DeleteNetworkAclEntry;
use sg_userspace::command::peering::{AcceptVpcPeeringConnection, CreateVpcPeeringConnection};
use sg_userspace::command::subnet::DeleteSubnet;
use sg_userspace::command::vpc_attribute::{ModifySubnetAttribute, ModifyVpcAttribute};
use sg_userspace::command::vpc_block::{
    AssociateSubnetCidrBlock, AssociateVpcCidrBlock, DisassociateSubnetCidrBlock, DisassociateVpcCidrBlock,
};

use super::{account, applied, check_refused, made_interface, made_subnet, made_vpc, reply, subnet, vpc};

fn associate(vpc_id: &VpcId, cidr: &str) -> AssociateVpcCidrBlock {
    AssociateVpcCidrBlock { vpc_id: vpc_id.clone(), cidr: cidr.parse().unwrap() }
}

#[track_caller]
fn associated(world: &mut World, vpc_id: &VpcId, cidr: &str) -> VpcCidrAssociationId {
    let Reply::VpcCidrAssociation { id, .. } = reply(world, associate(vpc_id, cidr)) else {
        panic!("no association")
    };
    id
}

#[test]
fn m_03_q_14_blocks_are_added_to_a_vpc_within_its_range() {
    let mut world = World::default();
    let id = made_vpc(&mut world, vpc(&["10.0.0.0/16"], &[]));
    let added = associated(&mut world, &id, "10.1.2.3/16");
    assert_eq!(world.vpcs[&id].cidr_ipv4[1].to_string(), "10.1.0.0/16", "no host bits");
    made_subnet(&mut world, subnet(&id, "10.1.0.0/24", "us-east-1a"));
    for (block, message) in [
        ("10.1.9.0/24", "is invalid"),
        ("10.2.0.0/8", "is invalid"),
        ("192.168.0.0/16", "is restricted"),
        ("172.16.0.0/16", "is restricted"),
        ("198.19.0.0/16", "is restricted"),
    ] {
        check_refused(&mut world, associate(&id, block), "InvalidVpc.Range", message);
    }
    let in_use = DisassociateVpcCidrBlock { association_id: added };
    check_refused(&mut world, in_use, "InvalidCidrBlock.InUse", "10.1.0.0/16");
    let primary = world.vpcs[&id].association_id("10.0.0.0/16".parse().unwrap());
    let primary = DisassociateVpcCidrBlock { association_id: primary };
    check_refused(&mut world, primary, "OperationNotPermitted", "the primary IPv4 CIDR block");
    let public = associated(&mut world, &id, "203.0.114.0/24");
    associated(&mut world, &id, "100.64.0.0/16");
    associated(&mut world, &id, "10.3.0.0/16");
    check_refused(&mut world, associate(&id, "10.4.0.0/16"), "CidrLimitExceeded", "allowed CIDRs: 5");
    applied(&mut world, DisassociateVpcCidrBlock { association_id: public.clone() });
    let again = DisassociateVpcCidrBlock { association_id: public };
    check_refused(&mut world, again, "InvalidVpcCidrBlockAssociationID.NotFound", "does not exist");
    assert_eq!(world.vpcs[&id].cidr_ipv4.len(), 4);
}

#[test]
fn a_block_s_association_keeps_its_id_when_others_go() {
    let mut world = World::default();
    let id = made_vpc(&mut world, vpc(&["10.0.0.0/16"], &[]));
    let other = made_vpc(&mut world, vpc(&["10.0.0.0/16"], &[]));
    let first = associated(&mut world, &id, "10.1.0.0/16");
    let second = associated(&mut world, &id, "10.2.0.0/16");
    applied(&mut world, DisassociateVpcCidrBlock { association_id: first });
    let block: IpNet = "10.2.0.0/16".parse().unwrap();
    assert_eq!(world.vpcs[&id].association_id(block), second);
    assert_ne!(world.vpcs[&other].association_id(block), second, "another VPC's is another");
}

#[test]
fn n_07_a_default_acl_lets_ipv6_through_where_nobody_has_changed_it() {
    for changed in [None, Some(Direction::Inbound)] {
        let mut world = World::default();
        let id = made_vpc(&mut world, vpc(&["10.0.0.0/16"], &[]));
        let acl_id = world.network_acls.values().next().unwrap().id.clone();
        if let Some(direction) = changed {
            let delete =
                DeleteNetworkAclEntry { network_acl_id: acl_id.clone(), direction, rule_number: 100 };
            applied(&mut world, delete);
        }
        associated(&mut world, &id, "2001:db8::/56");
        let has_it =
            |direction| world.network_acls[&acl_id].entries_of(direction).any(|it| it.rule_number == 101);
        assert_eq!(has_it(Direction::Inbound), changed.is_none());
        assert!(has_it(Direction::Outbound));
        let groups = world.security_groups.values().next().unwrap();
        assert_eq!(groups.rules_of(Direction::Outbound).count(), 1, "groups stay as they are (M-26)");
    }
}

#[test]
fn a_peered_vpc_gets_no_block_of_its_peer_s() {
    let mut world = World::default();
    let one = made_vpc(&mut world, vpc(&["10.0.0.0/16"], &[]));
    let two = made_vpc(&mut world, vpc(&["10.1.0.0/16"], &[]));
    let three = made_vpc(&mut world, vpc(&["10.2.0.0/16"], &[]));
    for peer in [&one, &three] {
        let ask = CreateVpcPeeringConnection {
            requester_vpc_id: peer.clone(),
            accepter_vpc_id: two.clone(),
            tags: Default::default(),
        };
        let Reply::VpcPeeringConnection { id, .. } = reply(&mut world, ask) else { panic!("no peering") };
        check_refused(&mut world, associate(peer, "10.1.0.0/17"), "InvalidVpc.Range", two.as_str());
        applied(&mut world, AcceptVpcPeeringConnection { vpc_peering_connection_id: id });
    }
    check_refused(&mut world, associate(&one, "10.2.0.0/24"), "InvalidVpc.Range", "another active peer");
    associated(&mut world, &one, "10.3.0.0/16");
}

#[test]
fn m_04_a_subnet_gets_and_loses_an_ipv6_block() {
    let mut account = account();
    let world = &mut account.world;
    let add = |cidr: &str| AssociateSubnetCidrBlock {
        subnet_id: account.subnet.clone(),
        cidr_ipv6: cidr.parse().unwrap(),
    };
    let automatic = |on| ModifySubnetAttribute {
        subnet_id: account.subnet.clone(),
        map_public_ip_on_launch: None,
        assign_ipv6_address_on_creation: Some(on),
    };
    check_refused(world, add("2001:db8::/64"), "InvalidSubnet.Range", "2001:db8::/64");
    check_refused(world, automatic(true), "InvalidParameterValue", "must be associated with an IPv6 CIDR");
    associated(world, &account.vpc, "2001:db8::/56");
    check_refused(world, add("2001:db8::/63"), "InvalidSubnet.Range", "2001:db8::/63");
    let Reply::SubnetCidrAssociation { id, .. } = reply(world, add("2001:db8::/64")) else {
        panic!("no association")
    };
    check_refused(world, add("2001:db8:0:1::/64"), "SubnetLimitExceeded", account.subnet.as_str());
    applied(world, automatic(true));
    let create = super::CreateNetworkInterface::new(account.subnet.clone(), Vec::new());
    let interface = made_interface(world, create);
    assert_eq!(world.network_interfaces[&interface].ipv6.len(), 1, "without being asked");
    let remove = |id: &SubnetCidrAssociationId| DisassociateSubnetCidrBlock { association_id: id.clone() };
    check_refused(world, remove(&id), "InvalidCidrBlock.InUse", "2001:db8::/64");
    let delete = sg_userspace::command::interface::DeleteNetworkInterface { interface_id: interface };
    applied(world, delete);
    applied(world, remove(&id));
    let subnet = &world.subnets[&account.subnet];
    assert_eq!((subnet.cidr_ipv6, subnet.assign_ipv6_address_on_creation), (None, false));
    check_refused(world, remove(&id), "InvalidSubnetCidrBlockAssociationID.NotFound", "does not exist");
}

#[test]
fn a_default_vpc_comes_with_subnets_and_a_way_to_the_internet() {
    let mut world = World::default();
    let zones = ["us-east-1a", "us-east-1b"].map(|zone| zone.parse().unwrap());
    let create = CreateDefaultVpc { region: "us-east-1".parse().unwrap(), zones: zones.into() };
    let orphan = CreateDefaultSubnet { availability_zone: "us-east-1c".parse().unwrap() };
    check_refused(&mut world, orphan.clone(), "DefaultVpcDoesNotExist", "no default VPC");
    let Reply::Vpc { vpc_id, .. } = reply(&mut world, create.clone()) else { panic!("no VPC") };
    check_refused(&mut world, create, "DefaultVpcAlreadyExists", "already exists");
    let vpc = &world.vpcs[&vpc_id];
    assert!(vpc.is_default && vpc.attributes.enable_dns_hostnames);
    let blocks = world.subnets.values().map(|subnet| {
        assert!(subnet.default_for_az && subnet.map_public_ip_on_launch);
        (subnet.availability_zone.to_string(), subnet.cidr_ipv4.to_string())
    });
    let mut blocks = blocks.collect::<Vec<_>>();
    blocks.sort();
    let wanted = [("us-east-1a", "172.31.0.0/20"), ("us-east-1b", "172.31.16.0/20")];
    assert_eq!(blocks, wanted.map(|(zone, block)| (zone.to_owned(), block.to_owned())));
    let table = world.main_route_table_of(&vpc_id).unwrap();
    let target = &table.routes[&"0.0.0.0/0".parse().unwrap()];
    assert_eq!(world.route_state(&vpc_id, target).to_string(), "active");

    applied(&mut world, orphan.clone());
    let again = "is already the default subnet in us-east-1c.";
    check_refused(&mut world, orphan, "DefaultSubnetAlreadyExistsInAvailabilityZone", again);
    let first = world.subnets.values().find(|subnet| subnet.cidr_ipv4.to_string() == "172.31.0.0/20");
    let subnet_id = first.unwrap().id.clone();
    applied(&mut world, DeleteSubnet { subnet_id });
    let zone = CreateDefaultSubnet { availability_zone: "us-east-1a".parse().unwrap() };
    let Reply::Subnet(id) = reply(&mut world, zone) else { panic!("no subnet") };
    assert_eq!(world.subnets[&id].cidr_ipv4.to_string(), "172.31.0.0/20", "the first that is free");
}

#[test]
fn one_attribute_is_set_a_call() {
    let mut account = account();
    let modify = |support, hostnames| ModifyVpcAttribute {
        vpc_id: account.vpc.clone(),
        enable_dns_support: support,
        enable_dns_hostnames: hostnames,
        enable_network_address_usage_metrics: None,
    };
    check_refused(&mut account.world, modify(None, None), "MissingParameter", "attribute");
    let both = modify(Some(false), Some(true));
    check_refused(&mut account.world, both, "InvalidParameterCombination", "multiple attribute types");
    applied(&mut account.world, modify(None, Some(true)));
    applied(&mut account.world, modify(Some(false), None));
    let attributes = account.world.vpcs[&account.vpc].attributes;
    assert_eq!((attributes.enable_dns_support, attributes.enable_dns_hostnames), (false, true));
}
