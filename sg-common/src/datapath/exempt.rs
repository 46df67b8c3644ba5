//! Destinations that security groups do not filter, and destinations that a VPC does not deliver.

use crate::abi::address::{Address, Family};
use crate::abi::interface::InterfaceRecord;
use crate::abi::network::NetworkRecord;

use super::tuple::{FiveTuple, Packet, protocol};

const fn v4(a: u8, b: u8, c: u8, d: u8) -> u32 {
    u32::from_be_bytes([a, b, c, d])
}

const LINK_LOCAL_V6: u64 = 0xfe80_0000_0000_0000;
/// The upper half of `fd00:ec2::/64`.
const SERVICES_V6: u64 = 0xfd00_0ec2_0000_0000;
/// The router's link-local address as a Linux host has it.
pub const ROUTER_LINK_LOCAL: Address = Address { high: LINK_LOCAL_V6, low: 1 };
/// The router's link-local address as AWS documents it, `fe80:ec2::1` (M-05).
pub const ROUTER_LINK_LOCAL_AWS: Address = Address { high: 0xfe80_0ec2_0000_0000, low: 1 };

/// Whether a packet that leaves an instance is for a service that AWS does not filter (E-15, E-16).
#[inline(always)]
pub fn is_exempt(packet: &Packet, interface: &InterfaceRecord, network: &NetworkRecord) -> bool {
    let tuple = &packet.tuple;
    if packet.family == Family::V4.0 {
        let address = tuple.destination.low32();
        match address {
            _ if address == interface.router_ipv4 || (address == network.dns_ipv4 && address != 0) => true,
            _ if address >> 16 == v4(169, 254, 0, 0) >> 16 => is_service_v4(tuple, address),
            _ => false,
        }
    } else {
        let address = tuple.destination;
        address == ROUTER_LINK_LOCAL
            || address == ROUTER_LINK_LOCAL_AWS
            || (address == interface.router_ipv6 && address != Address::default())
            || (address.high == SERVICES_V6 && matches!(address.low, 0x250 | 0x253 | 0x254 | 0x123))
    }
}

#[inline(always)]
fn is_service_v4(tuple: &FiveTuple, address: u32) -> bool {
    const DNS: u32 = v4(169, 254, 169, 253);
    const METADATA: u32 = v4(169, 254, 169, 254);
    const TASK_METADATA: u32 = v4(169, 254, 170, 2);
    const TIME: u32 = v4(169, 254, 169, 123);
    const LICENCE_1: u32 = v4(169, 254, 169, 250);
    const LICENCE_2: u32 = v4(169, 254, 169, 251);
    match address {
        DNS | METADATA | TASK_METADATA | TIME => true,
        LICENCE_1 | LICENCE_2 => {
            matches!(tuple.protocol, protocol::TCP | protocol::UDP) && tuple.destination_port == 1688
        }
        _ => false,
    }
}

/// Whether a packet speaks DHCP to a broadcast or multicast address (E-15).
#[inline(always)]
pub fn is_dhcp(packet: &Packet, subnet_broadcast: u32) -> bool {
    let destination = packet.tuple.destination;
    let to_many = if packet.family == Family::V4.0 {
        destination.low32() >> 28 == 14
            || destination.low32() == u32::MAX
            || (destination.low32() == subnet_broadcast && subnet_broadcast != 0)
    } else {
        destination.high >> 56 == 0xff
    };
    to_many
        && packet.tuple.protocol == protocol::UDP
        && matches!(packet.tuple.destination_port, 67 | 68 | 546 | 547)
}

/// Whether an address is nobody's yet: unspecified, or IPv6 link-local.
#[inline(always)]
pub fn is_unspecified_or_link_local_v6(family: u8, address: Address) -> bool {
    (address.high == 0 && address.low == 0)
        || (family == Family::V6.0 && address.high >> 54 == LINK_LOCAL_V6 >> 54)
}

/// Whether a VPC does not deliver to or from an address: broadcast, multicast, unspecified, loopback, link-local (M-07).
#[inline(always)]
pub fn is_undeliverable(family: u8, address: Address) -> bool {
    if family == Family::V4.0 {
        let address = address.low32();
        let first = address >> 24;
        address == 0
            || address == u32::MAX
            || first == 127
            || first >> 4 == 14
            || address >> 16 == v4(169, 254, 0, 0) >> 16
    } else {
        address.high >> 56 == 0xff
            || address.high >> 54 == LINK_LOCAL_V6 >> 54
            || (address.high == 0 && address.low <= 1)
    }
}
