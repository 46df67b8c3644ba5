//! One judgement of one packet by one interface, in the order of `docs/judgement.md`.

use crate::aws::interface::NetworkInterface;
use crate::aws::rule::Direction;
use crate::aws::world::World;
use crate::dataplane::Judgement;
use crate::dataplane::reason::Reason;
use crate::packet::spec::{PacketSpec, Transport};

use super::fragment::FragmentMemory;
use super::tracking::{Admission, FlowTable, Hit};
use super::{address, network_acl, rule, tracking};

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
    /// Whether its ports, or its ICMP type and code, are known: not those of a later fragment without its first (C-30).
    pub(super) has_known_ports: bool,
}

impl<'a> View<'a> {
    /// A packet on its way out of an interface.
    pub(super) fn outbound(world: &'a World, sender: &'a NetworkInterface, packet: &'a PacketSpec) -> Self {
        let direction = Direction::Outbound;
        Self { world, interface: sender, direction, sender: Some(sender), packet, has_known_ports: true }
    }

    /// A packet on its way into an interface; `sender` is none if no interface has sent it.
    pub(super) fn inbound(
        world: &'a World,
        interface: &'a NetworkInterface,
        sender: Option<&'a NetworkInterface>,
        packet: &'a PacketSpec,
    ) -> Self {
        Self { world, interface, direction: Direction::Inbound, sender, packet, has_known_ports: true }
    }
}

/// Judges a packet. Steps 1 to 5; the rest is [`judge_at_border`].
pub(super) fn judge(
    view: &View<'_>,
    now: u64,
    flows: &mut FlowTable,
    fragments: &mut FragmentMemory,
) -> Judgement {
    let View { world, interface, direction, packet, .. } = *view;
    let because = |reason| Judgement { direction, reason, rule: None };

    if direction == Direction::Outbound && address::is_foreign(interface, packet.source) {
        return because(Reason::SourceDestCheck);
    }
    if is_neighbour_discovery(packet) {
        return because(Reason::Neighbour);
    }
    if direction == Direction::Outbound && address::is_exempt(world, interface, packet) {
        return because(Reason::Exempt);
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
            Some(completed) => judge_at_border(&View { packet: &completed, ..*view }, now, flows),
            None => judge_at_border(&View { has_known_ports: false, ..*view }, now, flows),
        };
    }
    let judgement = judge_at_border(view, now, flows);
    if packet.is_first_fragment() && judgement.reason.is_allow() {
        fragments.remember(view, now);
    }
    judgement
}

/// Steps 6 to 9. The subnet's network ACL is asked first of what comes in, and last of what goes out (N-08).
fn judge_at_border(view: &View<'_>, now: u64, flows: &mut FlowTable) -> Judgement {
    let direction = view.direction;
    let denied_by = |entry| Judgement { direction, reason: Reason::NetworkAcl, rule: Some(entry) };

    if direction == Direction::Inbound
        && let Some(entry) = network_acl::denying(view)
    {
        return denied_by(entry);
    }
    let judgement = if view.has_known_ports { judge_whole(view, now, flows) } else { judge_rest(view) };
    if direction == Direction::Outbound
        && judgement.reason.is_allow()
        && let Some(entry) = network_acl::denying(view)
    {
        return denied_by(entry);
    }
    judgement
}

/// Steps 6 to 9 of a later fragment whose first is not known: the rules alone, and of these such as leave no port out.
fn judge_rest(view: &View<'_>) -> Judgement {
    let rule = rule::deciding(view).map(|rule| rule.number);
    let reason = if rule.is_some() { Reason::Untracked } else { Reason::FragmentWithoutFirst };
    Judgement { direction: view.direction, reason, rule }
}

/// Steps 6 to 9 of a packet whose transport is known.
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
        && (rule::is_answered_by_open_rule(view)
            || rule::answers_untracked_flow(view)
            || tracking::is_mid_stream(view.packet));
    let reason = match flows.admit(view, deciding.number, is_untracked, now) {
        Admission::Tracked => Reason::Rule,
        Admission::Untracked => Reason::Untracked,
        Admission::Refused => Reason::ConnectionAllowanceExceeded,
    };
    because(reason, Some(deciding.number))
}

/// ICMPv6 133 to 137 (E-16).
pub(super) fn is_neighbour_discovery(packet: &PacketSpec) -> bool {
    let is_discovery = matches!(packet.transport, Transport::Icmp { kind: 133..=137, .. });
    packet.source.is_ipv6() && is_discovery && !packet.is_later_fragment()
}
