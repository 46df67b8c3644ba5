//! Whether a statement's protocol and ports are a packet's: destination ports, or ICMP type and code. The
//! rules of groups and the entries of network ACLs say them alike.

use crate::aws::protocol::{IpProtocol, PortRange};
use crate::packet::spec::{PacketSpec, Transport};

/// Which packets of a packet's protocol a statement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OfPorts {
    /// For all of them, whatever their ports, types and codes are.
    All,
    /// For this one, by its port, or its type and code.
    This,
    /// For some of them, and not for this one.
    Others,
    /// For none: it is about another protocol.
    None,
}

/// Which packets of this packet's protocol a statement is for.
pub(super) fn of_ports(protocol: IpProtocol, ports: PortRange, packet: &PacketSpec) -> OfPorts {
    if protocol == IpProtocol::All {
        return OfPorts::All;
    }
    if protocol != IpProtocol::Number(packet.protocol()) {
        return OfPorts::None;
    }
    let PortRange { from_port, to_port } = ports;
    let is_for_this = match packet.transport {
        Transport::Tcp { .. } | Transport::Udp { .. } if ports == PortRange::EVERY_PORT => {
            return OfPorts::All;
        }
        Transport::Tcp { destination_port, .. } | Transport::Udp { destination_port, .. } => {
            (from_port..=to_port).contains(&i32::from(destination_port))
        }
        // Either family's ICMP, each by its own protocol number; −1 is every type, or every code.
        Transport::Icmp { .. } | Transport::IcmpError { .. } if ports == PortRange::ALL => {
            return OfPorts::All;
        }
        Transport::Icmp { kind, code, .. } | Transport::IcmpError { kind, code, .. } => {
            (from_port == -1 || from_port == i32::from(kind)) && (to_port == -1 || to_port == i32::from(code))
        }
        // ICMP's number in the wrong family is not ICMP, and no statement about ICMP means it.
        Transport::Other { .. } if protocol.has_icmp_types() => return OfPorts::None,
        Transport::Other { .. } => return OfPorts::All,
    };
    if is_for_this { OfPorts::This } else { OfPorts::Others }
}
