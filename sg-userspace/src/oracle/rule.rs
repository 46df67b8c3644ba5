//! Which rule allows a packet: the union of all rules of all groups of the interface (E-01), and what makes a flow
//! untracked (C-03).

use std::net::IpAddr;

use crate::aws::ids::SecurityGroupId;
use crate::aws::interface::NetworkInterface;
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::rule::{Direction, Peer, SecurityGroupRule};
use crate::packet::spec::{PacketSpec, Transport};

use super::address;
use super::judgement::View;
use super::protocol::{self, OfPorts};

/// The rule that decides, of all that match: an open one before any other, then the oldest (C-06).
pub(super) fn deciding<'a>(view: &View<'a>) -> Option<&'a SecurityGroupRule> {
    rules_of(view, view.direction)
        .into_iter()
        .filter(|rule| matches(rule, view))
        .min_by_key(|rule| (!rule.peer.is_open(), rule.number))
}

/// Whether the answers to this TCP or UDP packet are allowed without looking at connections: an open rule of its family
/// for the other direction covers every port of the protocol (C-03, C-04), in whichever group (C-07).
pub(super) fn is_answered_by_open_rule(view: &View<'_>) -> bool {
    let protocol = IpProtocol::Number(view.packet.protocol());
    let covers_every_port = |rule: &SecurityGroupRule| {
        rule.protocol == IpProtocol::All || (rule.protocol == protocol && rule.ports == PortRange::EVERY_PORT)
    };
    protocol.has_ports()
        && rules_of(view, view.direction.opposite()).iter().any(|rule| {
            rule.peer.is_open() && is_of_family(&rule.peer, view.packet.source) && covers_every_port(rule)
        })
}

/// Whether this UDP packet may be the answer to a flow that the other side opened and that is untracked: turned round,
/// an open rule for the other direction allows it, and its own direction's open rule answers that (C-16). TCP's flags
/// tell a question from an answer.
pub(super) fn answers_untracked_flow(view: &View<'_>) -> bool {
    let Transport::Udp { source_port, destination_port } = view.packet.transport else { return false };
    let turned = Transport::Udp { source_port: destination_port, destination_port: source_port };
    let packet = PacketSpec::new(view.packet.destination, view.packet.source, turned);
    let turned = View { direction: view.direction.opposite(), packet: &packet, ..*view };
    let opens = |rule: &&SecurityGroupRule| rule.peer.is_open() && matches(rule, &turned);
    rules_of(&turned, turned.direction).iter().any(opens) && is_answered_by_open_rule(&turned)
}

/// Every rule of every group of the judging interface, in one direction.
fn rules_of<'a>(view: &View<'a>, direction: Direction) -> Vec<&'a SecurityGroupRule> {
    view.interface
        .groups
        .iter()
        .filter_map(|id| view.world.security_groups.get(id))
        .flat_map(|group| group.rules_of(direction))
        .collect()
}

/// Whether one rule allows the packet: by its ports, or whatever they are.
fn matches(rule: &SecurityGroupRule, view: &View<'_>) -> bool {
    let matches_ports = match protocol::of_ports(rule.protocol, rule.ports, view.packet) {
        OfPorts::All => true,
        OfPorts::This => view.has_known_ports,
        OfPorts::Others | OfPorts::None => false,
    };
    matches_ports && matches_peer(&rule.peer, view)
}

/// The other end: an inbound packet's source, an outbound packet's destination (E-05).
fn matches_peer(peer: &Peer, view: &View<'_>) -> bool {
    let remote = match view.direction {
        Direction::Inbound => view.packet.source,
        Direction::Outbound => view.packet.destination,
    };
    match (peer, remote) {
        (Peer::CidrIpv4(block), IpAddr::V4(remote)) => block.contains(&remote),
        (Peer::CidrIpv6(block), IpAddr::V6(remote)) => block.contains(&remote),
        // Neither family covers the other.
        (Peer::CidrIpv4(_), IpAddr::V6(_)) | (Peer::CidrIpv6(_), IpAddr::V4(_)) => false,
        (Peer::ReferencedGroup(group), _) => is_member(group, view, remote),
        // The current version's blocks.
        (Peer::PrefixList(list), _) => {
            let list = view.world.prefix_lists.get(list);
            list.is_some_and(|list| list.entries().iter().any(|entry| entry.cidr.contains(&remote)))
        }
    }
}

/// Whether the other end is an interface that carries the group, of the same VPC or of one that an active peering joins to
/// it (R-23, E-13). The source of an inbound packet counts only if it belongs to the interface that sent it (E-10).
fn is_member(group: &SecurityGroupId, view: &View<'_>, remote: IpAddr) -> bool {
    let is_member = |interface: &NetworkInterface| {
        address::reachable_vpcs(view.world, &view.interface.vpc_id).any(|vpc| *vpc == interface.vpc_id)
            && address::owns(interface, remote)
            && interface.groups.contains(group)
    };
    match view.direction {
        Direction::Inbound => view.sender.is_some_and(is_member),
        Direction::Outbound => view.world.network_interfaces.values().any(is_member),
    }
}

/// Whether a CIDR is of the address's family.
fn is_of_family(peer: &Peer, address: IpAddr) -> bool {
    match peer {
        Peer::CidrIpv4(_) => address.is_ipv4(),
        Peer::CidrIpv6(_) => address.is_ipv6(),
        Peer::PrefixList(_) | Peer::ReferencedGroup(_) => false,
    }
}
