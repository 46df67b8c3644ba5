//! What an address is: whose it is, and what AWS keeps for itself (E-15, M-05, M-07).

use std::iter;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::aws::ids::VpcId;
use crate::aws::interface::NetworkInterface;
use crate::aws::vpc::{Subnet, Vpc};
use crate::aws::world::World;
use crate::packet::spec::{PacketSpec, Transport};

/// The router's link-local addresses in every subnet.
const ROUTER_LINK_LOCAL: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1), Ipv6Addr::new(0xfe80, 0xec2, 0, 0, 0, 0, 0, 1)];

/// Services at the same IPv4 address in every VPC: DNS, instance metadata, task metadata, time.
const SERVICES_IPV4: [Ipv4Addr; 4] = [
    Ipv4Addr::new(169, 254, 169, 253),
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 169, 123),
];

/// Services at the same IPv6 address in every VPC: DNS, instance metadata, licence activation, time.
const SERVICES_IPV6: [Ipv6Addr; 4] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x250),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x123),
];

/// Licence activation over IPv4, on this port only.
const LICENCE_IPV4: [Ipv4Addr; 2] = [Ipv4Addr::new(169, 254, 169, 250), Ipv4Addr::new(169, 254, 169, 251)];
const LICENCE_PORT: u16 = 1688;

const DHCP_PORTS: [u16; 4] = [67, 68, 546, 547];

/// Whether the address is one of the interface's own private addresses (E-06, E-07).
pub(super) fn owns(interface: &NetworkInterface, address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => interface.private_ipv4.contains(&address),
        IpAddr::V6(address) => interface.ipv6.contains(&address),
    }
}

/// Whether the address is in none of the blocks of the VPC and of those that active peerings join to it, hence the
/// internet's (E-13).
pub(super) fn is_on_internet(world: &World, vpc_id: &VpcId, address: IpAddr) -> bool {
    let is_in = |vpc: &Vpc| match address {
        IpAddr::V4(address) => vpc.cidr_ipv4.iter().any(|block| block.contains(&address)),
        IpAddr::V6(address) => vpc.cidr_ipv6.iter().any(|block| block.contains(&address)),
    };
    !reachable_vpcs(world, vpc_id).any(|vpc_id| world.vpcs.get(vpc_id).is_some_and(is_in))
}

/// The VPC itself, then those that active peerings join to it (E-13).
pub(super) fn reachable_vpcs<'w>(world: &'w World, vpc_id: &'w VpcId) -> impl Iterator<Item = &'w VpcId> {
    iter::once(vpc_id).chain(world.peers_of(vpc_id))
}

/// Whether the interface may not send from this address (M-17).
pub(super) fn is_foreign(interface: &NetworkInterface, source: IpAddr) -> bool {
    interface.source_dest_check && !is_unassigned(source) && !owns(interface, source)
}

/// Whether the source/destination check leaves this source to the steps after it: a client of DHCP has nothing better.
fn is_unassigned(source: IpAddr) -> bool {
    match source {
        IpAddr::V4(source) => source.is_unspecified(),
        IpAddr::V6(source) => source.is_unspecified() || source.is_unicast_link_local(),
    }
}

/// Whether the packet is for a service that security groups do not filter (E-15), as the sender sees it.
pub(super) fn is_exempt(world: &World, sender: &NetworkInterface, packet: &PacketSpec) -> bool {
    let vpc = world.vpcs.get(&sender.vpc_id);
    let subnet = world.subnets.get(&sender.subnet_id);
    let port = visible_port(packet);
    let is_service = match packet.destination {
        IpAddr::V4(destination) => {
            SERVICES_IPV4.contains(&destination)
                || vpc.and_then(Vpc::dns_server) == Some(destination)
                || subnet.map(Subnet::router_ipv4) == Some(destination)
                || (LICENCE_IPV4.contains(&destination) && port == Some(LICENCE_PORT))
        }
        IpAddr::V6(destination) => {
            SERVICES_IPV6.contains(&destination)
                || ROUTER_LINK_LOCAL.contains(&destination)
                || subnet.and_then(Subnet::router_ipv6) == Some(destination)
        }
    };
    let is_dhcp = packet.protocol() == 17
        && port.is_some_and(|port| DHCP_PORTS.contains(&port))
        && (is_multicast(packet.destination) || is_subnet_broadcast(world, sender, packet.destination));
    is_service || is_dhcp
}

/// The destination port, where the packet's frame has one.
fn visible_port(packet: &PacketSpec) -> Option<u16> {
    match packet.transport {
        _ if packet.is_later_fragment() => None,
        Transport::Tcp { destination_port, .. } | Transport::Udp { destination_port, .. } => {
            Some(destination_port)
        }
        Transport::Icmp { .. } | Transport::IcmpError { .. } | Transport::Other { .. } => None,
    }
}

/// Whether a VPC delivers nothing from or to this address (M-07).
pub(super) fn is_undeliverable(address: IpAddr) -> bool {
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    is_multicast(address) || address.is_unspecified() || address.is_loopback() || is_link_local
}

/// Multicast, or the broadcast address of every network.
fn is_multicast(address: IpAddr) -> bool {
    address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST)
}

/// Whether this is the last address of the sender's subnet (M-05).
pub(super) fn is_subnet_broadcast(world: &World, sender: &NetworkInterface, address: IpAddr) -> bool {
    world
        .subnets
        .get(&sender.subnet_id)
        .is_some_and(|subnet| address == IpAddr::V4(subnet.cidr_ipv4.broadcast()))
}
