//! What becomes of a frame: parse it, judge it outbound, find the receiver, judge it inbound.
//!
//! Both judgements happen in one run at the sender's link, so the packet can be handed straight to the receiver.

use crate::abi::INTERNET_SLOT;
use crate::abi::address::{Address, Family};
use crate::abi::interface::InterfaceRecord;
use crate::abi::member::INTERNET_NETWORK;
use crate::abi::network::{MAX_BLOCKS, NetworkRecord};
use crate::abi::verdict::{DirectionCode, ReasonCode};

use super::exempt::{is_dhcp, is_exempt, is_undeliverable, is_unspecified_or_link_local_v6};
use super::frame::Frame;
use super::judge::{Bench, Decision, judge, report};
use super::parse::{Kind, parse};
use super::tables::{MemberCell, Tables};
use super::tuple::Packet;

/// What to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Action {
    /// Nothing goes anywhere.
    Drop,
    /// The fabric answers an ARP request.
    AnswerArp,
    /// The fabric answers a neighbour solicitation.
    AnswerNeighbour,
    /// The frame goes to the receiver.
    Deliver(Receiver),
}

/// Where a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Slot of the receiver.
    pub slot: u32,
    /// Host-side link of the receiver.
    pub link_index: u32,
    /// Ethernet address of the receiver.
    pub mac: [u8; 6],
}

/// What became of a frame, and where it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Fate {
    /// Direction of the last judgement.
    pub direction: DirectionCode,
    /// Reason of the last judgement.
    pub reason: ReasonCode,
    /// What to do.
    pub action: Action,
}

impl Fate {
    #[inline(always)]
    const fn dropped(direction: DirectionCode, reason: ReasonCode) -> Self {
        Self { direction, reason, action: Action::Drop }
    }
}

/// What becomes of a frame that a link's instance (or the internet host) sends. `packets` is how many packets the frame
/// stands for.
#[inline(always)]
pub fn from_link<T: Tables, F: Frame + ?Sized>(tables: &T, frame: &F, slot: u32, packets: u32) -> Fate {
    let Some((interface, enforcement_off)) = known(tables, slot) else {
        return Fate::dropped(DirectionCode::OUTBOUND, ReasonCode::UNKNOWN_INTERFACE);
    };
    let mut packet = Packet::default();
    let kind = parse(frame, &mut packet);
    match kind {
        Kind::Arp | Kind::NeighbourDiscovery => {
            let action = if kind == Kind::Arp { Action::AnswerArp } else { Action::AnswerNeighbour };
            return Fate { direction: DirectionCode::OUTBOUND, reason: ReasonCode::NEIGHBOUR, action };
        }
        Kind::Ip | Kind::NotIp | Kind::Malformed => {}
    }
    let bench = Bench {
        interface: &interface,
        slot,
        tick: tables.tick(),
        packets,
        sender: 0,
        direction: DirectionCode::OUTBOUND,
    };
    if interface.flags & InterfaceRecord::FLAG_INTERNET != 0 {
        return from_internet(tables, kind, &mut packet, &bench, enforcement_off);
    }
    if let Err(reason) = screen(tables, frame, kind, &packet, &interface) {
        if !reason.is_allow() || interface.flags & InterfaceRecord::FLAG_TRACE != 0 {
            report(tables, &packet, &bench, Decision::without_rule(reason));
        }
        return Fate::dropped(DirectionCode::OUTBOUND, reason);
    }
    if !enforcement_off {
        let decision = judge(tables, &mut packet, &bench);
        if !decision.reason.is_allow() {
            return Fate::dropped(DirectionCode::OUTBOUND, decision.reason);
        }
        match route(tables, &packet, interface.network) {
            None => no_route(tables, &packet, &bench),
            Some(receiver) if receiver.slot == INTERNET_SLOT => Fate {
                direction: DirectionCode::OUTBOUND,
                reason: decision.reason,
                action: Action::Deliver(receiver),
            },
            Some(receiver) => deliver(tables, &mut packet, &bench, interface.number, receiver),
        }
    } else {
        match route(tables, &packet, interface.network) {
            None => no_route(tables, &packet, &bench),
            Some(receiver) => unjudged(receiver),
        }
    }
}

/// What becomes of a frame that reaches a link on the host side other than through the fabric: judged inbound, as from
/// nobody's interface. The one action is [`Action::Deliver`] to the link itself.
#[inline(always)]
pub fn to_link<T: Tables, F: Frame + ?Sized>(tables: &T, frame: &F, slot: u32, packets: u32) -> Fate {
    let Some((interface, _)) = known(tables, slot) else {
        return Fate::dropped(DirectionCode::INBOUND, ReasonCode::UNKNOWN_INTERFACE);
    };
    let mut packet = Packet::default();
    let kind = parse(frame, &mut packet);
    let bench = Bench {
        interface: &interface,
        slot,
        tick: tables.tick(),
        packets,
        sender: 0,
        direction: DirectionCode::INBOUND,
    };
    let reason = match kind {
        // The fabric alone speaks for the subnet: nothing of the host's reaches an instance.
        Kind::Arp | Kind::NeighbourDiscovery | Kind::NotIp => ReasonCode::NOT_IP,
        Kind::Malformed => ReasonCode::MALFORMED,
        Kind::Ip if interface.flags & InterfaceRecord::FLAG_INTERNET != 0 => ReasonCode::NO_ROUTE,
        Kind::Ip if !owns(tables, &packet, &interface, packet.tuple.destination) => {
            if is_undeliverable(packet.family, packet.tuple.destination) {
                ReasonCode::MULTICAST
            } else {
                ReasonCode::SOURCE_DEST_CHECK
            }
        }
        Kind::Ip => {
            let receiver = Receiver { slot, link_index: interface.link_index, mac: interface.mac };
            return deliver(tables, &mut packet, &bench, 0, receiver);
        }
    };
    report(tables, &packet, &bench, Decision::without_rule(reason));
    Fate::dropped(DirectionCode::INBOUND, reason)
}

#[inline(always)]
fn known<T: Tables>(tables: &T, slot: u32) -> Option<(T::Interface, bool)> {
    let settings = tables.settings()?;
    if settings.abi_version != crate::abi::ABI_VERSION {
        return None;
    }
    let interface = tables.interface(slot)?;
    if interface.number == 0 { None } else { Some((interface, settings.enforcement_off != 0)) }
}

/// Steps 1 to 4 of `docs/judgement.md`. `Err` is the end of the packet: a denial, or an exemption that nothing answers.
#[inline(always)]
fn screen<T: Tables, F: Frame + ?Sized>(
    tables: &T,
    frame: &F,
    kind: Kind,
    packet: &Packet,
    interface: &InterfaceRecord,
) -> Result<(), ReasonCode> {
    match kind {
        Kind::NotIp => return Err(ReasonCode::NOT_IP),
        Kind::Malformed => return Err(ReasonCode::MALFORMED),
        Kind::Ip | Kind::Arp | Kind::NeighbourDiscovery => {}
    }
    if frame.read::<6>(6) != Some(interface.mac) {
        return Err(ReasonCode::SPOOFED_MAC);
    }
    // A DHCP client has no address yet, hence these sources are left to the steps below.
    let nameless = is_unspecified_or_link_local_v6(packet.family, packet.tuple.source);
    if interface.flags & InterfaceRecord::FLAG_SOURCE_DEST_CHECK != 0
        && !nameless
        && !owns(tables, packet, interface, packet.tuple.source)
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
fn owns<T: Tables>(tables: &T, packet: &Packet, interface: &InterfaceRecord, address: Address) -> bool {
    let primary =
        if packet.family == Family::V4.0 { Address::v4(interface.primary_ipv4) } else { interface.primary_ipv6 };
    if address == primary && primary != Address::default() {
        return true;
    }
    match tables.member(interface.network, packet.family, address) {
        Some(owner) => owner.record().number == interface.number,
        None => false,
    }
}

#[inline(always)]
fn from_internet<T: Tables>(
    tables: &T,
    kind: Kind,
    packet: &mut Packet,
    bench: &Bench<'_>,
    enforcement_off: bool,
) -> Fate {
    let reason = match kind {
        Kind::NotIp => ReasonCode::NOT_IP,
        Kind::Malformed => ReasonCode::MALFORMED,
        _ if is_undeliverable(packet.family, packet.tuple.source)
            || is_undeliverable(packet.family, packet.tuple.destination) =>
        {
            ReasonCode::MULTICAST
        }
        _ => match receiver_of(tables, INTERNET_NETWORK, packet) {
            None => ReasonCode::NO_ROUTE,
            Some(receiver) if enforcement_off => return unjudged(receiver),
            Some(receiver) => return deliver(tables, packet, bench, 0, receiver),
        },
    };
    report(tables, packet, bench, Decision::without_rule(reason));
    Fate::dropped(DirectionCode::OUTBOUND, reason)
}

/// The inbound judgement at the receiver.
#[inline(always)]
fn deliver<T: Tables>(
    tables: &T,
    packet: &mut Packet,
    sender_bench: &Bench<'_>,
    sender: u32,
    receiver: Receiver,
) -> Fate {
    let Some(interface) = tables.interface(receiver.slot) else { return no_route(tables, packet, sender_bench) };
    let bench = Bench {
        interface: &interface,
        slot: receiver.slot,
        tick: sender_bench.tick,
        packets: sender_bench.packets,
        sender,
        direction: DirectionCode::INBOUND,
    };
    let decision = judge(tables, packet, &bench);
    let action = if decision.reason.is_allow() { Action::Deliver(receiver) } else { Action::Drop };
    Fate { direction: DirectionCode::INBOUND, reason: decision.reason, action }
}

#[inline(always)]
fn unjudged(receiver: Receiver) -> Fate {
    Fate {
        direction: DirectionCode::INBOUND,
        reason: ReasonCode::ENFORCEMENT_OFF,
        action: Action::Deliver(receiver),
    }
}

#[inline(always)]
fn no_route<T: Tables>(tables: &T, packet: &Packet, bench: &Bench<'_>) -> Fate {
    report(tables, packet, bench, Decision::without_rule(ReasonCode::NO_ROUTE));
    Fate::dropped(DirectionCode::OUTBOUND, ReasonCode::NO_ROUTE)
}

/// Step 10: the interface that owns the destination; outside the VPC's blocks, the internet host.
#[inline(always)]
fn route<T: Tables>(tables: &T, packet: &Packet, network_index: u32) -> Option<Receiver> {
    if let Some(receiver) = receiver_of(tables, network_index, packet) {
        return Some(receiver);
    }
    let network = tables.network(network_index)?;
    if network.internet == 0 || is_inside(&network, packet) {
        return None;
    }
    receiver_at(tables, INTERNET_SLOT, None)
}

#[inline(always)]
fn receiver_of<T: Tables>(tables: &T, network: u32, packet: &Packet) -> Option<Receiver> {
    let owner = tables.member(network, packet.family, packet.tuple.destination)?;
    let owner = owner.record();
    receiver_at(tables, owner.slot, Some(owner.number))
}

#[inline(always)]
fn receiver_at<T: Tables>(tables: &T, slot: u32, number: Option<u32>) -> Option<Receiver> {
    let interface = tables.interface(slot)?;
    if interface.link_index == 0 || number.is_some_and(|number| number != interface.number) {
        return None;
    }
    Some(Receiver { slot, link_index: interface.link_index, mac: interface.mac })
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
