//! Step 9 of `docs/judgement.md`: whether a packet that a rule allows makes an entry.

use crate::abi::flow::FlowEntry;
use crate::abi::policy::{Locator, WORD_GENERATION};
use crate::abi::verdict::ReasonCode;

use super::judge::{Bench, Decision, policies};
use super::rules::{is_asked_freely, returns_freely};
use super::search::Words;
use super::tables::{Admission, Tables};
use super::tracking::{first_bits, is_syn};
use super::tuple::{Packet, protocol, tcp};

/// Whether a packet that this rule allows is tracked from here on. The default of [`Tables::admit_packet`].
#[inline(always)]
pub fn admit_packet<T: Tables>(tables: &T, packet: &Packet, bench: &Bench<'_>, rule: u32) -> Decision {
    if packet.ports_unknown != 0 {
        return Decision::by_rule(ReasonCode::UNTRACKED, rule);
    }
    let key = packet.tuple.flow_key(packet.family, bench.interface.number, bench.direction);
    if !packet.tuple.opens_flow(packet.family) || needs_no_entry(tables, packet, bench) {
        if packet.entry == Packet::ENTRY_STARTS_OVER {
            tables.remove(&key, bench.interface.allowance);
        }
        return Decision::by_rule(ReasonCode::UNTRACKED, rule);
    }
    let (packets, bytes) = (u64::from(bench.packets), u64::from(packet.length));
    let (packets_in, bytes_in) = if bench.outbound() { (0, 0) } else { (packets, bytes) };
    let entry = FlowEntry {
        last_seen: bench.tick,
        identity: key.identity(),
        rule,
        bits: first_bits(packet.tuple.protocol, bench.outbound(), packet.flags).0,
        packets_in,
        bytes_in,
        packets_out: packets - packets_in,
        bytes_out: bytes - bytes_in,
    };
    let reason =
        match tables.admit(&key, entry, bench.interface.allowance, packet.entry != Packet::ENTRY_NONE) {
            Admission::ADMITTED => ReasonCode::RULE,
            Admission::ALLOWANCE_EXCEEDED => ReasonCode::CONNECTION_ALLOWANCE_EXCEEDED,
            _ => ReasonCode::FLOW_TABLE_FULL,
        };
    Decision::by_rule(reason, rule)
}

/// Whether a packet that a rule allows is judged by rules alone: a TCP reset; TCP and UDP of an untracked flow, asked or
/// answered (C-03, C-16); and TCP that an open rule allows in mid-stream, or what is left of an untracked flow would make
/// an entry and outlive the rules that are gone (C-12).
#[inline(always)]
fn needs_no_entry<T: Tables>(tables: &T, packet: &Packet, bench: &Bench<'_>) -> bool {
    let is_tcp = packet.tuple.protocol == protocol::TCP;
    if is_tcp && packet.flags & tcp::RST != 0 {
        return true;
    }
    if packet.open == 0 {
        return false;
    }
    if is_tcp && !is_syn(packet.flags) {
        return true;
    }
    let (own, opposite) = policies(tables, bench);
    if own == 0 || opposite == 0 {
        return false;
    }
    let (own, opposite) = (Locator(own), Locator(opposite));
    let (Some(own_policy), Some(opposite_policy)) = (tables.policy(own), tables.policy(opposite)) else {
        return false;
    };
    let freely = returns_freely(&opposite_policy, packet)
        || (!is_tcp && returns_freely(&own_policy, packet) && is_asked_freely(&opposite_policy, packet));
    freely
        && own_policy.word(WORD_GENERATION) == own.generation()
        && opposite_policy.word(WORD_GENERATION) == opposite.generation()
}
