//! Live flow entries.

use comfy_table::Table;
use serde::Serialize;

use crate::aws::rule::Direction;
use crate::aws::world::World;
use crate::dataplane::row::FlowRow;

use super::interface::label;
use super::rule::RuleView;

/// A flow entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlowView {
    /// The interface that holds it.
    pub interface_id: String,
    /// That interface's label.
    pub interface: String,
    /// `tcp`, `udp`, `icmp`, `icmpv6` or a number.
    pub protocol: String,
    /// The interface's address.
    pub local: String,
    /// Its port, or the identifier of an ICMP query.
    pub local_port: u16,
    /// The other address.
    pub remote: String,
    /// Its port, or the type of an ICMP query.
    pub remote_port: u16,
    /// Direction of the packet that opened it.
    pub opened: Direction,
    /// Its state.
    pub state: String,
    /// Seconds since its last packet.
    pub idle_seconds: u64,
    /// Seconds of idleness that it may have.
    pub timeout_seconds: u64,
    /// Packets into the instance.
    pub packets_inbound: u64,
    /// Bytes into the instance.
    pub bytes_inbound: u64,
    /// Packets out of the instance.
    pub packets_outbound: u64,
    /// Bytes out of the instance.
    pub bytes_outbound: u64,
    /// The rule that admitted it; `None` where it has been revoked since.
    pub rule: Option<RuleView>,
}

impl FlowView {
    /// The view of an entry.
    pub fn new(world: &World, row: &FlowRow) -> Self {
        let flow = &row.flow;
        let interface = world.network_interfaces.get(&flow.interface);
        Self {
            interface_id: flow.interface.to_string(),
            interface: interface.map_or_else(|| flow.interface.to_string(), |known| label(world, known)),
            protocol: super::protocol(flow.protocol),
            local: flow.local.to_string(),
            local_port: flow.local_port,
            remote: flow.remote.to_string(),
            remote_port: flow.remote_port,
            opened: flow.opened,
            state: row.state.clone(),
            idle_seconds: row.idle_seconds,
            timeout_seconds: row.timeout_seconds,
            packets_inbound: row.packets_inbound,
            bytes_inbound: row.bytes_inbound,
            packets_outbound: row.packets_outbound,
            bytes_outbound: row.bytes_outbound,
            rule: RuleView::by_number(world, flow.rule),
        }
    }
}

/// An address and a port as one word.
pub(super) fn endpoint(address: &str, port: u16) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

/// Entries as a table.
pub fn table(flows: &[FlowView]) -> Table {
    let mut table = super::table(&[
        "INTERFACE",
        "PROTOCOL",
        "LOCAL",
        "REMOTE",
        "OPENED",
        "STATE",
        "IDLE",
        "TIMEOUT",
        "PACKETS IN/OUT",
        "RULE",
    ]);
    for flow in flows {
        table.add_row([
            flow.interface.clone(),
            flow.protocol.clone(),
            endpoint(&flow.local, flow.local_port),
            endpoint(&flow.remote, flow.remote_port),
            flow.opened.to_string(),
            flow.state.clone(),
            super::duration(flow.idle_seconds),
            super::duration(flow.timeout_seconds),
            format!("{}/{}", flow.packets_inbound, flow.packets_outbound),
            flow.rule.as_ref().map_or_else(|| "revoked".to_owned(), |rule| rule.id.clone()),
        ]);
    }
    table
}
