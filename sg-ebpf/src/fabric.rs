//! The router's voice: answers to ARP requests and neighbour solicitations, as AWS's mapping service gives them.
//!
//! The request becomes the answer in place and goes back through the link that it came from. Nobody answers for an address
//! that no interface has. Security groups have no say (E-16).

use aya_ebpf::bindings::TC_ACT_SHOT;
use aya_ebpf::programs::TcContext;
use network_types::arp::ArpHdr;
use network_types::eth::EthHdr;
use network_types::ip::Ipv6Hdr;
use sg_common::abi::ROUTER_MAC;
use sg_common::abi::address::{Address, Family};
use sg_common::abi::interface::InterfaceRecord;
use sg_common::datapath::exempt::{ROUTER_LINK_LOCAL, ROUTER_LINK_LOCAL_AWS};
use sg_common::datapath::frame::Frame;
use sg_common::datapath::tables::{MemberCell, Tables};

use crate::deliver::to_peer;
use crate::frame::SkbFrame;
use crate::tables::Maps;

const ARP_LENGTH: usize = EthHdr::LEN + ArpHdr::LEN;
const ARP_REQUEST: [u8; 2] = [0, 1];
/// Hardware type Ethernet, protocol type IPv4, their lengths.
const ARP_ETHERNET_IPV4: [u8; 6] = [0, 1, 8, 0, 6, 4];

/// A neighbour message with one link-layer address option.
const NEIGHBOUR_LENGTH: usize = 32;
const NEIGHBOUR_FRAME: usize = EthHdr::LEN + Ipv6Hdr::LEN + NEIGHBOUR_LENGTH;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
const TARGET_LINK_ADDRESS: u8 = 2;
const FLAG_ROUTER: u8 = 0x80;
const FLAG_SOLICITED_OVERRIDE: u8 = 0x60;

/// Who answers for an address: the router, or the interface that owns it. On the internet host's link the router answers
/// for everything.
#[inline(always)]
fn answerer(slot: u32, family: Family, target: Address, own: Address) -> Option<[u8; 6]> {
    let interface = Maps.interface(slot)?;
    // One's own address, or an asker without one: duplicate address detection, and nobody else has the address.
    if target == own || own == Address::default() {
        return None;
    }
    let router =
        if family == Family::V4 { Address::v4(interface.router_ipv4) } else { interface.router_ipv6 };
    if interface.flags & InterfaceRecord::FLAG_INTERNET != 0
        || target == router
        || (family == Family::V6 && (target == ROUTER_LINK_LOCAL || target == ROUTER_LINK_LOCAL_AWS))
    {
        return Some(ROUTER_MAC);
    }
    let owner = Maps.member(interface.network, family.0, target)?;
    let owner_interface = Maps.interface(owner.record().slot)?;
    if owner_interface.number == owner.record().number { Some(owner_interface.mac) } else { None }
}

/// Sends the frame back into the instance.
#[inline(always)]
fn send_back<const N: usize>(ctx: &TcContext, frame: &[u8; N], link: u32) -> i32 {
    if ctx.store(0, frame, 0).is_err() {
        return TC_ACT_SHOT;
    }
    to_peer(ctx, link)
}

/// Answers an ARP request; other ARP goes nowhere.
#[inline(never)]
pub(crate) fn answer_arp(ctx: &TcContext, slot: u32, link: u32) -> i32 {
    let Some(mut frame) = SkbFrame(ctx).read_at::<ARP_LENGTH>(0) else { return TC_ACT_SHOT };
    if frame[14..20] != ARP_ETHERNET_IPV4 || frame[20..22] != ARP_REQUEST {
        return TC_ACT_SHOT;
    }
    let sender = u32::from_be_bytes([frame[28], frame[29], frame[30], frame[31]]);
    let target = u32::from_be_bytes([frame[38], frame[39], frame[40], frame[41]]);
    let Some(mac) = answerer(slot, Family::V4, Address::v4(target), Address::v4(sender)) else {
        return TC_ACT_SHOT;
    };
    let asker = [frame[22], frame[23], frame[24], frame[25], frame[26], frame[27]];
    frame[0..6].copy_from_slice(&asker);
    frame[6..12].copy_from_slice(&mac);
    frame[21] = 2;
    frame[22..28].copy_from_slice(&mac);
    frame[28..32].copy_from_slice(&target.to_be_bytes());
    frame[32..38].copy_from_slice(&asker);
    frame[38..42].copy_from_slice(&sender.to_be_bytes());
    send_back(ctx, &frame, link)
}

/// Answers a neighbour solicitation that carries its sender's link-layer address, as Linux's do; other neighbour
/// discovery goes nowhere.
#[inline(never)]
pub(crate) fn answer_neighbour(ctx: &TcContext, slot: u32, link: u32) -> i32 {
    let Some(mut frame) = SkbFrame(ctx).read_at::<NEIGHBOUR_FRAME>(0) else { return TC_ACT_SHOT };
    if frame[54] != SOLICITATION || frame[18..20] != [0, NEIGHBOUR_LENGTH as u8] {
        return TC_ACT_SHOT;
    }
    let source = address_at(&frame, 22);
    let target = address_at(&frame, 62);
    if source == Address::default() {
        // Duplicate address detection: nobody else has the address.
        return TC_ACT_SHOT;
    }
    let Some(mac) = answerer(slot, Family::V6, target, source) else { return TC_ACT_SHOT };
    for index in 0..6 {
        frame[index] = frame[6 + index];
    }
    frame[6..12].copy_from_slice(&mac);
    for index in 0..16 {
        frame[38 + index] = frame[22 + index];
        frame[22 + index] = frame[62 + index];
    }
    frame[54] = ADVERTISEMENT;
    frame[55] = 0;
    frame[58] = FLAG_SOLICITED_OVERRIDE | if mac == ROUTER_MAC { FLAG_ROUTER } else { 0 };
    frame[78] = TARGET_LINK_ADDRESS;
    frame[79] = 1;
    frame[80..86].copy_from_slice(&mac);
    frame[56] = 0;
    frame[57] = 0;
    let checksum = icmpv6_checksum(&frame);
    frame[56..58].copy_from_slice(&checksum.to_be_bytes());
    send_back(ctx, &frame, link)
}

#[inline(always)]
fn address_at(frame: &[u8; NEIGHBOUR_FRAME], start: usize) -> Address {
    let mut bytes = [0u8; 16];
    for index in 0..16 {
        bytes[index] = frame[start + index];
    }
    Address::v6(bytes)
}

/// RFC 4443 section 2.3: over both addresses, the length, the next header and the message.
#[inline(always)]
fn icmpv6_checksum(frame: &[u8; NEIGHBOUR_FRAME]) -> u16 {
    let mut sum = NEIGHBOUR_LENGTH as u32 + 58;
    for index in 0..(32 + NEIGHBOUR_LENGTH) / 2 {
        let at = 22 + 2 * index;
        sum += u32::from(u16::from_be_bytes([frame[at], frame[at + 1]]));
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    !(sum as u16)
}
