//! The walk of a traced packet, a line a step, beside the compiled structures that it went through.

use crate::aws::rule::Direction;
use crate::aws::world::World;
use crate::dataplane::step::{PortsHit, Step, StepEvent};

use super::flow::endpoint;
use super::interface::label;
use super::network_acl::NetworkAclView;
use super::rule::RuleView;
use super::{ALLOWED, ASIDE, DENIED, styled};

/// The first line of a packet's walk.
pub fn heading(step: &Step) -> String {
    let end = |address: &Option<std::net::IpAddr>, port| match address {
        Some(address) => endpoint(&address.to_string(), port),
        None => "?".to_owned(),
    };
    format!(
        "packet {:x}: {} {} > {}{}",
        step.serial,
        super::protocol(step.protocol),
        end(&step.source, step.source_port),
        end(&step.destination, step.destination_port),
        flags(step),
    )
}

/// One step as one line, indented below its heading.
pub fn line(world: &World, step: &Step) -> String {
    let who = match &step.interface {
        Some(id) => world.network_interfaces.get(id).map_or_else(|| id.to_string(), |it| label(world, it)),
        None => "internet".to_owned(),
    };
    let (name, text) = words(world, step);
    format!("  {who} {:<8} {name:<8} {text}", step.direction.to_string())
}

fn counted(number: u32, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn flags(step: &Step) -> String {
    const NAMES: [(u8, char); 6] = [(2, 'S'), (16, 'A'), (1, 'F'), (4, 'R'), (8, 'P'), (32, 'U')];
    if step.protocol != 6 {
        return String::new();
    }
    let set: String = NAMES.iter().filter(|(bit, _)| step.flags & bit != 0).map(|(_, name)| *name).collect();
    format!(" flags {}", if set.is_empty() { "none" } else { &set })
}

fn words(world: &World, step: &Step) -> (&'static str, String) {
    let interface_name = |id: &crate::aws::ids::NetworkInterfaceId| {
        world.network_interfaces.get(id).map_or_else(|| id.to_string(), |it| label(world, it))
    };
    let inbound = step.direction == Direction::Inbound;
    let remote = if inbound { step.source } else { step.destination };
    let remote = remote.map_or_else(|| "?".to_owned(), |address| address.to_string());
    match &step.event {
        StepEvent::Arrived { kind, length, fragment } => {
            let place = match fragment.as_str() {
                "whole" => String::new(),
                place => format!(", {place} fragment"),
            };
            ("parse", format!("{kind}, {length} bytes{place}"))
        }
        StepEvent::Routed { interface, internet } => (
            "route",
            match interface {
                Some(id) => format!("{remote} is {}", interface_name(id)),
                None if *internet => format!("{remote} is on the internet"),
                None => format!("nobody here has {remote}"),
            },
        ),
        StepEvent::Fragment { known: true } => ("fragment", "its first fragment is remembered".to_owned()),
        StepEvent::Fragment { known: false } => (
            "fragment",
            "its first fragment is not remembered: only rules for every port can match".to_owned(),
        ),
        StepEvent::NetworkAcl { list, allows_all, hit, denies } => {
            ("acl", acl_words(world, step, *list, *allows_all, hit.as_ref(), *denies))
        }
        StepEvent::Flow { found: false, .. } => ("flow", "miss: no entry".to_owned()),
        StepEvent::Flow { live: false, .. } => ("flow", "miss: an entry that has idled out".to_owned()),
        StepEvent::Flow { state, rule, .. } => {
            let state = if state.is_empty() { "no reply yet".to_owned() } else { state.join(", ") };
            ("flow", format!("hit: {state}; admitted by {}", rule_words(world, *rule)))
        }
        StepEvent::Related { rule: Some(number) } => {
            ("related", format!("about a live flow; admitted by {}", rule_words(world, Some(*number))))
        }
        StepEvent::Related { rule: None } => ("related", "about no live flow".to_owned()),
        StepEvent::Policy { policy, words, rules } => (
            "policy",
            format!("{} at granule {policy}: {} in {words} words", step.direction, counted(*rules, "rule")),
        ),
        StepEvent::Open { hit } => {
            ("open", format!("rules for anywhere: {}", hit_words(world, hit.as_ref())))
        }
        StepEvent::Address { block, hit } => {
            let block = match block {
                Some((first, last)) => format!("{remote} in {first} to {last}"),
                None => "no rule for a block".to_owned(),
            };
            (
                "address",
                if hit.is_some() { format!("{block}: {}", hit_words(world, hit.as_ref())) } else { block },
            )
        }
        StepEvent::Owner { interface, groups } => {
            let owner = interface.as_ref().map_or_else(|| "an interface".to_owned(), interface_name);
            ("owner", format!("{remote} belongs to {owner}, which carries {}", counted(*groups, "group")))
        }
        StepEvent::Group { group, hit } => {
            let name = world.security_groups.values().find(|it| it.number == *group);
            let name = name.map_or_else(|| format!("group {group}"), |it| format!("group {}", it.name));
            let found = match hit {
                Some(hit) => hit_words(world, Some(hit)),
                None => "no rule names it".to_owned(),
            };
            ("group", format!("{name}: {found}"))
        }
        StepEvent::Verdict { reason, rule } => {
            let verdict = if reason.is_allow() { styled(ALLOWED, "allow") } else { styled(DENIED, "deny") };
            let by_acl = *reason == crate::dataplane::reason::Reason::NetworkAcl;
            let rule = rule.filter(|_| !by_acl).map(|number| format!(" {}", rule_words(world, Some(number))));
            ("verdict", format!("{verdict} {reason}{}", rule.unwrap_or_default()))
        }
    }
}

fn acl_words(
    world: &World,
    step: &Step,
    list: Option<u32>,
    allows_all: bool,
    hit: Option<&PortsHit>,
    denies: bool,
) -> String {
    let Some(list) = list else { return "the subnet has no access list: deny".to_owned() };
    if allows_all {
        return format!("at granule {list}: its first entry allows everything");
    }
    let interface = step.interface.as_ref().and_then(|id| world.network_interfaces.get(id));
    let acl = interface
        .and_then(|it| world.network_acl_of(&it.subnet_id))
        .map(|acl| NetworkAclView::new(world, acl));
    let label = acl.as_ref().map_or_else(|| "access list".to_owned(), NetworkAclView::label);
    let action = if denies { "deny" } else { "allow" };
    match hit.and_then(|hit| hit.rule) {
        Some(number) => {
            let entry = acl.as_ref().and_then(|acl| {
                let is_it = |it: &&super::network_acl::EntryView| {
                    u32::from(it.rule_number) == number && it.direction == step.direction
                };
                acl.entries.iter().find(is_it)
            });
            let text = entry.map_or_else(String::new, |entry| format!(" ({})", entry.text));
            format!("{label} at granule {list}: entry {number}{text}: {action}")
        }
        None => format!("{label} at granule {list}: no entry but *: {action}"),
    }
}

fn hit_words(world: &World, hit: Option<&PortsHit>) -> String {
    let Some(hit) = hit else { return "none".to_owned() };
    let place = styled(
        ASIDE,
        format!(
            "[table at word {}, interval {} of {}: {} to {}]",
            hit.table,
            hit.interval + 1,
            hit.intervals,
            hit.first,
            hit.last
        ),
    );
    match hit.rule {
        Some(number) => format!("{} {place}", rule_words(world, Some(number))),
        None => format!("no rule for this port {place}"),
    }
}

fn rule_words(world: &World, number: Option<u32>) -> String {
    let Some(number) = number else { return "no rule".to_owned() };
    match RuleView::by_number(world, number) {
        Some(rule) => format!("{} ({}: {})", rule.id, rule.group_name, rule.text),
        None => "a rule that is revoked since".to_owned(),
    }
}
