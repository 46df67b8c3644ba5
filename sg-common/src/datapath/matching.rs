//! Step 8 of `docs/judgement.md`: which rule of the judging interface's groups allows a packet.

use crate::abi::address::Address;
use crate::abi::policy::{Locator, WORD_GENERATION};
use crate::abi::trace::{StepCode, pair};
use crate::abi::verdict::ReasonCode;

use super::access_list::PASSES;
use super::judge::{Bench, Decision, policies};
use super::rules::{Match, deciding_rule};
use super::search::Words;
use super::tables::{MemberCell, Tables};
use super::trace::trace;
use super::tuple::Packet;

/// How often the owner of an address is looked up anew because its groups changed while its record was read.
const OWNER_TRIES: u32 = 3;

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
