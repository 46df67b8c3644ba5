//! The world that is measured: so many interfaces with so many groups each, of so many rules, in few distinct sets.

#![expect(clippy::unwrap_used, reason = "the world is made of constants")]

use std::net::{Ipv4Addr, Ipv6Addr};

use sg_tests::harness::lab::{Lab, Permission};
use sg_userspace::aws::ids::{NetworkInterfaceId, PrefixListId, SecurityGroupId};
use sg_userspace::aws::prefix_list::{AddressFamily, PrefixListEntry};
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::world::World;

use crate::worlds::{filler_from, ports};

/// Interfaces.
pub(super) const INTERFACES: u32 = 10_000;
/// Distinct sets of groups.
pub(super) const SETS: u32 = 500;
/// Groups of an interface.
pub(super) const GROUPS: u32 = 5;
/// Inbound rules of a group.
pub(super) const RULES: u32 = 60;
/// IPv4 addresses of an interface; each is known in its VPC and to the internet host, and so takes two places.
pub(super) const IPV4: u32 = 6;
/// IPv6 addresses of an interface.
pub(super) const IPV6: u32 = 4;
/// Entries of the prefix list.
const ENTRIES: u32 = 100;

/// Slot of the interface that sends, in set 0.
pub(super) const CLIENT: u32 = 0;
/// Slot of the interface that is sent to, in set 1.
pub(super) const SERVER: u32 = 1;

/// Open on the server to members of the group of newcomers.
pub(super) const MEMBER_PORT: u16 = 7001;
/// Opened by a rule of the group that everybody has.
pub(super) const COMMON_PORT: u16 = 7002;
/// Opened by a rule of the group that one set has.
pub(super) const OWN_PORT: u16 = 7003;
/// Open on the server to what is on the prefix list.
pub(super) const LIST_PORT: u16 = 7004;

/// The world, and the names of what is changed in it.
pub(super) struct Estate {
    /// The world.
    pub(super) world: World,
    /// The interface that sends.
    pub(super) client: NetworkInterfaceId,
    /// A group that nobody has yet.
    pub(super) newcomers: SecurityGroupId,
    /// The group that every interface has.
    pub(super) common: SecurityGroupId,
    /// The group of the server's set alone.
    pub(super) own: SecurityGroupId,
    /// A list that a rule of the server's refers to, in a group that every tenth set has.
    pub(super) list: PrefixListId,
}

impl Estate {
    /// Sets differ in which four groups they have beside the one that all have: of five, of ten, of ten, and one of their own.
    pub(super) fn new() -> Self {
        let mut lab = Lab::default();
        let vpc = lab.vpc("10.0.0.0/8", "2600:1f18:0:100::/56");
        let subnet = lab.subnet(&vpc, "10.0.0.0/12", "2600:1f18:0:101::/64");
        // A rule is added to groups that have what AWS allows by default.
        lab.world.quotas.rules_per_group = RULES + 4;
        lab.world.quotas.groups_per_interface = GROUPS + 1;
        let newcomers = lab.group(&vpc, "newcomers");
        let groups: Vec<SecurityGroupId> =
            (0..26 + SETS).map(|n| lab.group(&vpc, &format!("group-{n}"))).collect();
        let of_set = |set: u32| {
            [0, 1 + set % 5, 6 + set / 5 % 10, 16 + set / 50 % 10, 26 + set]
                .map(|n| groups[n as usize].clone())
        };
        let list = lab.prefix_list("partners", AddressFamily::Ipv4);
        let blocks = |n: u32| PrefixListEntry {
            cidr: format!("{}/24", Ipv4Addr::from(0xac10_0000 + (n << 8))).parse().unwrap(),
            description: None,
        };
        let partners = lab.world.prefix_lists.get_mut(&list).unwrap();
        partners.max_entries = ENTRIES + 1;
        partners.versions = [(1, (0..ENTRIES).map(blocks).collect())].into();

        let [common, _, by_tenth, _, own] = of_set(SERVER);
        lab.rule(&common, open(Direction::Outbound, "0.0.0.0/0"));
        lab.rule(&common, open(Direction::Outbound, "::/0"));
        lab.rule(&own, inbound(MEMBER_PORT, Peer::ReferencedGroup(newcomers.clone())));
        lab.rule(&by_tenth, inbound(LIST_PORT, Peer::PrefixList(list.clone())));
        for (n, group) in (0u32..).zip(std::iter::once(&newcomers).chain(&groups)) {
            let count = lab.world.security_groups[group].rules_of(Direction::Inbound).count();
            let others = RULES - u32::try_from(count).unwrap();
            // One rule in fifteen refers to a group.
            let references = others / 15;
            filler_from(&mut lab, group, n * RULES, others - references);
            for n in 0..references {
                let port = 8000 + u16::try_from(n).unwrap();
                lab.rule(group, inbound(port, Peer::ReferencedGroup(groups[n as usize].clone())));
            }
        }
        let mut client = None;
        for slot in 0..INTERFACES {
            let ipv4: Vec<Ipv4Addr> = (0..IPV4).map(|n| address4(slot, n)).collect();
            let ipv6: Vec<Ipv6Addr> = (0..IPV6).map(|n| address6(slot, n)).collect();
            let id = lab.interface(&subnet, &format!("i-{slot}"), &ipv4, &ipv6, &of_set(slot % SETS));
            client.get_or_insert(id);
        }
        Self { world: lab.world, client: client.unwrap(), newcomers, common, own, list }
    }

    /// In a sentence.
    pub(super) fn sentence() -> String {
        format!(
            "{INTERFACES} interfaces with {} addresses each, in {SETS} distinct sets of {GROUPS} groups of {RULES} rules",
            IPV4 + IPV6
        )
    }
}

/// An inbound rule for TCP to one port.
fn inbound(port: u16, peer: Peer) -> Permission {
    Permission { direction: Direction::Inbound, protocol: IpProtocol::TCP, ports: ports(port, port), peer }
}

fn open(direction: Direction, block: &str) -> Permission {
    let peer = match block.parse().unwrap() {
        ipnet::IpNet::V4(net) => Peer::CidrIpv4(net),
        ipnet::IpNet::V6(net) => Peer::CidrIpv6(net),
    };
    Permission { direction, protocol: IpProtocol::All, ports: PortRange::ALL, peer }
}

/// An IPv4 address of a slot's interface, the primary one first.
pub(super) fn address4(slot: u32, n: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0010 + slot * IPV4 + n)
}

fn address6(slot: u32, n: u32) -> Ipv6Addr {
    let subnet = u128::from(Ipv6Addr::new(0x2600, 0x1f18, 0, 0x101, 0, 0, 0, 0));
    Ipv6Addr::from(subnet + 0x10 + u128::from(slot * IPV6 + n))
}
