//! Steps 1 to 4 of `docs/judgement.md`: what is wrong with a frame before anybody's rules are asked.

use crate::abi::address::{Address, Family};
use crate::abi::interface::InterfaceRecord;
use crate::abi::verdict::ReasonCode;

use super::exempt::{is_dhcp, is_exempt, is_undeliverable, is_unspecified_or_link_local_v6};
use super::frame::Frame;
use super::parse::{ARP_SENDER_MAC, Kind};
use super::route::is_primary;
use super::tables::{MemberCell, Tables};
use super::tuple::Packet;

/// ICMPv6 "neighbour advertisement".
const ADVERTISEMENT: u8 = 136;

/// Step 1, for ARP and neighbour discovery: an interface speaks for itself only (M-17).
#[inline(always)]
pub(super) fn is_honest<T: Tables, F: Frame + ?Sized>(
    tables: &T,
    frame: &F,
    kind: Kind,
    packet: &Packet,
    interface: &InterfaceRecord,
) -> Result<(), ReasonCode> {
    if interface.flags & InterfaceRecord::FLAG_INTERNET != 0 {
        return Ok(());
    }
    let is_arp = kind == Kind::ARP;
    if frame.read::<6>(6) != Some(interface.mac)
        || (is_arp && frame.read::<6>(ARP_SENDER_MAC).is_some_and(|mac| mac != interface.mac))
    {
        return Err(ReasonCode::SPOOFED_MAC);
    }
    if interface.flags & InterfaceRecord::FLAG_SOURCE_DEST_CHECK == 0 {
        return Ok(());
    }
    if !speaks_for(tables, packet, interface, packet.tuple.source) {
        return Err(ReasonCode::SOURCE_DEST_CHECK);
    }
    if !is_arp
        && packet.tuple.icmp_kind() == ADVERTISEMENT
        && let Some(target) = frame.read_at::<16>(packet.transport + 8)
        && !speaks_for(tables, packet, interface, Address::v6(target))
    {
        return Err(ReasonCode::SOURCE_DEST_CHECK);
    }
    Ok(())
}

/// Whether an address is the interface's own, or nobody's yet.
#[inline(always)]
fn speaks_for<T: Tables>(tables: &T, packet: &Packet, interface: &InterfaceRecord, address: Address) -> bool {
    is_unspecified_or_link_local_v6(packet.family, address) || owns(tables, packet, interface, address)
}

/// Steps 1 to 4 of `docs/judgement.md`. `Err` is the end of the packet: a denial, or an exemption that nothing answers.
#[inline(always)]
pub(super) fn screen<T: Tables, F: Frame + ?Sized>(
    tables: &T,
    frame: &F,
    kind: Kind,
    packet: &Packet,
    interface: &InterfaceRecord,
) -> Result<(), ReasonCode> {
    if kind == Kind::MALFORMED {
        return Err(ReasonCode::MALFORMED);
    }
    if kind != Kind::IP {
        return Err(ReasonCode::NOT_IP);
    }
    if frame.read::<6>(6) != Some(interface.mac) {
        return Err(ReasonCode::SPOOFED_MAC);
    }
    // A DHCP client has no address yet, hence such sources are left to the steps below.
    if interface.flags & InterfaceRecord::FLAG_SOURCE_DEST_CHECK != 0
        && !speaks_for(tables, packet, interface, packet.tuple.source)
    {
        return Err(ReasonCode::SOURCE_DEST_CHECK);
    }
    let Some(network) = tables.network(interface.network) else { return Err(ReasonCode::NO_POLICY) };
    let is_exempt = is_exempt(packet, interface, &network) || is_dhcp(packet, interface.broadcast_ipv4);
    if is_exempt {
        return Err(ReasonCode::EXEMPT);
    }
    let is_subnet_broadcast = packet.family == Family::V4.0
        && packet.tuple.destination.low32() == interface.broadcast_ipv4
        && interface.broadcast_ipv4 != 0;
    if is_subnet_broadcast
        || is_undeliverable(packet.family, packet.tuple.destination)
        || is_undeliverable(packet.family, packet.tuple.source)
    {
        return Err(ReasonCode::MULTICAST);
    }
    Ok(())
}

#[inline(always)]
pub(super) fn owns<T: Tables>(
    tables: &T,
    packet: &Packet,
    interface: &InterfaceRecord,
    address: Address,
) -> bool {
    if is_primary(interface, packet.family, address) {
        return true;
    }
    match tables.member(interface.network, packet.family, address) {
        Some(owner) => owner.record().number == interface.number,
        None => false,
    }
}
