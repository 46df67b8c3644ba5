//! Whether an interface would track a flow that it lets in or out, and why (section 4 of the facts; step 9 of
//! `docs/judgement.md`).

use crate::aws::rule::{Direction, SecurityGroupRule};

use super::ports::{self, Ports};
use super::side::Side;
use super::traffic::Traffic;

/// How an interface would remember a flow. Rules are given by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracking {
    /// ICMP queries are always tracked (C-02).
    Icmp,
    /// Other ICMP messages are allowed one by one (CHOICE).
    IcmpMessage,
    /// Other protocols are tracked by hosts and protocol (C-10).
    Hosts,
    /// Tracked: the rule is not open to all (C-05).
    NarrowRule {
        /// The rule that admits the flow.
        rule: u32,
    },
    /// Tracked: the rule is open to all, but no open rule covers every port of the other direction (C-03, C-04).
    NoOpenReturn {
        /// The rule that admits the flow.
        rule: u32,
    },
    /// Untracked: open to all both ways (C-03).
    Untracked {
        /// The rule that admits the flow.
        rule: u32,
        /// The rule that lets the answers go.
        return_rule: u32,
    },
    /// UDP that is untracked for some source ports, for which it could be the answer to an untracked flow (C-16).
    SomePorts {
        /// The rule that admits the flow.
        rule: u32,
        /// The rule that lets some answers go.
        return_rule: u32,
    },
}

impl Tracking {
    /// Whether every such flow gets an entry.
    pub fn is_tracked(self) -> bool {
        match self {
            Self::Icmp | Self::Hosts | Self::NarrowRule { .. } | Self::NoOpenReturn { .. } => true,
            Self::IcmpMessage | Self::Untracked { .. } | Self::SomePorts { .. } => false,
        }
    }

    /// How `side` would remember a flow that `rule` admits in this direction, sent from one of these ports.
    pub(super) fn of(
        side: &Side<'_>,
        direction: Direction,
        traffic: Traffic,
        is_ipv4: bool,
        rule: &SecurityGroupRule,
        source_ports: Ports,
    ) -> Self {
        let number = rule.number;
        match traffic {
            Traffic::Icmp { .. } if traffic.is_icmp_query(is_ipv4) => return Self::Icmp,
            Traffic::Icmp { .. } => return Self::IcmpMessage,
            Traffic::Other(_) => return Self::Hosts,
            Traffic::Tcp(_) | Traffic::Udp(_) => {}
        }
        if !rule.peer.is_open() {
            return Self::NarrowRule { rule: number };
        }
        let back = direction.opposite();
        if let Some(open) = side.open_for_every_port(back, traffic) {
            return Self::Untracked { rule: number, return_rule: open.number };
        }
        // Turned round, UDP may be an untracked flow of the other end's, to the port that this one comes from.
        let is_open_to_every_port = side.open_for_every_port(direction, traffic).is_some();
        if !matches!(traffic, Traffic::Udp(_)) || !is_open_to_every_port {
            return Self::NoOpenReturn { rule: number };
        }
        let opener = |port| {
            let turned = traffic.to_port(port);
            side.rules(back)
                .iter()
                .find(|it| it.peer.is_open() && turned.is_meant_by(is_ipv4, it.protocol, it.ports))
                .map(|it| it.number)
        };
        let parts = ports::cut(source_ports, side.ranges(traffic.protocol(is_ipv4)));
        let openers: Vec<_> = parts.iter().map(|(first, _)| opener(*first)).collect();
        match openers.iter().flatten().next() {
            None => Self::NoOpenReturn { rule: number },
            Some(&return_rule) if openers.iter().all(Option::is_some) => {
                Self::Untracked { rule: number, return_rule }
            }
            Some(&return_rule) => Self::SomePorts { rule: number, return_rule },
        }
    }
}
