//! The router's message about a packet that is larger than its path carries (C-17). The packet becomes the message in place
//! and goes back through the link that it came from.

use aya_ebpf::EbpfContext;
use aya_ebpf::bindings::TC_ACT_SHOT;
use aya_ebpf::helpers::generated::{bpf_csum_diff, bpf_skb_change_tail, bpf_skb_load_bytes};
use aya_ebpf::programs::TcContext;
use network_types::eth::EthHdr;
use network_types::ip::{Ipv4Hdr, Ipv6Hdr};
use sg_common::abi::ROUTER_MAC;
use sg_common::abi::address::Family;
use sg_common::abi::interface::InterfaceRecord;
use sg_common::datapath::path_mtu::{FRAGMENTATION_NEEDED, PACKET_TOO_BIG};
use sg_common::datapath::tables::Tables;
use sg_common::datapath::tuple::protocol;

use crate::deliver::to_peer;
use crate::scratch::{room, scratch};
use crate::tables::Maps;

const ICMP_LENGTH: usize = 8;
/// Bytes quoted of an IPv4 packet: the longest header and eight bytes (RFC 792). It is longer, or it would fit any path.
const QUOTE_IPV4: usize = 68;
/// Bytes quoted of an IPv6 packet: its header, and what is left of a round number.
const QUOTE_IPV6: usize = 96;
const MESSAGE_IPV4: usize = EthHdr::LEN + Ipv4Hdr::LEN + ICMP_LENGTH + QUOTE_IPV4;
const MESSAGE_IPV6: usize = EthHdr::LEN + Ipv6Hdr::LEN + ICMP_LENGTH + QUOTE_IPV6;
/// Room for either message.
pub(crate) const MESSAGE_LENGTH: usize = MESSAGE_IPV6;

const TIME_TO_LIVE: u8 = 64;

/// Sends the message back. The internet host hears it as from the packet's destination: it has no router of its own.
#[inline(never)]
pub(crate) fn answer(ctx: &TcContext, slot: u32, link: u32) -> i32 {
    let Some(packet) = room() else { return TC_ACT_SHOT };
    let sent = if packet.family == Family::V4.0 {
        answer_ipv4(ctx, slot, packet.path_mtu)
    } else {
        answer_ipv6(ctx, slot, packet.path_mtu)
    };
    if sent { to_peer(ctx, link) } else { TC_ACT_SHOT }
}

#[inline(always)]
fn answer_ipv4(ctx: &TcContext, slot: u32, mtu: u32) -> bool {
    const IP: usize = EthHdr::LEN;
    const ICMP: usize = IP + Ipv4Hdr::LEN;
    const QUOTE: usize = ICMP + ICMP_LENGTH;
    let Some(scratch) = scratch() else { return false };
    let message = &mut scratch.message;
    if !load::<QUOTE_IPV4>(ctx, EthHdr::LEN, message, QUOTE) || !address_back(ctx, message) {
        return false;
    }
    let total = (MESSAGE_IPV4 - IP) as u16;
    message[12..14].copy_from_slice(&[0x08, 0x00]);
    message[IP..IP + 12].copy_from_slice(&[
        0x45,
        0,
        total.to_be_bytes()[0],
        total.to_be_bytes()[1],
        0,
        0,
        0x40,
        0,
        TIME_TO_LIVE,
        protocol::ICMP,
        0,
        0,
    ]);
    let destination = [message[QUOTE + 16], message[QUOTE + 17], message[QUOTE + 18], message[QUOTE + 19]];
    let source = [message[QUOTE + 12], message[QUOTE + 13], message[QUOTE + 14], message[QUOTE + 15]];
    let router = match Maps.interface(slot) {
        Some(interface) if interface.flags & InterfaceRecord::FLAG_INTERNET == 0 => {
            interface.router_ipv4.to_be_bytes()
        }
        _ => destination,
    };
    message[IP + 12..IP + 16].copy_from_slice(&router);
    message[IP + 16..IP + 20].copy_from_slice(&source);
    let (kind, code) = FRAGMENTATION_NEEDED;
    let mtu = (mtu as u16).to_be_bytes();
    message[ICMP..ICMP + 8].copy_from_slice(&[kind, code, 0, 0, 0, 0, mtu[0], mtu[1]]);
    let header = fold(sum::<{ Ipv4Hdr::LEN }>(message, IP, 0));
    message[IP + 10..IP + 12].copy_from_slice(&header);
    let checksum = fold(sum::<{ ICMP_LENGTH + QUOTE_IPV4 }>(message, ICMP, 0));
    message[ICMP + 2..ICMP + 4].copy_from_slice(&checksum);
    replace::<MESSAGE_IPV4>(ctx, message)
}

#[inline(always)]
fn answer_ipv6(ctx: &TcContext, slot: u32, mtu: u32) -> bool {
    const IP: usize = EthHdr::LEN;
    const ICMP: usize = IP + Ipv6Hdr::LEN;
    const QUOTE: usize = ICMP + ICMP_LENGTH;
    const LENGTH: u16 = (ICMP_LENGTH + QUOTE_IPV6) as u16;
    let Some(scratch) = scratch() else { return false };
    let message = &mut scratch.message;
    if !load::<QUOTE_IPV6>(ctx, EthHdr::LEN, message, QUOTE) || !address_back(ctx, message) {
        return false;
    }
    message[12..14].copy_from_slice(&[0x86, 0xdd]);
    let length = LENGTH.to_be_bytes();
    message[IP..IP + 8].copy_from_slice(&[
        0x60,
        0,
        0,
        0,
        length[0],
        length[1],
        protocol::ICMPV6,
        TIME_TO_LIVE,
    ]);
    for index in 0..16 {
        message[IP + 24 + index] = message[QUOTE + 8 + index];
        message[IP + 8 + index] = message[QUOTE + 24 + index];
    }
    if let Some(interface) = Maps.interface(slot)
        && interface.flags & InterfaceRecord::FLAG_INTERNET == 0
    {
        message[IP + 8..IP + 16].copy_from_slice(&interface.router_ipv6.high.to_be_bytes());
        message[IP + 16..IP + 24].copy_from_slice(&interface.router_ipv6.low.to_be_bytes());
    }
    let (kind, code) = PACKET_TOO_BIG;
    let mtu = mtu.to_be_bytes();
    message[ICMP..ICMP + 8].copy_from_slice(&[kind, code, 0, 0, mtu[0], mtu[1], mtu[2], mtu[3]]);
    // RFC 4443 section 2.3: over both addresses, the length, the next header and the message.
    let pseudo = u32::from(LENGTH.to_be()) + u32::from(u16::from(protocol::ICMPV6).to_be());
    let addresses = sum::<32>(message, IP + 8, pseudo);
    let checksum = fold(sum::<{ ICMP_LENGTH + QUOTE_IPV6 }>(message, ICMP, addresses));
    message[ICMP + 2..ICMP + 4].copy_from_slice(&checksum);
    replace::<MESSAGE_IPV6>(ctx, message)
}

/// The Ethernet addresses: from the router, to whoever sent the frame.
#[inline(always)]
fn address_back(ctx: &TcContext, message: &mut [u8; MESSAGE_LENGTH]) -> bool {
    if !load::<6>(ctx, 6, message, 0) {
        return false;
    }
    message[6..12].copy_from_slice(&ROUTER_MAC);
    true
}

/// Copies `N` bytes of the frame into the message. Both ends of the copy are constants at every call.
#[inline(always)]
fn load<const N: usize>(
    ctx: &TcContext,
    offset: usize,
    message: &mut [u8; MESSAGE_LENGTH],
    at: usize,
) -> bool {
    let to = &mut message[at..at + N];
    // SAFETY: the helper writes N bytes into `to` or fails.
    unsafe { bpf_skb_load_bytes(ctx.as_ptr(), offset as u32, to.as_mut_ptr().cast(), N as u32) == 0 }
}

/// The one's complement sum of `N` bytes of the message, a multiple of four, in memory's byte order.
#[inline(always)]
fn sum<const N: usize>(message: &mut [u8; MESSAGE_LENGTH], at: usize, seed: u32) -> u32 {
    let bytes = &mut message[at..at + N];
    // SAFETY: the helper reads N bytes.
    unsafe { bpf_csum_diff(core::ptr::null_mut(), 0, bytes.as_mut_ptr().cast(), N as u32, seed) as u32 }
}

/// A sum as a checksum's bytes.
#[inline(always)]
fn fold(sum: u32) -> [u8; 2] {
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    (!(sum as u16)).to_ne_bytes()
}

/// Puts the first `N` bytes of the message in the frame's place.
#[inline(always)]
fn replace<const N: usize>(ctx: &TcContext, message: &mut [u8; MESSAGE_LENGTH]) -> bool {
    // SAFETY: changes the socket buffer's length, or fails.
    if unsafe { bpf_skb_change_tail(ctx.as_ptr().cast(), N as u32, 0) } != 0 {
        return false;
    }
    // SAFETY: N bytes of the message, which is as long as the longest.
    let bytes = unsafe { &*message.as_ptr().cast::<[u8; N]>() };
    ctx.store(0, bytes, 0).is_ok()
}
