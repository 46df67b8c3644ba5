//! The stages of a packet's way as functions that the verifier checks once.
//!
//! Like the tables of a policy (`policy`), each is a global function of numbers and the context: its callers see an unknown
//! number come back, and its stack is its own. The packet lies in a per-CPU map between them.

use aya_ebpf::bindings::{__sk_buff, xdp_md};
use aya_ebpf::programs::{TcContext, XdpContext};
use sg_common::abi::event::VerdictRecord;
use sg_common::abi::verdict::{DirectionCode, ReasonCode};
use sg_common::datapath::judge::{Bench, Decision, judge, record_of};
use sg_common::datapath::parse::{Kind, parse};
use sg_common::datapath::tables::Tables;

use crate::count;
use crate::frame::{SkbFrame, XdpFrame};
use crate::maps::EVENTS;
use crate::scratch::room;
use crate::tables::Maps;

/// Parses a socket buffer's frame into the room.
#[inline(never)]
#[unsafe(no_mangle)]
pub(crate) extern "C" fn sg_parse(skb: *mut __sk_buff) -> u32 {
    // A VLAN tag is no longer in the frame by the time it gets here.
    // SAFETY: a field of the context, which the verifier rewrites.
    if unsafe { (*skb).vlan_present } != 0 {
        return Kind::NOT_IP.0;
    }
    match room() {
        Some(packet) => parse(&SkbFrame(&TcContext::new(skb)), packet).0,
        None => Kind::MALFORMED.0,
    }
}

/// Parses an XDP frame into the room.
#[inline(never)]
#[unsafe(no_mangle)]
pub(crate) extern "C" fn sg_parse_xdp(frame: *mut xdp_md) -> u32 {
    match room() {
        Some(packet) => parse(&XdpFrame(&XdpContext::new(frame)), packet).0,
        None => Kind::MALFORMED.0,
    }
}

/// Reports a judgement of the packet in the room.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn sg_report(slot: u32, direction: u32, reason: u32, rule: u32) -> u32 {
    let Some(packet) = room() else { return 0 };
    let Some(interface) = Maps.interface(slot) else { return 0 };
    let bench = Bench {
        interface: &interface,
        slot,
        tick: Maps.tick(),
        packets: 0,
        sender: 0,
        direction: decode(direction),
    };
    let decision = Decision::by_rule(ReasonCode(reason as u8), rule);
    match EVENTS.reserve::<VerdictRecord>(0) {
        Some(mut entry) => {
            entry.write(record_of(packet, &bench, decision));
            entry.submit(0);
            1
        }
        None => {
            count::lost_event();
            0
        }
    }
}

/// Reports a judgement of the packet in the room.
#[inline(always)]
pub(crate) fn report_for(bench: &Bench<'_>, decision: Decision) {
    sg_report(bench.slot, u32::from(bench.direction.0), u32::from(decision.reason.0), decision.rule);
}

#[inline(always)]
fn decode(direction: u32) -> DirectionCode {
    if direction == u32::from(DirectionCode::OUTBOUND.0) {
        DirectionCode::OUTBOUND
    } else {
        DirectionCode::INBOUND
    }
}

/// Judges the packet in the room: the reason in the upper half of the answer, the rule in the lower.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn sg_judge(slot: u32, direction: u32, sender: u32, packets: u32) -> u64 {
    let Some(packet) = room() else { return encode(ReasonCode::NO_POLICY, 0) };
    let Some(interface) = Maps.interface(slot) else { return encode(ReasonCode::NO_POLICY, 0) };
    let bench = Bench {
        interface: &interface,
        slot,
        tick: Maps.tick(),
        packets,
        sender,
        direction: decode(direction),
    };
    let decision = judge(&Maps, packet, &bench);
    encode(decision.reason, decision.rule)
}

#[inline(always)]
fn encode(reason: ReasonCode, rule: u32) -> u64 {
    u64::from(reason.0) << 32 | u64::from(rule)
}

/// Judges the packet in the room for a bench.
#[inline(always)]
pub(crate) fn judge_for(bench: &Bench<'_>) -> Decision {
    let answer = sg_judge(bench.slot, u32::from(bench.direction.0), bench.sender, bench.packets);
    Decision::by_rule(ReasonCode((answer >> 32) as u8), answer as u32)
}
