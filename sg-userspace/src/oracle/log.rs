//! What flow logs have seen, packet by packet: section 7 of AWS's semantics, as far as counting goes.

use anyhow::Result;

use crate::aws::rule::Direction;
use crate::dataplane::Judgement;
use crate::dataplane::logged::{Decider, LoggedFlow};
use crate::dataplane::reason::Reason;
use crate::packet::build;
use crate::packet::spec::{PacketSpec, TcpFlags, Transport};

use super::judgement::{View, is_neighbour_discovery};

/// Everything seen since the last look.
#[derive(Clone, Debug, Default)]
pub(super) struct FlowLogMemory {
    flows: Vec<LoggedFlow>,
}

impl FlowLogMemory {
    /// Notes a judged packet, if a flow log covers the judging interface. `completed` is the packet with the ports that are
    /// known of it.
    pub(super) fn note(
        &mut self,
        view: &View<'_>,
        completed: Option<&PacketSpec>,
        judgement: Judgement,
    ) -> Result<()> {
        let View { world, interface, packet, direction, .. } = *view;
        let is_never_logged = is_neighbour_discovery(packet) || judgement.reason == Reason::Exempt;
        if is_never_logged || world.flow_logs_of(interface).next().is_none() {
            return Ok(());
        }
        let (source_port, destination_port) = completed.map_or((0, 0), ports);
        let flow = LoggedFlow {
            interface: interface.number,
            direction,
            source: packet.source,
            destination: packet.destination,
            source_port,
            destination_port,
            protocol: packet.protocol(),
            accepted: judgement.reason.is_allow(),
            decider: judgement.rule.map(|number| match judgement.reason {
                Reason::NetworkAcl => Decider::AclEntry(number),
                _ => Decider::Rule(number),
            }),
            reasons: [judgement.reason].into(),
            tcp_flags: completed.map_or(0, tcp_flags),
            packets: 1,
            bytes: build::ip_packet(packet)?.len() as u64,
        };
        match self.flows.iter_mut().find(|other| other.is_like(&flow)) {
            Some(other) => other.add(&flow),
            None => self.flows.push(flow),
        }
        Ok(())
    }

    /// What was seen since the last look, sorted.
    pub(super) fn take(&mut self) -> Vec<LoggedFlow> {
        let mut flows = std::mem::take(&mut self.flows);
        flows.sort();
        flows
    }
}

/// Whether the ports of a later fragment play no part yet where it is denied.
pub(super) fn is_denied_before_ports(direction: Direction, reason: Reason) -> bool {
    direction == Direction::Outbound && matches!(reason, Reason::SourceDestCheck | Reason::Multicast)
}

/// Ports; ICMP has none (F-06).
fn ports(packet: &PacketSpec) -> (u16, u16) {
    match packet.transport {
        Transport::Tcp { source_port, destination_port, .. }
        | Transport::Udp { source_port, destination_port } => (source_port, destination_port),
        Transport::Icmp { .. } | Transport::IcmpError { .. } | Transport::Other { .. } => (0, 0),
    }
}

/// FIN 1, SYN 2, RST 4; ACK 16 only beside SYN (F-07).
fn tcp_flags(packet: &PacketSpec) -> u8 {
    let Transport::Tcp { flags: TcpFlags { syn, ack, fin, rst }, .. } = packet.transport else { return 0 };
    u8::from(fin) | u8::from(syn) << 1 | u8::from(rst) << 2 | u8::from(syn && ack) << 4
}
