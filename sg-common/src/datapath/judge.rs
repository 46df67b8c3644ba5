//! One interface's judgement of one packet, in the order of `docs/judgement.md` steps 5 to 9.

use crate::abi::event::VerdictRecord;
use crate::abi::flow::FlowBits;
use crate::abi::interface::InterfaceRecord;
use crate::abi::policy::Locator;
use crate::abi::settings::ticks;
use crate::abi::trace::StepCode;
use crate::abi::verdict::{DirectionCode, ReasonCode};

use super::access_list::{self, PASSES};
use super::flow_log::log;
use super::tables::{FlowState, Tables};
use super::trace::trace;
use super::tracking::timeout;
use super::tuple::{FlowKey, FragmentPlace, Packet, protocol, tcp};

/// Ticks for which a first fragment is remembered (C-30).
pub const FRAGMENT_LIFETIME: u32 = ticks(30);

/// A verdict with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[repr(C)]
pub struct Decision {
    /// Number of the deciding rule; 0 = none.
    pub rule: u32,
    /// Why; it implies allow or deny.
    pub reason: ReasonCode,
    reserved: [u8; 3],
}

impl Decision {
    /// A decision by a rule, or by the entry that it admitted.
    #[inline(always)]
    pub const fn by_rule(reason: ReasonCode, rule: u32) -> Self {
        Self { rule, reason, reserved: [0; 3] }
    }

    /// A decision that no rule had a part in.
    #[inline(always)]
    pub const fn without_rule(reason: ReasonCode) -> Self {
        Self::by_rule(reason, 0)
    }
}

/// Who judges, and what is known besides the packet.
pub struct Bench<'a> {
    /// The judging interface.
    pub interface: &'a InterfaceRecord,
    /// Its slot.
    pub slot: u32,
    /// Now.
    pub tick: u64,
    /// Packets that the frame stands for.
    pub packets: u32,
    /// Number of the sending interface, for inbound judgements; 0 = not an interface (E-10).
    pub sender: u32,
    /// As the judging interface sees it.
    pub direction: DirectionCode,
}

impl Bench<'_> {
    #[inline(always)]
    pub(super) fn outbound(&self) -> bool {
        self.direction.0 == DirectionCode::OUTBOUND.0
    }

    #[inline(always)]
    pub(super) fn opposite(&self) -> DirectionCode {
        if self.outbound() { DirectionCode::INBOUND } else { DirectionCode::OUTBOUND }
    }

    #[inline(always)]
    pub(super) fn is_live(&self, key: &FlowKey, state: &FlowState) -> bool {
        state.identity == key.identity()
            && age(self.tick, state.last_seen)
                < u64::from(timeout(key.family, key.protocol(), FlowBits(state.bits), self.interface))
    }
}

/// Ticks since a moment.
#[inline(always)]
pub fn age(tick: u64, moment: u64) -> u64 {
    // Another CPU may have written a later tick than this one has read.
    tick.saturating_sub(moment)
}

/// Judges a packet, counts it for the flow logs, and reports what is worth reporting.
#[inline(always)]
pub fn judge<T: Tables>(tables: &T, packet: &mut Packet, bench: &Bench<'_>) -> Decision {
    let decision = judge_unlogged(tables, packet, bench);
    log(tables, packet, bench, decision);
    decision
}

/// [`judge`] without the flow logs: for what the router says, which they never have (F-10).
#[inline(always)]
pub(super) fn judge_unlogged<T: Tables>(tables: &T, packet: &mut Packet, bench: &Bench<'_>) -> Decision {
    let decision = judge_fragment(tables, packet, bench);
    trace(tables, packet, bench, StepCode::VERDICT, u64::from(decision.reason.0), u64::from(decision.rule));
    if is_news(packet, bench.interface, decision.reason) {
        tables.report(packet, bench, decision);
    }
    decision
}

/// New flows and denials are always news; everything is while the interface is traced.
#[inline(always)]
fn is_news(packet: &Packet, interface: &InterfaceRecord, reason: ReasonCode) -> bool {
    let opens = reason == ReasonCode::RULE
        || (reason == ReasonCode::UNTRACKED
            && packet.tuple.protocol == protocol::TCP
            && packet.flags & (tcp::SYN | tcp::ACK) == tcp::SYN);
    opens || !reason.is_allow() || interface.flags & InterfaceRecord::FLAG_TRACE != 0
}

/// A judgement as it is reported.
#[inline(always)]
pub fn record_of(packet: &Packet, bench: &Bench<'_>, decision: Decision) -> VerdictRecord {
    VerdictRecord {
        source: packet.tuple.source,
        destination: packet.tuple.destination,
        tick: bench.tick,
        slot: bench.slot,
        number: bench.interface.number,
        rule: decision.rule,
        source_port: packet.tuple.source_port,
        destination_port: packet.tuple.destination_port,
        length: packet.length,
        reason: decision.reason.0,
        direction: bench.direction.0,
        protocol: packet.tuple.protocol,
        family: packet.family,
        flags: packet.flags,
        reserved: [0; 7],
    }
}

#[inline(always)]
fn judge_fragment<T: Tables>(tables: &T, packet: &mut Packet, bench: &Bench<'_>) -> Decision {
    if packet.fragment == FragmentPlace::LATER {
        tables.complete(packet, bench);
    }
    let decision = judge_at_border(tables, packet, bench);
    if packet.fragment == FragmentPlace::FIRST && decision.reason.is_allow() {
        tables.remember_fragment(packet, bench);
    }
    decision
}

/// Gives a later fragment the ports of its first one, if this bench remembers them: the default of [`Tables::complete`].
#[inline(always)]
pub fn complete<T: Tables>(tables: &T, packet: &mut Packet, bench: &Bench<'_>) {
    let first = tables.fragment(packet, bench);
    let is_known = first.identity == packet.fragment_identity()
        && age(bench.tick, first.seen) < u64::from(FRAGMENT_LIFETIME);
    // Both always written: the sender's bench has judged the same packet before.
    let ports = if is_known { first.ports } else { 0 };
    packet.ports_unknown = !is_known as u8;
    packet.tuple.source_port = (ports >> 16) as u16;
    packet.tuple.destination_port = ports as u16;
    trace(tables, packet, bench, StepCode::FRAGMENT, u64::from(is_known), u64::from(ports));
}

/// Asks the network ACL on the subnet's side of the groups: before them what comes in, after them what goes out (N-08).
#[inline(always)]
fn judge_at_border<T: Tables>(tables: &T, packet: &mut Packet, bench: &Bench<'_>) -> Decision {
    let crosses = packet.crosses_subnet != 0;
    if crosses && !bench.outbound() {
        let decision = tables.network_acl(packet, bench);
        if decision.reason != PASSES {
            return decision;
        }
    }
    let mut judged = tables.follow(packet, bench);
    if judged.reason == PASSES {
        judged = tables.match_rules(packet, bench);
        if judged.reason == PASSES {
            judged = tables.admit_packet(packet, bench, judged.rule);
        }
    }
    if crosses && bench.outbound() && judged.reason.is_allow() {
        let decision = tables.network_acl(packet, bench);
        if decision.reason != PASSES {
            return decision;
        }
    }
    judged
}

/// What the ACL of the judging interface's subnet decides: the default of [`Tables::network_acl`].
#[inline(always)]
pub fn network_acl<T: Tables>(tables: &T, packet: &Packet, bench: &Bench<'_>) -> Decision {
    let both = tables.access_lists(bench.slot);
    let (locator, remote) = if bench.outbound() {
        (Locator(both.outbound()), packet.tuple.destination)
    } else {
        (Locator(both.inbound()), packet.tuple.source)
    };
    let note = |b| trace(tables, packet, bench, StepCode::ACCESS_LIST, u64::from(locator.0), b);
    access_list::decide(tables.policy(locator), locator, packet, remote, note)
}

/// Locators of the judging interface's policies: of the packet's direction, and of the other one.
#[inline(always)]
pub(super) fn policies<T: Tables>(tables: &T, bench: &Bench<'_>) -> (u32, u32) {
    let both = tables.policies(bench.slot);
    if bench.outbound() { (both.outbound(), both.inbound()) } else { (both.inbound(), both.outbound()) }
}
