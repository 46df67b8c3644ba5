//! What a benchmark compares the programs with: a program that does nothing, and the least that any stateful filter must do,
//! which is to parse the headers and look the flow up in one hash table. Never part of a lab.

#![no_std]
#![no_main]

use aya_ebpf::bindings::{TC_ACT_OK, TC_ACT_SHOT, xdp_action};
use aya_ebpf::macros::{classifier, map, xdp};
use aya_ebpf::maps::HashMap;
use aya_ebpf::programs::{TcContext, XdpContext};
use sg_common::abi::MAX_FLOWS;
use sg_common::abi::flow::{FlowEntry, FlowKey4, FlowKey6};

/// As large as the table that it stands for. What is looked up is not there.
#[map]
static FLOOR4: HashMap<FlowKey4, FlowEntry> = HashMap::with_max_entries(MAX_FLOWS, 0);

/// The same for IPv6.
#[map]
static FLOOR6: HashMap<FlowKey6, FlowEntry> = HashMap::with_max_entries(MAX_FLOWS, 0);

/// Bytes of an Ethernet header, an IPv4 header without options and both ports.
const HEADERS4: usize = 14 + 20 + 4;
/// The same for IPv6 without extension headers.
const HEADERS6: usize = 14 + 40 + 4;

/// A TCX program that does nothing.
#[classifier]
fn empty(_ctx: TcContext) -> i32 {
    TC_ACT_OK
}

/// An XDP program that does nothing.
#[xdp]
fn empty_xdp(_ctx: XdpContext) -> u32 {
    xdp_action::XDP_PASS
}

/// The headers of a packet and one look-up.
#[classifier]
fn floor(ctx: TcContext) -> i32 {
    if is_known(ctx.data(), ctx.data_end()) { TC_ACT_OK } else { TC_ACT_SHOT }
}

/// The same for XDP.
#[xdp]
fn floor_xdp(ctx: XdpContext) -> u32 {
    if is_known(ctx.data(), ctx.data_end()) { xdp_action::XDP_PASS } else { xdp_action::XDP_DROP }
}

#[inline(always)]
fn is_known(start: usize, end: usize) -> bool {
    if let Some(headers) = headers::<HEADERS4>(start, end)
        && headers[12..15] == [0x08, 0x00, 0x45]
    {
        let key = FlowKey4 {
            interface_protocol: headers[23] as u32,
            local: word(headers, 26),
            remote: word(headers, 30),
            ports: word(headers, 34),
        };
        return FLOOR4.get_ptr(&key).is_some();
    }
    if let Some(headers) = headers::<HEADERS6>(start, end)
        && headers[12..14] == [0x86, 0xdd]
    {
        let half = |at| (word(headers, at) as u64) << 32 | word(headers, at + 4) as u64;
        let key = FlowKey6 {
            interface_protocol: headers[20] as u32,
            ports: word(headers, 54),
            local_high: half(22),
            local_low: half(30),
            remote_high: half(38),
            remote_low: half(46),
        };
        return FLOOR6.get_ptr(&key).is_some();
    }
    false
}

#[inline(always)]
fn headers<'a, const N: usize>(start: usize, end: usize) -> Option<&'a [u8; N]> {
    if start + N > end {
        return None;
    }
    // SAFETY: compared with the frame's end just above, as the verifier checks again.
    Some(unsafe { &*(start as *const [u8; N]) })
}

#[inline(always)]
fn word<const N: usize>(headers: &[u8; N], at: usize) -> u32 {
    u32::from_be_bytes([headers[at], headers[at + 1], headers[at + 2], headers[at + 3]])
}

/// Nothing here panics.
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// What the kernel is told.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
