//! Two rule sets that have nothing in common but what they say about the packets that are probed.

#![expect(clippy::unwrap_used, reason = "the worlds are made of constants")]

use sg_tests::harness::lab::{Lab, Permission};
use sg_userspace::aws::ids::{PrefixListId, SecurityGroupId};
use sg_userspace::aws::prefix_list::{AddressFamily, PrefixListEntry};
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::world::World;

use crate::worlds::{CLIENT, CLOSED_PORT, OUTSIDE, PORT, SERVER, address4, address6, filler_from, ports};

/// Slot of an interface that belongs to the client's group in the second rule set only.
const BYSTANDER: u32 = 2;

/// The world with the one and with the other. [`PORT`] of the server is open to the client's group and to [`OUTSIDE`] in
/// both, [`CLOSED_PORT`] to others in both.
pub(super) fn both() -> [World; 2] {
    let mut lab = Lab::default();
    let vpc = lab.vpc("10.0.0.0/8", "2600:1f18:0:100::/56");
    let subnet = lab.subnet(&vpc, "10.0.0.0/16", "2600:1f18:0:101::/64");
    let [clients, servers, others] = ["client", "server", "others"].map(|name| lab.group(&vpc, name));
    let any = Peer::CidrIpv4("0.0.0.0/0".parse().unwrap());
    lab.rule(
        &clients,
        Permission {
            direction: Direction::Outbound,
            protocol: IpProtocol::All,
            ports: PortRange::ALL,
            peer: any,
        },
    );
    let list = lab.prefix_list("partners", AddressFamily::Ipv4);
    let members =
        [(CLIENT, "client", &clients), (SERVER, "server", &servers), (BYSTANDER, "bystander", &others)];
    let [.., bystander] = members.map(|(slot, name, group)| {
        lab.interface(&subnet, name, &[address4(slot)], &[address6(slot)], std::slice::from_ref(group))
    });
    let (mut first, mut second) = (lab.clone(), lab);

    filler_from(&mut first, &servers, 0, 40);
    allow(&mut first, &servers, (PORT, PORT), Peer::ReferencedGroup(clients.clone()));
    allow(&mut first, &servers, (PORT, PORT), cidr(OUTSIDE));
    allow(&mut first, &servers, (CLOSED_PORT, CLOSED_PORT), Peer::ReferencedGroup(others.clone()));
    allow(&mut first, &servers, (CLOSED_PORT, CLOSED_PORT), cidr("198.16.0.0/15"));
    allow(&mut first, &servers, (1, 100), Peer::PrefixList(list.clone()));
    set_blocks(&mut first, &list, &["192.0.2.0/24"]);

    allow(&mut second, &servers, (CLOSED_PORT, CLOSED_PORT), cidr("198.20.0.0/16"));
    allow(&mut second, &servers, (1, 1_000), Peer::ReferencedGroup(others.clone()));
    allow(&mut second, &servers, (1, 100), Peer::PrefixList(list.clone()));
    filler_from(&mut second, &servers, 100, 97);
    allow(&mut second, &servers, (PORT - 100, PORT + 100), cidr("198.18.0.0/16"));
    allow(&mut second, &servers, (PORT, PORT), cidr("198.19.0.0/16"));
    allow(&mut second, &servers, (PORT - 1, PORT + 1), Peer::ReferencedGroup(clients.clone()));
    set_blocks(&mut second, &list, &["198.51.100.0/24", "203.0.113.0/24"]);
    second.interface_mut(&bystander).groups.push(clients);
    [first.world, second.world]
}

fn allow(lab: &mut Lab, group: &SecurityGroupId, (from, to): (u16, u16), peer: Peer) {
    let permission =
        Permission { direction: Direction::Inbound, protocol: IpProtocol::TCP, ports: ports(from, to), peer };
    lab.rule(group, permission);
}

fn cidr(block: &str) -> Peer {
    Peer::CidrIpv4(block.parse().unwrap())
}

fn set_blocks(lab: &mut Lab, list: &PrefixListId, blocks: &[&str]) {
    let entry = |block: &&str| PrefixListEntry { cidr: block.parse().unwrap(), description: None };
    let list = lab.world.prefix_lists.get_mut(list).unwrap();
    list.versions = [(1, blocks.iter().map(entry).collect())].into();
}
