//! One interface's judgement of one packet, in the order of `docs/judgement.md` steps 5 to 9.

use crate::abi::address::Address;
use crate::abi::event::VerdictRecord;
use crate::abi::flow::{FlowBits, FlowEntry};
use crate::abi::interface::InterfaceRecord;
use crate::abi::policy::{Locator, WORD_GENERATION};
use crate::abi::settings::ticks;
use crate::abi::trace::{StepCode, pair};
use crate::abi::verdict::{DirectionCode, ReasonCode};

use super::access_list::{self, PASSES};
use super::rules::{Match, deciding_rule, is_asked_freely, returns_freely};
use super::search::Words;
use super::tables::{Admission, FlowCell, FlowState, MemberCell, Passage, Tables};
use super::trace::trace;
use super::tracking::{Standing, first_bits, is_syn, next_bits, standing, timeout};
use super::tuple::{FlowKey, FragmentPlace, Packet, protocol, tcp};

/// Ticks for which a first fragment is remembered (C-30).
pub const FRAGMENT_LIFETIME: u32 = ticks(30);

/// How often the owner of an address is looked up anew because its groups changed while its record was read.
const OWNER_TRIES: u32 = 3;

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
    fn outbound(&self) -> bool {
        self.direction.0 == DirectionCode::OUTBOUND.0
    }

    #[inline(always)]
    fn opposite(&self) -> DirectionCode {
        if self.outbound() { DirectionCode::INBOUND } else { DirectionCode::OUTBOUND }
    }

    #[inline(always)]
    fn is_live(&self, key: &FlowKey, state: &FlowState) -> bool {
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

/// Judges a packet and reports what is worth reporting.
#[inline(always)]
pub fn judge<T: Tables>(tables: &T, packet: &mut Packet, bench: &Bench<'_>) -> Decision {
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
    let is_known = first.known != 0 && age(bench.tick, first.seen) < u64::from(FRAGMENT_LIFETIME);
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

/// Which rule allows a packet that no live entry speaks for: [`PASSES`] with its number, or a denial. The default of
/// [`Tables::match_rules`].
#[inline(always)]
pub fn match_rules<T: Tables>(tables: &T, packet: &mut Packet, bench: &Bench<'_>) -> Decision {
    let (own, opposite) = policies(tables, bench);
    if own == 0 {
        return Decision::without_rule(ReasonCode::NO_POLICY);
    }
    trace(tables, packet, bench, StepCode::POLICY, pair(own, opposite), 0);
    let mut found = Match::default();
    if !find_rule(tables, packet, bench, own, &mut found) {
        return Decision::without_rule(ReasonCode::TORN_POLICY);
    }
    packet.open = found.open as u8;
    if found.rule != 0 {
        Decision::by_rule(PASSES, found.rule)
    } else if packet.ports_unknown != 0 {
        Decision::without_rule(ReasonCode::FRAGMENT_WITHOUT_FIRST)
    } else {
        Decision::without_rule(ReasonCode::NO_RULE)
    }
}

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

/// Locators of the judging interface's policies: of the packet's direction, and of the other one.
#[inline(always)]
fn policies<T: Tables>(tables: &T, bench: &Bench<'_>) -> (u32, u32) {
    let both = tables.policies(bench.slot);
    if bench.outbound() { (both.outbound(), both.inbound()) } else { (both.inbound(), both.outbound()) }
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
    let mut whole = false;
    let note = |step, a, b| trace(tables, packet, bench, step, a, b);
    for _ in 0..OWNER_TRIES {
        let Some(owner) = owner_of(tables, packet.family, remote, bench) else {
            *found = deciding_rule(&policy, packet, remote, None, note);
            whole = true;
            break;
        };
        let version = owner.version();
        *found = deciding_rule(&policy, packet, remote, Some(owner.record()), note);
        // A record is never changed in place: if it still is the address's own, it was all along.
        let still = tables.member(bench.interface.network, packet.family, remote);
        if still.is_some_and(|still| still.version() == version && still.is(&owner)) {
            whole = true;
            break;
        }
    }
    whole && policy.word(WORD_GENERATION) == locator.generation()
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
