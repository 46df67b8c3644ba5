//! The stages of a packet's way as functions that the verifier checks once.
//!
//! Like the tables of a policy (`policy`), each is a global function of numbers and the context: its callers see an unknown
//! number come back, and its stack is its own. The packet lies in a per-CPU map between them.

use aya_ebpf::bindings::{__sk_buff, BPF_RB_NO_WAKEUP, xdp_md};
use aya_ebpf::helpers::generated::bpf_get_smp_processor_id;
use aya_ebpf::programs::{TcContext, XdpContext};
use sg_common::abi::event::VerdictRecord;
use sg_common::abi::interface::InterfaceRecord;
use sg_common::abi::trace::{StepCode, StepRecord};
use sg_common::abi::verdict::{DirectionCode, ReasonCode};
use sg_common::datapath::admit::admit_packet;
use sg_common::datapath::follow::follow;
use sg_common::datapath::judge::{Bench, Decision, complete, network_acl, record_of};
use sg_common::datapath::matching::match_rules;
use sg_common::datapath::parse::{Kind, parse};
use sg_common::datapath::tables::Tables;
use sg_common::datapath::trace::{self, is_marked};
use sg_common::datapath::tuple::Packet;

use crate::count;
use crate::flow_log;
use crate::frame::{SkbFrame, XdpFrame};
use crate::maps::{EVENTS, STEPS, TRACE_FILTER};
use crate::scratch::{room, scratch};
use crate::tables::Maps;

/// Nobody sleeps on a ring: its reader comes by every few milliseconds, and waking it would cost each new flow an interrupt.
const QUIETLY: u64 = BPF_RB_NO_WAKEUP as u64;

/// Parses a socket buffer's frame into the room.
#[inline(never)]
#[unsafe(no_mangle)]
pub(crate) extern "C" fn sg_parse(skb: *mut __sk_buff) -> u32 {
    let Some(packet) = room() else { return Kind::MALFORMED.0 };
    // A VLAN tag is no longer in the frame by the time it gets here.
    // SAFETY: a field of the context, which the verifier rewrites.
    if unsafe { (*skb).vlan_present } != 0 {
        *packet = Packet::default();
        return Kind::NOT_IP.0;
    }
    parse(&SkbFrame(&TcContext::new(skb)), packet).0
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
            entry.submit(QUIETLY);
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

/// Counts the packet in the room for the flow logs. `place` is the slot, with the direction in the upper half.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn sg_log_flow(place: u64, packets: u32, reason: u32, rule: u32) -> u32 {
    let (Some(packet), Some(scratch)) = (room(), scratch()) else { return 0 };
    let slot = place as u32;
    let Some(interface) = Maps.interface(slot) else { return 0 };
    let bench = Bench { packets, ..bench(&interface, slot, (place >> 32) as u32) };
    flow_log::count(scratch, packet, &bench, Decision::by_rule(ReasonCode(reason as u8), rule))
}

/// Counts the packet in the room for the flow logs.
#[inline(always)]
pub(crate) fn log_flow_for(bench: &Bench<'_>, decision: Decision) {
    let place = u64::from(bench.direction.0) << 32 | u64::from(bench.slot);
    sg_log_flow(place, bench.packets, u32::from(decision.reason.0), decision.rule);
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
            decoded($stage(bench.slot, u32::from(bench.direction.0) $(, bench.$used)*))
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
    /// Which rule allows the packet in the room.
    sg_match_rules(sender), match_rules_for, match_rules
}

/// Tracks the packet in the room, or lets it pass, by a rule.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn sg_admit_packet(slot: u32, direction: u32, packets: u32, rule: u32) -> u64 {
    let Some(packet) = room() else { return encode(ReasonCode::NO_POLICY, 0) };
    let Some(interface) = Maps.interface(slot) else { return encode(ReasonCode::NO_POLICY, 0) };
    let bench = Bench { packets, ..bench(&interface, slot, direction) };
    let decision = admit_packet(&Maps, packet, &bench, rule);
    encode(decision.reason, decision.rule)
}

/// Tracks the packet in the room, or lets it pass, by a rule.
#[inline(always)]
pub(crate) fn admit_packet_for(bench: &Bench<'_>, rule: u32) -> Decision {
    decoded(sg_admit_packet(bench.slot, u32::from(bench.direction.0), bench.packets, rule))
}

#[inline(always)]
fn decoded(answer: u64) -> Decision {
    Decision::by_rule(ReasonCode((answer >> 32) as u8), answer as u32)
}

/// Marks the packet in the room, if the filter means it: 1 if it does.
#[inline(never)]
#[unsafe(no_mangle)]
pub(crate) extern "C" fn sg_mark(number: u32) -> u32 {
    let (Some(packet), Some(scratch)) = (room(), scratch()) else { return 0 };
    let Some(filter) = TRACE_FILTER.get(0) else { return 0 };
    if !is_marked(filter, packet, number) {
        return 0;
    }
    packet.marked = 1;
    // A CPU's packets count up, and the CPU's number keeps them apart from the others'.
    scratch.serial += 1;
    // SAFETY: asks for a number.
    packet.serial = scratch.serial << 16 | u64::from(unsafe { bpf_get_smp_processor_id() });
    1
}

/// Tells a step of the packet in the room. `place` is the slot, with the direction and the step in the upper half.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn sg_trace(place: u64, a: u64, b: u64) -> u32 {
    let Some(packet) = room() else { return 0 };
    let slot = place as u32;
    let Some(interface) = Maps.interface(slot) else { return 0 };
    let bench = bench(&interface, slot, (place >> 32) as u32 & 1);
    let step = StepCode((place >> 40) as u8);
    match STEPS.reserve::<StepRecord>(0) {
        Some(mut entry) => {
            entry.write(trace::record_of(packet, &bench, step, a, b));
            entry.submit(QUIETLY);
            1
        }
        None => {
            count::lost_step();
            0
        }
    }
}

/// Tells a step of the packet in the room.
#[inline(always)]
pub(crate) fn trace_for(bench: &Bench<'_>, step: StepCode, a: u64, b: u64) {
    let place = u64::from(step.0) << 40 | u64::from(bench.direction.0) << 32 | u64::from(bench.slot);
    sg_trace(place, a, b);
}

#[inline(always)]
fn bench(interface: &InterfaceRecord, slot: u32, direction: u32) -> Bench<'_> {
    let tick = match scratch() {
        Some(scratch) => scratch.tick,
        None => 0,
    };
    Bench { interface, slot, tick, packets: 0, sender: 0, direction: decode(direction) }
}

#[inline(always)]
fn encode(reason: ReasonCode, rule: u32) -> u64 {
    u64::from(reason.0) << 32 | u64::from(rule)
}
