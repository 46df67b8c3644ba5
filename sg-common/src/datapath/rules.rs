//! Which rule of a compiled policy allows a packet, if any.

use crate::abi::address::Family;
use crate::abi::member::{MAX_GROUPS, MemberRecord};
use crate::abi::policy::{
    ADDRESS_STEPS, Extent, GROUP_STEPS, PORT_STEPS, RETURN_TCP_IPV4, RETURN_TCP_IPV6, RETURN_UDP_IPV4,
    RETURN_UDP_IPV6, WORD_GROUPS, WORD_IPV4, WORD_IPV6, WORD_OPEN_IPV4, WORD_OPEN_IPV6, WORD_RETURN, WORD_RULES,
    port_key,
};

use super::search::{Words, search, search_wide};
use super::tuple::{Packet, protocol};
use crate::abi::address::Address;

/// The deciding rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// The rule's number.
    pub rule: u32,
    /// Whether its peer is `0.0.0.0/0` or `::/0` (C-03).
    pub open: bool,
}

const NO_RANK: u32 = u32::MAX;

/// Rank of the deciding rule in one ports table, or `NO_RANK`.
#[inline(always)]
fn rank_in<W: Words>(policy: &W, ports: Extent, key: u32) -> u32 {
    if ports.count() == 0 {
        return NO_RANK;
    }
    let index = search::<PORT_STEPS, W>(policy, ports.offset(), ports.count(), key);
    // 0, "none", becomes NO_RANK.
    policy.word(ports.offset().wrapping_add(ports.count()).wrapping_add(index)).wrapping_sub(1)
}

/// The rule that decides for a packet whose other end is `remote`, in the order of C-06: an open rule before any other,
/// then the oldest.
///
/// `owner` is the interface that owns `remote`, if group references may match it (E-06, E-10).
#[inline(always)]
pub fn deciding_rule<W: Words>(
    policy: &W,
    packet: &Packet,
    remote: Address,
    owner: Option<&MemberRecord>,
) -> Option<Match> {
    let v4 = packet.family == Family::V4.0;
    let key = port_key(Family(packet.family), packet.tuple.protocol, packet.tuple.destination_port);
    let open = Extent(policy.word(if v4 { WORD_OPEN_IPV4 } else { WORD_OPEN_IPV6 }));
    let rank = rank_in(policy, open, key);
    if rank != NO_RANK {
        return Some(Match { rule: rule_number(policy, rank), open: true });
    }
    let mut best = rank_in(policy, ports_of_address(policy, v4, remote), key);
    let groups = Extent(policy.word(WORD_GROUPS));
    if let Some(owner) = owner {
        if groups.count() != 0 {
            for index in 0..MAX_GROUPS {
                if index as u32 >= owner.count {
                    break;
                }
                let rank = rank_in(policy, ports_of_group(policy, groups, owner.groups[index]), key);
                if rank < best {
                    best = rank;
                }
            }
        }
    }
    if best == NO_RANK { None } else { Some(Match { rule: rule_number(policy, best), open: false }) }
}

#[inline(always)]
fn rule_number<W: Words>(policy: &W, rank: u32) -> u32 {
    policy.word(Extent(policy.word(WORD_RULES)).offset().wrapping_add(rank))
}

#[inline(always)]
fn ports_of_address<W: Words>(policy: &W, v4: bool, remote: Address) -> Extent {
    let table = Extent(policy.word(if v4 { WORD_IPV4 } else { WORD_IPV6 }));
    if table.count() == 0 {
        return Extent(0);
    }
    let (index, width) = if v4 {
        (search::<ADDRESS_STEPS, W>(policy, table.offset(), table.count(), remote.low32()), 1)
    } else {
        (search_wide::<ADDRESS_STEPS, W>(policy, table.offset(), table.count(), remote), 4)
    };
    let values = table.offset().wrapping_add(table.count().wrapping_mul(width));
    Extent(policy.word(values.wrapping_add(index)))
}

#[inline(always)]
fn ports_of_group<W: Words>(policy: &W, table: Extent, group: u32) -> Extent {
    let index = search::<GROUP_STEPS, W>(policy, table.offset(), table.count(), group);
    if policy.word(table.offset().wrapping_add(index)) != group {
        return Extent(0);
    }
    Extent(policy.word(table.offset().wrapping_add(table.count()).wrapping_add(index)))
}

/// Whether the policy of the opposite direction lets every reply through by itself, so that the flow needs no entry
/// (C-03, C-04).
#[inline(always)]
pub fn returns_freely<W: Words>(opposite: &W, packet: &Packet) -> bool {
    let v4 = packet.family == Family::V4.0;
    let bit = match packet.tuple.protocol {
        protocol::TCP => {
            if v4 {
                RETURN_TCP_IPV4
            } else {
                RETURN_TCP_IPV6
            }
        }
        protocol::UDP => {
            if v4 {
                RETURN_UDP_IPV4
            } else {
                RETURN_UDP_IPV6
            }
        }
        _ => return false,
    };
    opposite.word(WORD_RETURN) & bit != 0
}
