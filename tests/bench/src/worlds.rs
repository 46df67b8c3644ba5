//! Worlds of a stated size: so many interfaces, groups of so many rules, and one rule that the packets under test meet.

#![expect(clippy::unwrap_used, reason = "worlds are made of constants")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sg_tests::harness::lab::{Lab, Permission};
use sg_userspace::aws::ids::{NetworkInterfaceId, PrefixListId, SecurityGroupId};
use sg_userspace::aws::prefix_list::{AddressFamily, PrefixListEntry};
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::world::World;

/// Port of the service under test.
pub(crate) const PORT: u16 = 5201;
/// A port that no rule allows.
pub(crate) const CLOSED_PORT: u16 = 9;
/// Slot of the interface that sends.
pub(crate) const CLIENT: u32 = 0;
/// Slot of the interface that serves.
pub(crate) const SERVER: u32 = 1;
/// Addresses outside the VPC from which the server may be asked.
pub(crate) const OUTSIDE: &str = "198.18.0.0/15";
/// Enough for a million flows on one interface.
const ALLOWANCE: u32 = 4_000_000;

/// A world with a client, a server, and whatever else the measurement wants.
pub(crate) struct Bed {
    lab: Lab,
    /// The client, then the server.
    pub(crate) interfaces: [NetworkInterfaceId; 2],
    /// The client's group, then the server's.
    pub(crate) groups: [SecurityGroupId; 2],
}

/// How the packets under test are allowed into the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By the server's rule for a block of addresses.
    Block,
    /// By its rule for the client's group.
    Group,
    /// By its rule for a prefix list.
    List,
}

impl Bed {
    /// A client that may send anything, and a server with so many rules, of which one allows the port under test: the
    /// first or the last.
    pub(crate) fn new(rules: usize, is_last: bool, way: &Way) -> Self {
        let mut lab = Lab::default();
        let vpc = lab.vpc("10.0.0.0/8", "2600:1f18:0:100::/56");
        let subnet = lab.subnet(&vpc, "10.0.0.0/16", "2600:1f18:0:101::/64");
        let groups = ["client", "server"].map(|name| lab.group(&vpc, name));
        let any = |direction| Permission {
            direction,
            protocol: IpProtocol::All,
            ports: PortRange::ALL,
            peer: Peer::CidrIpv4("0.0.0.0/0".parse().unwrap()),
        };
        lab.rule(&groups[0], any(Direction::Outbound));
        let peer = match way {
            Way::Block => Peer::CidrIpv4("10.0.0.0/16".parse().unwrap()),
            Way::Group => Peer::ReferencedGroup(groups[0].clone()),
            Way::List => Peer::PrefixList(lab.prefix_list("clients", AddressFamily::Ipv4)),
        };
        let others = rules.saturating_sub(1);
        if is_last {
            filler(&mut lab, &groups[1], others);
        }
        for protocol in [IpProtocol::TCP, IpProtocol::UDP] {
            lab.rule(
                &groups[1],
                Permission {
                    direction: Direction::Inbound,
                    protocol,
                    ports: ports(PORT, PORT),
                    peer: peer.clone(),
                },
            );
        }
        // What the internet host sends, and may be sent.
        let outside = Peer::CidrIpv4(OUTSIDE.parse().unwrap());
        lab.rule(
            &groups[1],
            Permission {
                direction: Direction::Inbound,
                protocol: IpProtocol::TCP,
                ports: ports(PORT, PORT),
                peer: outside,
            },
        );
        let open6 = Peer::CidrIpv6("2600:1f18:0:101::/64".parse().unwrap());
        for (group, direction) in [(0, Direction::Outbound), (1, Direction::Inbound)] {
            lab.rule(
                &groups[group],
                Permission {
                    direction,
                    protocol: IpProtocol::TCP,
                    ports: ports(PORT, PORT),
                    peer: open6.clone(),
                },
            );
        }
        if !is_last {
            filler(&mut lab, &groups[1], others);
        }
        let interfaces = [(CLIENT, "client"), (SERVER, "server")].map(|(slot, name)| {
            let place = slot as usize;
            let (v4, v6) = (address4(slot), address6(slot));
            lab.interface(&subnet, name, &[v4], &[v6], &[groups[place].clone()])
        });
        Self { lab, interfaces, groups }.with_allowance(ALLOWANCE)
    }

    /// A rule of the server's that lets everybody in and everything out, so that its flows need no entry (C-03).
    pub(crate) fn open(mut self) -> Self {
        for direction in [Direction::Inbound, Direction::Outbound] {
            for group in &self.groups {
                self.lab.rule(
                    group,
                    Permission {
                        direction,
                        protocol: IpProtocol::All,
                        ports: PortRange::ALL,
                        peer: Peer::CidrIpv4("0.0.0.0/0".parse().unwrap()),
                    },
                );
            }
        }
        self
    }

    /// One more rule of the client's group or of the server's.
    pub(crate) fn allowing(mut self, group: usize, permission: Permission) -> Self {
        self.lab.rule(&self.groups[group], permission);
        self
    }

    /// Instances that may track so many connections.
    pub(crate) fn with_allowance(mut self, connections: u32) -> Self {
        for instance in self.lab.world.instances.values_mut() {
            instance.connection_allowance = connections;
        }
        self
    }

    /// Gives the client's group more members: addresses of the server's subnet's neighbours.
    pub(crate) fn with_members(mut self, members: u32) -> Self {
        let extra: Vec<Ipv4Addr> = (2..=members).map(|n| Ipv4Addr::from(0x0a10_0000 + n)).collect();
        // One interface with all of them would be more than AWS allows, and the same to the data plane.
        self.lab.interface_mut(&self.interfaces[0]).private_ipv4.extend(extra);
        self
    }

    /// Fills every prefix list with so many blocks, the client's among them.
    pub(crate) fn with_entries(mut self, entries: u32) -> Self {
        let ids: Vec<PrefixListId> = self.lab.world.prefix_lists.keys().cloned().collect();
        for id in ids {
            let list = self.lab.world.prefix_lists.get_mut(&id).unwrap();
            let block = |n: u32| {
                let address = if n == 0 { u32::from(address4(CLIENT)) } else { 0x2000_0000 + n * 2 };
                let cidr = format!("{}/32", Ipv4Addr::from(address)).parse().unwrap();
                PrefixListEntry { cidr, description: None }
            };
            list.max_entries = entries;
            list.versions = [(1, (0..entries).map(block).collect())].into();
        }
        self
    }

    /// The world.
    pub(crate) fn world(&self) -> &World {
        &self.lab.world
    }
}

/// Rules that no packet under test meets: different blocks and ranges of ports.
pub(crate) fn filler(lab: &mut Lab, group: &SecurityGroupId, rules: usize) {
    filler_from(lab, group, 0, u32::try_from(rules).unwrap());
}

/// The same with other blocks than those from a lower number.
pub(crate) fn filler_from(lab: &mut Lab, group: &SecurityGroupId, first: u32, rules: u32) {
    for n in first..first + rules {
        let block = Ipv4Addr::from(0x3000_0000 + (n << 12));
        let first = u16::try_from(n * 7 % 60_000).unwrap();
        lab.rule(
            group,
            Permission {
                direction: Direction::Inbound,
                protocol: if n % 3 == 0 { IpProtocol::UDP } else { IpProtocol::TCP },
                ports: ports(first, first + 20),
                peer: Peer::CidrIpv4(format!("{block}/20").parse().unwrap()),
            },
        );
    }
}

/// A range of ports.
pub(crate) fn ports(first: u16, last: u16) -> PortRange {
    PortRange { from_port: i32::from(first), to_port: i32::from(last) }
}

/// The IPv4 address of a slot's interface.
pub(crate) fn address4(slot: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_000a + slot)
}

/// The IPv6 address of a slot's interface.
pub(crate) fn address6(slot: u32) -> Ipv6Addr {
    let prefix = u128::from(Ipv6Addr::new(0x2600, 0x1f18, 0, 0x101, 0, 0, 0, 0));
    Ipv6Addr::from(prefix + 10 + u128::from(slot))
}

/// Both ends of a packet of one family.
pub(crate) fn ends(is_ipv6: bool) -> [IpAddr; 2] {
    [CLIENT, SERVER].map(|slot| if is_ipv6 { address6(slot).into() } else { address4(slot).into() })
}
