//! VPCs, subnets and quotas.

use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::world::World;
use sg_userspace::command::quota::SetQuotas;
use sg_userspace::command::subnet::DeleteSubnet;
use sg_userspace::command::vpc::{CreateVpc, DeleteVpc};
use sg_userspace::command::{Reply, group};

use super::{account, applied, check_refused, made_subnet, made_vpc, reply, subnet, vpc};

#[test]
fn m_30_m_31_a_vpc_comes_with_its_default_group() {
    for (ipv6, egress) in [(&[][..], &["0.0.0.0/0"][..]), (&["2001:db8::/56"], &["0.0.0.0/0", "::/0"])] {
        let mut world = World::default();
        let Reply::Vpc { vpc_id, default_group_id } = reply(&mut world, vpc(&["10.0.0.0/16"], ipv6)) else {
            panic!("no VPC")
        };
        let default = group::default_of(&world, &vpc_id).unwrap();
        assert_eq!((&default.id, default.name.as_str()), (&default_group_id, "default"));
        assert_eq!(default.description, "default VPC security group");
        let inbound: Vec<_> = default.rules_of(Direction::Inbound).map(|rule| rule.peer.clone()).collect();
        assert_eq!(inbound, [Peer::ReferencedGroup(default_group_id)]);
        let outbound: Vec<_> =
            default.rules_of(Direction::Outbound).map(|rule| rule.peer.to_string()).collect();
        assert_eq!(outbound, egress);
    }
}

#[test]
fn m_03_vpc_blocks_have_limits_and_lose_host_bits() {
    let mut world = World::default();
    let id = made_vpc(&mut world, vpc(&["10.0.3.7/16"], &["2001:db8::7/56"]));
    assert_eq!(world.vpcs[&id].cidr_ipv4[0].to_string(), "10.0.0.0/16");
    assert_eq!(world.vpcs[&id].cidr_ipv6[0].to_string(), "2001:db8::/56");
    made_vpc(&mut world, vpc(&["10.0.0.0/28"], &[]));
    for block in
        ["10.0.0.0/15", "10.0.0.0/29", "0.0.0.0/16", "127.1.0.0/16", "169.254.0.0/16", "239.0.0.0/16"]
    {
        check_refused(&mut world, vpc(&[block], &[]), "InvalidVpc.Range", block);
    }
    for block in ["2001:db8::/57", "2001:db8::/40", "ff00::/56", "fe80::/56", "fd00:ec2::/56"] {
        check_refused(&mut world, vpc(&["10.0.0.0/16"], &[block]), "InvalidVpc.Range", block);
    }
    check_refused(&mut world, vpc(&["10.0.0.0/16", "10.0.9.0/24"], &[]), "InvalidVpc.Range", "10.0.9.0/24");
    check_refused(&mut world, vpc(&[], &[]), "MissingParameter", "cidrBlock");
    made_vpc(&mut world, vpc(&["10.0.0.0/16"], &[]));
}

#[test]
fn q_14_five_blocks_of_a_family_fit_and_the_sixth_does_not() {
    let mut world = World::default();
    let ipv4 = ["10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16", "10.5.0.0/16"];
    let ipv6 = ["2001:db8::/56", "2001:db8:1::/56", "2001:db8:2::/56", "2001:db8:3::/56", "2001:db8:4::/56"];
    made_vpc(&mut world, vpc(&ipv4[..5], &ipv6));
    check_refused(&mut world, vpc(&ipv4, &[]), "VpcCidrLimitExceeded", "5 CIDR blocks");
    let six = [&ipv6[..], &["2001:db8:5::/56"]].concat();
    check_refused(&mut world, vpc(&ipv4[..1], &six), "VpcCidrLimitExceeded", "5 CIDR blocks");
}

#[test]
fn a_region_has_one_default_vpc() {
    let mut world = World::default();
    let default = CreateVpc { is_default: true, ..vpc(&["172.31.0.0/16"], &[]) };
    made_vpc(&mut world, default.clone());
    check_refused(&mut world, default.clone(), "DefaultVpcAlreadyExists", "already exists");
    made_vpc(&mut world, CreateVpc { region: "eu-west-1".parse().unwrap(), ..default });
}

#[test]
fn m_03_m_04_subnets_lie_inside_their_vpc_and_apart() {
    let mut world = World::default();
    let id = made_vpc(&mut world, vpc(&["10.0.0.0/16", "10.8.0.0/16"], &["2001:db8::/56"]));
    made_subnet(&mut world, subnet(&id, "10.0.1.0/24", "us-east-1a"));
    made_subnet(&mut world, subnet(&id, "10.8.1.0/28", "us-east-1b"));
    for block in ["10.1.0.0/24", "10.0.0.0/15", "10.0.2.0/29"] {
        check_refused(&mut world, subnet(&id, block, "us-east-1a"), "InvalidSubnet.Range", block);
    }
    for block in ["10.0.1.0/24", "10.0.1.128/25", "10.0.0.0/16"] {
        check_refused(&mut world, subnet(&id, block, "us-east-1a"), "InvalidSubnet.Conflict", "conflicts");
    }
    let dual = |ipv4: &str, ipv6: &str| {
        let mut create = subnet(&id, ipv4, "us-east-1a");
        create.cidr_ipv6 = Some(ipv6.parse().unwrap());
        create
    };
    made_subnet(&mut world, dual("10.0.2.0/24", "2001:db8:0:1::/64"));
    check_refused(
        &mut world,
        dual("10.0.3.0/24", "2001:db8:0:1::/64"),
        "InvalidSubnet.Conflict",
        "2001:db8:0:1::/64",
    );
    for block in ["2001:db8:1::/64", "2001:db8::/62", "2001:db8::/68"] {
        check_refused(&mut world, dual("10.0.3.0/24", block), "InvalidSubnet.Range", block);
    }
    made_subnet(&mut world, dual("10.0.3.0/24", "2001:db8::/64"));
}

#[test]
fn m_06_a_subnets_zone_is_in_its_vpcs_region() {
    let mut world = World::default();
    let id = made_vpc(&mut world, vpc(&["10.0.0.0/16"], &[]));
    check_refused(
        &mut world,
        subnet(&id, "10.0.1.0/24", "us-west-2a"),
        "InvalidParameterValue",
        "us-west-2a",
    );
    made_subnet(&mut world, subnet(&id, "10.0.1.0/24", "us-east-1f"));
}

#[test]
fn vpcs_and_subnets_are_deleted_when_empty() {
    let mut account = account();
    let (vpc_id, subnet_id) = (account.vpc.clone(), account.subnet.clone());
    let create = account.interface(&[]);
    let interface = super::made_interface(&mut account.world, create);
    let world = &mut account.world;
    let delete_vpc = DeleteVpc { vpc_id: vpc_id.clone() };
    let delete_subnet = DeleteSubnet { subnet_id };
    check_refused(world, delete_subnet.clone(), "DependencyViolation", "has dependencies");
    check_refused(world, delete_vpc.clone(), "DependencyViolation", vpc_id.as_str());
    applied(world, sg_userspace::command::interface::DeleteNetworkInterface { interface_id: interface });
    applied(world, delete_subnet.clone());
    check_refused(world, delete_subnet, "InvalidSubnetID.NotFound", "does not exist");
    check_refused(world, delete_vpc.clone(), "DependencyViolation", "has dependencies");
    for group_id in [account.web, account.db] {
        applied(world, sg_userspace::command::group::DeleteSecurityGroup { group_id });
    }
    applied(world, delete_vpc.clone());
    assert!(world.security_groups.is_empty(), "the default group goes with its VPC");
    check_refused(world, delete_vpc, "InvalidVpcID.NotFound", "does not exist");
}

#[test]
fn q_03_q_04_quotas_have_limits_of_their_own() {
    let mut world = World::default();
    let quotas = |rules: u32, groups: u32| SetQuotas {
        rules_per_group: Some(rules),
        groups_per_interface: Some(groups),
        ..SetQuotas::default()
    };
    applied(&mut world, quotas(200, 5));
    check_refused(&mut world, quotas(201, 5), "InvalidParameterValue", "cannot exceed 1000");
    check_refused(&mut world, quotas(60, 17), "InvalidParameterValue", "1 to 16");
    check_refused(&mut world, quotas(60, 0), "InvalidParameterValue", "1 to 16");
    check_refused(&mut world, quotas(0, 5), "InvalidParameterValue", "at least 1");
    applied(&mut world, quotas(62, 16));
    assert_eq!((world.quotas.rules_per_group, world.quotas.groups_per_region), (62, 2500));
}
