//! Step 10 of `docs/judgement.md`: to whom a packet goes.

use crate::abi::address::{Address, Family};
use crate::abi::interface::InterfaceRecord;
use crate::abi::network::{MAX_BLOCKS, NetworkRecord};
use crate::abi::{INTERNET_NUMBER, INTERNET_SLOT};

use super::tables::{MemberCell, Tables};
use super::tuple::Packet;

/// Where a frame goes. All zero: nowhere.
///
/// Not an `Option`, here and in [`Fate`](super::forward::Fate): the compiler may copy the undefined payload of a `None`
/// about, and the verifier refuses to see undefined registers read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receiver {
    /// Slot of the receiver.
    pub slot: u32,
    /// Host-side link of the receiver; 0 = there is no receiver.
    pub link_index: u32,
    /// Number of its subnet; 0 = none.
    pub subnet: u32,
    /// Ethernet address of the receiver.
    pub mac: [u8; 6],
}

/// Step 10: the interface that owns the destination; outside the VPC's blocks, the internet host.
#[inline(always)]
pub(super) fn route<T: Tables>(tables: &T, packet: &Packet, network_index: u32) -> Receiver {
    let receiver = receiver_of(tables, network_index, packet);
    if receiver.link_index != 0 {
        return receiver;
    }
    let Some(network) = tables.network(network_index) else { return Receiver::default() };
    if network.internet_mtu == 0 || is_inside(&network, packet) {
        return Receiver::default();
    }
    receiver_at(tables, INTERNET_SLOT, INTERNET_NUMBER)
}

#[inline(always)]
pub(super) fn receiver_of<T: Tables>(tables: &T, network: u32, packet: &Packet) -> Receiver {
    let Some(owner) = tables.member(network, packet.family, packet.tuple.destination) else {
        return Receiver::default();
    };
    let (slot, number) = (owner.record().slot, owner.record().number);
    let Some(interface) = tables.interface(slot) else { return Receiver::default() };
    if interface.number != number {
        return Receiver::default();
    }
    let receiver = receiver_of_interface(slot, &interface);
    // What an interface says of itself needs no second look; a secondary address, or one of a peer's, does.
    if interface.network == network && is_primary(&interface, packet.family, packet.tuple.destination) {
        return receiver;
    }
    // The record's memory may have become another address's before it was read. That it was replaced, because its groups
    // changed, is no reason to lose the packet: its owner is the same.
    match tables.member(network, packet.family, packet.tuple.destination) {
        Some(still) if still.record().slot == slot && still.record().number == number => receiver,
        _ => Receiver::default(),
    }
}

#[inline(always)]
fn receiver_at<T: Tables>(tables: &T, slot: u32, number: u32) -> Receiver {
    match tables.interface(slot) {
        Some(interface) if interface.number == number => receiver_of_interface(slot, &interface),
        _ => Receiver::default(),
    }
}

#[inline(always)]
fn receiver_of_interface(slot: u32, interface: &InterfaceRecord) -> Receiver {
    Receiver { slot, link_index: interface.link_index, subnet: interface.subnet, mac: interface.mac }
}

/// Whether an address is an interface's first of its family.
#[inline(always)]
pub(super) fn is_primary(interface: &InterfaceRecord, family: u8, address: Address) -> bool {
    let primary =
        if family == Family::V4.0 { Address::v4(interface.primary_ipv4) } else { interface.primary_ipv6 };
    address == primary && primary != Address::default()
}

#[inline(always)]
fn is_inside(network: &NetworkRecord, packet: &Packet) -> bool {
    let address = packet.tuple.destination;
    for index in 0..MAX_BLOCKS {
        if packet.family == Family::V4.0 {
            if (index as u32) < network.count_ipv4
                && address.low32() & network.mask_ipv4[index] == network.network_ipv4[index]
            {
                return true;
            }
        } else {
            let (mask, block) = (network.mask_ipv6[index], network.network_ipv6[index]);
            if (index as u32) < network.count_ipv6
                && address.high & mask.high == block.high
                && address.low & mask.low == block.low
            {
                return true;
            }
        }
    }
    false
}
