//! Open paths in few rows, as people read them.

use std::collections::{BTreeMap, BTreeSet};

use super::ports;
use super::reach::{End, Opening, Path, Span};

/// Paths that differ only in who sends, or in the family, in one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Who sends.
    pub from: BTreeSet<End>,
    /// Who receives.
    pub to: End,
    /// Whether it is so in IPv4.
    pub ipv4: bool,
    /// Whether it is so in IPv6.
    pub ipv6: bool,
    /// For what.
    pub span: Span,
    /// Numbers of the rules that let it out.
    pub outbound_rules: BTreeSet<u32>,
    /// Numbers of the rules that let it in.
    pub inbound_rules: BTreeSet<u32>,
    /// Whether answers come back.
    pub is_answered: bool,
    /// Whether every end holds an entry for it.
    pub is_tracked: bool,
}

/// Paths as few rows, by receiver.
pub fn rows(paths: &[Path]) -> Vec<Row> {
    let mut rows: BTreeMap<_, Row> = BTreeMap::new();
    for path in paths {
        for opening in simplified(&path.openings) {
            let Opening { span, outbound_rule, inbound_rule, is_answered, is_tracked } = opening;
            let key = (path.to.clone(), span, inbound_rule, path.is_ipv4, is_answered, is_tracked);
            let row = rows.entry(key).or_insert_with(|| Row {
                from: BTreeSet::new(),
                to: path.to.clone(),
                ipv4: path.is_ipv4,
                ipv6: !path.is_ipv4,
                span,
                outbound_rules: BTreeSet::new(),
                inbound_rules: inbound_rule.into_iter().collect(),
                is_answered,
                is_tracked,
            });
            row.from.insert(path.from.clone());
            row.outbound_rules.extend(outbound_rule);
        }
    }
    let mut joined: Vec<Row> = Vec::new();
    for row in rows.into_values() {
        let is_twin = |other: &&mut Row| {
            let key = |row: &Row| (row.span, row.is_answered, row.is_tracked);
            (&other.from, &other.to, key(other)) == (&row.from, &row.to, key(&row)) && other.ipv4 != row.ipv4
        };
        match joined.iter_mut().find(is_twin) {
            Some(twin) => {
                (twin.ipv4, twin.ipv6) = (true, true);
                twin.outbound_rules.extend(row.outbound_rules);
                twin.inbound_rules.extend(row.inbound_rules);
            }
            None => joined.push(row),
        }
    }
    joined
}

/// One opening for everything, where nothing tells one protocol or port from another.
fn simplified(openings: &[Opening]) -> Vec<Opening> {
    let Some(first) = openings.first() else { return Vec::new() };
    let is_all = openings.iter().any(|it| it.span == Span::OtherProtocols)
        && openings.iter().any(|it| it.span == Span::Tcp(ports::EVERY_PORT))
        && openings.iter().any(|it| it.span == Span::Udp(ports::EVERY_PORT))
        && openings.iter().any(|it| it.span == Span::Echo)
        && openings.iter().all(|it| {
            // ICMP and other protocols are tracked in any case; how TCP and UDP are is what people ask.
            (it.outbound_rule, it.inbound_rule, it.is_answered)
                == (first.outbound_rule, first.inbound_rule, first.is_answered)
        });
    if is_all { vec![Opening { span: Span::Everything, ..*first }] } else { openings.to_vec() }
}
