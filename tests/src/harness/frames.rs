//! Frames as an instance may put them on its link, in order and out of order, each with its fate by `docs/judgement.md`
//! steps 1 to 4.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sg_common::abi::ROUTER_MAC;
use sg_userspace::aws::interface::MacAddr;
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::world::World;
use sg_userspace::dataplane::Judgement;
use sg_userspace::dataplane::reason::Reason;
use sg_userspace::packet::build::frame;
use sg_userspace::packet::spec::{PacketSpec, TcpFlags};

use super::address::{CLIENT, CLIENT6, NOBODY, OUTSIDER, OUTSIDER6, SPARE};
use super::lab::{Permission, StandardLab, rule};

/// One frame of the standard lab's `client`.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is odd about it.
    pub what: &'static str,
    /// Its bytes.
    pub frame: Vec<u8>,
    /// What the sender's interface says.
    pub reason: Reason,
}

/// The standard lab, where `client` may send everything to everybody; and its slot.
pub fn world() -> (World, u32) {
    let mut lab = StandardLab::new();
    let group = lab.world.security_groups.get_mut(&lab.groups["client"]).unwrap();
    for (number, peer) in [
        (1001, Peer::CidrIpv4("0.0.0.0/0".parse().unwrap())),
        (1002, Peer::CidrIpv6("::/0".parse().unwrap())),
    ] {
        let permission = Permission {
            direction: Direction::Outbound,
            protocol: IpProtocol::All,
            ports: PortRange::EVERY_PORT,
            peer,
        };
        group.rules.push(rule(number, permission));
    }
    let slot = lab.world.network_interfaces[&lab.interfaces["client"]].slot;
    (lab.world, slot)
}

fn mac() -> MacAddr {
    let lab = StandardLab::new();
    lab.world.network_interfaces[&lab.interfaces["client"]].mac
}

fn syn(from: impl Into<IpAddr>, to: impl Into<IpAddr>) -> Vec<u8> {
    let packet = PacketSpec::tcp((from.into(), 40_000), (to.into(), 443), TcpFlags::SYN);
    frame(&packet, mac(), MacAddr(ROUTER_MAC)).unwrap()
}

/// A good frame with some bytes replaced.
fn with(frame: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[at..at + bytes.len()].copy_from_slice(bytes);
    frame
}

/// A case's frame as another interface would send it; what is odd about its source address stays odd.
pub fn with_source(frame: &[u8], source: MacAddr) -> Vec<u8> {
    if frame[6..12] == mac().0 { with(frame, 6, &source.0) } else { frame.to_vec() }
}

fn tagged(frame: &[u8], tag: [u8; 4]) -> Vec<u8> {
    [&frame[..12], &tag, &frame[12..]].concat()
}

/// A good frame cut after so many bytes of its IP packet, whose length says so too.
fn cut_ipv4(frame: &[u8], length: u8) -> Vec<u8> {
    with(&frame[..14 + usize::from(length)], 16, &[0, length])
}

/// Likewise, counting from the end of the IPv6 header.
fn cut_ipv6(frame: &[u8], length: u8) -> Vec<u8> {
    with(&frame[..54 + usize::from(length)], 18, &[0, length])
}

/// Four bytes of options in the IPv4 header.
fn with_options(frame: &[u8]) -> Vec<u8> {
    let longer = [&frame[..34], &[1, 1, 1, 0], &frame[34..]].concat();
    let length = u8::try_from(longer.len() - 14).unwrap();
    with(&with(&longer, 14, &[0x46]), 16, &[0, length])
}

const OTHER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 99];
const SPARE6: Ipv6Addr = Ipv6Addr::new(0x2600, 0x1f18, 0, 0x101, 0, 0, 0, 0x77);
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 4);

/// An ARP request for the router, by whoever it says.
fn arp(sender: MacAddr, address: Ipv4Addr) -> Vec<u8> {
    let header = [0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1];
    [&[0xff; 6][..], &mac().0, &header, &sender.0, &address.octets(), &[0; 6], &[10, 0, 1, 1]].concat()
}

/// Neighbour discovery about a target.
fn discovery(kind: u8, source: Ipv6Addr, target: Ipv6Addr) -> Vec<u8> {
    let ethernet = [&ROUTER_MAC[..], &mac().0, &[0x86, 0xdd]].concat();
    let header = [0x60, 0, 0, 0, 0, 24, 58, 255];
    let message = [&[kind, 0, 0, 0, 0, 0, 0, 0][..], &target.octets()].concat();
    [&ethernet[..], &header, &source.octets(), &CLIENT6.octets(), &message].concat()
}

/// Every case.
pub fn cases() -> Vec<Case> {
    let (v4, v6) = (syn(CLIENT, OUTSIDER), syn(CLIENT6, OUTSIDER6));
    let udp =
        frame(&PacketSpec::udp((CLIENT.into(), 40_000), (OUTSIDER.into(), 53)), mac(), MacAddr(ROUTER_MAC));
    let udp = udp.unwrap();
    let padded = |frame: &[u8]| [frame, &[0xaa; 40]].concat();
    let rows: Vec<(&'static str, Vec<u8>, Reason)> = vec![
        ("nothing", v4.clone(), Reason::Rule),
        ("nothing, IPv6", v6.clone(), Reason::Rule),
        ("padding", padded(&v4), Reason::Rule),
        ("padding, IPv6", padded(&v6), Reason::Rule),
        ("IPv4 options", with_options(&v4), Reason::Rule),
        ("another instance's MAC address", with(&v4, 6, &[2, 0, 0, 0, 0, 99]), Reason::SpoofedMac),
        ("another's MAC address, IPv6", with(&v6, 6, &[2, 0, 0, 0, 0, 99]), Reason::SpoofedMac),
        ("another instance's address", syn(SPARE, OUTSIDER), Reason::SourceDestCheck),
        ("nobody's address", syn(NOBODY, OUTSIDER), Reason::SourceDestCheck),
        ("an address of the internet, IPv6", syn(OUTSIDER6, OUTSIDER6), Reason::SourceDestCheck),
        ("multicast", syn(CLIENT, [224, 0, 0, 251]), Reason::Multicast),
        ("the subnet's broadcast address", syn(CLIENT, [10, 0, 1, 255]), Reason::Multicast),
        ("ARP", arp(mac(), CLIENT), Reason::Neighbour),
        ("ARP of an interface without an address yet", arp(mac(), [0, 0, 0, 0].into()), Reason::Neighbour),
        ("ARP cut short", arp(mac(), CLIENT)[..20].to_vec(), Reason::Neighbour),
        ("ARP from another's MAC address", with(&arp(mac(), CLIENT), 6, &OTHER_MAC), Reason::SpoofedMac),
        ("ARP that names another's MAC address", arp(MacAddr(OTHER_MAC), CLIENT), Reason::SpoofedMac),
        ("ARP in another instance's name", arp(mac(), SPARE), Reason::SourceDestCheck),
        ("ARP in nobody's name", arp(mac(), NOBODY), Reason::SourceDestCheck),
        ("solicitation", discovery(135, CLIENT6, SPARE6), Reason::Neighbour),
        (
            "solicitation from another's MAC address",
            with(&discovery(135, CLIENT6, SPARE6), 6, &OTHER_MAC),
            Reason::SpoofedMac,
        ),
        ("solicitation in another's name", discovery(135, SPARE6, CLIENT6), Reason::SourceDestCheck),
        ("solicitation of a link-local address", discovery(135, LINK_LOCAL, SPARE6), Reason::Neighbour),
        ("advertisement", discovery(136, CLIENT6, CLIENT6), Reason::Neighbour),
        ("advertisement of another's address", discovery(136, CLIENT6, SPARE6), Reason::SourceDestCheck),
        (
            "advertisement of another's address from a link-local one",
            discovery(136, LINK_LOCAL, SPARE6),
            Reason::SourceDestCheck,
        ),
        ("VLAN tag", tagged(&v4, [0x81, 0x00, 0x00, 0x05]), Reason::NotIp),
        ("VLAN tag for no VLAN", tagged(&v6, [0x81, 0x00, 0x00, 0x00]), Reason::NotIp),
        ("provider's tag", tagged(&v4, [0x88, 0xa8, 0x00, 0x05]), Reason::NotIp),
        ("LLDP", with(&v4, 12, &[0x88, 0xcc]), Reason::NotIp),
        ("a length for a type", with(&v4, 12, &[0x00, 0x40]), Reason::NotIp),
        ("IPv6 under IPv4's type", with(&v6, 12, &[0x08, 0x00]), Reason::Malformed),
        ("IPv4 under IPv6's type", with(&v4, 12, &[0x86, 0xdd]), Reason::Malformed),
        ("no IPv4 header", v4[..14].to_vec(), Reason::Malformed),
        ("half an IPv4 header", v4[..24].to_vec(), Reason::Malformed),
        ("IPv4 of version 5", with(&v4, 14, &[0x55]), Reason::Malformed),
        ("IPv4 header of 16 bytes", with(&v4, 14, &[0x44]), Reason::Malformed),
        ("IPv4 header longer than its packet", with(&v4, 14, &[0x4f]), Reason::Malformed),
        ("IPv4 packet longer than the frame", with(&v4, 16, &[0x05, 0xdc]), Reason::Malformed),
        ("IPv4 packet shorter than its header", with(&v4, 16, &[0, 19]), Reason::Malformed),
        ("no TCP header", cut_ipv4(&v4, 20), Reason::Malformed),
        ("TCP header without flags", cut_ipv4(&v4, 33), Reason::Malformed),
        ("TCP header beyond its packet", with(&v4, 16, &[0, 28]), Reason::Malformed),
        ("UDP header of 7 bytes", cut_ipv4(&udp, 27), Reason::Malformed),
        ("no IPv6 header", v6[..14].to_vec(), Reason::Malformed),
        ("half an IPv6 header", v6[..40].to_vec(), Reason::Malformed),
        ("IPv6 packet longer than the frame", with(&v6, 18, &[0x05, 0xdc]), Reason::Malformed),
        ("no TCP header, IPv6", cut_ipv6(&v6, 0), Reason::Malformed),
        ("TCP header without flags, IPv6", cut_ipv6(&v6, 13), Reason::Malformed),
        ("extension header cut short", with(&cut_ipv6(&v6, 4), 20, &[0]), Reason::Malformed),
    ];
    rows.into_iter().map(|(what, frame, reason)| Case { what, frame, reason }).collect()
}

/// Compares what a data plane said of a frame.
#[track_caller]
pub fn check_case(case: &Case, judgements: &[Judgement]) {
    let reasons: Vec<_> =
        judgements.iter().map(|judgement| (judgement.direction, judgement.reason)).collect();
    assert_eq!(reasons, [(Direction::Outbound, case.reason)], "{}: {:02x?}", case.what, case.frame);
}
