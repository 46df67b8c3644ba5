//! What AWS keeps for itself among addresses: services that nothing filters (E-15), and what a VPC delivers to nobody
//! (M-07).

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use crate::aws::interface::NetworkInterface;
use crate::aws::vpc::{Subnet, Vpc};
use crate::aws::world::World;

use super::traffic::Traffic;

/// Services at the same address in every VPC, on every port: DNS, metadata, task metadata, time, licence activation over
/// IPv6, and the router's link-local addresses.
const SERVICES: [&str; 10] = [
    "169.254.169.253",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.169.123",
    "fd00:ec2::253",
    "fd00:ec2::254",
    "fd00:ec2::250",
    "fd00:ec2::123",
    "fe80::1",
    "fe80:ec2::1",
];
/// Licence activation over IPv4.
const LICENCE: [&str; 2] = ["169.254.169.250", "169.254.169.251"];
const LICENCE_PORT: u16 = 1688;
const DHCP_PORTS: [u16; 4] = [67, 68, 546, 547];

/// Blocks that hold no address of an internet host: undeliverable, or a service.
const RESERVED: [&str; 10] = [
    "0.0.0.0/32",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "255.255.255.255/32",
    "::/127",
    "fe80::/10",
    "ff00::/8",
    "fd00:ec2::/112",
    "fe80:ec2::1/128",
];

/// Whether the address is one of the interface's own private addresses (E-06, E-07).
pub(super) fn owns(interface: &NetworkInterface, address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => interface.private_ipv4.contains(&address),
        IpAddr::V6(address) => interface.ipv6.contains(&address),
    }
}

/// All private addresses of an interface in one family, the primary one first.
pub(super) fn addresses(interface: &NetworkInterface, is_ipv4: bool) -> Vec<IpAddr> {
    if is_ipv4 {
        interface.private_ipv4.iter().copied().map(IpAddr::V4).collect()
    } else {
        interface.ipv6.iter().copied().map(IpAddr::V6).collect()
    }
}

/// Whether the address is in one of the VPC's blocks.
pub(super) fn is_in_vpc(vpc: &Vpc, address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => vpc.cidr_ipv4.iter().any(|block| block.contains(&address)),
        IpAddr::V6(address) => vpc.cidr_ipv6.iter().any(|block| block.contains(&address)),
    }
}

/// Blocks that hold no address of an internet host.
pub(super) fn reserved() -> impl Iterator<Item = IpNet> {
    RESERVED.iter().filter_map(|block| block.parse().ok())
}

/// Whether the source/destination check leaves this source to later steps: a client of DHCP has nothing better.
pub(super) fn is_unassigned(source: IpAddr) -> bool {
    match source {
        IpAddr::V4(source) => source.is_unspecified(),
        IpAddr::V6(source) => source.is_unspecified() || source.is_unicast_link_local(),
    }
}

/// Whether the packet belongs to the fabric (ICMPv6 133 to 137), or is for a service that nothing filters (E-15, E-16).
pub(super) fn is_exempt(
    world: &World,
    sender: &NetworkInterface,
    destination: IpAddr,
    traffic: Traffic,
) -> bool {
    let is = |text: &&str| text.parse() == Ok(destination);
    let is_router = world.subnets.get(&sender.subnet_id).is_some_and(|subnet| {
        destination == IpAddr::V4(subnet.router_ipv4())
            || subnet.router_ipv6().map(IpAddr::V6) == Some(destination)
    });
    let dns = world.vpcs.get(&sender.vpc_id).and_then(Vpc::dns_server);
    let is_dhcp = matches!(traffic, Traffic::Udp(port) if DHCP_PORTS.contains(&port))
        && (is_multicast(destination) || is_subnet_broadcast(world, sender, destination));
    let is_licence = traffic.port() == Some(LICENCE_PORT) && LICENCE.iter().any(is);
    SERVICES.iter().any(is)
        || is_router
        || dns.map(IpAddr::V4) == Some(destination)
        || is_licence
        || is_dhcp
        || is_neighbour_discovery(destination, traffic)
}

/// ICMPv6 133 to 137 (E-16).
pub(super) fn is_neighbour_discovery(destination: IpAddr, traffic: Traffic) -> bool {
    matches!(traffic, Traffic::Icmp { kind: 133..=137, .. }) && destination.is_ipv6()
}

/// Whether a VPC delivers nothing from or to this address.
pub(super) fn is_undeliverable(address: IpAddr) -> bool {
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    is_multicast(address) || address.is_unspecified() || address.is_loopback() || is_link_local
}

fn is_multicast(address: IpAddr) -> bool {
    address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST)
}

/// Whether this is the last address of the sender's subnet (M-05).
pub(super) fn is_subnet_broadcast(world: &World, sender: &NetworkInterface, address: IpAddr) -> bool {
    let last = |subnet: &Subnet| IpAddr::V4(subnet.cidr_ipv4.broadcast());
    world.subnets.get(&sender.subnet_id).map(last) == Some(address)
}
