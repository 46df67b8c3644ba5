//! Steps 6 and 7 of `docs/judgement.md`: what the flow table says to a packet.

use crate::abi::flow::FlowBits;
use crate::abi::trace::{StepCode, pair};
use crate::abi::verdict::ReasonCode;

use super::access_list::PASSES;
use super::judge::{Bench, Decision};
use super::tables::{FlowCell, FlowState, Passage, Tables};
use super::trace::trace;
use super::tracking::{Standing, next_bits, standing};
use super::tuple::{FlowKey, Packet};

/// What a live entry says to a packet: [`PASSES`] where the rules must be asked. The default of [`Tables::follow`].
#[inline(always)]
pub fn follow<T: Tables>(tables: &T, packet: &mut Packet, bench: &Bench<'_>) -> Decision {
    packet.entry = Packet::ENTRY_NONE;
    if packet.ports_unknown != 0 {
        // It could be any flow's: only rules can know.
        return Decision::without_rule(PASSES);
    }
    let mut key = packet.tuple.flow_key(packet.family, bench.interface.number, bench.direction);
    if key.is_flow()
        && let Some(cell) = tables.flow(&key)
    {
        packet.entry = Packet::ENTRY_ENDED;
        let state = cell.state();
        let is_live = bench.is_live(&key, &state);
        trace(tables, packet, bench, StepCode::FLOW, 1 + u64::from(is_live), pair(state.bits, state.rule));
        if is_live {
            match standing(packet.tuple.protocol, FlowBits(state.bits), packet.flags) {
                Standing::Continues => return continue_flow(tables, packet, bench, &key, cell, state),
                Standing::Closed => return Decision::by_rule(ReasonCode::FLOW_CLOSED, state.rule),
                Standing::StartsOver => packet.entry = Packet::ENTRY_STARTS_OVER,
            }
        }
    }
    if packet.entry == Packet::ENTRY_NONE {
        trace(tables, packet, bench, StepCode::FLOW, 0, 0);
    }
    if packet.has_about != 0 {
        // In the place of the packet's own key: two of them are a fifth of a BPF program's stack.
        key = packet.about.flow_key(packet.family, bench.interface.number, bench.opposite());
        let rule = live_rule(tables, bench, &key);
        trace(tables, packet, bench, StepCode::RELATED, u64::from(rule), 0);
        if rule != 0 {
            return Decision::by_rule(ReasonCode::RELATED, rule);
        }
    }
    Decision::without_rule(PASSES)
}

#[inline(always)]
fn continue_flow<T: Tables>(
    tables: &T,
    packet: &Packet,
    bench: &Bench<'_>,
    key: &FlowKey,
    cell: T::Flow,
    state: FlowState,
) -> Decision {
    let before = FlowBits(state.bits);
    let after = next_bits(packet.tuple.protocol, before, bench.outbound(), packet.flags);
    let passage = Passage {
        tick: bench.tick,
        before: before.0,
        bits: after.0,
        bytes: packet.length,
        packets: bench.packets,
        outbound: bench.outbound(),
    };
    if after.has(FlowBits::REPLIED) && !before.has(FlowBits::REPLIED) {
        if tables.protect(key).is_err() {
            return Decision::by_rule(ReasonCode::FLOW_TABLE_FULL, state.rule);
        }
        // The entry has moved.
        if let Some(cell) = tables.flow(key) {
            cell.record(&passage);
        }
    } else {
        cell.record(&passage);
    }
    Decision::by_rule(ReasonCode::FLOW, state.rule)
}

/// Number of the rule behind a live flow; 0 = it has no live entry. For the flow that an ICMP error is about, one whose
/// packet went the other way (C-17, C-19).
#[inline(always)]
fn live_rule<T: Tables>(tables: &T, bench: &Bench<'_>, key: &FlowKey) -> u32 {
    if !key.is_flow() {
        return 0;
    }
    match tables.flow(key) {
        Some(cell) if bench.is_live(key, &cell.state()) => cell.state().rule,
        _ => 0,
    }
}
