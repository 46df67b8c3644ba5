//! One interface's judgement of one packet, in the order of `docs/judgement.md` steps 5 to 9.

use crate::abi::address::Address;
use crate::abi::event::VerdictRecord;
use crate::abi::flow::{FlowBits, FlowEntry};
use crate::abi::interface::InterfaceRecord;
use crate::abi::policy::{Locator, WORD_GENERATION};
use crate::abi::settings::ticks;
use crate::abi::verdict::{DirectionCode, ReasonCode};

use super::rules::{Match, deciding_rule, is_asked_freely, returns_freely};
use super::search::Words;
use super::tables::{FlowCell, FlowState, MemberCell, Passage, Tables};
use super::tracking::{Standing, first_bits, is_syn, next_bits, standing, timeout};
use super::tuple::{FlowKey, FragmentPlace, Packet, protocol, tcp};

/// Ticks for which a first fragment is remembered (C-30).
pub const FRAGMENT_LIFETIME: u32 = ticks(30);
/// A tick read just before another CPU wrote a later one: less than this is no age at all.
const CLOCK_SLACK: u32 = 1 << 12;

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
    pub tick: u32,
    /// Packets that the frame stands for.
    pub packets: u32,
    /// Number of the sending interface, for inbound judgements; 0 = not an interface (E-10).
    pub sender: u32,
    /// As the judging interface sees it.
    pub direction: DirectionCode,
}

impl Bench<'_> {
    #[inline(always)]
    fn outbound(&self) -> bool {
        self.direction.0 == DirectionCode::OUTBOUND.0
    }

    #[inline(always)]
    fn opposite(&self) -> DirectionCode {
        if self.outbound() { DirectionCode::INBOUND } else { DirectionCode::OUTBOUND }
    }

    #[inline(always)]
    fn is_live(&self, family: u8, ip_protocol: u8, state: &FlowState) -> bool {
        age(self.tick, state.last_seen) < timeout(family, ip_protocol, FlowBits(state.bits), self.interface)
    }
}

/// Ticks since a moment.
#[inline(always)]
pub fn age(tick: u32, moment: u32) -> u32 {
    let age = tick.wrapping_sub(moment);
    if age > u32::MAX - CLOCK_SLACK { 0 } else { age }
}

/// Judges a packet and reports what is worth reporting.
#[inline(always)]
pub fn judge<T: Tables>(tables: &T, packet: &mut Packet, bench: &Bench<'_>) -> Decision {
    let decision = judge_fragment(tables, packet, bench);
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
        reserved: [0; 3],
    }
}

#[inline(always)]
fn judge_fragment<T: Tables>(tables: &T, packet: &mut Packet, bench: &Bench<'_>) -> Decision {
    if packet.fragment == FragmentPlace::LATER {
        let first = tables.fragment(packet, bench);
        if first.known == 0 || age(bench.tick, first.seen) >= FRAGMENT_LIFETIME {
            return Decision::without_rule(ReasonCode::FRAGMENT_WITHOUT_FIRST);
        }
        packet.tuple.source_port = (first.ports >> 16) as u16;
        packet.tuple.destination_port = first.ports as u16;
    }
    let decision = judge_flow(tables, packet, bench);
    if packet.fragment == FragmentPlace::FIRST && decision.reason.is_allow() {
        tables.remember_fragment(packet, bench);
    }
    decision
}

#[inline(always)]
fn judge_flow<T: Tables>(tables: &T, packet: &Packet, bench: &Bench<'_>) -> Decision {
    let key = packet.tuple.flow_key(packet.family, bench.interface.number, bench.direction);
    let mut starts_over = false;
    if key.is_flow()
        && let Some(cell) = tables.flow(&key)
    {
        let state = cell.state();
        if bench.is_live(packet.family, packet.tuple.protocol, &state) {
            match standing(packet.tuple.protocol, FlowBits(state.bits), packet.flags) {
                Standing::Continues => return continue_flow(tables, packet, bench, &key, cell, state),
                Standing::Closed => return Decision::by_rule(ReasonCode::FLOW_CLOSED, state.rule),
                Standing::StartsOver => starts_over = true,
            }
        }
    }
    if packet.has_about != 0 {
        let rule = related_rule(tables, packet, bench);
        if rule != 0 {
            return Decision::by_rule(ReasonCode::RELATED, rule);
        }
    }
    let decision = judge_new(tables, packet, bench, &key);
    if starts_over && decision.reason == ReasonCode::UNTRACKED {
        tables.remove(&key);
    }
    decision
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

/// Number of the rule behind the live flow that an ICMP error is about, one whose packet went the other way (C-17, C-19);
/// 0 = there is none.
#[inline(always)]
fn related_rule<T: Tables>(tables: &T, packet: &Packet, bench: &Bench<'_>) -> u32 {
    let key = packet.about.flow_key(packet.family, bench.interface.number, bench.opposite());
    if !key.is_flow() {
        return 0;
    }
    match tables.flow(&key) {
        Some(cell) if bench.is_live(packet.family, packet.about.protocol, &cell.state()) => cell.state().rule,
        _ => 0,
    }
}

#[inline(always)]
fn judge_new<T: Tables>(tables: &T, packet: &Packet, bench: &Bench<'_>, key: &FlowKey) -> Decision {
    let pair = tables.policies(bench.slot);
    let (own, opposite) =
        if bench.outbound() { (pair.outbound(), pair.inbound()) } else { (pair.inbound(), pair.outbound()) };
    if own == 0 {
        return Decision::without_rule(ReasonCode::NO_POLICY);
    }
    let mut found = Match::default();
    if !find_rule(tables, packet, bench, own, &mut found) {
        return Decision::without_rule(ReasonCode::TORN_POLICY);
    }
    if found.rule == 0 {
        return Decision::without_rule(ReasonCode::NO_RULE);
    }
    if !packet.tuple.opens_flow(packet.family) || needs_no_entry(tables, packet, own, opposite, found) {
        return Decision::by_rule(ReasonCode::UNTRACKED, found.rule);
    }
    let mut entry = FlowEntry {
        last_seen: bench.tick,
        rule: found.rule,
        bits: first_bits(packet.tuple.protocol, bench.outbound(), packet.flags).0,
        opened: bench.tick,
        ..FlowEntry::default()
    };
    if bench.outbound() {
        entry.packets_out = u64::from(bench.packets);
        entry.bytes_out = u64::from(packet.length);
    } else {
        entry.packets_in = u64::from(bench.packets);
        entry.bytes_in = u64::from(packet.length);
    }
    match tables.admit(key, &entry) {
        Ok(()) => Decision::by_rule(ReasonCode::RULE, found.rule),
        Err(_) => Decision::by_rule(ReasonCode::FLOW_TABLE_FULL, found.rule),
    }
}

/// Looks for the deciding rule. False where the memory of the policy, or of the owner of an address, was used again
/// meanwhile.
#[inline(always)]
fn find_rule<T: Tables>(
    tables: &T,
    packet: &Packet,
    bench: &Bench<'_>,
    locator: u32,
    found: &mut Match,
) -> bool {
    let locator = Locator(locator);
    let Some(policy) = tables.policy(locator) else { return false };
    if policy.word(WORD_GENERATION) != locator.generation() {
        return false;
    }
    let remote = if bench.outbound() { packet.tuple.destination } else { packet.tuple.source };
    match owner_of(tables, packet.family, remote, bench) {
        None => *found = deciding_rule(&policy, packet, remote, None),
        Some(owner) => {
            let version = owner.version();
            *found = deciding_rule(&policy, packet, remote, Some(owner.record()));
            if owner.version() != version {
                return false;
            }
        }
    }
    policy.word(WORD_GENERATION) == locator.generation()
}

/// The interface whose groups a reference may match: the destination's owner, or the sender if the source is its own
/// address (E-06, E-10).
#[inline(always)]
fn owner_of<T: Tables>(tables: &T, family: u8, remote: Address, bench: &Bench<'_>) -> Option<T::Member> {
    if !bench.outbound() && bench.sender == 0 {
        return None;
    }
    let owner = tables.member(bench.interface.network, family, remote)?;
    if bench.outbound() || owner.record().number == bench.sender { Some(owner) } else { None }
}

/// Whether a packet that a rule allows is judged by rules alone: a TCP reset, and TCP and UDP of an untracked flow, asked
/// or answered (C-03, C-16).
#[inline(always)]
fn needs_no_entry<T: Tables>(tables: &T, packet: &Packet, own: u32, opposite: u32, found: Match) -> bool {
    if packet.tuple.protocol == protocol::TCP && packet.flags & tcp::RST != 0 {
        return true;
    }
    if !found.open || opposite == 0 {
        return false;
    }
    let (own, opposite) = (Locator(own), Locator(opposite));
    let (Some(own_policy), Some(opposite_policy)) = (tables.policy(own), tables.policy(opposite)) else {
        return false;
    };
    let asks = packet.tuple.protocol == protocol::TCP && is_syn(packet.flags);
    let freely = returns_freely(&opposite_policy, packet)
        || (!asks && returns_freely(&own_policy, packet) && is_asked_freely(&opposite_policy, packet));
    freely
        && own_policy.word(WORD_GENERATION) == own.generation()
        && opposite_policy.word(WORD_GENERATION) == opposite.generation()
}
