//! What every firewall under test has to enforce: interfaces, groups and rules, described once. The world that sgsim compiles and
//! the rule sets of its peers are translations of this one description, so that nobody has less to do than another.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use rand::rngs::StdRng;
use rand::seq::index::sample;
use rand::{Rng, SeedableRng};
use sg_tests::harness::lab::{Lab, Permission};
use sg_userspace::aws::ids::SecurityGroupId;
use sg_userspace::aws::protocol::IpProtocol;
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::world::World;

use crate::worlds::ports;

/// Place of the interface that sends, and its slot.
pub(crate) const CLIENT: usize = 0;
/// Place of the interface that serves, and its slot.
pub(crate) const SERVER: usize = 1;
/// The VPC's block, and those of the three subnets: the client's, the server's, and everybody else's.
const VPC: &str = "10.0.0.0/8";
const SUBNETS: [&str; 3] = ["10.0.1.0/24", "10.0.2.0/24", "10.1.0.0/16"];
/// Ports that the rule under test allows, to and from both subnets under test.
const OPEN: (u16, u16) = (5000, 7100);
const OPEN_BLOCK: &str = "10.0.0.0/16";
/// Of a group's rules, how many name a group as the other end.
const BY_GROUP: usize = 9;
/// Enough for all connections of a run.
const ALLOWANCE: u32 = 4_000_000;

/// How much there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Interfaces on the host, the two under test among them.
    pub(crate) interfaces: usize,
    /// Groups.
    pub(crate) groups: usize,
    /// Rules of each group, in each direction.
    pub(crate) rules: usize,
    /// Groups of each interface.
    pub(crate) groups_each: usize,
}

/// Who may be at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remote {
    /// Addresses of a block.
    Block(Ipv4Net),
    /// Members of a group, by its place.
    Group(usize),
}

/// An allow statement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// The other end.
    pub(crate) remote: Remote,
    /// The protocol.
    pub(crate) protocol: Protocol,
    /// Destination ports, both ends included.
    pub(crate) ports: (u16, u16),
}

/// What rules here are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// As nftables and iptables write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// A security group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// What comes in.
    pub(crate) inbound: Vec<Rule>,
    /// What goes out.
    pub(crate) outbound: Vec<Rule>,
}

/// A network interface.
#[derive(Clone, Debug)]
pub(crate) struct Interface {
    /// Name of its link on the host.
    pub(crate) link: String,
    /// Its address.
    pub(crate) address: Ipv4Addr,
    /// Its groups, by place, in the order in which a peer consults them.
    pub(crate) groups: Vec<usize>,
}

/// All of it.
#[derive(Clone, Debug)]
pub(crate) struct Estate {
    /// By place; [`CLIENT`] and [`SERVER`] carry the traffic.
    pub(crate) interfaces: Vec<Interface>,
    /// By place.
    pub(crate) groups: Vec<Group>,
}

impl Estate {
    /// An estate of this size, always the same. The rule under test is in the last group of the client and the server.
    pub(crate) fn new(size: Size) -> Self {
        let mut random = StdRng::seed_from_u64(1);
        let under_test = size.groups_each - 1;
        let groups = (0..size.groups)
            .map(|place| {
                let reference = random.random_range(0..size.groups);
                let mut rules = || group_rules(&mut random, size.rules, reference, place == under_test);
                Group { inbound: rules(), outbound: rules() }
            })
            .collect();
        // As many sets of groups as groups: interfaces of one kind have one set.
        let sets: Vec<Vec<usize>> =
            (0..size.groups).map(|_| sample(&mut random, size.groups, size.groups_each).into_vec()).collect();
        let interfaces = (0..size.interfaces)
            .map(|place| Interface {
                link: link(place),
                address: address(place),
                groups: match place {
                    CLIENT | SERVER => (0..size.groups_each).collect(),
                    _ => sets[place % sets.len()].clone(),
                },
            })
            .collect();
        Self { interfaces, groups }
    }

    /// Addresses of a group's members.
    pub(crate) fn members(&self, group: usize) -> impl Iterator<Item = Ipv4Addr> {
        let has_it = move |interface: &&Interface| interface.groups.contains(&group);
        self.interfaces.iter().filter(has_it).map(|interface| interface.address)
    }

    /// The same as a world.
    #[expect(clippy::unwrap_used, reason = "blocks are constants, and an estate has few interfaces")]
    pub(crate) fn world(&self) -> World {
        let mut lab = Lab::default();
        let vpc = lab.vpc(VPC, "2600:1f18:0:100::/56");
        let subnets: Vec<_> = SUBNETS
            .iter()
            .enumerate()
            .map(|(n, block)| lab.subnet(&vpc, block, &format!("2600:1f18:0:10{}::/64", n + 1)))
            .collect();
        let ids: Vec<SecurityGroupId> =
            (0..self.groups.len()).map(|place| lab.group(&vpc, &format!("group-{place}"))).collect();
        for (group, id) in self.groups.iter().zip(&ids) {
            for (direction, rules) in
                [(Direction::Inbound, &group.inbound), (Direction::Outbound, &group.outbound)]
            {
                for rule in rules {
                    let peer = match rule.remote {
                        Remote::Block(block) => Peer::CidrIpv4(block.to_string().parse().unwrap()),
                        Remote::Group(place) => Peer::ReferencedGroup(ids[place].clone()),
                    };
                    let protocol = match rule.protocol {
                        Protocol::Tcp => IpProtocol::TCP,
                        Protocol::Udp => IpProtocol::UDP,
                    };
                    let ports = ports(rule.ports.0, rule.ports.1);
                    lab.rule(id, Permission { direction, protocol, ports, peer });
                }
            }
        }
        for (place, interface) in self.interfaces.iter().enumerate() {
            let groups: Vec<_> = interface.groups.iter().map(|group| ids[*group].clone()).collect();
            lab.interface(&subnets[place.min(2)], &interface.link, &[interface.address], &[], &groups);
        }
        for instance in lab.world.instances.values_mut() {
            instance.connection_allowance = ALLOWANCE;
        }
        lab.world
    }
}

/// The name of an interface's link on the host.
fn link(place: usize) -> String {
    match place {
        CLIENT => "ha".to_owned(),
        SERVER => "hb".to_owned(),
        _ => format!("e{place}"),
    }
}

/// The address of an interface, with its subnet.
pub(crate) fn address(place: usize) -> Ipv4Addr {
    match place {
        CLIENT => Ipv4Addr::new(10, 0, 1, 10),
        SERVER => Ipv4Addr::new(10, 0, 2, 10),
        _ => Ipv4Addr::from(0x0a01_000a + u32::try_from(place).unwrap_or(0)),
    }
}

/// Rules of one direction: blocks outside the VPC, members of a group on ports that nobody tries, and perhaps what is under test.
fn group_rules(random: &mut StdRng, rules: usize, reference: usize, is_under_test: bool) -> Vec<Rule> {
    let mut made = Vec::new();
    let open = if is_under_test { open() } else { Vec::new() };
    let by_group = BY_GROUP.min(rules.saturating_sub(open.len()));
    let by_block = rules.saturating_sub(open.len() + by_group);
    let mut blocks = BTreeSet::new();
    while blocks.len() < by_block {
        blocks.insert((random.random_range(11..200), random.random()));
    }
    for (a, b) in blocks {
        let block = Ipv4Net::new_assert(Ipv4Addr::new(a, b, 0, 0), 16);
        let first = random.random_range(1..60_000);
        let last = first + random.random_range(0..100);
        made.push(Rule { remote: Remote::Block(block), protocol: Protocol::Tcp, ports: (first, last) });
    }
    for n in 0..by_group {
        // Apart from each other, since a peer's set takes no ranges that overlap, and from the ports under test.
        let first = 10_000 + 5_000 * (n as u16) + random.random_range(0..4_000);
        let ports = (first, first + random.random_range(0..100));
        made.push(Rule { remote: Remote::Group(reference), protocol: Protocol::Tcp, ports });
    }
    made.extend(open);
    made
}

/// What is under test.
#[expect(clippy::unwrap_used, reason = "the block is a constant")]
fn open() -> Vec<Rule> {
    [Protocol::Tcp, Protocol::Udp]
        .map(|protocol| Rule { remote: Remote::Block(OPEN_BLOCK.parse().unwrap()), protocol, ports: OPEN })
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_has_its_number_of_rules_and_only_the_last_of_the_client_lets_the_traffic_in() {
        let estate = Estate::new(Size { interfaces: 12, groups: 8, rules: 60, groups_each: 5 });
        let lets_in = |group: usize| {
            estate.groups[group].inbound.iter().any(|rule| {
                matches!(rule.remote, Remote::Block(block) if block.contains(&address(CLIENT)))
                    && (rule.ports.0..=rule.ports.1).contains(&5201)
            })
        };
        for (place, group) in estate.groups.iter().enumerate() {
            assert_eq!((group.inbound.len(), group.outbound.len()), (60, 60), "group {place}");
            assert_eq!(lets_in(place), place == 4, "group {place}");
        }
        assert_eq!(estate.interfaces[SERVER].groups, [0, 1, 2, 3, 4]);
        assert!(estate.members(4).any(|member| member == address(SERVER)));
    }

    #[test]
    fn a_world_has_everything_of_its_estate() {
        let world = Estate::new(Size { interfaces: 12, groups: 8, rules: 60, groups_each: 5 }).world();
        assert_eq!(world.network_interfaces.len(), 12);
        let rules: usize = world.security_groups.values().map(|group| group.rules.len()).sum();
        assert_eq!(rules, 8 * 120);
    }
}
