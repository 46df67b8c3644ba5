//! Verdicts as they happen, one line each.

use serde::Serialize;

use crate::aws::interface::NetworkInterface;
use crate::aws::rule::Direction;
use crate::aws::world::World;
use crate::dataplane::reason::Reason;
use crate::dataplane::row::VerdictEvent;

use super::flow::endpoint;
use super::interface::label;
use super::network_acl::{EntryView, NetworkAclView};
use super::rule::RuleView;
use super::{ALLOWED, ASIDE, DENIED, styled};

/// A verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerdictView {
    /// Nanoseconds since 1970.
    pub unix_nanoseconds: u64,
    /// The judging interface.
    pub interface_id: Option<String>,
    /// Its label.
    pub interface: Option<String>,
    /// As that interface saw the packet.
    pub direction: Direction,
    /// Whether the packet went on.
    pub allowed: bool,
    /// Why.
    pub reason: Reason,
    /// `tcp`, `udp`, `icmp`, `icmpv6` or a number.
    pub protocol: String,
    /// Source address.
    pub source: Option<String>,
    /// Source port, or the identifier of an ICMP query.
    pub source_port: u16,
    /// Destination address.
    pub destination: Option<String>,
    /// Destination port, or the type of an ICMP message.
    pub destination_port: u16,
    /// The rule that decided, if one did and still exists.
    pub rule: Option<RuleView>,
    /// The network ACL's entry that denied, if one did and still exists.
    pub acl_entry: Option<AclEntryView>,
}

/// An entry of a network ACL, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AclEntryView {
    /// The ACL.
    pub network_acl_id: String,
    /// The entry.
    #[serde(flatten)]
    pub entry: EntryView,
}

impl AclEntryView {
    /// The entry with this number at the border of an interface's subnet.
    fn by_number(
        world: &World,
        interface: &NetworkInterface,
        direction: Direction,
        number: u16,
    ) -> Option<Self> {
        let acl = NetworkAclView::new(world, world.network_acl_of(&interface.subnet_id)?);
        let is_it = |entry: &EntryView| entry.rule_number == number && entry.direction == direction;
        let entry = acl.entries.into_iter().find(is_it)?;
        Some(Self { network_acl_id: acl.id, entry })
    }

    /// The entry in words: `acl-… entry 90 (inbound deny tcp 22 from 0.0.0.0/0)`.
    pub fn words(&self) -> String {
        format!("{} entry {} ({})", self.network_acl_id, self.entry.number(), self.entry.text)
    }
}

impl VerdictView {
    /// The view of an event.
    pub fn new(world: &World, event: &VerdictEvent) -> Self {
        let interface = event.interface.as_ref().and_then(|id| world.network_interfaces.get(id));
        Self {
            unix_nanoseconds: event.unix_nanoseconds,
            interface_id: event.interface.as_ref().map(ToString::to_string),
            interface: interface.map(|interface| label(world, interface)),
            direction: event.direction,
            allowed: event.reason.is_allow(),
            reason: event.reason,
            protocol: super::protocol(event.protocol),
            source: event.source.map(|address| address.to_string()),
            source_port: event.source_port,
            destination: event.destination.map(|address| address.to_string()),
            destination_port: event.destination_port,
            rule: event.rule.and_then(|number| RuleView::by_number(world, number)),
            acl_entry: event.acl_entry.zip(interface).and_then(|(number, interface)| {
                AclEntryView::by_number(world, interface, event.direction, number)
            }),
        }
    }

    /// The verdict as one line, with styles.
    pub fn line(&self) -> String {
        let verdict = if self.allowed { styled(ALLOWED, "allow") } else { styled(DENIED, "deny ") };
        let end = |address: &Option<String>, port| match address {
            Some(address) => endpoint(address, port),
            None => "?".to_owned(),
        };
        let who = self.interface.as_ref().or(self.interface_id.as_ref()).map_or("?", String::as_str);
        let why = match (&self.rule, &self.acl_entry) {
            (Some(rule), _) => format!("{} {} ({}: {})", self.reason, rule.id, rule.group_name, rule.text),
            (None, Some(entry)) => format!("{} {}", self.reason, entry.words()),
            (None, None) => self.reason.to_string(),
        };
        format!(
            "{} {verdict} {who} {} {} {} > {} {why}",
            styled(ASIDE, time_of_day(self.unix_nanoseconds)),
            self.direction,
            self.protocol,
            end(&self.source, self.source_port),
            end(&self.destination, self.destination_port),
        )
    }
}

/// The time of day in UTC, to the millisecond.
fn time_of_day(unix_nanoseconds: u64) -> String {
    let milliseconds = unix_nanoseconds / 1_000_000 % 86_400_000;
    let (seconds, milliseconds) = (milliseconds / 1000, milliseconds % 1000);
    format!("{:02}:{:02}:{:02}.{milliseconds:03}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
