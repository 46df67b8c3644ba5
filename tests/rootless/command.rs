//! Commands: what each does and what AWS refuses, by fact id. A refused command is checked to have changed nothing.

mod group;
mod instance;
mod instance_state;
mod interface;
mod journal;
mod network_acl;
mod peering;
mod permission;
mod prefix_list;
mod reference;
mod route_table;
mod rule;
mod tag;
mod vpc;
mod vpc_block;

use std::collections::BTreeMap;

use sg_userspace::aws::ids::{
    InstanceId, NetworkInterfaceId, SecurityGroupId, SecurityGroupRuleId, SubnetId, VpcId,
};
use sg_userspace::aws::rule::{Direction, SecurityGroupRule};
use sg_userspace::aws::world::World;
use sg_userspace::command::group::CreateSecurityGroup;
use sg_userspace::command::instance::{InstanceInterface, RunInstance};
use sg_userspace::command::interface::CreateNetworkInterface;
use sg_userspace::command::permission::Permission;
use sg_userspace::command::rule::{Authorize, Revoke};
use sg_userspace::command::rule_text::{self, Context};
use sg_userspace::command::subnet::CreateSubnet;
use sg_userspace::command::vpc::CreateVpc;
use sg_userspace::command::{Applied, Command, Reply, apply};

/// A world to try commands on, with a VPC, a subnet and two groups.
struct Account {
    world: World,
    vpc: VpcId,
    subnet: SubnetId,
    web: SecurityGroupId,
    db: SecurityGroupId,
}

/// An account whose one VPC is 10.0.0.0/16 without IPv6.
fn account() -> Account {
    account_with(vpc(&["10.0.0.0/16"], &[]))
}

fn account_with(create: CreateVpc) -> Account {
    let ipv6 = create.cidr_ipv6.first().map(|net| format!("{}/64", net.network()));
    let mut world = World::default();
    let vpc = made_vpc(&mut world, create);
    let mut create = subnet(&vpc, "10.0.1.0/24", "us-east-1a");
    create.cidr_ipv6 = ipv6.map(|net| net.parse().expect("a block"));
    let Reply::Subnet(subnet) = reply(&mut world, create) else { panic!("no subnet") };
    let web = made_group(&mut world, &vpc, "web");
    let db = made_group(&mut world, &vpc, "db");
    Account { world, vpc, subnet, web, db }
}

fn vpc(ipv4: &[&str], ipv6: &[&str]) -> CreateVpc {
    CreateVpc {
        cidr_ipv4: ipv4.iter().map(|net| net.parse().expect("a block")).collect(),
        cidr_ipv6: ipv6.iter().map(|net| net.parse().expect("a block")).collect(),
        ..CreateVpc::default()
    }
}

fn subnet(vpc_id: &VpcId, ipv4: &str, zone: &str) -> CreateSubnet {
    CreateSubnet {
        vpc_id: vpc_id.clone(),
        availability_zone: zone.parse().expect("a zone"),
        cidr_ipv4: ipv4.parse().expect("a block"),
        cidr_ipv6: None,
        tags: Default::default(),
    }
}

fn group(vpc_id: &VpcId, name: &str) -> CreateSecurityGroup {
    CreateSecurityGroup {
        vpc_id: vpc_id.clone(),
        name: name.to_owned(),
        description: "a group".to_owned(),
        tags: Default::default(),
    }
}

#[track_caller]
fn made_vpc(world: &mut World, create: CreateVpc) -> VpcId {
    let Reply::Vpc { vpc_id, .. } = reply(world, create) else { panic!("no VPC") };
    vpc_id
}

#[track_caller]
fn made_subnet(world: &mut World, create: CreateSubnet) -> SubnetId {
    let Reply::Subnet(id) = reply(world, create) else { panic!("no subnet") };
    id
}

#[track_caller]
fn made_group(world: &mut World, vpc_id: &VpcId, name: &str) -> SecurityGroupId {
    let Reply::SecurityGroup(id) = reply(world, group(vpc_id, name)) else { panic!("no group") };
    id
}

#[track_caller]
fn made_interface(world: &mut World, create: CreateNetworkInterface) -> NetworkInterfaceId {
    let Reply::NetworkInterface(id) = reply(world, create) else { panic!("no interface") };
    id
}

#[track_caller]
fn made_instance(
    world: &mut World,
    name: &str,
    create: CreateNetworkInterface,
) -> (InstanceId, NetworkInterfaceId) {
    let run = RunInstance {
        name: Some(name.to_owned()),
        interfaces: vec![InstanceInterface::New(create)],
        ..RunInstance::default()
    };
    let Reply::Instance { instance_id, mut interface_ids } = reply(world, run) else { panic!("no instance") };
    (instance_id, interface_ids.remove(0))
}

/// Applies a command that AWS takes.
#[track_caller]
fn applied(world: &mut World, command: impl Into<Command>) -> Applied {
    match apply(world, command.into()) {
        Ok(applied) => applied,
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn reply(world: &mut World, command: impl Into<Command>) -> Reply {
    applied(world, command).reply
}

/// Checks that AWS refuses a command with this code and message, and that nothing changed.
#[track_caller]
fn check_refused(world: &mut World, command: impl Into<Command>, code: &str, message: &str) {
    let before = world.clone();
    let Err(error) = apply(world, command.into()) else { panic!("accepted; expected {code}") };
    assert_eq!(error.code, code, "{error}");
    assert!(error.message.contains(message), "`{message}` is not in: {error}");
    assert_eq!(*world, before, "a refused command changed the world");
}

impl Account {
    /// What a rule written as text stands for; `self` is `web`.
    #[track_caller]
    fn inbound(&self, text: &str) -> Permission {
        let context = Context {
            world: &self.world,
            vpc_id: &self.vpc,
            own_group: Some(&self.web),
            my_ip: Some([203, 0, 113, 10].into()),
        };
        match rule_text::parse_rule(text, Direction::Inbound, context) {
            Ok(mut permissions) if permissions.len() == 1 => permissions.remove(0),
            other => panic!("{text}: {other:?}"),
        }
    }

    /// The command that adds these inbound rules to `web`.
    #[track_caller]
    fn authorize(&self, texts: &[&str]) -> Authorize {
        let permissions = texts.iter().map(|text| self.inbound(text)).collect();
        Authorize {
            group_id: self.web.clone(),
            direction: Direction::Inbound,
            permissions,
            tags: BTreeMap::new(),
        }
    }

    /// The command that takes these inbound rules from `web`.
    #[track_caller]
    fn revoke(&self, texts: &[&str]) -> Revoke {
        let permissions = texts.iter().map(|text| self.inbound(text)).collect();
        Revoke {
            group_id: self.web.clone(),
            direction: Direction::Inbound,
            permissions,
            rule_ids: Vec::new(),
        }
    }

    /// Adds inbound rules to `web`.
    #[track_caller]
    fn authorized(&mut self, texts: &[&str]) -> Vec<SecurityGroupRule> {
        let command = self.authorize(texts);
        let Reply::Rules(rules) = reply(&mut self.world, command) else { panic!("no rules") };
        rules
    }

    /// The inbound rules of `web`: protocol, ports, peer.
    fn rules(&self) -> Vec<String> {
        let rules = self.world.security_groups[&self.web].rules_of(Direction::Inbound);
        rules
            .map(|it| format!("{} {}-{} {}", it.protocol, it.ports.from_port, it.ports.to_port, it.peer))
            .collect()
    }

    fn rule_ids(&self) -> Vec<SecurityGroupRuleId> {
        self.world.security_groups[&self.web].rules_of(Direction::Inbound).map(|it| it.id.clone()).collect()
    }

    /// An interface in the subnet with these groups.
    fn interface(&self, groups: &[&SecurityGroupId]) -> CreateNetworkInterface {
        CreateNetworkInterface::new(self.subnet.clone(), groups.iter().map(|id| (*id).clone()).collect())
    }
}
