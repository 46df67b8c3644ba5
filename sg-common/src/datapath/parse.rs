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
    let header = frame.words::<5>(ETHERNET_LENGTH)?;
    let header_length = (header[0] >> 24 & 0x0f) * 4;
    let total_length = header[0] & 0xffff;
    if header[0] >> 28 != 4
        || header_length < IPV4_LENGTH
        || total_length < header_length
        || total_length > frame.length() - ETHERNET_LENGTH
    {
        return None;
    }
    let fragment = header[1] as u16;
    packet.family = Family::V4.0;
    packet.length = total_length;
    packet.dont_fragment = (fragment >> 14) as u8 & 1;
    packet.transport = ETHERNET_LENGTH + header_length;
    packet.fragment = fragment_place(fragment & 0x1fff, fragment & 0x2000 != 0);
    packet.fragment_id = header[1] >> 16;
    packet.tuple.source = Address::v4(header[3]);
    packet.tuple.destination = Address::v4(header[4]);
    packet.tuple.protocol = (header[2] >> 16) as u8;
    Some(Payload {
        protocol: packet.tuple.protocol,
        offset: ETHERNET_LENGTH + header_length,
        end: ETHERNET_LENGTH + total_length,
        plain: header_length == IPV4_LENGTH,
    })
}

#[inline(always)]
fn parse_ipv6<F: Frame + ?Sized>(frame: &F, packet: &mut Packet) -> Option<Payload> {
    let header = frame.words::<10>(ETHERNET_LENGTH)?;
    let payload_length = header[1] >> 16;
    if header[0] >> 28 != 6 || payload_length > frame.length() - ETHERNET_LENGTH - IPV6_LENGTH {
        return None;
    }
    packet.family = Family::V6.0;
    packet.length = IPV6_LENGTH + payload_length;
    packet.dont_fragment = 1;
    packet.fragment = FragmentPlace::WHOLE;
    packet.tuple.source = address_of(&header, 2);
    packet.tuple.destination = address_of(&header, 6);
    let mut payload = Payload {
        protocol: (header[1] >> 8) as u8,
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

/// The address that begins with a word of an IPv6 header.
#[inline(always)]
fn address_of(header: &[u32; 10], first: usize) -> Address {
    let half = |at: usize| u64::from(header[at]) << 32 | u64::from(header[at + 1]);
    Address { high: half(first), low: half(first + 2) }
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
        let header = frame.words_at::<2>(payload.offset)?;
        let length = if payload.protocol == FRAGMENT {
            let field = header[0] as u16;
            packet.fragment = fragment_place(field >> 3, field & 1 != 0);
            packet.fragment_id = header[1];
            8
        } else {
            ((header[0] >> 16 & 0xff) + 1) * 8
        };
        payload.offset += length;
        if payload.offset > payload.end {
            return None;
        }
        payload.protocol = (header[0] >> 24) as u8;
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
fn words_of_payload<const N: usize, F: Frame + ?Sized>(
    frame: &F,
    payload: &Payload,
    usual: u32,
) -> Option<[u32; N]> {
    if payload.offset + N as u32 * 4 > payload.end {
        return None;
    }
    if payload.plain { frame.words::<N>(usual) } else { frame.words_at::<N>(payload.offset) }
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
            // Up to the flags; the rest of a header is at least four bytes.
            let header = words_of_payload::<4, F>(frame, payload, usual)?;
            let header_length = (header[3] >> 28) * 4;
            if header_length < 20 || payload.offset + header_length > payload.end {
                return None;
            }
            set_ports(&mut packet.tuple, header[0]);
            packet.flags = (header[3] >> 16) as u8;
            packet.header_length = payload.offset - ETHERNET_LENGTH + header_length;
            Some(())
        }
        protocol::UDP => {
            let header = words_of_payload::<2, F>(frame, payload, usual)?;
            let length = header[1] >> 16;
            let fits = payload.offset + length <= payload.end || packet.fragment == FragmentPlace::FIRST;
            if length < 8 || !fits {
                return None;
            }
            packet.header_length = payload.offset - ETHERNET_LENGTH + 8;
            set_ports(&mut packet.tuple, header[0]);
            Some(())
        }
        _ if is_icmp(packet.family, payload.protocol) => {
            let header = words_of_payload::<2, F>(frame, payload, usual)?;
            set_icmp(&mut packet.tuple, header);
            if is_icmp_error(packet.family, packet.tuple.icmp_kind()) {
                packet.has_about = parse_about(frame, payload, packet.family, &mut packet.about) as u8;
            }
            Some(())
        }
        _ => Some(()),
    }
}

#[inline(always)]
fn set_ports(tuple: &mut FiveTuple, word: u32) {
    tuple.source_port = (word >> 16) as u16;
    tuple.destination_port = word as u16;
}

/// An ICMP message's identifier, type and code in the places of ports.
#[inline(always)]
fn set_icmp(tuple: &mut FiveTuple, header: [u32; 2]) {
    tuple.source_port = (header[1] >> 16) as u16;
    tuple.destination_port = (header[0] >> 16) as u16;
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
        let Some(header) = frame.words_at::<5>(start) else { return false };
        let header_length = (header[0] >> 24 & 0x0f) * 4;
        if header[0] >> 28 != 4 || header_length < IPV4_LENGTH || header[1] & 0x1fff != 0 {
            return false;
        }
        about.source = Address::v4(header[3]);
        about.destination = Address::v4(header[4]);
        about.protocol = (header[2] >> 16) as u8;
        start + header_length
    } else {
        let Some(header) = frame.words_at::<10>(start) else { return false };
        if header[0] >> 28 != 6 {
            return false;
        }
        about.source = address_of(&header, 2);
        about.destination = address_of(&header, 6);
        about.protocol = (header[1] >> 8) as u8;
        let mut offset = start + IPV6_LENGTH;
        if about.protocol == FRAGMENT {
            let Some(fragment) = frame.words_at::<2>(offset) else { return false };
            if fragment[0] & 0xfff8 != 0 {
                return false;
            }
            about.protocol = (fragment[0] >> 24) as u8;
            offset += 8;
        }
        offset
    };
    match about.protocol {
        protocol::TCP | protocol::UDP => {
            let Some([ports]) = frame.words_at::<1>(offset) else { return false };
            set_ports(about, ports);
            offset + 4 <= payload.end
        }
        _ if is_icmp(family, about.protocol) => {
            let Some(header) = frame.words_at::<2>(offset) else { return false };
            set_icmp(about, header);
            offset + 8 <= payload.end && !is_icmp_error(family, about.icmp_kind())
        }
        _ => offset <= payload.end,
    }
}
