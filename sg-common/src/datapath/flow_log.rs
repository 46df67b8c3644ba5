//! What a judgement leaves in the flow log's table, and which judgements do.

use crate::abi::flow_log::{FlowLogEntry, FlowLogKey};
use crate::abi::interface::InterfaceRecord;
use crate::abi::verdict::ReasonCode;

use super::judge::{Bench, Decision};
use super::tables::Tables;
use super::tuple::{Packet, protocol, tcp};

/// Counts a judged packet, if a flow log covers the interface. Without one it costs the test of a bit.
#[inline(always)]
pub(super) fn log<T: Tables>(tables: &T, packet: &Packet, bench: &Bench<'_>, decision: Decision) {
    if bench.interface.flags & InterfaceRecord::FLAG_FLOW_LOG != 0 && is_logged(decision.reason) {
        tables.log_flow(packet, bench, decision);
    }
}

/// Whether packets with this reason are ever logged: not those of the services that nothing filters, nor neighbour discovery
/// (F-10), nor what has no five fields to log.
#[inline(always)]
fn is_logged(reason: ReasonCode) -> bool {
    !matches!(reason, ReasonCode::EXEMPT | ReasonCode::NEIGHBOUR | ReasonCode::MALFORMED | ReasonCode::NOT_IP)
}

/// Where a judged packet is counted.
#[inline(always)]
pub fn key_of(packet: &Packet, bench: &Bench<'_>, decision: Decision, epoch: u32) -> FlowLogKey {
    let tuple = &packet.tuple;
    let has_ports = tuple.protocol == protocol::TCP || tuple.protocol == protocol::UDP;
    let ports = (tuple.source_port as u32) << 16 | tuple.destination_port as u32;
    let verdict = if decision.reason.is_allow() {
        FlowLogKey::VERDICT_ACCEPT
    } else if decision.reason == ReasonCode::NETWORK_ACL {
        FlowLogKey::VERDICT_REJECT_BY_ACL
    } else {
        FlowLogKey::VERDICT_REJECT
    };
    FlowLogKey {
        source: tuple.source,
        destination: tuple.destination,
        interface_protocol: bench.interface.number << 8 | tuple.protocol as u32,
        ports: if has_ports { ports } else { 0 },
        epoch,
        rule: decision.rule,
        family: packet.family,
        direction: bench.direction.0,
        verdict,
        reserved: [0; 5],
    }
}

/// What a judged packet adds there.
#[inline(always)]
pub fn entry_of(packet: &Packet, bench: &Bench<'_>, reason: ReasonCode) -> FlowLogEntry {
    FlowLogEntry {
        packets: bench.packets as u64,
        bytes: packet.length as u64,
        first_seen: bench.tick,
        last_seen: bench.tick,
        reasons: 1 << (reason.0 & 63),
        flags: logged_flags(packet.flags) as u32,
        reserved: 0,
    }
}

/// TCP flags as flow logs have them (F-07): ACK counts only beside SYN.
#[inline(always)]
fn logged_flags(flags: u8) -> u8 {
    let counted = tcp::FIN | tcp::SYN | tcp::RST;
    let counted = if flags & tcp::SYN != 0 { counted | tcp::ACK } else { counted };
    flags & counted
}
