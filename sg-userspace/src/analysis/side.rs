//! One interface facing one other end: which of its rules, and of its subnet's ACL entries, are about that end. Found
//! once, it answers for any protocol and port.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::aws::group::SecurityGroup;
use crate::aws::ids::NetworkAclId;
use crate::aws::interface::NetworkInterface;
use crate::aws::network_acl::{
    DEFAULT_DENY_IPV4, DEFAULT_DENY_IPV6, NetworkAcl, NetworkAclEntry, RuleAction,
};
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::rule::{Direction, Peer, SecurityGroupRule};
use crate::aws::world::World;

use super::traffic::Traffic;
use super::{address, route};

/// The other end, as an interface faces it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remote<'w> {
    /// Its address.
    pub(super) address: IpAddr,
    /// The interface whose packets these are; it need not own the address (E-10).
    pub(super) sender: Option<&'w NetworkInterface>,
    /// The interface that packets to the address go to.
    pub(super) owner: Option<&'w NetworkInterface>,
}

/// An interface that faces a remote end.
#[derive(Clone, Debug)]
pub(super) struct Side<'w> {
    pub(super) interface: &'w NetworkInterface,
    is_ipv4: bool,
    /// Rules about the remote end, the one that decides first of all: open ones, then by age (C-06).
    inbound: Vec<&'w SecurityGroupRule>,
    outbound: Vec<&'w SecurityGroupRule>,
    /// The ACL, and its entries about the remote end, by number; `None` within a subnet (N-01).
    acl: Option<(&'w NetworkAcl, Vec<&'w NetworkAclEntry>)>,
}

/// What an ACL says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclDecision {
    /// The ACL.
    pub acl_id: NetworkAclId,
    /// Number of the entry that decided; of the implicit last one where none matched (N-04).
    pub rule_number: u16,
    /// What it does.
    pub action: RuleAction,
}

impl<'w> Side<'w> {
    /// The interface facing this end. `is_same_subnet`: whether the other end is an interface of the same subnet.
    pub(super) fn new(
        world: &'w World,
        interface: &'w NetworkInterface,
        remote: Remote<'w>,
        is_same_subnet: bool,
    ) -> Self {
        let rules = |direction| {
            let about = |rule: &&SecurityGroupRule| is_about(world, interface, rule, remote);
            let mut rules: Vec<_> = rules_of(world, interface, direction).filter(about).collect();
            rules.sort_by_key(|rule| (!rule.peer.is_open(), rule.number));
            rules.dedup_by_key(|rule| rule.number);
            rules
        };
        let acl = world.network_acl_of(&interface.subnet_id).filter(|_| !is_same_subnet).map(|acl| {
            let entries = acl.entries.iter().filter(|entry| entry.cidr.contains(&remote.address));
            let mut entries: Vec<_> = entries.collect();
            entries.sort_by_key(|entry| entry.rule_number);
            (acl, entries)
        });
        Self {
            interface,
            is_ipv4: remote.address.is_ipv4(),
            inbound: rules(Direction::Inbound),
            outbound: rules(Direction::Outbound),
            acl,
        }
    }

    /// Rules about the remote end in one direction, the one that decides first of all.
    pub(super) fn rules(&self, direction: Direction) -> &[&'w SecurityGroupRule] {
        match direction {
            Direction::Inbound => &self.inbound,
            Direction::Outbound => &self.outbound,
        }
    }

    /// The rule that decides: of all that match, an open one before any other, then the oldest.
    pub(super) fn deciding(&self, direction: Direction, traffic: Traffic) -> Option<&'w SecurityGroupRule> {
        let is_meant =
            |rule: &&&SecurityGroupRule| traffic.is_meant_by(self.is_ipv4, rule.protocol, rule.ports);
        self.rules(direction).iter().find(is_meant).copied()
    }

    /// An open rule of this family that covers every port of the protocol (C-03, C-04), in whichever group (C-07).
    pub(super) fn open_for_every_port(
        &self,
        direction: Direction,
        traffic: Traffic,
    ) -> Option<&'w SecurityGroupRule> {
        let protocol = IpProtocol::Number(traffic.protocol(self.is_ipv4));
        let covers = |rule: &&&SecurityGroupRule| {
            rule.peer.is_open()
                && (rule.protocol == IpProtocol::All
                    || (rule.protocol == protocol && rule.ports == PortRange::EVERY_PORT))
        };
        self.rules(direction).iter().find(covers).copied()
    }

    /// What the subnet's ACL says; `None` where it is not asked.
    pub(super) fn acl(&self, direction: Direction, traffic: Traffic) -> Option<AclDecision> {
        let (acl, entries) = self.acl.as_ref()?;
        // ICMP's number in the other family has no types, and an entry for it is for all of it (N-06).
        let is_whole = |entry: &NetworkAclEntry| match traffic {
            Traffic::Other(number) => entry.protocol == IpProtocol::Number(number),
            _ => false,
        };
        let decides = |entry: &&&NetworkAclEntry| {
            entry.direction == direction
                && (is_whole(entry) || traffic.is_meant_by(self.is_ipv4, entry.protocol, entry.ports))
        };
        let default = if self.is_ipv4 { DEFAULT_DENY_IPV4 } else { DEFAULT_DENY_IPV6 };
        let (rule_number, action) = entries
            .iter()
            .find(decides)
            .map_or((default, RuleAction::Deny), |entry| (entry.rule_number, entry.action));
        Some(AclDecision { acl_id: acl.id.clone(), rule_number, action })
    }

    /// Whether the ACL lets it through, or is not asked.
    pub(super) fn acl_admits(&self, direction: Direction, traffic: Traffic) -> bool {
        self.acl(direction, traffic).is_none_or(|decision| decision.action == RuleAction::Allow)
    }

    /// Port ranges that its rules and ACL entries for a protocol tell apart.
    pub(super) fn ranges(&self, protocol: u8) -> impl Iterator<Item = PortRange> + '_ {
        let rules = self.inbound.iter().chain(&self.outbound).map(|rule| (rule.protocol, rule.ports));
        let entries =
            self.acl.iter().flat_map(|(_, entries)| entries).map(|entry| (entry.protocol, entry.ports));
        rules
            .chain(entries)
            .filter(move |(of, _)| *of == IpProtocol::Number(protocol))
            .map(|(_, ports)| ports)
    }
}

/// The rules of all groups of an interface in one direction.
pub(super) fn rules_of<'w>(
    world: &'w World,
    interface: &'w NetworkInterface,
    direction: Direction,
) -> impl Iterator<Item = &'w SecurityGroupRule> {
    groups_of(world, interface).flat_map(move |group| group.rules_of(direction))
}

/// The groups of an interface.
pub(super) fn groups_of<'w>(
    world: &'w World,
    interface: &'w NetworkInterface,
) -> impl Iterator<Item = &'w SecurityGroup> {
    interface.groups.iter().filter_map(|id| world.security_groups.get(id))
}

/// Whether a rule is about the remote end: an inbound packet's source, an outbound packet's destination (E-05).
fn is_about(
    world: &World,
    interface: &NetworkInterface,
    rule: &SecurityGroupRule,
    remote: Remote<'_>,
) -> bool {
    match &rule.peer {
        Peer::CidrIpv4(block) => IpNet::V4(*block).contains(&remote.address),
        Peer::CidrIpv6(block) => IpNet::V6(*block).contains(&remote.address),
        Peer::PrefixList(id) => world
            .prefix_lists
            .get(id)
            .is_some_and(|list| list.entries().iter().any(|entry| entry.cidr.contains(&remote.address))),
        Peer::ReferencedGroup(group) => {
            // Inbound, the sender's membership counts, and only for its own addresses (E-10).
            let member = match rule.direction {
                Direction::Inbound => remote.sender.filter(|sender| address::owns(sender, remote.address)),
                Direction::Outbound => remote.owner,
            };
            member.is_some_and(|member| {
                member.groups.contains(group) && route::are_joined(world, &interface.vpc_id, &member.vpc_id)
            })
        }
    }
}
