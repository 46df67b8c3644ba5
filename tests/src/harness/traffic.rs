//! Packets at random, of few addresses and ports: fresh ones, and ones that answer, repeat, continue or complain about
//! packets sent before.

use std::net::IpAddr;

use proptest::prelude::*;
use proptest::sample::select;
use sg_userspace::aws::ids::NetworkInterfaceId;
use sg_userspace::aws::world::World;
use sg_userspace::dataplane::Sender;
use sg_userspace::packet::spec::{Fragment, PacketSpec, TcpFlags, Transport};

const PORTS: [u16; 6] = [0, 53, 80, 443, 40_000, 65_535];

/// Payloads that make packets of 1280 bytes, of 1500 and of one more, in one family or the other and with one header or
/// another.
const LARGE: [u16; 8] = [1212, 1252, 1253, 1452, 1453, 1460, 1473, 1900];

/// An end of a packet: an address in each family.
#[derive(Clone, Debug)]
enum End {
    /// An interface of the world, by index, and which of its addresses.
    Interface(usize, usize),
    /// Nobody's address, or nobody's in a VPC.
    Fixed(&'static str, &'static str),
}

const OUTSIDE: [(&str, &str); 3] =
    [("203.0.113.9", "2001:db8::9"), ("203.0.113.10", "2001:db8::a"), ("8.8.8.8", "9000::8")];

const NOBODY: [(&str, &str); 2] =
    [("10.0.1.200", "2600:1f18:0:101::200"), ("10.1.1.200", "2600:1f18:0:201::200")];

/// Services, routers, broadcast, multicast and other addresses that VPCs treat in their own way.
const SPECIAL: [(&str, &str); 9] = [
    ("10.0.0.2", "fd00:ec2::253"),
    ("169.254.169.254", "fd00:ec2::254"),
    ("169.254.169.250", "fd00:ec2::250"),
    ("10.0.1.1", "2600:1f18:0:101::1"),
    ("10.0.2.1", "fe80::1"),
    ("10.0.1.255", "ff02::1"),
    ("255.255.255.255", "ff02::1:2"),
    ("0.0.0.0", "fe80::4"),
    ("127.0.0.1", "::1"),
];

/// A packet to be.
#[derive(Clone, Debug)]
pub struct PacketPlan {
    from: End,
    to: End,
    /// A source that is not the sender's.
    spoofed: Option<End>,
    is_ipv6: bool,
    transport: TransportPlan,
    fragment: Option<Fragment>,
    payload_length: u16,
    dont_fragment: bool,
}

#[derive(Clone, Debug)]
enum TransportPlan {
    Fixed(Transport),
    /// Type in IPv4, type in IPv6, code, identifier.
    Icmp(u8, u8, u8, u16),
}

/// A packet and where it entered: the history that later packets refer to.
pub type Sent = (Sender, PacketSpec);

/// TCP flags as they occur.
pub fn flags() -> impl Strategy<Value = TcpFlags> {
    prop_oneof![
        5 => Just(TcpFlags::SYN),
        3 => Just(TcpFlags::SYN_ACK),
        6 => Just(TcpFlags::ACK),
        3 => Just(TcpFlags::FIN_ACK),
        1 => Just(TcpFlags::RST),
        1 => Just(TcpFlags { ack: true, ..TcpFlags::RST }),
        // Flags that do not occur.
        1 => (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(syn, ack, fin, rst)| TcpFlags { syn, ack, fin, rst }),
    ]
}

fn transport() -> impl Strategy<Value = TransportPlan> {
    let ports = || (select(&PORTS[..]), select(&PORTS[..]));
    prop_oneof![
        6 => (ports(), flags()).prop_map(|((source_port, destination_port), flags)| {
            TransportPlan::Fixed(Transport::Tcp { source_port, destination_port, flags })
        }),
        4 => ports().prop_map(|(source_port, destination_port)| {
            TransportPlan::Fixed(Transport::Udp { source_port, destination_port })
        }),
        1 => select(vec![67, 546, 1688]).prop_map(|destination_port| {
            TransportPlan::Fixed(Transport::Udp { source_port: 68, destination_port })
        }),
        3 => (select(vec![(8, 128), (8, 128), (0, 129), (13, 128), (17, 129)]), 0u16..3)
            .prop_map(|((v4, v6), id)| TransportPlan::Icmp(v4, v6, 0, id)),
        1 => (select(vec![(3, 1), (11, 3), (9, 135), (5, 137), (10, 132)]), select(vec![0, 4]))
            .prop_map(|((v4, v6), code)| TransportPlan::Icmp(v4, v6, code, 0)),
        2 => select(vec![50, 47]).prop_map(|protocol| TransportPlan::Fixed(Transport::Other { protocol })),
        // ICMP's number in the wrong family is kept, in the right one made ICMP.
        1 => Just(TransportPlan::Fixed(Transport::Other { protocol: 58 })),
    ]
}

fn fragment() -> impl Strategy<Value = Option<Fragment>> {
    let fragment = |offset: u16, more| (1u32..3).prop_map(move |id| Some(Fragment { id, offset, more }));
    prop_oneof![
        30 => Just(None),
        5 => fragment(0, true),
        1 => fragment(1, true),
        1 => fragment(2, false),
        1 => fragment(0, false),
    ]
}

fn end() -> impl Strategy<Value = End> {
    let fixed = |(v4, v6)| End::Fixed(v4, v6);
    prop_oneof![
        16 => (0usize..4, 0usize..2).prop_map(|(interface, address)| End::Interface(interface, address)),
        6 => select(&OUTSIDE[..]).prop_map(fixed),
        1 => select(&NOBODY[..]).prop_map(fixed),
        1 => select(&SPECIAL[..]).prop_map(fixed),
    ]
}

/// A packet that has nothing to do with any other.
pub fn packet_plan() -> impl Strategy<Value = PacketPlan> {
    let spoofed = prop_oneof![9 => Just(None), 1 => end().prop_map(Some)];
    let payload_length = prop_oneof![6 => select(vec![0, 0, 8, 64]), 1 => select(&LARGE[..])];
    let places = (end(), end(), spoofed);
    let size = (fragment(), payload_length, any::<bool>());
    (places, prop::bool::weighted(0.3), transport(), size).prop_map(
        |((from, to, spoofed), is_ipv6, transport, (fragment, payload_length, dont_fragment))| PacketPlan {
            from,
            to,
            spoofed,
            is_ipv6,
            transport,
            fragment,
            payload_length,
            dont_fragment,
        },
    )
}

impl End {
    fn address(&self, world: &World, interfaces: &[NetworkInterfaceId], is_ipv6: bool) -> Option<IpAddr> {
        match *self {
            Self::Interface(i, n) => {
                let interface = world.network_interfaces.get(&interfaces[i % interfaces.len()])?;
                let addresses: Vec<IpAddr> = if is_ipv6 {
                    interface.ipv6.iter().copied().map(IpAddr::V6).collect()
                } else {
                    interface.private_ipv4.iter().copied().map(IpAddr::V4).collect()
                };
                addresses.get(n).or(addresses.first()).copied()
            }
            Self::Fixed(v4, v6) => Some(if is_ipv6 { v6 } else { v4 }.parse().unwrap()),
        }
    }

    fn sender(&self, world: &World, interfaces: &[NetworkInterfaceId]) -> Sender {
        match *self {
            Self::Interface(i, _) => attached(world, &interfaces[i % interfaces.len()]),
            Self::Fixed(..) => Sender::Internet,
        }
    }
}

/// The interface, if it can send; otherwise the internet host sends in its place.
fn attached(world: &World, id: &NetworkInterfaceId) -> Sender {
    match world.network_interfaces.get(id) {
        Some(interface) if interface.attachment.is_some() => Sender::Interface(id.clone()),
        _ => Sender::Internet,
    }
}

impl PacketPlan {
    /// The packet in this world, if both ends have addresses of one family there.
    pub fn resolve(&self, world: &World, interfaces: &[NetworkInterfaceId]) -> Option<Sent> {
        let in_family = |is_ipv6| {
            let source = self.spoofed.as_ref().unwrap_or(&self.from).address(world, interfaces, is_ipv6)?;
            // What the internet sends to itself is of no interest.
            let is_outside = matches!((&self.from, &self.to), (End::Fixed(..), End::Fixed(..)));
            let to = if is_outside { &End::Interface(0, 0) } else { &self.to };
            Some((source, to.address(world, interfaces, is_ipv6)?))
        };
        let (source, destination) = in_family(self.is_ipv6).or_else(|| in_family(!self.is_ipv6))?;
        let transport = match self.transport {
            TransportPlan::Fixed(Transport::Other { protocol: 58 }) if source.is_ipv6() => {
                Transport::Other { protocol: 1 }
            }
            TransportPlan::Fixed(ref transport) => transport.clone(),
            TransportPlan::Icmp(kind, _, code, id) if source.is_ipv4() => Transport::Icmp { kind, code, id },
            TransportPlan::Icmp(_, kind, code, id) => Transport::Icmp { kind, code, id },
        };
        let Self { fragment, payload_length, dont_fragment, .. } = *self;
        let dont_fragment = dont_fragment && source.is_ipv4();
        let packet = PacketSpec { source, destination, transport, fragment, payload_length, dont_fragment };
        Some((self.from.sender(world, interfaces), packet))
    }
}

/// Who would send a packet with this source: the interface that has the address, or the internet host.
fn owner(world: &World, address: IpAddr) -> Sender {
    let owner = world.vpcs.keys().find_map(|vpc| world.interface_by_address(vpc, address));
    owner.map_or(Sender::Internet, |interface| attached(world, &interface.id))
}

/// The same packet again, with these flags if it is TCP.
pub fn again((sender, packet): &Sent, new_flags: TcpFlags) -> Sent {
    let mut packet = packet.clone();
    if let Transport::Tcp { flags, .. } = &mut packet.transport {
        *flags = new_flags;
    }
    (sender.clone(), packet)
}

/// The answer to a packet: ends swapped, queries turned into replies.
pub fn reply((_, packet): &Sent, world: &World, flags: TcpFlags) -> Sent {
    let is_ipv4 = packet.source.is_ipv4();
    let transport = match packet.transport.clone() {
        Transport::Tcp { source_port, destination_port, .. } => {
            Transport::Tcp { source_port: destination_port, destination_port: source_port, flags }
        }
        Transport::Udp { source_port, destination_port } => {
            Transport::Udp { source_port: destination_port, destination_port: source_port }
        }
        Transport::Icmp { kind, code, id } => {
            let kind = match kind {
                8 if is_ipv4 => 0,
                13 | 15 | 17 if is_ipv4 => kind + 1,
                128 if !is_ipv4 => 129,
                _ => kind,
            };
            Transport::Icmp { kind, code, id }
        }
        transport => transport,
    };
    let packet =
        PacketSpec { source: packet.destination, destination: packet.source, transport, ..packet.clone() };
    (owner(world, packet.source), packet)
}

/// An ICMP error about a packet, to its source: from its destination, or from a hop on the way.
pub fn error((_, about): &Sent, world: &World, (v4, v6): (u8, u8), code: u8, is_from_hop: bool) -> Sent {
    let hop = if about.source.is_ipv4() { "203.0.113.77" } else { "2001:db8::77" };
    let source = if is_from_hop { hop.parse().unwrap() } else { about.destination };
    let kind = if about.source.is_ipv4() { v4 } else { v6 };
    let transport = Transport::IcmpError { kind, code, about: Box::new(about.clone()) };
    (owner(world, source), PacketSpec::new(source, about.source, transport))
}

/// A later fragment of the packet that this one begins or belongs to.
pub fn rest((sender, packet): &Sent, offset: u16) -> Sent {
    let id = packet.fragment.map_or(1, |fragment| fragment.id);
    let fragment = Fragment { id, offset, more: offset == 1 };
    (sender.clone(), PacketSpec { payload_length: 8, ..packet.clone() }.with_fragment(fragment))
}
