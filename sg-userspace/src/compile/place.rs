//! What a VPC and an interface have in the maps beside what rules compile to: records and owners of addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::{Result, bail};
use ipnet::{Ipv4Net, Ipv6Net};
use sg_common::abi::address::Address;
use sg_common::abi::interface::InterfaceRecord;
use sg_common::abi::member::{INTERNET_NETWORK, MAX_GROUPS};
use sg_common::abi::network::{MAX_BLOCKS, NetworkRecord};
use sg_common::abi::settings::ticks;
use sg_common::abi::{INTERNET_NUMBER, INTERNET_SLOT, MAX_NETWORKS};

use crate::aws::interface::NetworkInterface;
use crate::aws::vpc::{Subnet, Vpc};
use crate::aws::world::World;

use super::image::{GroupSet, Owner};

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

/// Where an interface is.
///
/// # Errors
/// Where the world lacks what the interface names.
pub(super) fn home<'w>(world: &'w World, interface: &NetworkInterface) -> Result<(&'w Vpc, &'w Subnet)> {
    match (world.vpcs.get(&interface.vpc_id), world.subnets.get(&interface.subnet_id)) {
        (Some(vpc), Some(subnet)) => Ok((vpc, subnet)),
        _ => bail!("{} is in a VPC or subnet that does not exist", interface.id),
    }
}

/// An interface as the owner of its addresses.
///
/// # Errors
/// Where the data plane's tables do not hold it.
pub(super) fn owner(interface: &NetworkInterface, groups: GroupSet) -> Result<Owner> {
    if interface.slot >= INTERNET_SLOT || interface.number >= INTERNET_NUMBER {
        bail!("{} does not fit: the data plane holds {INTERNET_SLOT} interfaces", interface.id);
    }
    if groups.len() > MAX_GROUPS {
        bail!("{} has {} groups, and the data plane holds at most {MAX_GROUPS}", interface.id, groups.len());
    }
    Ok(Owner { number: interface.number, slot: interface.slot, groups })
}

/// The networks in which the addresses of a VPC's interfaces are known: where an active peering leads, they are as they are at
/// home (E-13).
pub(super) fn networks_of(world: &World, vpc: &Vpc) -> Vec<u32> {
    let peers = world.peers_of(&vpc.id).filter_map(|peer| world.vpcs.get(peer)).map(network_index);
    std::iter::once(network_index(vpc)).chain(peers).collect()
}

/// Enters the owner of an address. To the internet host it is the first interface that has it and is attached.
pub(super) fn add_member(
    members: &mut BTreeMap<(u32, IpAddr), Owner>,
    networks: &[u32],
    address: IpAddr,
    interface: &NetworkInterface,
    owner: &Owner,
) {
    for network in networks {
        members.insert((*network, address), owner.clone());
    }
    if interface.attachment.is_some() {
        members.entry((INTERNET_NETWORK, address)).or_insert_with(|| owner.clone());
    }
}

/// Numbers of an interface's groups, sorted: the distinct set.
pub(super) fn group_set(world: &World, interface: &NetworkInterface) -> GroupSet {
    let mut numbers: Vec<u32> = interface
        .groups
        .iter()
        .filter_map(|id| world.security_groups.get(id))
        .map(|group| group.number)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.into()
}

/// All private addresses of an interface (E-07).
pub(super) fn addresses(interface: &NetworkInterface) -> impl Iterator<Item = IpAddr> {
    let v4 = interface.private_ipv4.iter().copied().map(IpAddr::V4);
    v4.chain(interface.ipv6.iter().copied().map(IpAddr::V6))
}

/// The record of an interface that is attached.
pub(super) fn record(
    interface: &NetworkInterface,
    subnet: &Subnet,
    network: u32,
    allowance: u32,
) -> InterfaceRecord {
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

/// A VPC's network.
///
/// # Errors
/// Where it has more blocks than a record holds.
pub(super) fn network(world: &World, vpc: &Vpc) -> Result<NetworkRecord> {
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
