//! What becomes of a frame: parse it, judge it outbound, find the receiver, judge it inbound.
//!
//! Both judgements happen in one run at the sender's link, so the packet can be handed straight to the receiver.

use crate::abi::address::{Address, Family};
use crate::abi::interface::InterfaceRecord;
use crate::abi::member::INTERNET_NETWORK;
use crate::abi::network::{MAX_BLOCKS, NetworkRecord};
use crate::abi::trace::StepCode;
use crate::abi::verdict::{DirectionCode, ReasonCode};
use crate::abi::{INTERNET_NUMBER, INTERNET_SLOT};

use super::exempt::{is_dhcp, is_exempt, is_undeliverable, is_unspecified_or_link_local_v6};
use super::frame::Frame;
use super::judge::{Bench, Decision, judge};
use super::parse::{ARP_SENDER_MAC, Kind};
use super::path_mtu;
use super::tables::{MemberCell, Tables};
use super::trace::trace;
use super::tuple::Packet;

/// ICMPv6 "neighbour advertisement".
const ADVERTISEMENT: u8 = 136;

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
    /// The router tells the sender that the packet is too big, and what the path carries.
    AnswerTooBig,
    /// The frame goes to the receiver.
    Deliver,
}

/// Where a frame goes. All zero: nowhere.
///
/// Not an `Option`, here and in [`Fate`]: the compiler may copy the undefined payload of a `None` about, and the verifier
/// refuses to see undefined registers read.
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
    /// To whom; meaningful for [`Action::Deliver`].
    pub receiver: Receiver,
}

impl Fate {
    #[inline(always)]
    const fn without_receiver(direction: DirectionCode, reason: ReasonCode, action: Action) -> Self {
        let receiver = Receiver { slot: 0, link_index: 0, subnet: 0, mac: [0; 6] };
        Self { direction, reason, action, receiver }
    }

    #[inline(always)]
    const fn dropped(direction: DirectionCode, reason: ReasonCode) -> Self {
        Self::without_receiver(direction, reason, Action::Drop)
    }

    #[inline(always)]
    const fn delivered(direction: DirectionCode, reason: ReasonCode, receiver: Receiver) -> Self {
        Self { direction, reason, action: Action::Deliver, receiver }
    }
}

/// What becomes of a frame that a link's instance (or the internet host) sends. `packets` is how many packets the frame
/// stands for; `packet` is room for the parsed packet.
#[inline(always)]
pub fn from_link<T: Tables, F: Frame + ?Sized>(
    tables: &T,
    frame: &F,
    packet: &mut Packet,
    slot: u32,
    packets: u32,
) -> Fate {
    let Some(interface) = tables.interface(slot) else {
        return Fate::dropped(DirectionCode::OUTBOUND, ReasonCode::UNKNOWN_INTERFACE);
    };
    if !tables.is_set_up() || interface.number == 0 {
        return Fate::dropped(DirectionCode::OUTBOUND, ReasonCode::UNKNOWN_INTERFACE);
    }
    let enforcement_off = !tables.is_enforced();
    let kind = frame.parse(packet);
    let bench = Bench {
        interface: &interface,
        slot,
        tick: tables.tick(),
        packets,
        sender: 0,
        direction: DirectionCode::OUTBOUND,
    };
    tables.mark(packet, interface.number);
    trace(tables, packet, &bench, StepCode::ARRIVED, u64::from(kind.0), u64::from(packet.length));
    if kind == Kind::ARP || kind == Kind::NEIGHBOUR_DISCOVERY {
        if let Err(reason) = is_honest(tables, frame, kind, packet, &interface) {
            end(tables, packet, &bench, reason);
            return Fate::dropped(DirectionCode::OUTBOUND, reason);
        }
        if interface.flags & InterfaceRecord::FLAG_TRACE != 0 {
            tables.report(packet, &bench, Decision::without_rule(ReasonCode::NEIGHBOUR));
        }
        trace(tables, packet, &bench, StepCode::VERDICT, u64::from(ReasonCode::NEIGHBOUR.0), 0);
        let action = if kind == Kind::ARP { Action::AnswerArp } else { Action::AnswerNeighbour };
        return Fate::without_receiver(DirectionCode::OUTBOUND, ReasonCode::NEIGHBOUR, action);
    }
    if interface.flags & InterfaceRecord::FLAG_INTERNET != 0 {
        return from_internet(tables, frame, kind, packet, &bench, enforcement_off);
    }
    if let Err(reason) = screen(tables, frame, kind, packet, &interface) {
        if !reason.is_allow() || interface.flags & InterfaceRecord::FLAG_TRACE != 0 {
            tables.report(packet, &bench, Decision::without_rule(reason));
        }
        trace(tables, packet, &bench, StepCode::VERDICT, u64::from(reason.0), 0);
        return Fate::dropped(DirectionCode::OUTBOUND, reason);
    }
    let receiver = route(tables, packet, interface.network);
    packet.crosses_subnet = (receiver.subnet != interface.subnet) as u8;
    trace(tables, packet, &bench, StepCode::ROUTED, u64::from(receiver.slot), u64::from(receiver.link_index));
    let mut reason = ReasonCode::ENFORCEMENT_OFF;
    if !enforcement_off {
        reason = judge(tables, packet, &bench).reason;
        if !reason.is_allow() {
            return Fate::dropped(DirectionCode::OUTBOUND, reason);
        }
    }
    if receiver.link_index == 0 {
        no_route(tables, packet, &bench)
    } else if enforcement_off {
        Fate::delivered(DirectionCode::OUTBOUND, reason, receiver)
    } else if receiver.slot == INTERNET_SLOT {
        packet.path_mtu = internet_mtu(tables, interface.network);
        if path_mtu::fits(frame, packet) {
            Fate::delivered(DirectionCode::OUTBOUND, reason, receiver)
        } else {
            too_big(tables, packet, &bench)
        }
    } else {
        deliver(tables, packet, &bench, interface.number, receiver)
    }
}

/// What the way between a network and the internet host carries.
#[inline(always)]
fn internet_mtu<T: Tables>(tables: &T, network: u32) -> u32 {
    match tables.network(network) {
        Some(network) => network.internet_mtu,
        None => 0,
    }
}

/// Step 11: the router tells the sender, if the sender judges that it may hear it. The internet host hears everything.
#[inline(always)]
fn too_big<T: Tables>(tables: &T, packet: &mut Packet, bench: &Bench<'_>) -> Fate {
    end(tables, packet, bench, ReasonCode::PACKET_TOO_BIG);
    let mut action = Action::AnswerTooBig;
    let interface = bench.interface;
    if interface.flags & InterfaceRecord::FLAG_INTERNET == 0 {
        let v4 = packet.family == Family::V4.0;
        let router = if v4 { Address::v4(interface.router_ipv4) } else { interface.router_ipv6 };
        if router == Address::default() {
            // The subnet has none of this family to speak.
            return Fate::dropped(DirectionCode::OUTBOUND, ReasonCode::PACKET_TOO_BIG);
        }
        path_mtu::answer(packet, router);
        packet.crosses_subnet = 1;
        let inbound = Bench {
            interface,
            slot: bench.slot,
            tick: bench.tick,
            packets: 1,
            sender: 0,
            direction: DirectionCode::INBOUND,
        };
        if !judge(tables, packet, &inbound).reason.is_allow() {
            action = Action::Drop;
        }
    }
    Fate::without_receiver(DirectionCode::OUTBOUND, ReasonCode::PACKET_TOO_BIG, action)
}

/// What becomes of a frame that reaches a link on the host side other than through the fabric: judged inbound, as from
/// nobody's interface. The one action is [`Action::Deliver`] to the link itself.
#[inline(always)]
pub fn to_link<T: Tables, F: Frame + ?Sized>(
    tables: &T,
    frame: &F,
    packet: &mut Packet,
    slot: u32,
    packets: u32,
) -> Fate {
    let Some(interface) = tables.interface(slot) else {
        return Fate::dropped(DirectionCode::INBOUND, ReasonCode::UNKNOWN_INTERFACE);
    };
    if !tables.is_set_up() || interface.number == 0 {
        return Fate::dropped(DirectionCode::INBOUND, ReasonCode::UNKNOWN_INTERFACE);
    }
    let kind = frame.parse(packet);
    let bench = Bench {
        interface: &interface,
        slot,
        tick: tables.tick(),
        packets,
        sender: 0,
        direction: DirectionCode::INBOUND,
    };
    let reason = match kind {
        Kind::MALFORMED => ReasonCode::MALFORMED,
        Kind::IP if interface.flags & InterfaceRecord::FLAG_INTERNET != 0 => ReasonCode::NO_ROUTE,
        Kind::IP if !owns(tables, packet, &interface, packet.tuple.destination) => {
            if is_undeliverable(packet.family, packet.tuple.destination) {
                ReasonCode::MULTICAST
            } else {
                ReasonCode::SOURCE_DEST_CHECK
            }
        }
        Kind::IP if is_undeliverable(packet.family, packet.tuple.source) => ReasonCode::MULTICAST,
        Kind::IP => {
            let receiver = Receiver {
                slot,
                link_index: interface.link_index,
                subnet: interface.subnet,
                mac: interface.mac,
            };
            packet.crosses_subnet = 1;
            return deliver(tables, packet, &bench, 0, receiver);
        }
        // The fabric alone speaks for the subnet: none of the host's ARP or discovery reaches an instance.
        _ => ReasonCode::NOT_IP,
    };
    tables.report(packet, &bench, Decision::without_rule(reason));
    Fate::dropped(DirectionCode::INBOUND, reason)
}

/// Step 1, for ARP and neighbour discovery: an interface speaks for itself only (M-17).
#[inline(always)]
fn is_honest<T: Tables, F: Frame + ?Sized>(
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
fn screen<T: Tables, F: Frame + ?Sized>(
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
fn owns<T: Tables>(tables: &T, packet: &Packet, interface: &InterfaceRecord, address: Address) -> bool {
    let primary = if packet.family == Family::V4.0 {
        Address::v4(interface.primary_ipv4)
    } else {
        interface.primary_ipv6
    };
    if address == primary && primary != Address::default() {
        return true;
    }
    match tables.member(interface.network, packet.family, address) {
        Some(owner) => owner.record().number == interface.number,
        None => false,
    }
}

#[inline(always)]
fn from_internet<T: Tables, F: Frame + ?Sized>(
    tables: &T,
    frame: &F,
    kind: Kind,
    packet: &mut Packet,
    bench: &Bench<'_>,
    enforcement_off: bool,
) -> Fate {
    let reason = match kind {
        Kind::NOT_IP => ReasonCode::NOT_IP,
        Kind::MALFORMED => ReasonCode::MALFORMED,
        _ if is_undeliverable(packet.family, packet.tuple.source)
            || is_undeliverable(packet.family, packet.tuple.destination) =>
        {
            ReasonCode::MULTICAST
        }
        _ => {
            let receiver = receiver_of(tables, INTERNET_NETWORK, packet);
            if receiver.link_index == 0 {
                ReasonCode::NO_ROUTE
            } else if enforcement_off {
                return Fate::delivered(DirectionCode::INBOUND, ReasonCode::ENFORCEMENT_OFF, receiver);
            } else {
                return enter(tables, frame, packet, bench, receiver);
            }
        }
    };
    end(tables, packet, bench, reason);
    Fate::dropped(DirectionCode::OUTBOUND, reason)
}

/// A packet of the internet host on its way into a VPC.
#[inline(always)]
fn enter<T: Tables, F: Frame + ?Sized>(
    tables: &T,
    frame: &F,
    packet: &mut Packet,
    bench: &Bench<'_>,
    receiver: Receiver,
) -> Fate {
    packet.path_mtu = match tables.interface(receiver.slot) {
        Some(interface) => internet_mtu(tables, interface.network),
        None => 0,
    };
    if !path_mtu::fits(frame, packet) {
        return too_big(tables, packet, bench);
    }
    packet.crosses_subnet = 1;
    deliver(tables, packet, bench, 0, receiver)
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
    let Some(interface) = tables.interface(receiver.slot) else {
        return no_route(tables, packet, sender_bench);
    };
    let bench = Bench {
        interface: &interface,
        slot: receiver.slot,
        tick: sender_bench.tick,
        packets: sender_bench.packets,
        sender,
        direction: DirectionCode::INBOUND,
    };
    let decision = judge(tables, packet, &bench);
    let action = if decision.reason.is_allow() { Action::Deliver } else { Action::Drop };
    Fate { direction: DirectionCode::INBOUND, reason: decision.reason, action, receiver }
}

/// Reports a verdict that no rule had a part in.
#[inline(always)]
fn end<T: Tables>(tables: &T, packet: &Packet, bench: &Bench<'_>, reason: ReasonCode) {
    tables.report(packet, bench, Decision::without_rule(reason));
    trace(tables, packet, bench, StepCode::VERDICT, u64::from(reason.0), 0);
}

#[inline(always)]
fn no_route<T: Tables>(tables: &T, packet: &Packet, bench: &Bench<'_>) -> Fate {
    end(tables, packet, bench, ReasonCode::NO_ROUTE);
    Fate::dropped(DirectionCode::OUTBOUND, ReasonCode::NO_ROUTE)
}

/// Step 10: the interface that owns the destination; outside the VPC's blocks, the internet host.
#[inline(always)]
fn route<T: Tables>(tables: &T, packet: &Packet, network_index: u32) -> Receiver {
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
fn receiver_of<T: Tables>(tables: &T, network: u32, packet: &Packet) -> Receiver {
    let Some(owner) = tables.member(network, packet.family, packet.tuple.destination) else {
        return Receiver::default();
    };
    let (slot, number) = (owner.record().slot, owner.record().number);
    let receiver = receiver_at(tables, slot, number);
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
        Some(interface) if interface.number == number => {
            Receiver { slot, link_index: interface.link_index, subnet: interface.subnet, mac: interface.mac }
        }
        _ => Receiver::default(),
    }
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
