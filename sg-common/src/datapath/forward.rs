//! What becomes of a frame: parse it, judge it outbound, find the receiver, judge it inbound.
//!
//! Both judgements happen in one run at the sender's link, so the packet can be handed straight to the receiver.

use crate::abi::INTERNET_SLOT;
use crate::abi::address::{Address, Family};
use crate::abi::interface::InterfaceRecord;
use crate::abi::member::INTERNET_NETWORK;
use crate::abi::trace::StepCode;
use crate::abi::verdict::{DirectionCode, ReasonCode};

use super::exempt::is_undeliverable;
use super::flow_log::log;
use super::frame::Frame;
use super::judge::{Bench, Decision, judge, judge_unlogged};
use super::parse::Kind;
use super::path_mtu;
use super::route::{Receiver, receiver_of, route};
use super::screen::{is_honest, owns, screen};
use super::tables::Tables;
use super::trace::trace;
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
    /// The router tells the sender that the packet is too big, and what the path carries.
    AnswerTooBig,
    /// The frame goes to the receiver.
    Deliver,
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
        end(tables, packet, &bench, ReasonCode::NEIGHBOUR);
        let action = if kind == Kind::ARP { Action::AnswerArp } else { Action::AnswerNeighbour };
        return Fate::without_receiver(DirectionCode::OUTBOUND, ReasonCode::NEIGHBOUR, action);
    }
    if interface.flags & InterfaceRecord::FLAG_INTERNET != 0 {
        return from_internet(tables, frame, kind, packet, &bench, enforcement_off);
    }
    if let Err(reason) = screen(tables, frame, kind, packet, &interface) {
        log(tables, packet, &bench, Decision::without_rule(reason));
        end(tables, packet, &bench, reason);
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
        if !judge_unlogged(tables, packet, &inbound).reason.is_allow() {
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
    end(tables, packet, &bench, reason);
    Fate::dropped(DirectionCode::INBOUND, reason)
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

/// Tells a verdict that no rule had a part in. A denial is always news.
#[inline(always)]
fn end<T: Tables>(tables: &T, packet: &Packet, bench: &Bench<'_>, reason: ReasonCode) {
    if !reason.is_allow() || bench.interface.flags & InterfaceRecord::FLAG_TRACE != 0 {
        tables.report(packet, bench, Decision::without_rule(reason));
    }
    trace(tables, packet, bench, StepCode::VERDICT, u64::from(reason.0), 0);
}

#[inline(always)]
fn no_route<T: Tables>(tables: &T, packet: &Packet, bench: &Bench<'_>) -> Fate {
    end(tables, packet, bench, ReasonCode::NO_ROUTE);
    Fate::dropped(DirectionCode::OUTBOUND, ReasonCode::NO_ROUTE)
}
