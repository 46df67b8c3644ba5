//! Which packets are marked, and what is told of them. An unmarked packet pays a comparison a step.

use crate::abi::address::Address;
use crate::abi::trace::{ANY, FILTER_ADDRESSES, StepCode, StepRecord, TraceFilter};

use super::judge::Bench;
use super::tables::Tables;
use super::tuple::Packet;

/// Whether a filter means a packet that an interface with this number sends.
#[inline(always)]
pub fn is_marked(filter: &TraceFilter, packet: &Packet, number: u32) -> bool {
    let tuple = &packet.tuple;
    let protocol = filter.protocol == ANY || filter.protocol == u32::from(tuple.protocol);
    let port = filter.port == ANY
        || filter.port == u32::from(tuple.source_port)
        || filter.port == u32::from(tuple.destination_port);
    if !protocol || !port {
        return false;
    }
    (filter.count == 0 && filter.interface == 0)
        || (filter.interface != 0 && filter.interface == number)
        || names(filter, tuple.source)
        || names(filter, tuple.destination)
}

#[inline(always)]
fn names(filter: &TraceFilter, address: Address) -> bool {
    for index in 0..FILTER_ADDRESSES {
        if (index as u32) < filter.count && filter.addresses[index] == address {
            return true;
        }
    }
    false
}

/// Tells a step of a marked packet.
#[inline(always)]
pub(super) fn trace<T: Tables>(
    tables: &T,
    packet: &Packet,
    bench: &Bench<'_>,
    step: StepCode,
    a: u64,
    b: u64,
) {
    if packet.marked != 0 {
        tables.trace(packet, bench, step, a, b);
    }
}

/// A step as it is told.
#[inline(always)]
pub fn record_of(packet: &Packet, bench: &Bench<'_>, step: StepCode, a: u64, b: u64) -> StepRecord {
    StepRecord {
        source: packet.tuple.source,
        destination: packet.tuple.destination,
        serial: packet.serial,
        tick: bench.tick,
        a,
        b,
        slot: bench.slot,
        source_port: packet.tuple.source_port,
        destination_port: packet.tuple.destination_port,
        step: step.0,
        direction: bench.direction.0,
        protocol: packet.tuple.protocol,
        family: packet.family,
        flags: packet.flags,
        fragment: packet.fragment.0,
        reserved: [0; 2],
    }
}
