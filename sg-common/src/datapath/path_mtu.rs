//! Packets that are larger than their path carries, and what the router says about them (C-17).

use crate::abi::address::{Address, Family};

use super::frame::Frame;
use super::parse::is_icmp_error;
use super::tuple::{FragmentPlace, Packet, is_icmp, protocol};

/// ICMP "destination unreachable", "fragmentation needed".
pub const FRAGMENTATION_NEEDED: (u8, u8) = (3, 4);
/// ICMPv6 "packet too big".
pub const PACKET_TOO_BIG: (u8, u8) = (2, 0);

/// Whether the packet's path takes it, or each of those that it stands for.
#[inline(always)]
pub fn fits<F: Frame + ?Sized>(frame: &F, packet: &Packet) -> bool {
    if packet.dont_fragment == 0 || packet.length <= packet.path_mtu || !frame.has_path_mtu() {
        return true;
    }
    let segment = frame.segment_size();
    segment != 0 && packet.header_length != 0 && packet.header_length + segment <= packet.path_mtu
}

/// Turns a packet into the message about itself that goes back to its source, as it would be parsed.
#[inline(always)]
pub fn answer(packet: &mut Packet, router: Address) {
    let v4 = packet.family == Family::V4.0;
    let about = packet.tuple;
    // What the parser says about the embedded packet of an ICMP error.
    let is_about_error =
        is_icmp(packet.family, about.protocol) && is_icmp_error(packet.family, about.icmp_kind());
    let is_flow = packet.fragment != FragmentPlace::LATER && !is_about_error;
    let (kind, code) = if v4 { FRAGMENTATION_NEEDED } else { PACKET_TOO_BIG };
    packet.about = about;
    packet.has_about = is_flow as u8;
    packet.tuple.destination = about.source;
    packet.tuple.source = router;
    packet.tuple.protocol = if v4 { protocol::ICMP } else { protocol::ICMPV6 };
    packet.tuple.source_port = 0;
    packet.tuple.destination_port = u16::from_be_bytes([kind, code]);
    packet.flags = 0;
    packet.fragment = FragmentPlace::WHOLE;
    packet.ports_unknown = 0;
}
