//! The connection table, one list for all interfaces, and who may use an entry (section 4 of AWS's semantics: C-01 to
//! C-24). What a connection's life does to its entry is in `lifetime`.

use std::net::IpAddr;

use crate::aws::ids::NetworkInterfaceId;
use crate::aws::interface::ConnectionTracking;
use crate::aws::rule::Direction;
use crate::aws::world::World;
use crate::dataplane::Flow;
use crate::packet::spec::{PacketSpec, TcpFlags, Transport};

use super::judgement::View;
use super::lifetime::Lifetime;

/// Every entry of every interface.
#[derive(Clone, Debug, Default)]
pub(super) struct FlowTable {
    entries: Vec<Entry>,
}

/// What the table says about a packet before any rule is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hit {
    /// A live entry, and the rule that admitted it.
    Live(u32),
    /// The packet's connection was reset; the rule that had admitted it.
    Closed(u32),
    /// The rules decide.
    None,
}

/// Whether a packet that a rule allows gets an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It got one.
    Tracked,
    /// It needs none.
    Untracked,
    /// Its instance has as many as it may have (C-26).
    Refused,
}

/// A tracked connection.
#[derive(Clone, Debug)]
struct Entry {
    interface: NetworkInterfaceId,
    connection: Connection,
    opened: Direction,
    rule: u32,
    /// When it last allowed a packet, in milliseconds.
    seen_at: u64,
    lifetime: Lifetime,
}

/// What tells one connection of an interface from another.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Connection {
    /// TCP or UDP.
    Ports { protocol: u8, local: (IpAddr, u16), remote: (IpAddr, u16) },
    /// An ICMP query and its replies. `opened` is the request's direction, hence who asked.
    Query { protocol: u8, local: IpAddr, remote: IpAddr, id: u16, request: u8, opened: Direction },
    /// Any other protocol: only the addresses and its number are remembered (C-10).
    Hosts { protocol: u8, local: IpAddr, remote: IpAddr },
}

impl Connection {
    /// The connection that a packet belongs to, seen from the interface that it comes into or goes out of; none for ICMP
    /// messages other than queries and replies.
    fn of(packet: &PacketSpec, direction: Direction) -> Option<Self> {
        let (local, remote) = match direction {
            Direction::Inbound => (packet.destination, packet.source),
            Direction::Outbound => (packet.source, packet.destination),
        };
        let protocol = packet.protocol();
        match packet.transport {
            Transport::Tcp { source_port, destination_port, .. }
            | Transport::Udp { source_port, destination_port } => {
                let (local_port, remote_port) = match direction {
                    Direction::Inbound => (destination_port, source_port),
                    Direction::Outbound => (source_port, destination_port),
                };
                Some(Self::Ports { protocol, local: (local, local_port), remote: (remote, remote_port) })
            }
            Transport::Icmp { kind, id, .. } => {
                let (request, opened) = match Query::of(protocol, kind)? {
                    Query::Request => (kind, direction),
                    Query::ReplyTo(request) => (request, direction.opposite()),
                };
                Some(Self::Query { protocol, local, remote, id, request, opened })
            }
            Transport::IcmpError { .. } => None,
            Transport::Other { .. } => Some(Self::Hosts { protocol, local, remote }),
        }
    }
}

/// An ICMP type's part in a query.
enum Query {
    Request,
    ReplyTo(u8),
}

impl Query {
    fn of(protocol: u8, kind: u8) -> Option<Self> {
        // Echo, timestamp, information, address mask; ICMPv6 has echo only.
        match (protocol, kind) {
            (1, 8 | 13 | 15 | 17) | (58, 128) => Some(Self::Request),
            (1, 0) => Some(Self::ReplyTo(8)),
            (1, 14 | 16 | 18) | (58, 129) => Some(Self::ReplyTo(kind - 1)),
            _ => None,
        }
    }
}

impl FlowTable {
    /// The live entry that a packet belongs to. Allowing the packet refreshes it and moves its life on.
    pub(super) fn hit(&mut self, view: &View<'_>, now: u64) -> Hit {
        let Some(entry) = Connection::of(view.packet, view.direction)
            .and_then(|connection| self.live(view, &connection, now))
        else {
            return Hit::None;
        };
        if is_opening_syn(view.packet) && entry.lifetime.may_start_over() {
            return Hit::None;
        }
        if entry.lifetime.is_reset() {
            return Hit::Closed(entry.rule);
        }
        entry.seen_at = now;
        entry.lifetime.see(view.packet, view.direction == entry.opened);
        Hit::Live(entry.rule)
    }

    /// The rule behind the live entry that an ICMP error is about (C-17, C-19), which the error does not refresh.
    pub(super) fn related(&mut self, view: &View<'_>, now: u64) -> Option<u32> {
        let Transport::IcmpError { kind, about, .. } = &view.packet.transport else { return None };
        let is_error = match view.packet.protocol() {
            1 => matches!(kind, 3 | 4 | 5 | 11 | 12),
            _ => matches!(kind, 1..=4),
        };
        let is_same_family = about.source.is_ipv4() == view.packet.source.is_ipv4();
        if !is_error || !is_same_family || about.is_later_fragment() {
            return None;
        }
        // An inbound error is about a packet that went out, and the other way round.
        let connection = Connection::of(about, view.direction.opposite())?;
        self.live(view, &connection, now).map(|entry| entry.rule)
    }

    /// Takes note of a packet that this rule allowed without an entry.
    pub(super) fn admit(&mut self, view: &View<'_>, rule: u32, is_untracked: bool, now: u64) -> Admission {
        let View { packet, direction, interface, .. } = *view;
        let Some(connection) = Connection::of(packet, direction) else { return Admission::Untracked };
        let is_reply = matches!(&connection, Connection::Query { opened, .. } if *opened != direction);
        let is_reset = matches!(packet.transport, Transport::Tcp { flags, .. } if flags.rst);
        let is_untracked = is_untracked || is_reply || is_reset;
        if !is_untracked && self.exceeds_allowance(view, &connection) {
            return Admission::Refused;
        }
        // What is left of an earlier connection between the same ends is over.
        self.entries.retain(|entry| !entry.is_of(view, &connection));
        if is_untracked {
            return Admission::Untracked;
        }
        self.entries.push(Entry {
            interface: interface.id.clone(),
            connection,
            opened: direction,
            rule,
            seen_at: now,
            lifetime: Lifetime::begin(packet),
        });
        Admission::Tracked
    }

    /// The judging interface's entry for a connection, if it has not idled out (C-23).
    fn live(&mut self, view: &View<'_>, connection: &Connection, now: u64) -> Option<&mut Entry> {
        let timers = &view.interface.connection_tracking;
        self.entries.iter_mut().find(|entry| entry.is_of(view, connection) && entry.is_live(timers, now))
    }

    /// Whether the judging interface's instance tracks, over all its interfaces, as many connections as it may without
    /// this one (C-26). What has idled out counts until it is removed.
    fn exceeds_allowance(&self, view: &View<'_>, connection: &Connection) -> bool {
        let world = view.world;
        let Some(attachment) = &view.interface.attachment else { return false };
        let Some(instance) = world.instances.get(&attachment.instance_id) else { return false };
        let interfaces: Vec<_> = world.interfaces_of(&instance.id).iter().map(|found| &found.id).collect();
        let others = self
            .entries
            .iter()
            .filter(|entry| !entry.is_of(view, connection) && interfaces.contains(&&entry.interface));
        others.count() as u64 >= u64::from(instance.connection_allowance)
    }

    /// Removes what has idled out, by the timeouts that the interfaces have in this world.
    pub(super) fn forget_expired(&mut self, world: &World, now: u64) {
        self.entries.retain(|entry| {
            world
                .network_interfaces
                .get(&entry.interface)
                .is_some_and(|interface| entry.is_live(&interface.connection_tracking, now))
        });
    }

    /// Removes the entries of interfaces that no longer exist.
    pub(super) fn forget_deleted(&mut self, world: &World) {
        self.entries.retain(|entry| world.network_interfaces.contains_key(&entry.interface));
    }

    /// Every entry in the words of all evaluators, sorted.
    pub(super) fn list(&self) -> Vec<Flow> {
        let mut flows: Vec<Flow> = self.entries.iter().map(Entry::to_flow).collect();
        flows.sort();
        flows
    }
}

impl Entry {
    /// Whether it is the judging interface's, of this connection.
    fn is_of(&self, view: &View<'_>, connection: &Connection) -> bool {
        self.interface == view.interface.id && self.connection == *connection
    }

    /// Whether it has not idled out yet (C-23).
    fn is_live(&self, timers: &ConnectionTracking, now: u64) -> bool {
        now - self.seen_at < self.lifetime.timeout(timers)
    }

    fn to_flow(&self) -> Flow {
        let (protocol, local, remote, local_port, remote_port) = match self.connection {
            Connection::Ports { protocol, local, remote } => (protocol, local.0, remote.0, local.1, remote.1),
            Connection::Query { protocol, local, remote, id, request, .. } => {
                (protocol, local, remote, id, u16::from(request))
            }
            Connection::Hosts { protocol, local, remote } => (protocol, local, remote, 0, 0),
        };
        Flow {
            interface: self.interface.clone(),
            protocol,
            local,
            remote,
            local_port,
            remote_port,
            opened: self.opened,
            rule: self.rule,
        }
    }
}

/// A TCP packet that asks for no new connection, so there was one before it, or should have been.
pub(super) fn is_mid_stream(packet: &PacketSpec) -> bool {
    matches!(packet.transport, Transport::Tcp { .. }) && !is_opening_syn(packet)
}

/// A SYN without ACK, FIN and RST: somebody wants a new connection.
fn is_opening_syn(packet: &PacketSpec) -> bool {
    matches!(packet.transport, Transport::Tcp { flags, .. } if flags == TcpFlags::SYN)
}
