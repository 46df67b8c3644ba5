//! Why a flow gets through, or what all stops it: its first packet's walk from the sender's interface to the receiver's,
//! every component asked whether or not one before it has said no (RA-03), and the way of the answers back.

use std::net::IpAddr;

use crate::aws::ids::NetworkInterfaceId;
use crate::aws::interface::NetworkInterface;
use crate::aws::network_acl::RuleAction;
use crate::aws::rule::{Direction, Peer, SecurityGroupRule};
use crate::aws::world::World;

use super::code::Code;
use super::ends::Ends;
use super::finding::{AclDecision, Component, Finding, Miss, NearMiss, Needed, NoRule, Step};
use super::ports::Ports;
use super::route::{self, Route};
use super::side::{self, Remote, Side};
use super::tracking::Tracking;
use super::traffic::{EPHEMERAL_PORTS, Traffic};
use super::{address, answer};

/// A question: does a flow from here to there begin?
#[derive(Clone, Copy, Debug)]
pub struct Question<'w> {
    /// The interface that sends; `None` for the internet host.
    pub from: Option<&'w NetworkInterface>,
    /// The interface that is to receive; `None` for whoever has the destination address.
    pub to: Option<&'w NetworkInterface>,
    /// Source address.
    pub source: IpAddr,
    /// Destination address, of the source's family.
    pub destination: IpAddr,
    /// Protocol, and destination port or ICMP type and code.
    pub traffic: Traffic,
    /// Ports that it may be sent from, which are those that answers go to.
    pub source_ports: Ports,
}

impl<'w> Question<'w> {
    /// A question about a client on Linux: sent from some ephemeral port.
    pub fn new(
        from: Option<&'w NetworkInterface>,
        source: IpAddr,
        to: Option<&'w NetworkInterface>,
        destination: IpAddr,
        traffic: Traffic,
    ) -> Self {
        Self { from, to, source, destination, traffic, source_ports: EPHEMERAL_PORTS }
    }

    pub(super) fn is_ipv4(&self) -> bool {
        self.source.is_ipv4()
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The interface that sends; `None` for the internet host.
    pub from: Option<NetworkInterfaceId>,
    /// The interface that receives, or is to.
    pub to: Option<NetworkInterfaceId>,
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// What was asked about.
    pub traffic: Traffic,
    /// The first packet's walk.
    pub steps: Vec<Step>,
    /// How the sender's interface would remember the flow; `None` if its groups do not let it out.
    pub source_tracking: Option<Tracking>,
    /// How the receiver's interface would remember it; `None` if its groups do not let it in.
    pub destination_tracking: Option<Tracking>,
    /// The answers' walk back; empty where none are to be expected.
    pub answers: Vec<Step>,
}

/// What comes of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It gets through, and so do answers.
    Reachable,
    /// It gets through, and answers do not.
    Unanswered,
    /// It does not get through.
    Blocked,
}

impl Explanation {
    /// What comes of the flow.
    pub fn verdict(&self) -> Verdict {
        if stops(&self.steps).next().is_some() {
            Verdict::Blocked
        } else if stops(&self.answers).next().is_some() {
            Verdict::Unanswered
        } else {
            Verdict::Reachable
        }
    }

    /// Whether the flow is of use: it gets through, and answers do if it needs any.
    pub fn is_reachable(&self) -> bool {
        match self.verdict() {
            Verdict::Reachable => true,
            Verdict::Unanswered => !self.traffic.needs_answer(self.source.is_ipv4()),
            Verdict::Blocked => false,
        }
    }

    /// Whether the sender's end lets the first packet go, whatever becomes of it: where no peering leads to the receiver, it
    /// goes to the internet, unless the address is one of the sender's own VPC.
    pub fn is_let_out(&self, world: &World) -> bool {
        self.steps.iter().filter(|step| step.component <= Component::Route).all(|step| match step.finding {
            Finding::Gap(_) => {
                let sender = self.from.as_ref().and_then(|id| world.network_interfaces.get(id));
                let way = sender.map(|sender| Route::find(world, &sender.vpc_id, self.destination));
                !matches!(way, Some(Route::Nobody))
            }
            ref finding => finding.code().is_none(),
        })
    }

    /// Everything that stops the first packet, and then the answers.
    pub fn blockers(&self) -> impl Iterator<Item = Code> + '_ {
        stops(&self.steps).chain(stops(&self.answers))
    }

    /// Numbers of the rules that let the first packet out and in.
    pub fn rules(&self) -> [Option<u32>; 2] {
        [Component::SourceGroups, Component::DestinationGroups].map(|component| {
            self.steps.iter().filter(|step| step.component == component).find_map(|step| match step.finding {
                Finding::Rule { rule, .. } => Some(rule),
                _ => None,
            })
        })
    }

    /// Whether another answer says the same of other addresses: what passes by which rule, and what stops by which code.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        let said = |steps: &[Step]| -> Vec<(Component, Option<Code>)> {
            steps.iter().map(|step| (step.component, step.finding.code())).collect()
        };
        let key = |it: &Self| {
            (said(&it.steps), said(&it.answers), it.rules(), it.source_tracking, it.destination_tracking)
        };
        key(self) == key(other)
    }
}

fn stops(steps: &[Step]) -> impl Iterator<Item = Code> + '_ {
    steps.iter().filter_map(|step| step.finding.code())
}

/// Answers a question.
pub fn explain(world: &World, question: &Question<'_>) -> Explanation {
    let Question { from, to, source, destination, traffic, source_ports } = *question;
    let mut explanation = Explanation {
        from: from.map(|interface| interface.id.clone()),
        to: to.map(|interface| interface.id.clone()),
        source,
        destination,
        traffic,
        steps: Vec::new(),
        source_tracking: None,
        destination_tracking: None,
        answers: Vec::new(),
    };
    let step = |component, direction, finding| Step { component, direction, finding };
    let (out, into) = (Direction::Outbound, Direction::Inbound);
    let is_for_fabric = match from {
        Some(sender) => address::is_exempt(world, sender, destination, traffic),
        None => address::is_neighbour_discovery(destination, traffic),
    };
    let sent = match sends(from, source) {
        // What a VPC does not deliver may still be meant for its services.
        Finding::Undeliverable(_) if is_for_fabric => Finding::Sends,
        sent => sent,
    };
    explanation.steps.push(step(Component::SourceInterface, Some(out), sent));
    if is_for_fabric {
        explanation.steps.push(step(Component::Route, None, Finding::Service));
        return explanation;
    }
    let ends = Ends::find(world, question);
    let is_ipv4 = question.is_ipv4();
    let tracking = |side: &Side<'_>, direction| {
        let rule = side.deciding(direction, traffic)?;
        Some(Tracking::of(side, direction, traffic, is_ipv4, rule, source_ports))
    };
    if let Some(side) = &ends.source {
        let remote = ends.destination.as_ref().map(|it| it.interface);
        let remote = Remote { address: destination, sender: remote, owner: remote };
        explanation.steps.push(step(
            Component::SourceGroups,
            Some(out),
            groups(world, side, out, question, remote),
        ));
        explanation.steps.push(step(Component::SourceAcl, Some(out), acl(side.acl(out, traffic))));
        explanation.source_tracking = tracking(side, out);
    }
    explanation.steps.push(step(Component::Route, None, ends.way.clone()));
    if let Some(side) = &ends.destination {
        let receiver = side.interface;
        explanation.to = Some(receiver.id.clone());
        let owner = Route::find(world, &receiver.vpc_id, source).interface();
        let remote = Remote { address: source, sender: from, owner };
        explanation.steps.push(step(Component::DestinationAcl, Some(into), acl(side.acl(into, traffic))));
        let said = groups(world, side, into, question, remote);
        explanation.steps.push(step(Component::DestinationGroups, Some(into), said));
        explanation.steps.push(step(
            Component::DestinationInterface,
            Some(into),
            receives(receiver, destination),
        ));
        explanation.destination_tracking = tracking(side, into);
    }
    let tracking = [explanation.source_tracking, explanation.destination_tracking];
    explanation.answers = answer::walk(world, question, &ends, tracking);
    explanation
}

fn sends(from: Option<&NetworkInterface>, source: IpAddr) -> Finding {
    let Some(interface) = from else {
        return if address::is_undeliverable(source) {
            Finding::Undeliverable(source)
        } else {
            Finding::Outside
        };
    };
    let is_own = address::owns(interface, source);
    if interface.attachment.is_none() {
        Finding::NotAttached
    } else if !is_own && interface.source_dest_check && !address::is_unassigned(source) {
        Finding::ForeignSource
    } else if address::is_undeliverable(source) {
        Finding::Undeliverable(source)
    } else if is_own {
        Finding::Sends
    } else {
        Finding::CheckOff
    }
}

fn receives(receiver: &NetworkInterface, destination: IpAddr) -> Finding {
    if !address::owns(receiver, destination) {
        Finding::NotItsAddress
    } else if receiver.attachment.is_none() {
        Finding::NotAttached
    } else {
        Finding::Receives
    }
}

pub(super) fn acl(decision: Option<AclDecision>) -> Finding {
    match decision {
        None => Finding::SameSubnet,
        Some(decision) if decision.action == RuleAction::Allow => Finding::AclAllows(decision),
        Some(decision) => Finding::AclDenies { decision, ports: None },
    }
}

/// What an interface's groups say.
fn groups(
    world: &World,
    side: &Side<'_>,
    direction: Direction,
    question: &Question<'_>,
    remote: Remote<'_>,
) -> Finding {
    let is_ipv4 = question.is_ipv4();
    let is_meant =
        |rule: &SecurityGroupRule| question.traffic.is_meant_by(is_ipv4, rule.protocol, rule.ports);
    let mut allowing = side.rules(direction).iter().filter(|rule| is_meant(rule)).map(|rule| rule.number);
    if let Some(rule) = allowing.next() {
        return Finding::Rule { rule, others: allowing.collect() };
    }
    let near = side::rules_of(world, side.interface, direction).filter_map(|rule| {
        let is_about = side.rules(direction).iter().any(|it| it.number == rule.number);
        let miss = match (is_meant(rule), is_about) {
            (true, _) => miss_of_peer(world, side.interface, rule, remote),
            (false, true) => Miss::Traffic,
            (false, false) => return None,
        };
        Some(NearMiss { rule: rule.number, miss })
    });
    Finding::NoRule(NoRule {
        has_rules: side::rules_of(world, side.interface, direction).next().is_some(),
        near: near.collect(),
        needed: needed(world, side.interface, direction, question, remote),
    })
}

/// Why a rule that means the traffic is not about the remote end.
fn miss_of_peer(
    world: &World,
    interface: &NetworkInterface,
    rule: &SecurityGroupRule,
    remote: Remote<'_>,
) -> Miss {
    let Peer::ReferencedGroup(group) = &rule.peer else { return Miss::Peer };
    let carries = |member: &&NetworkInterface| member.groups.contains(group);
    let is_joined = |member: &NetworkInterface| route::are_joined(world, &interface.vpc_id, &member.vpc_id);
    if remote.owner.filter(carries).is_some_and(is_joined) {
        return Miss::Identity;
    }
    let is_itself = |member: &NetworkInterface| address::owns(member, remote.address) && !is_joined(member);
    if remote.sender.filter(carries).is_some_and(is_itself) { Miss::NotJoined } else { Miss::Peer }
}

/// The narrowest rule that would allow it: for the other end's first group where a group can stand for it.
fn needed(
    world: &World,
    interface: &NetworkInterface,
    direction: Direction,
    question: &Question<'_>,
    remote: Remote<'_>,
) -> Needed {
    let (protocol, ports) = question.traffic.as_rule(question.is_ipv4());
    let member = remote.sender.filter(|member| {
        address::owns(member, remote.address) && route::are_joined(world, &interface.vpc_id, &member.vpc_id)
    });
    let peer = match (member.and_then(|member| member.groups.first()), remote.address) {
        (Some(group), _) => Peer::ReferencedGroup(group.clone()),
        (None, IpAddr::V4(address)) => Peer::CidrIpv4(address.into()),
        (None, IpAddr::V6(address)) => Peer::CidrIpv6(address.into()),
    };
    Needed { group_id: interface.groups.first().cloned(), direction, protocol, ports, peer }
}
