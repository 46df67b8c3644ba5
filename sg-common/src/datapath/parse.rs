//! From a frame to a packet. Whatever is odd is named, never guessed at.

use crate::abi::address::{Address, Family};

use super::frame::Frame;
use super::tuple::{FiveTuple, FragmentPlace, Packet, is_icmp, protocol};

/// Bytes of an Ethernet header.
pub const ETHERNET_LENGTH: u32 = 14;
const IPV4_LENGTH: u32 = 20;
const IPV6_LENGTH: u32 = 40;
/// IPv6 extension headers looked through; more is malformed.
const MAX_EXTENSIONS: u32 = 6;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;
const ETHERTYPE_IPV6: u16 = 0x86dd;

/// Offsets in a frame of an ARP message's addresses: the sender's Ethernet and IPv4 address, and the IPv4 address asked for.
pub const ARP_SENDER_MAC: u32 = 22;
const ARP_SENDER: u32 = 28;
const ARP_TARGET: u32 = 38;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;

/// What a frame is.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind(pub u32);

impl Kind {
    /// Too short, or contradictory.
    pub const MALFORMED: Self = Self(0);
    /// IP; the packet has been filled in.
    pub const IP: Self = Self(1);
    /// ARP: the fabric's.
    pub const ARP: Self = Self(2);
    /// Neighbour discovery, ICMPv6 133 to 137: the fabric's (E-16).
    pub const NEIGHBOUR_DISCOVERY: Self = Self(3);
    /// Another ethertype.
    pub const NOT_IP: Self = Self(4);
}

/// Where a header's payload starts and what it is.
struct Payload {
    protocol: u8,
    /// Offset in the frame.
    offset: u32,
    /// End of the IP packet in the frame.
    end: u32,
    /// Whether the offset is the usual one, which the compiler knows.
    plain: bool,
}

/// Parses a frame. `packet` is overwritten; it is complete for [`Kind::IP`] and discovery, and has an ARP message's addresses.
#[inline(always)]
pub fn parse<F: Frame + ?Sized>(frame: &F, packet: &mut Packet) -> Kind {
    *packet = Packet::default();
    let Some(ethertype) = frame.read::<2>(12) else { return Kind::MALFORMED };
    match u16::from_be_bytes(ethertype) {
        ETHERTYPE_IPV4 => {
            let Some(payload) = parse_ipv4(frame, packet) else { return Kind::MALFORMED };
            finish(parse_transport(frame, &payload, ETHERNET_LENGTH + IPV4_LENGTH, packet))
        }
        ETHERTYPE_IPV6 => {
            let Some(payload) = parse_ipv6(frame, packet) else { return Kind::MALFORMED };
            let transport = parse_transport(frame, &payload, ETHERNET_LENGTH + IPV6_LENGTH, packet);
            if transport.is_some()
                && packet.tuple.protocol == protocol::ICMPV6
                && packet.fragment != FragmentPlace::LATER
                && (133..=137).contains(&packet.tuple.icmp_kind())
            {
                return Kind::NEIGHBOUR_DISCOVERY;
            }
            finish(transport)
        }
        ETHERTYPE_ARP => {
            parse_arp(frame, packet);
            Kind::ARP
        }
        _ => Kind::NOT_IP,
    }
}

/// Who asks for whom. An ARP message that is too short says nothing, and goes nowhere.
#[inline(always)]
fn parse_arp<F: Frame + ?Sized>(frame: &F, packet: &mut Packet) {
    packet.family = Family::V4.0;
    if let (Some(sender), Some(target)) = (frame.read::<4>(ARP_SENDER), frame.read::<4>(ARP_TARGET)) {
        packet.tuple.source = Address::v4(u32::from_be_bytes(sender));
        packet.tuple.destination = Address::v4(u32::from_be_bytes(target));
    }
}

#[inline(always)]
fn finish(parsed: Option<()>) -> Kind {
    match parsed {
        Some(()) => Kind::IP,
        None => Kind::MALFORMED,
    }
}

#[inline(always)]
fn parse_ipv4<F: Frame + ?Sized>(frame: &F, packet: &mut Packet) -> Option<Payload> {
    let header = frame.read::<20>(ETHERNET_LENGTH)?;
    let header_length = u32::from(header[0] & 0x0f) * 4;
    let total_length = u32::from(u16::from_be_bytes([header[2], header[3]]));
    if header[0] >> 4 != 4
        || header_length < IPV4_LENGTH
        || total_length < header_length
        || total_length > frame.length() - ETHERNET_LENGTH
    {
        return None;
    }
    let fragment = u16::from_be_bytes([header[6], header[7]]);
    packet.family = Family::V4.0;
    packet.length = total_length;
    packet.dont_fragment = (fragment >> 14) as u8 & 1;
    packet.transport = ETHERNET_LENGTH + header_length;
    packet.fragment = fragment_place(fragment & 0x1fff, fragment & 0x2000 != 0);
    packet.fragment_id = u32::from(u16::from_be_bytes([header[4], header[5]]));
    packet.tuple.source = Address::v4(u32::from_be_bytes([header[12], header[13], header[14], header[15]]));
    packet.tuple.destination =
        Address::v4(u32::from_be_bytes([header[16], header[17], header[18], header[19]]));
    packet.tuple.protocol = header[9];
    Some(Payload {
        protocol: header[9],
        offset: ETHERNET_LENGTH + header_length,
        end: ETHERNET_LENGTH + total_length,
        plain: header_length == IPV4_LENGTH,
    })
}

#[inline(always)]
fn parse_ipv6<F: Frame + ?Sized>(frame: &F, packet: &mut Packet) -> Option<Payload> {
    let header = frame.read::<40>(ETHERNET_LENGTH)?;
    let payload_length = u32::from(u16::from_be_bytes([header[4], header[5]]));
    if header[0] >> 4 != 6 || payload_length > frame.length() - ETHERNET_LENGTH - IPV6_LENGTH {
        return None;
    }
    packet.family = Family::V6.0;
    packet.length = IPV6_LENGTH + payload_length;
    packet.dont_fragment = 1;
    packet.fragment = FragmentPlace::WHOLE;
    packet.tuple.source = address_at(&header, 8);
    packet.tuple.destination = address_at(&header, 24);
    let mut payload = Payload {
        protocol: header[6],
        offset: ETHERNET_LENGTH + IPV6_LENGTH,
        end: ETHERNET_LENGTH + IPV6_LENGTH + payload_length,
        plain: true,
    };
    if is_extension(payload.protocol) {
        payload.plain = false;
        walk_extensions(frame, &mut payload, packet)?;
    }
    packet.tuple.protocol = payload.protocol;
    packet.transport = payload.offset;
    Some(payload)
}

#[inline(always)]
fn address_at(header: &[u8; 40], start: usize) -> Address {
    let half = |at: usize| {
        u64::from_be_bytes([
            header[at],
            header[at + 1],
            header[at + 2],
            header[at + 3],
            header[at + 4],
            header[at + 5],
            header[at + 6],
            header[at + 7],
        ])
    };
    Address { high: half(start), low: half(start + 8) }
}

#[inline(always)]
fn is_extension(next: u8) -> bool {
    matches!(next, HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION_OPTIONS)
}

#[inline(always)]
fn walk_extensions<F: Frame + ?Sized>(frame: &F, payload: &mut Payload, packet: &mut Packet) -> Option<()> {
    for _ in 0..MAX_EXTENSIONS {
        if !is_extension(payload.protocol) {
            return Some(());
        }
        let header = frame.read_at::<8>(payload.offset)?;
        let length = if payload.protocol == FRAGMENT {
            let field = u16::from_be_bytes([header[2], header[3]]);
            packet.fragment = fragment_place(field >> 3, field & 1 != 0);
            packet.fragment_id = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
            8
        } else {
            (u32::from(header[1]) + 1) * 8
        };
        payload.offset += length;
        if payload.offset > payload.end {
            return None;
        }
        payload.protocol = header[0];
        if packet.fragment == FragmentPlace::LATER {
            // Behind the fragment header of a later fragment is data, not a header.
            return Some(());
        }
    }
    if is_extension(payload.protocol) { None } else { Some(()) }
}

#[inline(always)]
fn fragment_place(offset: u16, more: bool) -> FragmentPlace {
    if offset != 0 {
        FragmentPlace::LATER
    } else if more {
        FragmentPlace::FIRST
    } else {
        FragmentPlace::WHOLE
    }
}

/// Reads at the usual offset where the header has no options, so that the compiler knows the offset.
#[inline(always)]
fn read_payload<const N: usize, F: Frame + ?Sized>(
    frame: &F,
    payload: &Payload,
    usual: u32,
    skip: u32,
) -> Option<[u8; N]> {
    if payload.offset + skip + N as u32 > payload.end {
        return None;
    }
    if payload.plain { frame.read::<N>(usual + skip) } else { frame.read_at::<N>(payload.offset + skip) }
}

#[inline(always)]
fn parse_transport<F: Frame + ?Sized>(
    frame: &F,
    payload: &Payload,
    usual: u32,
    packet: &mut Packet,
) -> Option<()> {
    if packet.fragment == FragmentPlace::LATER {
        return Some(());
    }
    match payload.protocol {
        protocol::TCP => {
            let header = read_payload::<14, F>(frame, payload, usual, 0)?;
            let header_length = u32::from(header[12] >> 4) * 4;
            if header_length < 20 || payload.offset + header_length > payload.end {
                return None;
            }
            set_ports(&mut packet.tuple, [header[0], header[1], header[2], header[3]]);
            packet.flags = header[13];
            packet.header_length = payload.offset - ETHERNET_LENGTH + header_length;
            Some(())
        }
        protocol::UDP => {
            let header = read_payload::<8, F>(frame, payload, usual, 0)?;
            let length = u32::from(u16::from_be_bytes([header[4], header[5]]));
            let fits = payload.offset + length <= payload.end || packet.fragment == FragmentPlace::FIRST;
            if length < 8 || !fits {
                return None;
            }
            packet.header_length = payload.offset - ETHERNET_LENGTH + 8;
            set_ports(&mut packet.tuple, [header[0], header[1], header[2], header[3]]);
            Some(())
        }
        _ if is_icmp(packet.family, payload.protocol) => {
            let header = read_payload::<8, F>(frame, payload, usual, 0)?;
            packet.tuple.source_port = u16::from_be_bytes([header[4], header[5]]);
            packet.tuple.destination_port = u16::from_be_bytes([header[0], header[1]]);
            if is_icmp_error(packet.family, header[0]) {
                packet.has_about = parse_about(frame, payload, packet.family, &mut packet.about) as u8;
            }
            Some(())
        }
        _ => Some(()),
    }
}

#[inline(always)]
fn set_ports(tuple: &mut FiveTuple, ports: [u8; 4]) {
    tuple.source_port = u16::from_be_bytes([ports[0], ports[1]]);
    tuple.destination_port = u16::from_be_bytes([ports[2], ports[3]]);
}

/// ICMP errors (C-17, C-19): 3, 4, 5, 11, 12 and ICMPv6 1 to 4.
#[inline(always)]
pub(super) fn is_icmp_error(family: u8, kind: u8) -> bool {
    if family == Family::V4.0 { matches!(kind, 3 | 4 | 5 | 11 | 12) } else { matches!(kind, 1..=4) }
}

/// The five fields of the packet that an ICMP error embeds. False where they cannot be read, or where that packet is
/// itself a later fragment or an ICMP error: then it is about no flow.
#[inline(always)]
fn parse_about<F: Frame + ?Sized>(frame: &F, payload: &Payload, family: u8, about: &mut FiveTuple) -> bool {
    let start = payload.offset + 8;
    let offset = if family == Family::V4.0 {
        let Some(header) = frame.read_at::<20>(start) else { return false };
        let fragment = u16::from_be_bytes([header[6], header[7]]);
        let header_length = u32::from(header[0] & 0x0f) * 4;
        if header[0] >> 4 != 4 || header_length < IPV4_LENGTH || fragment & 0x1fff != 0 {
            return false;
        }
        about.source = Address::v4(u32::from_be_bytes([header[12], header[13], header[14], header[15]]));
        about.destination = Address::v4(u32::from_be_bytes([header[16], header[17], header[18], header[19]]));
        about.protocol = header[9];
        start + header_length
    } else {
        let Some(header) = frame.read_at::<40>(start) else { return false };
        if header[0] >> 4 != 6 {
            return false;
        }
        about.source = address_at(&header, 8);
        about.destination = address_at(&header, 24);
        about.protocol = header[6];
        let mut offset = start + IPV6_LENGTH;
        if about.protocol == FRAGMENT {
            let Some(fragment) = frame.read_at::<8>(offset) else { return false };
            if u16::from_be_bytes([fragment[2], fragment[3]]) & 0xfff8 != 0 {
                return false;
            }
            about.protocol = fragment[0];
            offset += 8;
        }
        offset
    };
    match about.protocol {
        protocol::TCP | protocol::UDP => {
            let Some(ports) = frame.read_at::<4>(offset) else { return false };
            set_ports(about, ports);
            offset + 4 <= payload.end
        }
        _ if is_icmp(family, about.protocol) => {
            let Some(header) = frame.read_at::<8>(offset) else { return false };
            about.source_port = u16::from_be_bytes([header[4], header[5]]);
            about.destination_port = u16::from_be_bytes([header[0], header[1]]);
            offset + 8 <= payload.end && !is_icmp_error(family, header[0])
        }
        _ => offset <= payload.end,
    }
}
