//! Which rule of a compiled policy allows a packet, if any.

use crate::abi::address::Family;
use crate::abi::member::{MAX_GROUPS, MemberRecord};
use crate::abi::policy::{
    ADDRESS_STEPS, Extent, GROUP_STEPS, PORT_STEPS, RETURN_TCP_IPV4, RETURN_TCP_IPV6, RETURN_UDP_IPV4,
    RETURN_UDP_IPV6, WORD_GROUPS, WORD_IPV4, WORD_IPV6, WORD_OPEN_IPV4, WORD_OPEN_IPV6, WORD_RETURN,
    WORD_RULES, port_key,
};

use crate::abi::trace::{StepCode, pair};

use super::search::{Words, search, search_wide};
use super::tuple::{Packet, protocol};
use crate::abi::address::Address;

/// The deciding rule. Not an `Option`: see `Receiver`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// The rule's number; 0 = none.
    pub rule: u32,
    /// Whether its peer is `0.0.0.0/0` or `::/0` (C-03).
    pub open: bool,
}

/// No rule.
pub const NO_RANK: u32 = u32::MAX;

/// A policy's tables. The provided methods are the whole implementation; the kernel's shell overrides each by a function
/// of its own around the same code, which the verifier checks once instead of once for every path that leads to it.
pub trait PolicyTables: Words + Sized {
    /// Rank of the deciding rule in a ports table, or [`NO_RANK`].
    #[inline(always)]
    fn rank_in(&self, ports: Extent, key: u32) -> u32 {
        rank_in(self, ports, key)
    }

    /// The ports table of an IPv4 address.
    #[inline(always)]
    fn ports_of_ipv4(&self, address: u32) -> Extent {
        ports_of_ipv4(self, address)
    }

    /// The ports table of an IPv6 address.
    #[inline(always)]
    fn ports_of_ipv6(&self, address: Address) -> Extent {
        ports_of_ipv6(self, address)
    }

    /// The ports table of a referenced group.
    #[inline(always)]
    fn ports_of_group(&self, group: u32) -> Extent {
        ports_of_group(self, group)
    }
}

/// [`PolicyTables::rank_in`].
#[inline(always)]
pub fn rank_in<W: Words>(policy: &W, ports: Extent, key: u32) -> u32 {
    if ports.count() == 0 {
        return NO_RANK;
    }
    let index = search::<PORT_STEPS, W>(policy, ports.offset(), ports.count(), key);
    // 0, "none", becomes NO_RANK.
    policy.word(ports.offset().wrapping_add(ports.count()).wrapping_add(index)).wrapping_sub(1)
}

/// [`PolicyTables::ports_of_ipv4`].
#[inline(always)]
pub fn ports_of_ipv4<W: Words>(policy: &W, address: u32) -> Extent {
    let table = Extent(policy.word(WORD_IPV4));
    if table.count() == 0 {
        return Extent(0);
    }
    let index = search::<ADDRESS_STEPS, W>(policy, table.offset(), table.count(), address);
    Extent(policy.word(table.offset().wrapping_add(table.count()).wrapping_add(index)))
}

/// [`PolicyTables::ports_of_ipv6`].
#[inline(always)]
pub fn ports_of_ipv6<W: Words>(policy: &W, address: Address) -> Extent {
    let table = Extent(policy.word(WORD_IPV6));
    if table.count() == 0 {
        return Extent(0);
    }
    let index = search_wide::<ADDRESS_STEPS, W>(policy, table.offset(), table.count(), address);
    let values = table.offset().wrapping_add(table.count().wrapping_mul(4));
    Extent(policy.word(values.wrapping_add(index)))
}

/// [`PolicyTables::ports_of_group`].
#[inline(always)]
pub fn ports_of_group<W: Words>(policy: &W, group: u32) -> Extent {
    let table = Extent(policy.word(WORD_GROUPS));
    let index = search::<GROUP_STEPS, W>(policy, table.offset(), table.count(), group);
    if table.count() == 0 || policy.word(table.offset().wrapping_add(index)) != group {
        return Extent(0);
    }
    Extent(policy.word(table.offset().wrapping_add(table.count()).wrapping_add(index)))
}

/// The rule that decides for a packet whose other end is `remote`, in the order of C-06: an open rule before any other,
/// then the oldest.
///
/// `owner` is the interface that owns `remote`, if group references may match it (E-06, E-10). `note` hears every table's
/// answer.
#[inline(always)]
pub fn deciding_rule<P: PolicyTables>(
    policy: &P,
    packet: &Packet,
    remote: Address,
    owner: Option<&MemberRecord>,
    note: impl Fn(StepCode, u64, u64),
) -> Match {
    let v4 = packet.family == Family::V4.0;
    let key = packet.port_key();
    let open = Extent(policy.word(if v4 { WORD_OPEN_IPV4 } else { WORD_OPEN_IPV6 }));
    let rank = policy.rank_in(open, key);
    note(StepCode::OPEN, pair(open.0, key), u64::from(rank));
    if rank != NO_RANK {
        return Match { rule: rule_number(policy, rank), open: true };
    }
    let ports = if v4 { policy.ports_of_ipv4(remote.low32()) } else { policy.ports_of_ipv6(remote) };
    let mut best = policy.rank_in(ports, key);
    note(StepCode::ADDRESS, pair(ports.0, key), u64::from(best));
    if let Some(owner) = owner
        && Extent(policy.word(WORD_GROUPS)).count() != 0
    {
        note(StepCode::OWNER, u64::from(owner.number), u64::from(owner.count));
        for index in 0..MAX_GROUPS {
            if index as u32 >= owner.count {
                break;
            }
            let group = owner.groups[index];
            let ports = policy.ports_of_group(group);
            let rank = policy.rank_in(ports, key);
            note(StepCode::GROUP, pair(group, ports.0), u64::from(rank));
            best = best.min(rank);
        }
    }
    if best == NO_RANK { Match::default() } else { Match { rule: rule_number(policy, best), open: false } }
}

#[inline(always)]
fn rule_number<W: Words>(policy: &W, rank: u32) -> u32 {
    policy.word(Extent(policy.word(WORD_RULES)).offset().wrapping_add(rank))
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

/// Whether the opposite direction's policy, by an open rule, lets in what this packet answers: the packet turned round
/// (C-16).
#[inline(always)]
pub fn is_asked_freely<P: PolicyTables>(opposite: &P, packet: &Packet) -> bool {
    let v4 = packet.family == Family::V4.0;
    let open = Extent(opposite.word(if v4 { WORD_OPEN_IPV4 } else { WORD_OPEN_IPV6 }));
    let key = port_key(Family(packet.family), packet.tuple.protocol, packet.tuple.source_port);
    opposite.rank_in(open, key) != NO_RANK
}
