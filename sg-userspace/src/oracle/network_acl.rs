//! The network ACL at the border of a subnet: numbered statements, the first that matches decides (section 9: N-01 to
//! N-08).

use std::net::IpAddr;

use crate::aws::network_acl::{DEFAULT_DENY_IPV4, DEFAULT_DENY_IPV6, NetworkAclEntry, RuleAction};
use crate::aws::protocol::IpProtocol;
use crate::aws::rule::Direction;
use crate::packet::spec::Transport;

use super::address;
use super::judgement::View;
use super::protocol::{self, OfPorts};

/// Number of the entry by which the ACL of the judging interface's subnet denies the packet; none if it lets it through
/// or is not asked.
pub(super) fn denying(view: &View<'_>) -> Option<u32> {
    if !crosses_border(view) {
        return None;
    }
    let acl = view.world.network_acl_of(&view.interface.subnet_id);
    let deciding = acl
        .into_iter()
        .flat_map(|acl| acl.entries_of(view.direction))
        .filter(|entry| matches(entry, view))
        .min_by_key(|entry| entry.rule_number);
    match deciding {
        Some(NetworkAclEntry { action: RuleAction::Allow, .. }) => None,
        Some(entry) => Some(u32::from(entry.rule_number)),
        // The implicit last entry of the packet's family (N-04). A subnet without ACL has nothing before it.
        None if view.packet.source.is_ipv4() => Some(u32::from(DEFAULT_DENY_IPV4)),
        None => Some(u32::from(DEFAULT_DENY_IPV6)),
    }
}

/// Whether the packet comes into the subnet or leaves it: the interface at its other end, if there is one that packets
/// come from and reach, is not of the same subnet (N-01).
fn crosses_border(view: &View<'_>) -> bool {
    let subnet = &view.interface.subnet_id;
    let is_within = match view.direction {
        Direction::Inbound => view.sender.is_some_and(|sender| sender.subnet_id == *subnet),
        Direction::Outbound => view.world.network_interfaces.values().any(|interface| {
            interface.subnet_id == *subnet
                && address::owns(interface, view.packet.destination)
                && interface.attachment.is_some()
        }),
    };
    !is_within
}

/// Whether an entry is about the packet. Where the packet's ports are not known, one that may be about it is, if it
/// denies, and is not, if it allows (C-30).
fn matches(entry: &NetworkAclEntry, view: &View<'_>) -> bool {
    let remote: IpAddr = match view.direction {
        Direction::Inbound => view.packet.source,
        Direction::Outbound => view.packet.destination,
    };
    // ICMP's number in the other family has no types, and an entry for it is for all of it (N-06).
    let is_icmp_elsewhere = matches!(view.packet.transport, Transport::Other { .. })
        && entry.protocol == IpProtocol::Number(view.packet.protocol());
    let matches_ports = match protocol::of_ports(entry.protocol, entry.ports, view.packet) {
        _ if is_icmp_elsewhere => true,
        OfPorts::All => true,
        OfPorts::This | OfPorts::Others if !view.has_known_ports => entry.action == RuleAction::Deny,
        OfPorts::This => true,
        OfPorts::Others | OfPorts::None => false,
    };
    matches_ports && entry.cidr.contains(&remote)
}
