//! What every map holds for a world, as plain values; two images are compared to find what has to be written.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Result, bail};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use sg_common::abi::address::Address;
use sg_common::abi::interface::InterfaceRecord;
use sg_common::abi::member::{INTERNET_NETWORK, MAX_GROUPS};
use sg_common::abi::network::{MAX_BLOCKS, NetworkRecord};
use sg_common::abi::settings::ticks;
use sg_common::abi::{INTERNET_NUMBER, INTERNET_SLOT, MAX_NETWORKS};

use crate::aws::interface::NetworkInterface;
use crate::aws::network_acl::NetworkAcl;
use crate::aws::rule::{Direction, Peer};
use crate::aws::vpc::{Subnet, Vpc};
use crate::aws::world::World;

use super::access_list;
use super::policy::{self, PolicyRule};
use super::words::Words;

/// The owner of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Interface number.
    pub number: u32,
    /// Slot.
    pub slot: u32,
    /// Group numbers, at most [`MAX_GROUPS`].
    pub groups: Vec<u32>,
}

/// What a slot has in both directions: its policies, or its subnet's access lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BothWays {
    /// Inbound.
    pub inbound: Words,
    /// Outbound.
    pub outbound: Words,
}

/// What a slot's interface is judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statements {
    /// Its groups' policies.
    pub policies: BothWays,
    /// Its subnet's access lists; without any, nothing crosses the subnet's border.
    pub access_lists: Option<BothWays>,
}

/// An instance's connection allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Number of the instance.
    pub instance: u32,
    /// How many connections it may track.
    pub limit: u32,
}

/// The contents of the maps. Interface records have no link yet: which links exist is the data plane's to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapImage {
    /// By network index.
    pub networks: BTreeMap<u32, NetworkRecord>,
    /// By slot; attached interfaces only.
    pub interfaces: BTreeMap<u32, InterfaceRecord>,
    /// By slot.
    pub statements: BTreeMap<u32, Statements>,
    /// By the slot of the instance's primary interface.
    pub allowances: BTreeMap<u32, Allowance>,
    /// By network index and address.
    pub members: BTreeMap<(u32, IpAddr), Owner>,
}

impl MapImage {
    /// Whether an interface that is in its slot in both images has other timeouts in the next one.
    pub fn has_other_timers(&self, next: &Self) -> bool {
        let timers = |record: &InterfaceRecord| (record.tcp_established, record.udp, record.udp_stream);
        next.interfaces.iter().any(|(slot, new)| {
            let old = self.interfaces.get(slot).filter(|old| old.number == new.number);
            old.is_some_and(|old| timers(old) != timers(new))
        })
    }
}

/// An address as the data plane has it.
pub fn address(address: IpAddr) -> Address {
    match address {
        IpAddr::V4(address) => Address::v4(u32::from(address)),
        IpAddr::V6(address) => Address::v6(address.octets()),
    }
}

/// The index of a VPC's network.
pub fn network_index(vpc: &Vpc) -> u32 {
    vpc.number % MAX_NETWORKS
}

type PolicyKey = (Vec<u32>, Direction);

/// What was compiled, beside what it was compiled from.
#[derive(Debug, Default)]
struct Cache {
    policies: HashMap<PolicyKey, (Vec<PolicyRule>, Words)>,
    access_lists: HashMap<u32, (NetworkAcl, BothWays)>,
}

/// Compiles worlds, and keeps what it compiled for as long as the rules behind it stay the same.
#[derive(Debug, Default)]
pub struct Compiler {
    cache: Cache,
}

impl Compiler {
    /// The image of a world.
    ///
    /// # Errors
    /// Where something does not fit into the data plane's tables; nothing is changed then.
    pub fn image(&mut self, world: &World) -> Result<MapImage> {
        let mut image = MapImage::default();
        for vpc in world.vpcs.values() {
            if image.networks.insert(network_index(vpc), network(world, vpc)?).is_some() {
                bail!(
                    "{} does not fit: its number and another VPC's differ by a multiple of {MAX_NETWORKS}",
                    vpc.id
                );
            }
        }
        let mut kept = Cache::default();
        for interface in world.network_interfaces.values() {
            self.add_interface(world, interface, &mut image, &mut kept)?;
        }
        self.cache = kept;
        Ok(image)
    }

    fn add_interface(
        &mut self,
        world: &World,
        interface: &NetworkInterface,
        image: &mut MapImage,
        kept: &mut Cache,
    ) -> Result<()> {
        let (Some(vpc), Some(subnet)) =
            (world.vpcs.get(&interface.vpc_id), world.subnets.get(&interface.subnet_id))
        else {
            bail!("{} is in a VPC or subnet that does not exist", interface.id);
        };
        if interface.slot >= INTERNET_SLOT || interface.number >= INTERNET_NUMBER {
            bail!("{} does not fit: the data plane holds {INTERNET_SLOT} interfaces", interface.id);
        }
        let groups = group_numbers(world, interface);
        if groups.len() > MAX_GROUPS {
            bail!(
                "{} has {} groups, and the data plane holds at most {MAX_GROUPS}",
                interface.id,
                groups.len()
            );
        }
        let index = network_index(vpc);
        let owner = Owner { number: interface.number, slot: interface.slot, groups: groups.clone() };
        // Where an active peering leads, the addresses are known as they are at home (E-13).
        let peers = world.peers_of(&vpc.id).filter_map(|peer| world.vpcs.get(peer)).map(network_index);
        let indexes: Vec<u32> = std::iter::once(index).chain(peers).collect();
        for address in addresses(interface) {
            for index in &indexes {
                image.members.insert((*index, address), owner.clone());
            }
            if interface.attachment.is_some() {
                image.members.entry((INTERNET_NETWORK, address)).or_insert_with(|| owner.clone());
            }
        }
        let Some(attachment) = &interface.attachment else { return Ok(()) };
        let Some(instance) = world.instances.get(&attachment.instance_id) else {
            bail!("{} is attached to an instance that does not exist", interface.id);
        };
        let primary = world.interfaces_of(&instance.id).first().map_or(interface.slot, |it| it.slot);
        let limit = instance.connection_allowance;
        image.allowances.insert(primary, Allowance { instance: instance.number, limit });
        let mut record = record(interface, subnet, index, primary);
        if world.flow_logs_of(interface).next().is_some() {
            record.flags |= InterfaceRecord::FLAG_FLOW_LOG;
        }
        image.interfaces.insert(interface.slot, record);
        let access_lists = match world.network_acl_of(&subnet.id) {
            Some(acl) => Some(self.access_lists(acl, kept)?),
            None => None,
        };
        let policies = BothWays {
            inbound: self.policy(world, &groups, Direction::Inbound, kept)?,
            outbound: self.policy(world, &groups, Direction::Outbound, kept)?,
        };
        image.statements.insert(interface.slot, Statements { policies, access_lists });
        Ok(())
    }

    /// The policy of a set of groups, compiled only if its rules have changed.
    fn policy(
        &mut self,
        world: &World,
        groups: &[u32],
        direction: Direction,
        kept: &mut Cache,
    ) -> Result<Words> {
        let key = (groups.to_vec(), direction);
        if let Some((_, policy)) = kept.policies.get(&key) {
            return Ok(policy.clone());
        }
        let rules = rules_of(world, groups, direction);
        let policy = match self.cache.policies.get(&key) {
            Some((cached, policy)) if *cached == rules => Arc::clone(policy),
            _ => policy::compile(&rules)?,
        };
        kept.policies.insert(key, (rules, policy.clone()));
        Ok(policy)
    }

    /// The access lists of a network ACL, compiled only if it has changed.
    fn access_lists(&mut self, acl: &NetworkAcl, kept: &mut Cache) -> Result<BothWays> {
        if let Some((_, lists)) = kept.access_lists.get(&acl.number) {
            return Ok(lists.clone());
        }
        let lists = match self.cache.access_lists.get(&acl.number) {
            Some((cached, lists)) if cached == acl => lists.clone(),
            _ => BothWays {
                inbound: access_list::compile(acl, Direction::Inbound)?,
                outbound: access_list::compile(acl, Direction::Outbound)?,
            },
        };
        kept.access_lists.insert(acl.number, (acl.clone(), lists.clone()));
        Ok(lists)
    }
}

/// Numbers of an interface's groups, sorted: the distinct set.
fn group_numbers(world: &World, interface: &NetworkInterface) -> Vec<u32> {
    let mut numbers: Vec<u32> = interface
        .groups
        .iter()
        .filter_map(|id| world.security_groups.get(id))
        .map(|group| group.number)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn rules_of(world: &World, groups: &[u32], direction: Direction) -> Vec<PolicyRule> {
    world
        .security_groups
        .values()
        .filter(|group| groups.binary_search(&group.number).is_ok())
        .flat_map(|group| group.rules_of(direction))
        .map(|rule| PolicyRule {
            rule: rule.clone(),
            referenced_group: referenced(world, &rule.peer),
            prefixes: prefixes(world, &rule.peer),
        })
        .collect()
}

/// The blocks of the current version of a prefix list.
fn prefixes(world: &World, peer: &Peer) -> Vec<IpNet> {
    let Peer::PrefixList(id) = peer else { return Vec::new() };
    let entries = world.prefix_lists.get(id).map(|list| list.entries()).unwrap_or_default();
    entries.iter().map(|entry| entry.cidr).collect()
}

fn referenced(world: &World, peer: &Peer) -> Option<u32> {
    match peer {
        Peer::ReferencedGroup(id) => world.security_groups.get(id).map(|group| group.number),
        Peer::CidrIpv4(_) | Peer::CidrIpv6(_) | Peer::PrefixList(_) => None,
    }
}

/// All private addresses of an interface (E-07).
fn addresses(interface: &NetworkInterface) -> impl Iterator<Item = IpAddr> {
    let v4 = interface.private_ipv4.iter().copied().map(IpAddr::V4);
    v4.chain(interface.ipv6.iter().copied().map(IpAddr::V6))
}

fn record(interface: &NetworkInterface, subnet: &Subnet, network: u32, allowance: u32) -> InterfaceRecord {
    let timers = interface.connection_tracking;
    InterfaceRecord {
        number: interface.number,
        network,
        link_index: 0,
        flags: if interface.source_dest_check { InterfaceRecord::FLAG_SOURCE_DEST_CHECK } else { 0 },
        tcp_established: ticks(timers.tcp_established),
        udp: ticks(timers.udp),
        udp_stream: ticks(timers.udp_stream),
        primary_ipv4: interface.private_ipv4.first().map_or(0, |&address| u32::from(address)),
        router_ipv4: u32::from(subnet.router_ipv4()),
        broadcast_ipv4: u32::from(subnet.cidr_ipv4.broadcast()),
        subnet: subnet.number,
        allowance,
        mac: interface.mac.0,
        reserved: [0; 2],
        primary_ipv6: interface.ipv6.first().map_or_else(Address::default, |a| Address::v6(a.octets())),
        router_ipv6: subnet.router_ipv6().map_or_else(Address::default, |a| Address::v6(a.octets())),
    }
}

fn network(world: &World, vpc: &Vpc) -> Result<NetworkRecord> {
    let mut record = NetworkRecord {
        dns_ipv4: vpc.dns_server().map_or(0, u32::from),
        internet_mtu: u32::from(vpc.internet_mtu),
        ..NetworkRecord::default()
    };
    let peers = world.peers_of(&vpc.id).filter_map(|peer| world.vpcs.get(peer));
    for vpc in std::iter::once(vpc).chain(peers) {
        for net in vpc.cidr_ipv4.iter().map(Ipv4Net::trunc) {
            let place = free_block(&mut record.count_ipv4, vpc)?;
            record.network_ipv4[place] = u32::from(net.network());
            record.mask_ipv4[place] = u32::from(net.netmask());
        }
        for net in vpc.cidr_ipv6.iter().map(Ipv6Net::trunc) {
            let place = free_block(&mut record.count_ipv6, vpc)?;
            record.network_ipv6[place] = Address::v6(net.network().octets());
            record.mask_ipv6[place] = Address::v6(net.netmask().octets());
        }
    }
    Ok(record)
}

/// The place of one more block.
fn free_block(count: &mut u32, vpc: &Vpc) -> Result<usize> {
    let place = *count as usize;
    if place >= MAX_BLOCKS {
        bail!("{} and its active peers have more than {MAX_BLOCKS} blocks of a family", vpc.id);
    }
    *count += 1;
    Ok(place)
}
