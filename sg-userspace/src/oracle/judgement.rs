//! One judgement of one packet by one interface, in the order of `docs/judgement.md`.

use crate::aws::interface::NetworkInterface;
use crate::aws::rule::Direction;
use crate::aws::world::World;
use crate::dataplane::Judgement;
use crate::dataplane::reason::Reason;
use crate::packet::spec::{PacketSpec, Transport};

use super::fragment::FragmentMemory;
use super::tracking::{Admission, FlowTable, Hit};
use super::{address, rule};

/// A packet as the judging interface sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    /// The world it is judged in.
    pub(super) world: &'a World,
    /// Who judges.
    pub(super) interface: &'a NetworkInterface,
    /// The packet's way, as the interface sees it.
    pub(super) direction: Direction,
    /// The interface that the packet came out of; `None` if that was the internet host's.
    pub(super) sender: Option<&'a NetworkInterface>,
    /// The packet.
    pub(super) packet: &'a PacketSpec,
}

/// Judges a packet. Steps 1 to 5; the rest is [`judge_whole`].
pub(super) fn judge(
    view: &View<'_>,
    now: u64,
    flows: &mut FlowTable,
    fragments: &mut FragmentMemory,
) -> Judgement {
    let View { world, interface, direction, packet, .. } = *view;
    let because = |reason| Judgement { direction, reason, rule: None };

    if is_neighbour_discovery(packet) {
        return because(Reason::Neighbour);
    }
    if direction == Direction::Outbound {
        let is_checked = interface.source_dest_check && !address::is_unassigned(packet.source);
        if is_checked && !address::owns(interface, packet.source) {
            return because(Reason::SourceDestCheck);
        }
        if address::is_exempt(world, interface, packet) {
            return because(Reason::Exempt);
        }
    }
    let is_broadcast =
        view.sender.is_some_and(|sender| address::is_subnet_broadcast(world, sender, packet.destination));
    if is_broadcast
        || address::is_undeliverable(packet.source)
        || address::is_undeliverable(packet.destination)
    {
        return because(Reason::Multicast);
    }
    if packet.is_later_fragment() {
        return match fragments.complete(view, now) {
            Some(completed) => judge_whole(&View { packet: &completed, ..*view }, now, flows),
            None => because(Reason::FragmentWithoutFirst),
        };
    }
    let judgement = judge_whole(view, now, flows);
    if packet.is_first_fragment() && judgement.reason.is_allow() {
        fragments.remember(view, now);
    }
    judgement
}

/// Steps 6 to 9, on a packet whose transport is known.
fn judge_whole(view: &View<'_>, now: u64, flows: &mut FlowTable) -> Judgement {
    let direction = view.direction;
    let because = |reason, rule| Judgement { direction, reason, rule };

    match flows.hit(view, now) {
        Hit::Live(rule) => return because(Reason::Flow, Some(rule)),
        Hit::Closed(rule) => return because(Reason::FlowClosed, Some(rule)),
        Hit::None => {}
    }
    if let Some(rule) = flows.related(view, now) {
        return because(Reason::Related, Some(rule));
    }
    let Some(deciding) = rule::deciding(view) else {
        return because(Reason::NoRule, None);
    };
    let is_untracked = deciding.peer.is_open()
        && (rule::is_answered_by_open_rule(view) || rule::answers_untracked_flow(view));
    let reason = match flows.admit(view, deciding.number, is_untracked, now) {
        Admission::Tracked => Reason::Rule,
        Admission::Untracked => Reason::Untracked,
    };
    because(reason, Some(deciding.number))
}

/// ICMPv6 133 to 137 (E-16).
pub(super) fn is_neighbour_discovery(packet: &PacketSpec) -> bool {
    let kind = match packet.transport {
        Transport::Icmp { kind, .. } | Transport::IcmpError { kind, .. } => kind,
        Transport::Tcp { .. } | Transport::Udp { .. } | Transport::Other { .. } => return false,
    };
    packet.source.is_ipv6() && (133..=137).contains(&kind) && !packet.is_later_fragment()
}
