//! Security group rules: one line each, in words that `sgsim rule allow` takes back.

use std::collections::BTreeMap;

use comfy_table::Table;
use serde::Serialize;

use crate::aws::group::SecurityGroup;
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::rule::{Direction, Peer, SecurityGroupRule};
use crate::aws::world::World;
use crate::command::prefix_list;

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleView {
    /// `sgr-…`.
    pub id: String,
    /// The group's id.
    pub group_id: String,
    /// The group's name.
    pub group_name: String,
    /// `inbound` or `outbound`.
    pub direction: Direction,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all.
    pub protocol: String,
    /// First port or ICMP type, −1 for all.
    pub from_port: i32,
    /// Last port or ICMP code, −1 for all.
    pub to_port: i32,
    /// A CIDR block, or the id of a group or prefix list.
    pub peer: String,
    /// The name of the peer, where it is a group or a prefix list.
    pub peer_name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
    /// All of it in words.
    pub text: String,
}

impl RuleView {
    /// The view of a rule of a group.
    pub fn new(world: &World, group: &SecurityGroup, rule: &SecurityGroupRule) -> Self {
        let peer_name = match &rule.peer {
            Peer::ReferencedGroup(id) => world.security_groups.get(id).map(|group| group.name.clone()),
            Peer::PrefixList(id) => world.prefix_lists.get(id).map(|list| list.name.clone()),
            Peer::CidrIpv4(_) | Peer::CidrIpv6(_) => None,
        };
        Self {
            id: rule.id.to_string(),
            group_id: group.id.to_string(),
            group_name: group.name.clone(),
            direction: rule.direction,
            protocol: rule.protocol.to_string(),
            from_port: rule.ports.from_port,
            to_port: rule.ports.to_port,
            peer: rule.peer.to_string(),
            peer_name,
            description: rule.description.clone(),
            tags: rule.tags.clone(),
            text: words(world, group, rule.direction, rule.protocol, rule.ports, &rule.peer),
        }
    }

    /// The view of the rule with this number, which may have been revoked since.
    pub fn by_number(world: &World, number: u32) -> Option<Self> {
        world.rule_by_number(number).map(|(group, rule)| Self::new(world, group, rule))
    }
}

/// What a rule of a group is made of in words: `inbound tcp 5432 from sg web`.
pub fn words(
    world: &World,
    group: &SecurityGroup,
    direction: Direction,
    protocol: IpProtocol,
    ports: PortRange,
    remote: &Peer,
) -> String {
    format!("{direction} {} {} {}", traffic(protocol, ports), direction.toward(), peer(world, group, remote))
}

/// The protocol and ports of a rule in words: `tcp 80`, `udp 1000-2000`, `icmp 8`, `all`.
pub fn traffic(protocol: IpProtocol, ports: PortRange) -> String {
    match protocol {
        IpProtocol::All => "all".to_owned(),
        _ => format!("{protocol} {}", self::ports(&protocol.to_string(), ports.from_port, ports.to_port)),
    }
}

/// The ports of a rule in words: `80`, `1000-2000`, `all`; of ICMP its type, with a code where there is one: `3/4`.
pub fn ports(protocol: &str, from_port: i32, to_port: i32) -> String {
    let is_icmp = protocol.starts_with("icmp");
    match (from_port, to_port) {
        (-1, -1) | (0, 65_535) => "all".to_owned(),
        (kind, -1) => kind.to_string(),
        (kind, code) if is_icmp => format!("{kind}/{code}"),
        (from, to) if from == to => from.to_string(),
        (from, to) => format!("{from}-{to}"),
    }
}

/// The other end of a rule of `group`. A group of another VPC has that VPC's name before its own; a prefix list that
/// shares its name with another has its id.
fn peer(world: &World, group: &SecurityGroup, peer: &Peer) -> String {
    match peer {
        Peer::ReferencedGroup(id) => match world.security_groups.get(id) {
            Some(other) if other.vpc_id == group.vpc_id => format!("sg {}", other.name),
            Some(other) => {
                let vpc = world.vpcs.get(&other.vpc_id).map_or(other.vpc_id.as_str(), |vpc| vpc.name());
                format!("sg {vpc}/{}", other.name)
            }
            None => format!("sg {id}"),
        },
        Peer::PrefixList(id) => match world.prefix_lists.get(id) {
            Some(list) if prefix_list::by_name(world, &list.region, &list.name).len() == 1 => {
                format!("pl {}", list.name)
            }
            _ => format!("pl {id}"),
        },
        Peer::CidrIpv4(_) | Peer::CidrIpv6(_) => peer.to_string(),
    }
}

/// Rules as a table.
pub fn table(rules: &[RuleView]) -> Table {
    let mut table = super::table(&["RULE", "GROUP", "DIRECTION", "PROTOCOL", "PORTS", "PEER", "DESCRIPTION"]);
    for rule in rules {
        let ports = ports(&rule.protocol, rule.from_port, rule.to_port);
        let protocol = if rule.protocol == "-1" { "all" } else { &rule.protocol };
        let peer = match &rule.peer_name {
            Some(name) => format!("{} ({name})", rule.peer),
            None => rule.peer.clone(),
        };
        table.add_row([
            &rule.id,
            &rule.group_name,
            &rule.direction.to_string(),
            protocol,
            &ports,
            &peer,
            rule.description.as_deref().unwrap_or("-"),
        ]);
    }
    table
}
