//! What every map holds for a world, as plain values; two images are compared to find what has to be written.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Result, bail};
use ipnet::{Ipv4Net, Ipv6Net};
use sg_common::abi::address::Address;
use sg_common::abi::interface::InterfaceRecord;
use sg_common::abi::member::{INTERNET_NETWORK, MAX_GROUPS};
use sg_common::abi::network::{MAX_BLOCKS, NetworkRecord};
use sg_common::abi::settings::ticks;
use sg_common::abi::{INTERNET_NUMBER, INTERNET_SLOT, MAX_NETWORKS};

use crate::aws::interface::NetworkInterface;
use crate::aws::rule::{Direction, Peer};
use crate::aws::vpc::{Subnet, Vpc};
use crate::aws::world::World;

use super::policy::{Policy, PolicyRule, compile};

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

/// Both policies of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies {
    /// Inbound.
    pub inbound: Policy,
    /// Outbound.
    pub outbound: Policy,
}

/// The contents of the maps. Interface records have no link yet: which links exist is the data plane's to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapImage {
    /// By network index.
    pub networks: BTreeMap<u32, NetworkRecord>,
    /// By slot; attached interfaces only.
    pub interfaces: BTreeMap<u32, InterfaceRecord>,
    /// By slot.
    pub policies: BTreeMap<u32, Policies>,
    /// By network index and address.
    pub members: BTreeMap<(u32, IpAddr), Owner>,
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

/// Compiles worlds, and keeps what it compiled for as long as the rules behind it stay the same.
#[derive(Debug, Default)]
pub struct Compiler {
    cache: HashMap<PolicyKey, (Vec<PolicyRule>, Policy)>,
}

impl Compiler {
    /// The image of a world.
    ///
    /// # Errors
    /// Where something does not fit into the data plane's tables; nothing is changed then.
    pub fn image(&mut self, world: &World) -> Result<MapImage> {
        let mut image = MapImage::default();
        for vpc in world.vpcs.values() {
            if image.networks.insert(network_index(vpc), network(vpc)?).is_some() {
                bail!(
                    "{} does not fit: its number and another VPC's differ by a multiple of {MAX_NETWORKS}",
                    vpc.id
                );
            }
        }
        let mut kept = HashMap::new();
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
        kept: &mut HashMap<PolicyKey, (Vec<PolicyRule>, Policy)>,
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
        for address in addresses(interface) {
            image.members.insert((index, address), owner.clone());
            if interface.attachment.is_some() {
                image.members.entry((INTERNET_NETWORK, address)).or_insert_with(|| owner.clone());
            }
        }
        if interface.attachment.is_some() {
            image.interfaces.insert(interface.slot, record(interface, subnet, index));
            let policies = Policies {
                inbound: self.policy(world, &groups, Direction::Inbound, kept)?,
                outbound: self.policy(world, &groups, Direction::Outbound, kept)?,
            };
            image.policies.insert(interface.slot, policies);
        }
        Ok(())
    }

    /// The policy of a set of groups, compiled only if its rules have changed.
    fn policy(
        &mut self,
        world: &World,
        groups: &[u32],
        direction: Direction,
        kept: &mut HashMap<PolicyKey, (Vec<PolicyRule>, Policy)>,
    ) -> Result<Policy> {
        let key = (groups.to_vec(), direction);
        if let Some((_, policy)) = kept.get(&key) {
            return Ok(policy.clone());
        }
        let rules = rules_of(world, groups, direction);
        let policy = match self.cache.get(&key) {
            Some((cached, policy)) if *cached == rules => Arc::clone(policy),
            _ => compile(&rules)?,
        };
        kept.insert(key, (rules, policy.clone()));
        Ok(policy)
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
        .map(|rule| PolicyRule { rule: rule.clone(), referenced_group: referenced(world, &rule.peer) })
        .collect()
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

fn record(interface: &NetworkInterface, subnet: &Subnet, network: u32) -> InterfaceRecord {
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
        mac: interface.mac.0,
        reserved: [0; 2],
        primary_ipv6: interface.ipv6.first().map_or_else(Address::default, |a| Address::v6(a.octets())),
        router_ipv6: subnet.router_ipv6().map_or_else(Address::default, |a| Address::v6(a.octets())),
    }
}

fn network(vpc: &Vpc) -> Result<NetworkRecord> {
    if vpc.cidr_ipv4.len() > MAX_BLOCKS || vpc.cidr_ipv6.len() > MAX_BLOCKS {
        bail!("{} has more than {MAX_BLOCKS} blocks of a family", vpc.id);
    }
    let mut record = NetworkRecord {
        dns_ipv4: vpc.dns_server().map_or(0, u32::from),
        internet: 1,
        ..NetworkRecord::default()
    };
    for (index, net) in vpc.cidr_ipv4.iter().map(Ipv4Net::trunc).enumerate() {
        record.count_ipv4 += 1;
        record.network_ipv4[index] = u32::from(net.network());
        record.mask_ipv4[index] = u32::from(net.netmask());
    }
    for (index, net) in vpc.cidr_ipv6.iter().map(Ipv6Net::trunc).enumerate() {
        record.count_ipv6 += 1;
        record.network_ipv6[index] = Address::v6(net.network().octets());
        record.mask_ipv6[index] = Address::v6(net.netmask().octets());
    }
    Ok(record)
}
