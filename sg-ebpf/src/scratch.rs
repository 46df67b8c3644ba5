//! Per-CPU memory for what is too large for 512 bytes of stack: the packet being judged and the keys of map operations.
//!
//! Programs on one CPU run one after the other, with softirqs off, so there is one user at a time.

use sg_common::abi::flow::{FlowEntry, FlowKey4, FlowKey6};
use sg_common::abi::flow_log::{FlowLogEntry, FlowLogKey};
use sg_common::abi::fragment::FragmentKey;
use sg_common::abi::member::{MemberKey4, MemberKey6};
use sg_common::datapath::tuple::Packet;

use crate::maps::{PACKET, SCRATCH};
use crate::too_big::MESSAGE_LENGTH;

/// Keys under construction.
#[repr(C)]
pub(crate) struct Scratch {
    /// When the packet in the room is judged.
    pub(crate) tick: u64,
    /// IPv4 flow key.
    pub(crate) key4: FlowKey4,
    /// IPv6 flow key.
    pub(crate) key6: FlowKey6,
    /// IPv4 owner's key.
    pub(crate) member4: MemberKey4,
    /// IPv6 owner's key.
    pub(crate) member6: MemberKey6,
    /// A flow entry on its way to a table.
    pub(crate) entry: FlowEntry,
    /// Key into the flow logs' table.
    pub(crate) log_key: FlowLogKey,
    /// What a packet adds there.
    pub(crate) log_entry: FlowLogEntry,
    /// Marked packets so far on this CPU.
    pub(crate) serial: u64,
    /// Fragment key.
    pub(crate) fragment: FragmentKey,
    /// A message of the router under construction.
    pub(crate) message: [u8; MESSAGE_LENGTH],
}

/// Room for keys.
#[inline(always)]
pub(crate) fn scratch<'a>() -> Option<&'a mut Scratch> {
    let scratch = SCRATCH.get_ptr_mut(0)?;
    // SAFETY: a map element of this CPU, which nothing else touches while the program runs.
    Some(unsafe { &mut *scratch })
}

/// Room for a parsed packet.
#[inline(always)]
pub(crate) fn room<'a>() -> Option<&'a mut Packet> {
    let packet = PACKET.get_ptr_mut(0)?;
    // SAFETY: a map element of this CPU, which nothing else touches while the program runs.
    Some(unsafe { &mut *packet })
}
