//! The way back: whether the answers to a flow that was let through reach its sender. Groups let them pass by the entry
//! that the flow has, or by the open rule that makes it untracked; ACLs know nothing of the flow (N-01).

use crate::aws::ids::NetworkInterfaceId;
use crate::aws::network_acl::RuleAction;
use crate::aws::rule::Direction;
use crate::aws::world::World;

use super::address;
use super::ends::Ends;
use super::explain::{self, Question};
use super::finding::{Component, Finding, Step};
use super::ports::{self, Ports};
use super::route::{self, Route};
use super::side::Side;
use super::tracking::Tracking;
use super::traffic::Traffic;

/// The walk of the answers; empty where none are to be expected, or nobody is there to answer. `tracking` is the sender's
/// and the receiver's.
pub(super) fn walk(
    world: &World,
    question: &Question<'_>,
    ends: &Ends<'_>,
    tracking: [Option<Tracking>; 2],
) -> Vec<Step> {
    let is_ipv4 = question.is_ipv4();
    let Some(answer) = question.traffic.answer_to(is_ipv4, question.source_ports.0) else {
        return Vec::new();
    };
    if ends.destination.is_none() && ends.way != Finding::Internet {
        return Vec::new();
    }
    let (out, into) = (Direction::Outbound, Direction::Inbound);
    let [source_tracking, destination_tracking] = tracking;
    let mut steps = Vec::new();
    let mut add = |component, direction, finding| steps.push(Step { component, direction, finding });
    let acl = |side: &Side<'_>, direction| acl(side, direction, answer, question.source_ports, is_ipv4);
    if let Some(side) = &ends.destination {
        if address::is_exempt(world, side.interface, question.source, answer) {
            // Whoever sends from a service's address gets no answer to it: the service does.
            return vec![Step { component: Component::Route, direction: None, finding: Finding::Service }];
        }
        if let Some(tracking) = destination_tracking {
            add(Component::DestinationGroups, Some(out), groups(side, out, answer, tracking));
        }
        add(Component::DestinationAcl, Some(out), acl(side, out));
    }
    // Between unjoined VPCs the way there says it all.
    if ends.way.code().is_none() {
        add(Component::Route, None, way(world, question, ends));
    }
    if let Some(side) = &ends.source {
        add(Component::SourceAcl, Some(into), acl(side, into));
        if let Some(tracking) = source_tracking {
            add(Component::SourceGroups, Some(into), groups(side, into, answer, tracking));
        }
    }
    steps
}

fn groups(side: &Side<'_>, direction: Direction, answer: Traffic, tracking: Tracking) -> Finding {
    match side.deciding(direction, answer) {
        Some(rule) if !tracking.is_tracked() => Finding::Rule { rule: rule.number, others: Vec::new() },
        _ => Finding::Entry,
    }
}

/// What an ACL says about answers to all ephemeral ports.
fn acl(side: &Side<'_>, direction: Direction, answer: Traffic, to_ports: Ports, is_ipv4: bool) -> Finding {
    let parts = match answer.port() {
        Some(_) => ports::cut(to_ports, side.ranges(answer.protocol(is_ipv4))),
        None => vec![to_ports],
    };
    let denied = parts.iter().find_map(|&(first, last)| {
        let decision = side.acl(direction, answer.to_port(first))?;
        (decision.action == RuleAction::Deny).then_some((decision, (first, last)))
    });
    match denied {
        Some((decision, part)) => Finding::AclDenies { decision, ports: (part != to_ports).then_some(part) },
        None => explain::acl(side.acl(direction, answer)),
    }
}

/// Whether answers to the source address come back to who sent from it.
fn way(world: &World, question: &Question<'_>, ends: &Ends<'_>) -> Finding {
    let elsewhere = |found: Option<&NetworkInterfaceId>| Finding::AnswersElsewhere(found.cloned());
    let Some(receiver) = &ends.destination else {
        let found = route::from_internet(world, question.source).map(|interface| &interface.id);
        let is_back = found == question.from.map(|from| &from.id);
        return if is_back { Finding::Internet } else { elsewhere(found) };
    };
    let route = Route::find(world, &receiver.interface.vpc_id, question.source);
    let found = route.interface().map(|interface| &interface.id);
    match (question.from, route) {
        (Some(from), _) if found != Some(&from.id) => elsewhere(found),
        (None, Route::Internet) => Finding::Internet,
        (None, _) => elsewhere(found),
        (Some(_), Route::Peering(peering, _)) => Finding::Peering(peering.id.clone()),
        (Some(_), _) => Finding::Local,
    }
}
