//! The stages of a packet's way as functions that the verifier checks once.
//!
//! Like the tables of a policy (`policy`), each is a global function of numbers and the context: its callers see an unknown
//! number come back, and its stack is its own. The packet lies in a per-CPU map between them.

use aya_ebpf::bindings::{__sk_buff, xdp_md};
use aya_ebpf::programs::{TcContext, XdpContext};
use sg_common::abi::event::VerdictRecord;
use sg_common::abi::interface::InterfaceRecord;
use sg_common::abi::verdict::{DirectionCode, ReasonCode};
use sg_common::datapath::judge::{Bench, Decision, complete, follow, judge_new, network_acl, record_of};
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
    let bench = bench(&interface, slot, direction);
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

/// Gives the later fragment in the room the ports of its first one.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn sg_complete(slot: u32, direction: u32) -> u32 {
    let Some(packet) = room() else { return 0 };
    let Some(interface) = Maps.interface(slot) else { return 0 };
    complete(&Maps, packet, &bench(&interface, slot, direction));
    1
}

/// Gives the later fragment in the room the ports of its first one.
#[inline(always)]
pub(crate) fn complete_for(bench: &Bench<'_>) {
    sg_complete(bench.slot, u32::from(bench.direction.0));
}

/// A stage that decides something about the packet in the room: the reason in the upper half of the answer, the rule in the
/// lower. It takes what it uses of a bench and nothing else: what a function ignores, its callers do not set.
macro_rules! deciding_stage {
    ($(#[$doc:meta])* $stage:ident($($used:ident),*), $for:ident, $decide:path) => {
        #[inline(never)]
        #[unsafe(no_mangle)]
        extern "C" fn $stage(slot: u32, direction: u32 $(, $used: u32)*) -> u64 {
            let Some(packet) = room() else { return encode(ReasonCode::NO_POLICY, 0) };
            let Some(interface) = Maps.interface(slot) else { return encode(ReasonCode::NO_POLICY, 0) };
            let bench = Bench { $($used,)* ..bench(&interface, slot, direction) };
            let decision = $decide(&Maps, packet, &bench);
            encode(decision.reason, decision.rule)
        }

        $(#[$doc])*
        #[inline(always)]
        pub(crate) fn $for(bench: &Bench<'_>) -> Decision {
            let answer = $stage(bench.slot, u32::from(bench.direction.0) $(, bench.$used)*);
            Decision::by_rule(ReasonCode((answer >> 32) as u8), answer as u32)
        }
    };
}

deciding_stage! {
    /// What the network ACL says to the packet in the room.
    sg_network_acl(), network_acl_for, network_acl
}

deciding_stage! {
    /// What a live entry says to the packet in the room.
    sg_follow(packets), follow_for, follow
}

deciding_stage! {
    /// What the rules say to the packet in the room.
    sg_judge_new(sender, packets), judge_new_for, judge_new
}

#[inline(always)]
fn bench(interface: &InterfaceRecord, slot: u32, direction: u32) -> Bench<'_> {
    Bench { interface, slot, tick: Maps.tick(), packets: 0, sender: 0, direction: decode(direction) }
}

#[inline(always)]
fn encode(reason: ReasonCode, rule: u32) -> u64 {
    u64::from(reason.0) << 32 | u64::from(rule)
}
