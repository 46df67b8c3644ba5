//! What a judgement asks of its surroundings. The kernel answers from maps, the host from memory.

use crate::abi::flow::FlowEntry;
use crate::abi::fragment::FragmentPorts;
use crate::abi::interface::{InterfaceRecord, PolicyPair};
use crate::abi::member::MemberRecord;
use crate::abi::network::NetworkRecord;
use crate::abi::policy::Locator;
use crate::abi::trace::StepCode;

use super::admit::admit_packet;
use super::follow::follow;
use super::judge::{Bench, Decision, complete, network_acl};
use super::matching::match_rules;
use super::rules::PolicyTables;
use super::tuple::{FlowKey, Packet};

/// No room in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Whether a flow got its entry. A number, not an `enum` in a `Result`: see `Receiver`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission(pub u32);

impl Admission {
    /// It has one.
    pub const ADMITTED: Self = Self(0);
    /// There is no room in the table.
    pub const TABLE_FULL: Self = Self(1);
    /// Its instance tracks as many connections as it may (C-26).
    pub const ALLOWANCE_EXCEEDED: Self = Self(2);
}

/// A flow entry in place. Several CPUs may hold one at a time: state bits are only ever added, counters only grow, and
/// the last-seen tick is a plain store whose worst loss is one tick.
pub trait FlowCell {
    /// The entry as it stands.
    fn state(&self) -> FlowState;

    /// Counts a packet, notes its tick, and adds state bits if there are new ones.
    fn record(&self, packet: &Passage);
}

/// What a judgement needs of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowState {
    /// Tick of the last packet.
    pub last_seen: u64,
    /// Of the key that the entry was made for.
    pub identity: u64,
    /// Number of the admitting rule.
    pub rule: u32,
    /// `FlowBits`.
    pub bits: u32,
}

/// A packet that passes under an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Now.
    pub tick: u64,
    /// State bits before.
    pub before: u32,
    /// State bits after.
    pub bits: u32,
    /// Bytes from the IP header on.
    pub bytes: u32,
    /// Packets; more than one where the kernel carries them as one.
    pub packets: u32,
    /// Whether it leaves the instance.
    pub outbound: bool,
}

/// An owner's record in place. Its memory may be used for another record at any moment, which the version shows.
pub trait MemberCell {
    /// The record.
    fn record(&self) -> &MemberRecord;
    /// The version as it stands now, read anew at each call.
    fn version(&self) -> u32;
    /// Whether this is the same place as another.
    fn is(&self, other: &Self) -> bool;
}

/// The tables.
pub trait Tables {
    /// A flow entry in place.
    type Flow: FlowCell;
    /// A policy in place.
    type Policy: PolicyTables;
    /// An owner's record in place.
    type Member: MemberCell;
    /// An interface's record in place.
    type Interface: core::ops::Deref<Target = InterfaceRecord>;
    /// A network's record in place.
    type Network: core::ops::Deref<Target = NetworkRecord>;

    /// Whether a controller of this version has set the tables up; if not, everything is denied.
    fn is_set_up(&self) -> bool;
    /// Whether packets are judged, or only delivered.
    fn is_enforced(&self) -> bool;
    /// The current tick.
    fn tick(&self) -> u64;
    /// The interface in a slot; `None` beyond the array.
    fn interface(&self, slot: u32) -> Option<Self::Interface>;
    /// The policies of a slot.
    fn policies(&self, slot: u32) -> PolicyPair;
    /// The access lists of a slot's subnet.
    fn access_lists(&self, slot: u32) -> PolicyPair;
    /// A policy's words; `None` beyond the array. The caller compares generations.
    fn policy(&self, locator: Locator) -> Option<Self::Policy>;
    /// A network.
    fn network(&self, index: u32) -> Option<Self::Network>;
    /// Who owns an address in a network.
    fn member(&self, network: u32, family: u8, address: crate::abi::address::Address)
    -> Option<Self::Member>;
    /// The entry of a flow, live or not.
    fn flow(&self, key: &FlowKey) -> Option<Self::Flow>;
    /// Makes an entry for a flow that has had no reply, in place of an older one (`replaces`), on the account of an
    /// allowance. If the allowance refuses, an older one stays.
    fn admit(&self, key: &FlowKey, entry: FlowEntry, allowance: u32, replaces: bool) -> Admission;
    /// Ends a flow, on the account of an allowance.
    fn remove(&self, key: &FlowKey, allowance: u32);
    /// Moves a flow that has its first reply to where no flood can evict it.
    ///
    /// # Errors
    /// Where there is no room.
    fn protect(&self, key: &FlowKey) -> Result<(), Full>;
    /// What the first fragment of a later fragment's packet said to this bench.
    fn fragment(&self, packet: &Packet, bench: &Bench<'_>) -> FragmentPorts;
    /// Remembers what a first fragment said to this bench. Without room its later fragments are denied.
    fn remember_fragment(&self, packet: &Packet, bench: &Bench<'_>);
    /// Counts a judged packet for the flow logs. Lost without room; the loss is counted.
    fn log_flow(&self, packet: &Packet, bench: &Bench<'_>, decision: Decision);
    /// Reports a judgement. Lost without room; the loss is counted.
    fn report(&self, packet: &Packet, bench: &Bench<'_>, decision: Decision);

    /// Marks a packet that an interface with this number sends, if somebody traces packets like it.
    fn mark(&self, packet: &mut Packet, number: u32);
    /// Tells a step of a marked packet. Lost without room; the loss is counted.
    fn trace(&self, packet: &Packet, bench: &Bench<'_>, step: StepCode, a: u64, b: u64);

    /// [`complete()`]; the kernel overrides it, and the four below, by a function around it that the verifier checks once.
    #[inline(always)]
    fn complete(&self, packet: &mut Packet, bench: &Bench<'_>)
    where
        Self: Sized,
    {
        complete(self, packet, bench);
    }

    /// [`network_acl()`].
    #[inline(always)]
    fn network_acl(&self, packet: &Packet, bench: &Bench<'_>) -> Decision
    where
        Self: Sized,
    {
        network_acl(self, packet, bench)
    }

    /// [`follow()`].
    #[inline(always)]
    fn follow(&self, packet: &mut Packet, bench: &Bench<'_>) -> Decision
    where
        Self: Sized,
    {
        follow(self, packet, bench)
    }

    /// [`match_rules()`].
    #[inline(always)]
    fn match_rules(&self, packet: &mut Packet, bench: &Bench<'_>) -> Decision
    where
        Self: Sized,
    {
        match_rules(self, packet, bench)
    }

    /// [`admit_packet()`].
    #[inline(always)]
    fn admit_packet(&self, packet: &Packet, bench: &Bench<'_>, rule: u32) -> Decision
    where
        Self: Sized,
    {
        admit_packet(self, packet, bench, rule)
    }
}
