//! Small worlds at random: two VPCs, two to four interfaces with one or two of three groups, few addresses and ports, so
//! that packets, rules and flows meet often. A peering, prefix lists, network ACLs of few entries and small allowances
//! are there in some of them. Nothing here knows how packets are judged.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use sg_userspace::aws::ids::{
    NetworkAclId, NetworkInterfaceId, PrefixListId, SecurityGroupId, SubnetId, VpcId, VpcPeeringConnectionId,
};
use sg_userspace::aws::interface::{Attachment, ConnectionTracking};
use sg_userspace::aws::peering::PeeringStatus;
use sg_userspace::aws::prefix_list::AddressFamily;
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::vpc::Subnet;
use sg_userspace::aws::world::World;
use sg_userspace::scenario::edit::Edit;

use super::address::{VPC, VPC6};
use super::flow_log::{FlowLogPlan, flow_log_plan};
use super::lab::{Lab, Permission};
use super::network::{
    EntryPlan, ListPlan, allowance, entry_plan, generous_entries, internet_mtu, list_plan, peering_status,
};

/// Groups of each VPC.
pub const GROUPS: usize = 3;

/// Prefix lists.
pub const LISTS: usize = 3;

/// Open, and of prefix lengths 0, 1, 8, 24, 31 and 32.
pub(super) const CIDRS_IPV4: [&str; 9] = [
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

pub(super) const CIDRS_IPV6: [&str; 7] = [
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

/// What every world of the universe has: VPCs, subnets, groups and the like, always with the same ids.
#[derive(Clone, Debug)]
pub struct Universe {
    lab: Lab,
    /// The VPCs.
    pub vpcs: [VpcId; 2],
    /// Two of the first VPC, one of the second.
    pub subnets: [SubnetId; 3],
    /// Groups of the first VPC, then of the second.
    pub groups: [Vec<SecurityGroupId>; 2],
    /// For each subnet its VPC's own network ACL, then one of the subnet's own.
    pub acls: [[NetworkAclId; 2]; 3],
    /// Two prefix lists of IPv4, one of IPv6.
    pub lists: [PrefixListId; LISTS],
    /// Of the two VPCs.
    pub peering: VpcPeeringConnectionId,
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
        let vpcs = [near, far];
        let groups = vpcs
            .each_ref()
            .map(|vpc| (0..GROUPS).map(|i| lab.group(vpc, &format!("group{i}"))).collect::<Vec<_>>());
        let acls = subnets.each_ref().map(|subnet| {
            let Subnet { vpc_id, network_acl_id, .. } = lab.world.subnets[subnet].clone();
            [network_acl_id, lab.acl(&vpc_id, Vec::new())]
        });
        let lists = [AddressFamily::Ipv4, AddressFamily::Ipv4, AddressFamily::Ipv6]
            .map(|family| lab.prefix_list("list", family));
        let peering = lab.peering(&vpcs[0], &vpcs[1]);
        Self { lab, vpcs, subnets, groups, acls, lists, peering }
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
    /// Whether it belongs to the instance of the first interface.
    is_second: bool,
    allowance: u32,
}

/// A rule to be: which VPC, which group, and what it says.
#[derive(Clone, Debug)]
pub struct RulePlan {
    vpc: usize,
    group: usize,
    pub(super) direction: Direction,
    pub(super) protocol: IpProtocol,
    pub(super) ports: PortRange,
    peer: PeerPlan,
}

#[derive(Clone, Debug)]
enum PeerPlan {
    Block(Peer),
    Group(usize),
    /// A group of the other VPC.
    FarGroup(usize),
    List(usize),
}

impl RulePlan {
    /// The group and what the rule says.
    pub fn resolve(&self, universe: &Universe) -> (SecurityGroupId, Permission) {
        let groups = &universe.groups[self.vpc];
        let peer = match &self.peer {
            PeerPlan::Block(peer) => peer.clone(),
            PeerPlan::Group(group) => Peer::ReferencedGroup(groups[*group].clone()),
            PeerPlan::FarGroup(group) => Peer::ReferencedGroup(universe.groups[1 - self.vpc][*group].clone()),
            PeerPlan::List(list) => Peer::PrefixList(universe.lists[*list].clone()),
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
        1 => (0..GROUPS).prop_map(PeerPlan::FarGroup),
        2 => (0..LISTS).prop_map(PeerPlan::List),
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

/// Idle timeouts at the ends of AWS's ranges and between.
pub fn timers() -> impl Strategy<Value = ConnectionTracking> {
    prop_oneof![
        2 => Just(ConnectionTracking::default()),
        1 => Just(ConnectionTracking { tcp_established: 60, udp: 60, udp_stream: 60 }),
        1 => Just(ConnectionTracking { tcp_established: 350, udp: 31, udp_stream: 120 }),
    ]
}

fn interface_plan() -> impl Strategy<Value = InterfacePlan> {
    let place = prop_oneof![4 => Just(0), 2 => Just(1), 1 => Just(2)];
    (
        place,
        some_groups(),
        timers(),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.95),
        prop::bool::weighted(0.2),
        allowance(),
    )
        .prop_map(
            |(place, groups, timers, has_ipv6, has_source_dest_check, is_attached, is_second, allowance)| {
                InterfacePlan {
                    place,
                    groups,
                    timers,
                    has_ipv6,
                    has_source_dest_check,
                    is_attached,
                    is_second,
                    allowance,
                }
            },
        )
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
    /// Whether each subnet has an ACL of its own, and whether that lets through what no entry denies.
    acls: [(bool, bool); 3],
    entries: Vec<EntryPlan>,
    lists: Vec<ListPlan>,
    peering: PeeringStatus,
    internet_mtus: [u16; 2],
    flow_logs: Vec<FlowLogPlan>,
}

/// A world of two to four interfaces and up to 24 rules.
pub fn world_plan() -> impl Strategy<Value = WorldPlan> {
    let interfaces = prop::collection::vec(interface_plan(), 2..=4);
    let rules = prop::collection::vec(prop_oneof![rule_plan(), generous_rule_plan()], 0..=24);
    let acl = || (prop::bool::weighted(0.3), prop::bool::weighted(0.9));
    let acls = [acl(), acl(), acl()];
    let entries = prop::collection::vec(entry_plan(), 0..=4);
    let lists = prop::collection::vec(list_plan(), 0..=3);
    let mtus = [internet_mtu(), internet_mtu()];
    let flow_logs = prop::collection::vec(flow_log_plan(), 0..=3);
    (interfaces, rules, acls, entries, lists, peering_status(), mtus, flow_logs).prop_map(
        |(interfaces, rules, acls, entries, lists, peering, internet_mtus, flow_logs)| WorldPlan {
            interfaces,
            rules,
            acls,
            entries,
            lists,
            peering,
            internet_mtus,
            flow_logs,
        },
    )
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
        let interfaces: Vec<_> = interfaces.collect();
        for (id, plan) in interfaces.iter().zip(&self.interfaces).skip(1) {
            if plan.is_second {
                let index = u8::try_from(lab.interface_mut(id).slot).unwrap();
                lab.attach_to_instance_of(id, &interfaces[0], index);
            }
        }
        self.edits(universe).iter().for_each(|edit| edit.apply(&mut lab.world));
        let flow_logs = self.flow_logs.iter().map(|plan| plan.resolve(universe, &interfaces));
        flow_logs.for_each(|edit| edit.apply(&mut lab.world));
        (lab.world, interfaces)
    }

    /// What is done to the universe before the first event.
    fn edits(&self, universe: &Universe) -> Vec<Edit> {
        let mut edits = Vec::new();
        for ((has_own, is_generous), (subnet, acls)) in
            self.acls.into_iter().zip(universe.subnets.iter().zip(&universe.acls))
        {
            if has_own {
                edits.push(Edit::SetNetworkAcl { subnet: subnet.clone(), acl: acls[1].clone() });
            }
            let entries = generous_entries().into_iter().filter(|_| is_generous);
            edits.extend(entries.map(|entry| Edit::PutAclEntry { acl: acls[1].clone(), entry }));
        }
        edits.extend(self.entries.iter().map(|plan| plan.resolve(universe)));
        edits.extend(self.lists.iter().map(|plan| plan.resolve(universe)));
        for (vpc, bytes) in universe.vpcs.iter().zip(self.internet_mtus) {
            edits.push(Edit::SetInternetMtu { vpc: vpc.clone(), bytes });
        }
        edits.push(Edit::SetPeeringStatus { peering: universe.peering.clone(), status: self.peering });
        edits
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
    let instance = interface.attachment.as_ref().map(|attachment| attachment.instance_id.clone());
    interface.attachment = interface.attachment.take().filter(|_: &Attachment| plan.is_attached);
    if let Some(instance) = instance.and_then(|id| lab.world.instances.get_mut(&id)) {
        instance.connection_allowance = plan.allowance;
    }
    id
}
