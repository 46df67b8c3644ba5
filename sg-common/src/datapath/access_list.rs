//! What a subnet's network ACL says to a packet: the first entry by number that matches decides, without memory (N-03).

use crate::abi::address::{Address, Family};
use crate::abi::policy::{
    ALLOWS_ALL_IPV4, ALLOWS_ALL_IPV6, ENTRY_DENIES, Extent, Locator, WORD_ALLOWS_ALL, WORD_GENERATION,
    WORD_RULES,
};
use crate::abi::trace::pair;
use crate::abi::verdict::ReasonCode;

use super::judge::Decision;
use super::rules::{NO_RANK, PolicyTables};
use super::tuple::Packet;

/// The implicit last entry for IPv4, which denies (N-04).
const DEFAULT_DENY_IPV4: u32 = 32_767;
/// The implicit last entry for IPv6 (N-04).
const DEFAULT_DENY_IPV6: u32 = 32_768;

/// The answer of a step that lets a packet through to the next one: the judgement goes on. A denial by its number, so that
/// a judgement which ended with it, by whatever mistake, would deny.
pub const PASSES: ReasonCode = ReasonCode(u8::MAX);

const _: () = assert!(!PASSES.is_allow());

/// What the ACL behind `locator` decides for a packet whose other end is `remote`: [`PASSES`], or a denial with the number
/// of the entry. Without an ACL everything is denied. `note` hears the table's answer.
#[inline(always)]
pub fn decide<P: PolicyTables>(
    acl: Option<P>,
    locator: Locator,
    packet: &Packet,
    remote: Address,
    note: impl Fn(u64),
) -> Decision {
    let v4 = packet.family == Family::V4.0;
    let implicit = if v4 { DEFAULT_DENY_IPV4 } else { DEFAULT_DENY_IPV6 };
    let Some(acl) = acl else { return Decision::by_rule(ReasonCode::NETWORK_ACL, implicit) };
    if locator.0 == 0 {
        return Decision::by_rule(ReasonCode::NETWORK_ACL, implicit);
    }
    let everything = if v4 { ALLOWS_ALL_IPV4 } else { ALLOWS_ALL_IPV6 };
    let mut number = 0;
    if acl.word(WORD_ALLOWS_ALL) & everything != 0 {
        // The first entry decides.
        note(pair(0, 0));
    } else {
        let ports = if v4 { acl.ports_of_ipv4(remote.low32()) } else { acl.ports_of_ipv6(remote) };
        let rank = acl.rank_in(ports, packet.port_key());
        note(pair(ports.0, rank));
        number = if rank == NO_RANK {
            implicit | ENTRY_DENIES
        } else {
            acl.word(Extent(acl.word(WORD_RULES)).offset().wrapping_add(rank))
        };
    }
    if acl.word(WORD_GENERATION) != locator.generation() {
        Decision::without_rule(ReasonCode::TORN_POLICY)
    } else if number & ENTRY_DENIES != 0 {
        Decision::by_rule(ReasonCode::NETWORK_ACL, number & !ENTRY_DENIES)
    } else {
        Decision::without_rule(PASSES)
    }
}
