//! A window: when it was, which interfaces a flow log covered in it, and what was known of them.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::aws::flow_log::FlowLog;
use crate::aws::ids::{
    FlowLogId, InstanceId, NetworkAclId, NetworkInterfaceId, SecurityGroupRuleId, SubnetId, VpcId,
};
use crate::aws::interface::NetworkInterface;
use crate::aws::region::AvailabilityZone;
use crate::aws::rule::SecurityGroupRule;
use crate::aws::vpc::Vpc;
use crate::aws::world::World;

/// What `traffic-path` says of a destination in the same VPC (F-08).
const PATH_LOCAL: u8 = 1;
/// Over a peering within a region.
const PATH_PEERING: u8 = 4;
/// Over a peering of two regions.
const PATH_FAR_PEERING: u8 = 5;
/// Through an internet gateway, from a Nitro instance, which all are here.
const PATH_INTERNET: u8 = 8;

/// What records say of an interface that is not in its packets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    /// Its number in the data plane.
    pub number: u32,
    /// Its slot.
    pub slot: u32,
    /// Its id.
    pub id: NetworkInterfaceId,
    /// Its VPC.
    pub vpc_id: VpcId,
    /// Its subnet.
    pub subnet_id: SubnetId,
    /// Its subnet's network ACL.
    pub network_acl_id: Option<NetworkAclId>,
    /// Its zone.
    pub availability_zone: Option<AvailabilityZone>,
    /// Its instance.
    pub instance_id: Option<InstanceId>,
    /// Its primary private IPv4 address, which stands for all of them (F-09).
    pub primary_ipv4: Option<Ipv4Addr>,
    /// Blocks that are not behind an internet gateway, and the way to each.
    pub paths: Vec<(IpNet, u8)>,
}

impl Covered {
    fn of(world: &World, interface: &NetworkInterface) -> Self {
        let subnet = world.subnets.get(&interface.subnet_id);
        Self {
            number: interface.number,
            slot: interface.slot,
            id: interface.id.clone(),
            vpc_id: interface.vpc_id.clone(),
            subnet_id: interface.subnet_id.clone(),
            network_acl_id: subnet.map(|subnet| subnet.network_acl_id.clone()),
            availability_zone: subnet.map(|subnet| subnet.availability_zone.clone()),
            instance_id: interface.attachment.as_ref().map(|attachment| attachment.instance_id.clone()),
            primary_ipv4: interface.private_ipv4.first().copied(),
            paths: world.vpcs.get(&interface.vpc_id).map(|vpc| paths(world, vpc)).unwrap_or_default(),
        }
    }

    /// The way to a destination (F-08).
    pub fn path_to(&self, destination: IpAddr) -> u8 {
        let way = self.paths.iter().find(|(block, _)| block.contains(&destination));
        way.map_or(PATH_INTERNET, |(_, path)| *path)
    }
}

fn paths(world: &World, vpc: &Vpc) -> Vec<(IpNet, u8)> {
    let blocks = |vpc: &Vpc, path| {
        let ipv4 = vpc.cidr_ipv4.iter().copied().map(IpNet::V4);
        let ipv6 = vpc.cidr_ipv6.iter().copied().map(IpNet::V6);
        ipv4.chain(ipv6).map(|block| (block, path)).collect::<Vec<_>>()
    };
    let peers = world.peers_of(&vpc.id).filter_map(|id| world.vpcs.get(id));
    let of_peer =
        |peer: &Vpc| blocks(peer, if peer.region == vpc.region { PATH_PEERING } else { PATH_FAR_PEERING });
    let mut paths = blocks(vpc, PATH_LOCAL);
    paths.extend(peers.flat_map(of_peer));
    paths
}

/// One flow log's part in one interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The flow log.
    pub log: FlowLog,
    /// The interface.
    pub interface: Covered,
}

/// By flow log and interface.
pub type Key = (FlowLogId, NetworkInterfaceId);

/// Whom flow logs cover. What has been covered stays until the window ends, so that an interface that is gone has its last
/// records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roll(pub BTreeMap<Key, Coverage>);

impl Roll {
    /// Everybody who is covered now. An interface of no instance has no traffic and no records.
    pub fn of(world: &World) -> Self {
        let mut roll = Self::default();
        if world.flow_logs.is_empty() {
            return roll;
        }
        for interface in world.network_interfaces.values().filter(|it| it.attachment.is_some()) {
            let mut covered = None;
            for log in world.flow_logs_of(interface) {
                let interface = covered.get_or_insert_with(|| Covered::of(world, interface)).clone();
                roll.0
                    .insert((log.id.clone(), interface.id.clone()), Coverage { log: log.clone(), interface });
            }
        }
        roll
    }

    /// Those of this roll who are not on another one.
    pub fn missing_from(&self, other: &Self) -> impl Iterator<Item = &Coverage> {
        self.0.iter().filter(|(key, _)| !other.0.contains_key(key)).map(|(_, coverage)| coverage)
    }

    /// Adds everybody of another roll, whose word counts where both know somebody.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl FromIterator<Coverage> for Roll {
    fn from_iter<I: IntoIterator<Item = Coverage>>(coverage: I) -> Self {
        let keyed = coverage.into_iter().map(|it| ((it.log.id.clone(), it.interface.id.clone()), it));
        Self(keyed.collect())
    }
}

/// Ids of rules by the numbers that the data plane has for them. A tracked flow outlives its rule (C-11), so a number is
/// kept.
#[derive(Clone, Debug, Default)]
pub struct RuleNames(HashMap<u32, SecurityGroupRuleId>);

impl RuleNames {
    /// Learns of a rule.
    pub fn learn(&mut self, rule: &SecurityGroupRule) {
        self.0.entry(rule.number).or_insert_with(|| rule.id.clone());
    }

    /// The rule's id, or its number where nobody knows it any more.
    pub fn name(&self, number: u32) -> String {
        self.0.get(&number).map_or_else(|| format!("#{number}"), ToString::to_string)
    }
}

/// A moment on the data plane's clock and on ours, the lab's offset included in both.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anchor {
    /// The tick.
    pub tick: u64,
    /// Nanoseconds of Unix time.
    pub unix_nanoseconds: u64,
}

impl Anchor {
    /// When a tick was, or will be, in Unix seconds.
    pub fn unix_seconds(&self, tick: u64) -> u64 {
        const SHIFT: u32 = sg_common::abi::settings::TICK_SHIFT;
        let nanoseconds = if tick <= self.tick {
            self.unix_nanoseconds.saturating_sub((self.tick - tick) << SHIFT)
        } else {
            self.unix_nanoseconds + ((tick - self.tick) << SHIFT)
        };
        nanoseconds / 1_000_000_000
    }
}

/// A window that is over.
#[derive(Clone, Debug)]
pub struct Window {
    /// The data plane's number for it; what it counted under earlier ones, and nobody has read, belongs to it too.
    pub epoch: u32,
    /// When it began, in Unix seconds.
    pub start: u64,
    /// When it ended.
    pub end: u64,
    /// Who was covered.
    pub roll: Roll,
    /// Names of rules.
    pub rules: RuleNames,
    /// What ticks are.
    pub anchor: Anchor,
    /// Whether packets passed that nobody counted: enforcement was off, or the machine was.
    pub has_gap: bool,
}
