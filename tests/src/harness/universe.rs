//! Small worlds at random: two VPCs, two to four interfaces with one or two of three groups, few addresses and ports, so
//! that packets, rules and flows meet often. Nothing here knows how packets are judged.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use sg_userspace::aws::ids::{NetworkInterfaceId, SecurityGroupId, SubnetId};
use sg_userspace::aws::interface::{Attachment, ConnectionTracking};
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::world::World;

use super::address::{VPC, VPC6};
use super::lab::{Lab, Permission};

/// Groups of each VPC.
pub const GROUPS: usize = 3;

/// Open, and of prefix lengths 0, 1, 8, 24, 31 and 32.
const CIDRS_IPV4: [&str; 9] = [
    "0.0.0.0/0",
    "0.0.0.0/0",
    "128.0.0.0/1",
    "10.0.0.0/8",
    "10.0.1.0/24",
    "10.0.1.4/31",
    "10.0.1.5/32",
    "203.0.113.0/24",
    "203.0.113.9/32",
];

const CIDRS_IPV6: [&str; 7] = [
    "::/0",
    "::/0",
    "8000::/1",
    "2600:1f18:0:101::/64",
    "2600:1f18:0:101::4/127",
    "2600:1f18:0:101::5/128",
    "2001:db8::/32",
];

const PORT_RANGES: [(i32, i32); 8] =
    [(0, 65_535), (0, 65_535), (1, 65_535), (0, 0), (443, 443), (53, 80), (80, 443), (65_535, 65_535)];

const ICMP_RANGES: [(i32, i32); 6] = [(-1, -1), (8, -1), (8, 0), (0, -1), (3, 4), (3, -1)];

const ICMPV6_RANGES: [(i32, i32); 5] = [(-1, -1), (128, -1), (129, 0), (1, -1), (2, 0)];

/// What every world of the universe has: VPCs, subnets and groups, always with the same ids.
#[derive(Clone, Debug)]
pub struct Universe {
    lab: Lab,
    /// Two of the first VPC, one of the second.
    subnets: [SubnetId; 3],
    /// Groups of the first VPC, then of the second.
    pub groups: [Vec<SecurityGroupId>; 2],
}

impl Universe {
    /// The universe without interfaces and rules.
    pub fn new() -> Self {
        let mut lab = Lab::default();
        let near = lab.vpc(VPC, VPC6);
        let far = lab.vpc("10.1.0.0/16", "2600:1f18:0:200::/56");
        let subnets = [
            lab.subnet(&near, "10.0.1.0/24", "2600:1f18:0:101::/64"),
            lab.subnet(&near, "10.0.2.0/24", "2600:1f18:0:102::/64"),
            lab.subnet(&far, "10.1.1.0/24", "2600:1f18:0:201::/64"),
        ];
        let groups = [near, far]
            .map(|vpc| (0..GROUPS).map(|i| lab.group(&vpc, &format!("group{i}"))).collect::<Vec<_>>());
        Self { lab, subnets, groups }
    }
}

impl Default for Universe {
    fn default() -> Self {
        Self::new()
    }
}

/// An interface to be.
#[derive(Clone, Debug)]
pub struct InterfacePlan {
    /// Index of its subnet; 2 is in the second VPC.
    place: usize,
    groups: Vec<usize>,
    timers: ConnectionTracking,
    has_ipv6: bool,
    has_source_dest_check: bool,
    is_attached: bool,
}

/// A rule to be: which VPC, which group, and what it says.
#[derive(Clone, Debug)]
pub struct RulePlan {
    vpc: usize,
    group: usize,
    direction: Direction,
    protocol: IpProtocol,
    ports: PortRange,
    peer: PeerPlan,
}

#[derive(Clone, Debug)]
enum PeerPlan {
    Block(Peer),
    Group(usize),
}

impl RulePlan {
    /// The group and what the rule says.
    pub fn resolve(&self, universe: &Universe) -> (SecurityGroupId, Permission) {
        let groups = &universe.groups[self.vpc];
        let peer = match &self.peer {
            PeerPlan::Block(peer) => peer.clone(),
            PeerPlan::Group(group) => Peer::ReferencedGroup(groups[*group].clone()),
        };
        let Self { direction, protocol, ports, .. } = *self;
        (groups[self.group].clone(), Permission { direction, protocol, ports, peer })
    }
}

/// One or two of a VPC's groups, by index.
pub fn some_groups() -> impl Strategy<Value = Vec<usize>> {
    subsequence((0..GROUPS).collect::<Vec<_>>(), 1..=2)
}

/// A rule of any kind.
pub fn rule_plan() -> impl Strategy<Value = RulePlan> {
    let direction = prop_oneof![Just(Direction::Inbound), Just(Direction::Outbound)];
    let range = |(from_port, to_port)| PortRange { from_port, to_port };
    let ports = move || select(&PORT_RANGES[..]).prop_map(range);
    let protocol = prop_oneof![
        3 => ports().prop_map(|ports| (IpProtocol::TCP, ports)),
        2 => ports().prop_map(|ports| (IpProtocol::UDP, ports)),
        1 => select(&ICMP_RANGES[..]).prop_map(move |r| (IpProtocol::ICMP, range(r))),
        1 => select(&ICMPV6_RANGES[..]).prop_map(move |r| (IpProtocol::ICMPV6, range(r))),
        1 => select(vec![50, 47]).prop_map(|number| (IpProtocol::Number(number), PortRange::ALL)),
        4 => Just((IpProtocol::All, PortRange::ALL)),
    ];
    let peer = prop_oneof![
        4 => select(&CIDRS_IPV4[..]).prop_map(|cidr| PeerPlan::Block(Peer::CidrIpv4(cidr.parse().unwrap()))),
        2 => select(&CIDRS_IPV6[..]).prop_map(|cidr| PeerPlan::Block(Peer::CidrIpv6(cidr.parse().unwrap()))),
        3 => (0..GROUPS).prop_map(PeerPlan::Group),
    ];
    let vpc = prop_oneof![4 => Just(0), 1 => Just(1)];
    (vpc, 0..GROUPS, direction, protocol, peer).prop_map(
        |(vpc, group, direction, (protocol, ports), peer)| RulePlan {
            vpc,
            group,
            direction,
            protocol,
            ports,
            peer,
        },
    )
}

fn interface_plan() -> impl Strategy<Value = InterfacePlan> {
    let timers = prop_oneof![
        2 => Just(ConnectionTracking::default()),
        1 => Just(ConnectionTracking { tcp_established: 60, udp: 60, udp_stream: 60 }),
        1 => Just(ConnectionTracking { tcp_established: 350, udp: 31, udp_stream: 120 }),
    ];
    let place = prop_oneof![4 => Just(0), 2 => Just(1), 1 => Just(2)];
    (
        place,
        some_groups(),
        timers,
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.95),
    )
        .prop_map(|(place, groups, timers, has_ipv6, has_source_dest_check, is_attached)| {
            InterfacePlan { place, groups, timers, has_ipv6, has_source_dest_check, is_attached }
        })
}

/// A rule for everything from or to everywhere, or nearly: without these hardly a packet would pass both ends.
fn generous_rule_plan() -> impl Strategy<Value = RulePlan> {
    let peer = select(vec!["0.0.0.0/0", "0.0.0.0/0", "10.0.0.0/8", "0.0.0.0/1"])
        .prop_map(|cidr| PeerPlan::Block(Peer::CidrIpv4(cidr.parse().unwrap())));
    let peer6 = select(vec!["::/0", "2000::/3"])
        .prop_map(|cidr| PeerPlan::Block(Peer::CidrIpv6(cidr.parse().unwrap())));
    (rule_plan(), prop_oneof![2 => peer, 1 => peer6]).prop_map(|(plan, peer)| RulePlan {
        protocol: IpProtocol::All,
        ports: PortRange::ALL,
        peer,
        ..plan
    })
}

/// A world to be.
#[derive(Clone, Debug)]
pub struct WorldPlan {
    interfaces: Vec<InterfacePlan>,
    rules: Vec<RulePlan>,
}

/// A world of two to four interfaces and up to 24 rules.
pub fn world_plan() -> impl Strategy<Value = WorldPlan> {
    let interfaces = prop::collection::vec(interface_plan(), 2..=4);
    let rules = prop::collection::vec(prop_oneof![rule_plan(), generous_rule_plan()], 0..=24);
    (interfaces, rules).prop_map(|(interfaces, rules)| WorldPlan { interfaces, rules })
}

impl WorldPlan {
    /// The world, and its interfaces in the order of the plan.
    pub fn resolve(&self, universe: &Universe) -> (World, Vec<NetworkInterfaceId>) {
        let mut lab = universe.lab.clone();
        for plan in &self.rules {
            let (group, permission) = plan.resolve(universe);
            lab.rule(&group, permission);
        }
        let interfaces =
            (4u8..).zip(&self.interfaces).map(|(host, plan)| add(&mut lab, universe, host, plan));
        let interfaces = interfaces.collect();
        (lab.world, interfaces)
    }
}

/// Adds an interface whose addresses end in `host`.
fn add(lab: &mut Lab, universe: &Universe, host: u8, plan: &InterfacePlan) -> NetworkInterfaceId {
    let (ipv4, ipv6) = [
        ([10, 0, 1, host], [0x2600, 0x1f18, 0, 0x101, 0, 0, 0, u16::from(host)]),
        ([10, 0, 2, host], [0x2600, 0x1f18, 0, 0x102, 0, 0, 0, u16::from(host)]),
        ([10, 1, 1, host], [0x2600, 0x1f18, 0, 0x201, 0, 0, 0, u16::from(host)]),
    ][plan.place];
    let ipv6: Vec<Ipv6Addr> = plan.has_ipv6.then(|| Ipv6Addr::from(ipv6)).into_iter().collect();
    let groups = &universe.groups[usize::from(plan.place == 2)];
    let groups: Vec<_> = plan.groups.iter().map(|i| groups[*i].clone()).collect();
    let subnet = &universe.subnets[plan.place];
    let id = lab.interface(subnet, &format!("host{host}"), &[Ipv4Addr::from(ipv4)], &ipv6, &groups);
    let interface = lab.interface_mut(&id);
    interface.connection_tracking = plan.timers;
    interface.source_dest_check = plan.has_source_dest_check;
    interface.attachment = interface.attachment.take().filter(|_: &Attachment| plan.is_attached);
    id
}
