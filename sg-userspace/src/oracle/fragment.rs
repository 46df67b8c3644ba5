//! What is remembered of first fragments, so that the later ones can be judged (C-30).

use std::net::IpAddr;

use crate::aws::ids::NetworkInterfaceId;
use crate::aws::rule::Direction;
use crate::aws::world::World;
use crate::packet::spec::{PacketSpec, TcpFlags, Transport};

use super::judgement::View;

/// For how long later fragments find their first, in milliseconds.
const MEMORY: u64 = 30_000;

/// First fragments that were allowed.
#[derive(Clone, Debug, Default)]
pub(super) struct FragmentMemory {
    firsts: Vec<First>,
}

/// An allowed first fragment.
#[derive(Clone, Debug)]
struct First {
    key: Key,
    /// As later fragments are judged.
    transport: Transport,
    seen_at: u64,
}

/// Which fragments belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    interface: NetworkInterfaceId,
    direction: Direction,
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    id: u32,
}

impl Key {
    fn of(view: &View<'_>) -> Option<Self> {
        let packet = view.packet;
        let id = packet.fragment?.id;
        Some(Self {
            interface: view.interface.id.clone(),
            direction: view.direction,
            source: packet.source,
            destination: packet.destination,
            protocol: packet.protocol(),
            // The field has 16 bits in IPv4.
            id: if packet.source.is_ipv4() { id & 0xffff } else { id },
        })
    }
}

impl FragmentMemory {
    /// Remembers an allowed first fragment, in place of an earlier one.
    pub(super) fn remember(&mut self, view: &View<'_>, now: u64) {
        let Some(key) = Key::of(view) else { return };
        self.firsts.retain(|first| first.key != key);
        let transport = as_later_fragments_are_judged(&view.packet.transport);
        self.firsts.push(First { key, transport, seen_at: now });
    }

    /// The packet that a later fragment is judged as, if its first fragment is remembered.
    pub(super) fn complete(&self, view: &View<'_>, now: u64) -> Option<PacketSpec> {
        let key = Key::of(view)?;
        let first = self.firsts.iter().find(|first| first.key == key && now - first.seen_at < MEMORY)?;
        Some(PacketSpec { transport: first.transport.clone(), ..view.packet.clone() })
    }

    /// Forgets what interfaces that no longer exist had seen.
    pub(super) fn forget_deleted(&mut self, world: &World) {
        self.firsts.retain(|first| world.network_interfaces.contains_key(&first.key.interface));
    }
}

/// Ports, or ICMP type, code and identifier; no TCP flags, and no embedded packet.
fn as_later_fragments_are_judged(transport: &Transport) -> Transport {
    match *transport {
        Transport::Tcp { source_port, destination_port, .. } => {
            Transport::Tcp { source_port, destination_port, flags: TcpFlags::NONE }
        }
        Transport::IcmpError { kind, code, .. } => Transport::Icmp { kind, code, id: 0 },
        Transport::Udp { .. } | Transport::Icmp { .. } | Transport::Other { .. } => transport.clone(),
    }
}
