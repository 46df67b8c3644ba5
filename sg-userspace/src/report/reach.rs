//! Who reaches whom, in few rows; and what a change would do to that and to live flows.

use std::collections::BTreeSet;

use comfy_table::Table;
use serde::Serialize;

use crate::analysis::reach::{End, Span};
use crate::analysis::row::Row;
use crate::aws::ids::NetworkInterfaceId;
use crate::aws::world::World;

use super::interface::label;
use super::rule::RuleView;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReachView {
    /// Who sends.
    pub from: Vec<String>,
    /// Who receives.
    pub to: String,
    /// Whether it is so in IPv4.
    pub ipv4: bool,
    /// Whether it is so in IPv6.
    pub ipv6: bool,
    /// `tcp`, `udp`, `icmp` (echo, in either family), a number, `other` (what no rule names) or `all`.
    pub protocol: String,
    /// First port, where the protocol has ports.
    pub from_port: Option<u16>,
    /// Last port.
    pub to_port: Option<u16>,
    /// Rules that let it out; there are none at the internet.
    pub outbound_rules: Vec<String>,
    /// Rules that let it in.
    pub inbound_rules: Vec<String>,
    /// Whether answers come back.
    pub answered: bool,
    /// Whether both ends hold an entry for it.
    pub tracked: bool,
}

impl ReachView {
    /// The view of a row; names are looked up in the first of these worlds that has them.
    pub fn new(worlds: &[&World], row: &Row) -> Self {
        let (protocol, ports) = match row.span {
            Span::Everything => ("all".to_owned(), None),
            Span::Tcp(ports) => ("tcp".to_owned(), Some(ports)),
            Span::Udp(ports) => ("udp".to_owned(), Some(ports)),
            Span::Echo => ("icmp".to_owned(), None),
            Span::Protocol(number) => (super::protocol(number), None),
            Span::OtherProtocols => ("other".to_owned(), None),
        };
        let mut from: Vec<_> = row.from.iter().map(|end| end_words(worlds, end)).collect();
        from.sort();
        let ids = |numbers: &BTreeSet<u32>| {
            let view = |number: &u32| worlds.iter().find_map(|world| RuleView::by_number(world, *number));
            numbers.iter().filter_map(view).map(|rule| rule.id).collect()
        };
        Self {
            from,
            to: end_words(worlds, &row.to),
            ipv4: row.ipv4,
            ipv6: row.ipv6,
            protocol,
            from_port: ports.map(|(first, _)| first),
            to_port: ports.map(|(_, last)| last),
            outbound_rules: ids(&row.outbound_rules),
            inbound_rules: ids(&row.inbound_rules),
            answered: row.is_answered,
            tracked: row.is_tracked,
        }
    }

    fn traffic(&self) -> String {
        match (self.from_port, self.to_port) {
            (Some(0), Some(u16::MAX)) => format!("{} all", self.protocol),
            (Some(first), Some(last)) if first == last => format!("{} {first}", self.protocol),
            (Some(first), Some(last)) => format!("{} {first}-{last}", self.protocol),
            _ if self.protocol == "icmp" => "icmp echo".to_owned(),
            _ => self.protocol.clone(),
        }
    }

    /// Rules of the receiver, or, where that is the internet, of the senders.
    fn deciding(&self) -> &[String] {
        if self.inbound_rules.is_empty() { &self.outbound_rules } else { &self.inbound_rules }
    }

    fn families(&self) -> &'static str {
        match (self.ipv4, self.ipv6) {
            (true, true) => "both",
            (true, false) => "IPv4",
            _ => "IPv6",
        }
    }
}

/// Rows in the order in which people read them: by receiver, then by traffic.
pub fn views(worlds: &[&World], rows: &[Row]) -> Vec<ReachView> {
    let mut views: Vec<_> = rows.iter().map(|row| ReachView::new(worlds, row)).collect();
    views.sort_by(|a, b| {
        let key =
            |it: &ReachView| (it.to.clone(), it.protocol.clone(), it.from_port, it.from.clone(), !it.ipv4);
        key(a).cmp(&key(b))
    });
    views
}

/// An end in words: `web-1`, `web-1 (10.0.1.5)`, `internet`, `internet (203.0.113.10/32)`.
fn end_words(worlds: &[&World], end: &End) -> String {
    let named = |id: &NetworkInterfaceId| {
        let found = worlds.iter().find_map(|world| Some(label(world, world.network_interfaces.get(id)?)));
        found.unwrap_or_else(|| id.to_string())
    };
    match end {
        End::Interface(id, None) => named(id),
        End::Interface(id, Some(address)) => format!("{} ({address})", named(id)),
        End::Internet(None) => "internet".to_owned(),
        End::Internet(Some(range)) => format!("internet ({range})"),
    }
}

/// The first few of a list, and how many more there are.
fn shortened(ids: &[String]) -> String {
    const SHOWN: usize = 2;
    let rest = ids.len().saturating_sub(SHOWN);
    let shown = super::list(ids.iter().take(SHOWN));
    if rest > 0 { format!("{shown} and {rest} more") } else { shown }
}

/// Rows as a table.
pub fn table(rows: &[ReachView]) -> Table {
    let mut table = super::table(&["TO", "TRAFFIC", "FAMILY", "FROM", "ALLOWED BY", "ANSWERS", "TRACKED"]);
    for row in rows {
        table.add_row([
            row.to.clone(),
            row.traffic(),
            row.families().to_owned(),
            super::list(&row.from),
            shortened(row.deciding()),
            if row.answered { "yes" } else { "no" }.to_owned(),
            if row.tracked { "yes" } else { "no" }.to_owned(),
        ]);
    }
    table
}
