//! Layout of a compiled policy: everything that one distinct set of groups allows in one direction, or what one network ACL
//! does in one direction.
//!
//! A policy is a run of `u32` words inside a chunk (one element of an array map). All questions are the same question,
//! "in which interval does this key fall, and what holds there", so there is one kind of table: `count` sorted lower
//! bounds, then `count` values. The first bound is 0, so that every key falls somewhere.
//!
//! | table | key | value |
//! | --- | --- | --- |
//! | ports | whether the port is known, family, protocol, destination port (see [`port_key`]) | rank + 1 of the deciding rule, 0 = none |
//! | IPv4, IPv6 | remote address (IPv6: four words a bound) | `Extent` of a ports table, 0 = none |
//! | groups | number of a referenced group (must be equal) | `Extent` of a ports table |
//!
//! A rule's rank is its place among the policy's rules in the order in which they decide: open rules first, then by
//! age (C-06). `rules[rank]` is the rule's number. An ACL's entries rank by their numbers (N-03), its blocks of any length
//! lie in the address tables, and `rules[rank]` is the entry's number, with [`ENTRY_DENIES`] if it denies.

use super::address::Family;

/// Words of a chunk: 1 MiB.
pub const CHUNK_WORDS: u32 = 1 << EXTENT_SHIFT << 16;
/// A table starts at a multiple of 2^this many words.
pub const EXTENT_SHIFT: u32 = 2;
/// A policy starts at a multiple of this many words.
pub const GRANULE_WORDS: u32 = 16;
/// Granules of a chunk.
pub const CHUNK_GRANULES: u32 = CHUNK_WORDS / GRANULE_WORDS;

/// Word of the header that holds the policy's generation.
pub const WORD_GENERATION: u32 = 0;
/// Total words, header included.
pub const WORD_LENGTH: u32 = 1;
/// `Extent` of the rule numbers by rank.
pub const WORD_RULES: u32 = 2;
/// `Extent` of the ports table of `0.0.0.0/0`.
pub const WORD_OPEN_IPV4: u32 = 3;
/// `Extent` of the ports table of `::/0`.
pub const WORD_OPEN_IPV6: u32 = 4;
/// `Extent` of the IPv4 table.
pub const WORD_IPV4: u32 = 5;
/// `Extent` of the IPv6 table.
pub const WORD_IPV6: u32 = 6;
/// `Extent` of the groups table.
pub const WORD_GROUPS: u32 = 7;
/// `RETURN_*`: what this direction lets return untracked (C-03).
pub const WORD_RETURN: u32 = 8;
/// `ALLOWS_ALL_*`: families of which an ACL's first entry lets everything through.
pub const WORD_ALLOWS_ALL: u32 = 9;
/// Words of the header.
pub const HEADER_WORDS: u32 = 16;

/// An open IPv4 rule covers every TCP port.
pub const RETURN_TCP_IPV4: u32 = 1;
/// An open IPv4 rule covers every UDP port.
pub const RETURN_UDP_IPV4: u32 = 2;
/// An open IPv6 rule covers every TCP port.
pub const RETURN_TCP_IPV6: u32 = 4;
/// An open IPv6 rule covers every UDP port.
pub const RETURN_UDP_IPV6: u32 = 8;

/// An ACL lets all IPv4 through.
pub const ALLOWS_ALL_IPV4: u32 = 1;
/// An ACL lets all IPv6 through.
pub const ALLOWS_ALL_IPV6: u32 = 2;

/// In the number of an ACL's entry: it denies.
pub const ENTRY_DENIES: u32 = 1 << 31;

/// Steps of the search in a ports table: at most 2^13 − 1 bounds. The 1 000 rules of Q-04 need 4 001, in two families, and
/// those that cover every port of one of 256 protocols four more each.
pub const PORT_STEPS: u32 = 13;
/// Steps of the search in an address table: at most 2^13 − 1 bounds.
pub const ADDRESS_STEPS: u32 = 13;
/// Steps of the search in the groups table: at most 2^10 − 1 references.
pub const GROUP_STEPS: u32 = 10;

/// Where a table is: first word (from the policy's start, in units of 2^[`EXTENT_SHIFT`]) in the upper 16 bits, count of
/// bounds in the lower 16.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent(pub u32);

impl Extent {
    /// A table of `count` bounds at `units` of 2^[`EXTENT_SHIFT`] words.
    pub const fn new(units: u16, count: u16) -> Self {
        Self((units as u32) << 16 | count as u32)
    }

    /// First word.
    #[inline(always)]
    pub const fn offset(self) -> u32 {
        self.0 >> 16 << EXTENT_SHIFT
    }

    /// Count of bounds.
    #[inline(always)]
    pub const fn count(self) -> u32 {
        self.0 & 0xffff
    }
}

/// Where a policy is: generation in the upper 10 bits, granule in the lower 22. 0 = no policy.
///
/// The generation is also in the policy's header. If they differ, the words were reused and the slot must be read again.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Locator(pub u32);

impl Locator {
    /// Generations; 0 is not used, so that no locator is 0.
    pub const GENERATIONS: u32 = 1 << 10;

    /// A policy of this generation at this granule.
    pub const fn new(generation: u32, granule: u32) -> Self {
        Self(generation << 22 | granule)
    }

    /// Its generation.
    #[inline(always)]
    pub const fn generation(self) -> u32 {
        self.0 >> 22
    }

    /// Its first granule, counted over all chunks.
    #[inline(always)]
    pub const fn granule(self) -> u32 {
        self.0 & 0x3f_ffff
    }

    /// Index of its chunk.
    #[inline(always)]
    pub const fn chunk(self) -> u32 {
        self.granule() / CHUNK_GRANULES
    }

    /// Its first word in the chunk.
    #[inline(always)]
    pub const fn word(self) -> u32 {
        (self.granule() % CHUNK_GRANULES) * GRANULE_WORDS
    }
}

/// The bit of a ports table's key that tells IPv6 from IPv4: a referenced group has members of both families, and an
/// `icmp` rule matches IPv4 only.
pub const KEY_IPV6: u32 = 1 << 24;
/// The bit of a ports table's key for a later fragment whose first one is not known: what covers every port of its
/// protocol covers it, whatever its port is (C-30).
pub const KEY_ANY_PORT: u32 = 1 << 25;
/// One more than the greatest key of a ports table.
pub const KEY_END: u32 = 1 << 26;

/// Key into a ports table of a packet whose port is known: the family in bit 24, the protocol in bits 16 to 23, the destination port (ICMP: type << 8 |
/// code) in the lower 16.
#[inline(always)]
pub const fn port_key(family: Family, protocol: u8, port: u16) -> u32 {
    let family = if family.0 == Family::V6.0 { KEY_IPV6 } else { 0 };
    family | (protocol as u32) << 16 | port as u32
}
