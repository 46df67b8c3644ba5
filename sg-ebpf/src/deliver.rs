//! From a fate to what the kernel does with the frame.

use aya_ebpf::EbpfContext;
use aya_ebpf::bindings::{TC_ACT_OK, TC_ACT_SHOT, xdp_action};
use aya_ebpf::helpers::generated::{bpf_redirect, bpf_redirect_peer, bpf_skb_change_type};
use aya_ebpf::programs::{TcContext, XdpContext};
use aya_log_ebpf::warn;
use network_types::eth::EthHdr;
use sg_common::abi::ROUTER_MAC;
use sg_common::abi::verdict::ReasonCode;
use sg_common::datapath::forward::{self, Action};
use sg_common::datapath::frame::Frame;
use sg_common::datapath::route::Receiver;

use crate::count;
use crate::fabric;
use crate::frame::{SkbFrame, XdpFrame};
use crate::maps::SETTINGS;
use crate::scratch::room;
use crate::tables::Maps;
use crate::too_big;

/// `PACKET_HOST` of linux/if_packet.h: for this host.
const PACKET_HOST: u32 = 0;

/// The slot of a link; a slot that no interface has, if the data plane is not set up.
#[inline(always)]
fn slot_of(link_index: u32) -> u32 {
    match SETTINGS.get(0) {
        Some(settings) => link_index.wrapping_sub(settings.link_base),
        None => u32::MAX,
    }
}

/// Packets that a socket buffer stands for.
#[inline(always)]
fn packets_of(ctx: &TcContext) -> u32 {
    // SAFETY: a field of the context, which the verifier rewrites.
    let segments = unsafe { (*ctx.skb.skb).gso_segs };
    if segments == 0 { 1 } else { segments }
}

#[inline(always)]
fn link_of(ctx: &TcContext) -> u32 {
    // SAFETY: a field of the context, which the verifier rewrites.
    unsafe { (*ctx.skb.skb).ifindex }
}

/// Says in the log what the operator should know of: packets that were denied for want of room, not for want of a rule.
///
/// A function of its own, so that what logging needs of the stack is not held while a packet is judged.
#[inline(never)]
fn complain(ctx: &TcContext, slot: u32, reason: ReasonCode) {
    if reason == ReasonCode::FLOW_TABLE_FULL {
        warn!(ctx, "no room for a new flow: packet from slot {} denied", slot);
    } else if reason == ReasonCode::TORN_POLICY {
        warn!(ctx, "policy memory was used again too early: packet from slot {} denied", slot);
    }
}

/// What an instance sends.
#[inline(always)]
pub(crate) fn from_link(ctx: &TcContext) -> i32 {
    let link = link_of(ctx);
    let slot = slot_of(link);
    let Some(packet) = room() else { return TC_ACT_SHOT };
    let fate = forward::from_link(&Maps, &SkbFrame(ctx), packet, slot, packets_of(ctx));
    count::frame(&fate);
    complain(ctx, slot, fate.reason);
    match fate.action {
        Action::Drop => TC_ACT_SHOT,
        Action::AnswerArp => fabric::answer_arp(ctx, slot, link),
        Action::AnswerNeighbour => fabric::answer_neighbour(ctx, slot, link),
        Action::AnswerTooBig => too_big::answer(ctx, slot, link),
        Action::Deliver => hand_over(ctx, &fate.receiver),
    }
}

/// What reaches an instance other than through the fabric.
#[inline(always)]
pub(crate) fn to_link(ctx: &TcContext) -> i32 {
    let Some(packet) = room() else { return TC_ACT_SHOT };
    let fate = forward::to_link(&Maps, &SkbFrame(ctx), packet, slot_of(link_of(ctx)), packets_of(ctx));
    count::frame(&fate);
    match fate.action {
        Action::Deliver => TC_ACT_OK,
        _ => TC_ACT_SHOT,
    }
}

/// Puts the frame at the other end of a link.
#[inline(always)]
pub(crate) fn to_peer(ctx: &TcContext, link_index: u32) -> i32 {
    // The frame was not addressed to the host side's link, which the receiver's stack would hold against it. Kernels from
    // 6.15 on forget that by themselves.
    // SAFETY: changes a field of the socket buffer.
    if unsafe { bpf_skb_change_type(ctx.as_ptr().cast(), PACKET_HOST) } != 0 {
        return TC_ACT_SHOT;
    }
    // SAFETY: takes numbers; the kernel drops the frame if the link is gone or down.
    unsafe { bpf_redirect_peer(link_index, 0) as i32 }
}

/// Puts the frame at the other end of the receiver's link. Between subnets the router's address becomes the source.
#[inline(always)]
fn hand_over(ctx: &TcContext, receiver: &Receiver) -> i32 {
    if SkbFrame(ctx).read::<6>(0) != Some(receiver.mac)
        && ctx.store(0, &routed_addresses(receiver), 0).is_err()
    {
        return TC_ACT_SHOT;
    }
    to_peer(ctx, receiver.link_index)
}

/// Destination and source of a routed frame.
#[inline(always)]
fn routed_addresses(receiver: &Receiver) -> [u8; 12] {
    let [a, b, c, d, e, f] = receiver.mac;
    let [u, v, w, x, y, z] = ROUTER_MAC;
    [a, b, c, d, e, f, u, v, w, x, y, z]
}

/// What an instance sends, at the XDP hook. ARP and neighbour discovery go on to the TCX hook, which answers and counts
/// them.
#[inline(always)]
pub(crate) fn from_link_xdp(ctx: &XdpContext) -> u32 {
    // SAFETY: a field of the context, which the verifier rewrites.
    let link = unsafe { (*ctx.ctx).ingress_ifindex };
    let Some(packet) = room() else { return xdp_action::XDP_DROP };
    let fate = forward::from_link(&Maps, &XdpFrame(ctx), packet, slot_of(link), 1);
    match fate.action {
        Action::AnswerArp | Action::AnswerNeighbour => xdp_action::XDP_PASS,
        // There is no path MTU at this hook (`XdpFrame`).
        Action::Drop | Action::AnswerTooBig => {
            count::frame(&fate);
            xdp_action::XDP_DROP
        }
        Action::Deliver => {
            count::frame(&fate);
            hand_over_xdp(ctx, &fate.receiver)
        }
    }
}

#[inline(always)]
fn hand_over_xdp(ctx: &XdpContext, receiver: &Receiver) -> u32 {
    let start = ctx.data();
    if start + EthHdr::LEN > ctx.data_end() {
        return xdp_action::XDP_DROP;
    }
    if XdpFrame(ctx).read::<6>(0) != Some(receiver.mac) {
        // SAFETY: compared with the frame's end just above.
        unsafe { *(start as *mut [u8; 12]) = routed_addresses(receiver) };
    }
    // SAFETY: takes numbers; the kernel drops the frame if the link is gone or down.
    unsafe { bpf_redirect(receiver.link_index, 0) as u32 }
}
