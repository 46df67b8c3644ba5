//! Explanations in words: what every component on the way says, what stops the flow, and what would let it through.

use std::fmt::Write as _;

use serde::Serialize;

use crate::analysis::code::Code;
use crate::analysis::explain::{Explanation, Verdict};
use crate::analysis::finding::{AclDecision, Component, Finding, Gap, Miss, NearMiss, Needed, NoRule, Step};
use crate::analysis::tracking::Tracking;
use crate::analysis::traffic::EPHEMERAL_PORTS;
use crate::aws::ids::NetworkInterfaceId;
use crate::aws::network_acl::DEFAULT_DENY_IPV4;
use crate::aws::rule::Direction;
use crate::aws::world::World;

use super::interface::label;
use super::rule::{RuleView, traffic, words};
use super::{ALLOWED, ASIDE, DENIED, styled};

/// An explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainView {
    /// The sender.
    pub from: PlaceView,
    /// The receiver.
    pub to: PlaceView,
    /// `tcp/5432`.
    pub traffic: String,
    /// Whether the flow is of use: it gets through, and the answers that it needs come back.
    pub reachable: bool,
    /// `reachable`, `unanswered` or `blocked`.
    pub verdict: &'static str,
    /// The codes of everything that stops it, on the way and on the way back.
    pub explanation_codes: Vec<Code>,
    /// The first packet's way.
    pub steps: Vec<StepView>,
    /// How each end would remember the flow; `None` where it has no groups, or they do not admit it.
    pub source_tracking: Option<TrackingView>,
    /// The receiver's.
    pub destination_tracking: Option<TrackingView>,
    /// The answers' way back; empty where none are to be expected.
    pub answers: Vec<StepView>,
    /// Ports that answers are assumed to go to (N-10).
    pub ephemeral_ports: (u16, u16),
}

/// An end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlaceView {
    /// Its name, or `internet`.
    pub name: String,
    /// Its interface, if it has one.
    pub interface_id: Option<String>,
    /// Its address.
    pub address: String,
    /// Further addresses of the internet that it stands for: a block, or first and last.
    pub range: Option<String>,
}

/// A component and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepView {
    /// Such as `source security groups`.
    pub component: &'static str,
    /// As the interface at that end sees the packet.
    pub direction: Option<Direction>,
    /// Whether it lets the packet pass.
    pub passes: bool,
    /// What stops it, in Reachability Analyzer's words.
    pub explanation_code: Option<Code>,
    /// The rule that decides.
    pub rule: Option<RuleView>,
    /// The ACL's entry that decides.
    pub acl: Option<AclView>,
    /// In words.
    pub text: String,
    /// What comes close, and what would do.
    pub hints: Vec<String>,
}

/// An ACL's decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AclView {
    /// The ACL.
    pub network_acl_id: String,
    /// The entry's number; 32767 and 32768 are the implicit last ones.
    pub rule_number: u16,
    /// `allow` or `deny`.
    pub rule_action: String,
}

/// How an end would remember the flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrackingView {
    /// Whether every such flow gets an entry.
    pub tracked: bool,
    /// Why.
    pub text: String,
}

impl ExplainView {
    /// The view of an explanation; `ranges` are what the ends stand for, where they are the internet.
    pub fn new(world: &World, explanation: &Explanation, ranges: [Option<String>; 2]) -> Self {
        let is_ipv4 = explanation.source.is_ipv4();
        let [from_range, to_range] = ranges;
        let tracking = |tracking: Option<Tracking>| {
            tracking.map(|it| TrackingView { tracked: it.is_tracked(), text: tracking_text(world, it) })
        };
        let steps = |steps: &[Step]| steps.iter().map(|step| StepView::new(world, step, is_ipv4)).collect();
        Self {
            from: PlaceView::new(
                world,
                explanation.from.as_ref(),
                explanation.source.to_string(),
                from_range,
            ),
            to: PlaceView::new(world, explanation.to.as_ref(), explanation.destination.to_string(), to_range),
            traffic: explanation.traffic.text(is_ipv4),
            reachable: explanation.is_reachable(),
            verdict: match explanation.verdict() {
                Verdict::Reachable => "reachable",
                Verdict::Unanswered => "unanswered",
                Verdict::Blocked => "blocked",
            },
            explanation_codes: explanation.blockers().collect(),
            steps: steps(&explanation.steps),
            source_tracking: tracking(explanation.source_tracking),
            destination_tracking: tracking(explanation.destination_tracking),
            answers: steps(&explanation.answers),
            ephemeral_ports: EPHEMERAL_PORTS,
        }
    }

    /// Who, to whom, for what, and the verdict.
    pub fn headline(&self) -> String {
        let verdict = match self.verdict {
            "reachable" => styled(ALLOWED, "reachable"),
            "unanswered" if self.reachable => format!("{}, one way", styled(ALLOWED, "reachable")),
            "unanswered" => format!("{}: answers do not come back", styled(DENIED, "not reachable")),
            _ => styled(DENIED, "not reachable"),
        };
        let codes = match &self.explanation_codes[..] {
            [] => String::new(),
            codes => format!(" ({})", super::list(codes)),
        };
        format!("{} > {} {}: {verdict}{codes}", self.from.words(), self.to.words(), self.traffic)
    }

    /// The explanation as text, with styles.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.headline());
        self.steps.iter().for_each(|step| step.write(&mut text));
        for (end, tracking) in [(&self.from, &self.source_tracking), (&self.to, &self.destination_tracking)] {
            if let Some(tracking) = tracking {
                let word = if tracking.tracked { "tracked" } else { "untracked" };
                let _ = writeln!(text, "  at {}: {word}, {}", end.name, tracking.text);
            }
        }
        if !self.answers.is_empty() {
            let (first, last) = self.ephemeral_ports;
            let has_ports = self.traffic.starts_with("tcp") || self.traffic.starts_with("udp");
            let ports = if has_ports { format!(", to ports {first}-{last}") } else { String::new() };
            let _ = writeln!(text, "  answers{ports}:");
            self.answers.iter().for_each(|step| step.write(&mut text));
        }
        text
    }
}

impl PlaceView {
    fn new(world: &World, id: Option<&NetworkInterfaceId>, address: String, range: Option<String>) -> Self {
        let interface = id.and_then(|id| world.network_interfaces.get(id));
        Self {
            name: interface.map_or_else(|| "internet".to_owned(), |interface| label(world, interface)),
            interface_id: id.map(ToString::to_string),
            address,
            range,
        }
    }

    fn words(&self) -> String {
        format!("{} ({})", self.name, self.range.as_ref().unwrap_or(&self.address))
    }
}

impl StepView {
    fn new(world: &World, step: &Step, is_ipv4: bool) -> Self {
        let code = step.finding.code();
        let rule = match step.finding {
            Finding::Rule { rule, .. } => RuleView::by_number(world, rule),
            _ => None,
        };
        let acl = match &step.finding {
            Finding::AclAllows(decision) | Finding::AclDenies { decision, .. } => Some(AclView {
                network_acl_id: decision.acl_id.to_string(),
                rule_number: decision.rule_number,
                rule_action: decision.action.to_string(),
            }),
            _ => None,
        };
        Self {
            component: component(step.component),
            direction: step.direction,
            passes: code.is_none(),
            explanation_code: code,
            rule,
            acl,
            text: finding(world, step),
            hints: match &step.finding {
                Finding::NoRule(no_rule) => hints(world, no_rule),
                Finding::AclDenies { decision, .. } => acl_hint(decision, step, is_ipv4),
                _ => Vec::new(),
            },
        }
    }

    fn write(&self, text: &mut String) {
        let mark = if self.passes { styled(ALLOWED, "pass") } else { styled(DENIED, "stop") };
        let code = self.explanation_code.map_or_else(String::new, |code| format!(" {}", styled(ASIDE, code)));
        let _ = writeln!(text, "  {mark}  {}: {}{code}", self.component, self.text);
        for hint in &self.hints {
            let _ = writeln!(text, "          {hint}");
        }
    }
}

fn component(component: Component) -> &'static str {
    match component {
        Component::SourceInterface => "source interface",
        Component::SourceGroups => "source security groups",
        Component::SourceAcl => "source network ACL",
        Component::Route => "route",
        Component::DestinationAcl => "destination network ACL",
        Component::DestinationGroups => "destination security groups",
        Component::DestinationInterface => "destination interface",
    }
}

fn finding(world: &World, step: &Step) -> String {
    let named = |id: &NetworkInterfaceId| {
        world.network_interfaces.get(id).map_or_else(|| id.to_string(), |interface| label(world, interface))
    };
    match &step.finding {
        Finding::Sends => "sends from an address of its own".to_owned(),
        Finding::CheckOff => {
            "sends from an address that is not its own; its source/destination check is off".to_owned()
        }
        Finding::Receives => "has the destination address".to_owned(),
        Finding::Outside => "none, it is outside of every VPC".to_owned(),
        Finding::Rule { rule, others } => {
            let also = match others.len() {
                0 => String::new(),
                1 => "; another would, too".to_owned(),
                n => format!("; {n} others would, too"),
            };
            format!("{} allows it{also}", rule_words(world, *rule))
        }
        Finding::Entry => "the flow's entry allows them".to_owned(),
        Finding::SameSubnet => "not asked within a subnet".to_owned(),
        Finding::AclAllows(decision) => format!("{} allows it", entry_words(world, decision, step.direction)),
        Finding::Local => "within the VPC".to_owned(),
        Finding::Peering(id) => format!("over {id}"),
        Finding::Internet => "the internet".to_owned(),
        Finding::Service => "a service of AWS or the fabric itself, which nothing filters".to_owned(),
        Finding::NotAttached => "is attached to no instance".to_owned(),
        Finding::ForeignSource => {
            "sends from an address that is not its own, which its source/destination check drops".to_owned()
        }
        Finding::Undeliverable(address) => format!("a VPC delivers nothing from or to {address}"),
        Finding::NoRule(no_rule) => match (no_rule.has_rules, step.direction) {
            (true, _) => "no rule allows it".to_owned(),
            (false, Some(direction)) => format!("there is no {direction} rule at all"),
            (false, None) => "there is no rule at all".to_owned(),
        },
        Finding::AclDenies { decision, ports } => {
            let part = ports.map_or_else(String::new, |(first, last)| format!(", for ports {first}-{last}"));
            format!("{} denies it{part}", entry_words(world, decision, step.direction))
        }
        Finding::Nobody => "nobody has the destination address".to_owned(),
        Finding::Gap(Gap::Inactive(id, status)) => format!("{id} between the VPCs is {status}, not active"),
        Finding::Gap(Gap::OtherPeers) => {
            "no peering joins the VPCs, and one with a third does not lead on".to_owned()
        }
        Finding::Gap(Gap::NoPeering) => "no peering joins the VPCs".to_owned(),
        Finding::NotItsAddress => "the destination is not an address of its own".to_owned(),
        Finding::AddressElsewhere(id) => format!("the address leads to {}", named(id)),
        Finding::AnswersElsewhere(Some(id)) => format!("the source address leads to {}, not back", named(id)),
        Finding::AnswersElsewhere(None) => "the source address does not lead back".to_owned(),
    }
}

/// A rule as `sgr-… (group: text)`.
fn rule_words(world: &World, number: u32) -> String {
    match RuleView::by_number(world, number) {
        Some(rule) => format!("{} ({}: {})", rule.id, rule.group_name, rule.text),
        None => "a rule that is gone".to_owned(),
    }
}

/// An ACL's entry as `acl-… 100 (deny tcp 443 10.0.0.0/8)`.
fn entry_words(world: &World, decision: &AclDecision, direction: Option<Direction>) -> String {
    let AclDecision { acl_id, rule_number, .. } = decision;
    if *rule_number >= DEFAULT_DENY_IPV4 {
        return format!("{acl_id} * (no entry matches)");
    }
    let acl = world.network_acls.get(acl_id).zip(direction);
    let entry = acl.and_then(|(acl, direction)| acl.entry(direction, *rule_number));
    let words = entry.map_or_else(String::new, |entry| {
        format!(" ({} {} {})", entry.action, traffic(entry.protocol, entry.ports), entry.cidr)
    });
    format!("{acl_id} {rule_number}{words}")
}

fn hints(world: &World, no_rule: &NoRule) -> Vec<String> {
    let near = |near: &NearMiss| {
        let why = match near.miss {
            Miss::Peer => "is about another end",
            Miss::Traffic => "is about other traffic",
            Miss::Identity => "means the address's owner, and another interface sends",
            Miss::NotJoined => "means a group of a VPC that no active peering joins",
        };
        format!("{} {why}", rule_words(world, near.rule))
    };
    let Needed { group_id, direction, protocol, ports, peer } = &no_rule.needed;
    let group = group_id.as_ref().and_then(|id| world.security_groups.get(id));
    let needed = group.map(|group| {
        let words = words(world, group, *direction, *protocol, *ports, peer);
        format!("needs a rule such as `{} {words}`", group.name)
    });
    no_rule.near.iter().map(near).chain(needed).collect()
}

fn acl_hint(decision: &AclDecision, step: &Step, is_ipv4: bool) -> Vec<String> {
    let family = if is_ipv4 { "IPv4" } else { "IPv6" };
    let before = if decision.rule_number >= DEFAULT_DENY_IPV4 {
        String::new()
    } else {
        format!(" with a number below {}", decision.rule_number)
    };
    let direction = step.direction.map_or_else(String::new, |direction| format!("{direction} "));
    vec![format!("needs an {direction}entry of {} that allows it over {family}{before}", decision.acl_id)]
}

fn tracking_text(world: &World, tracking: Tracking) -> String {
    let id = |number| RuleView::by_number(world, number).map_or_else(|| "a rule".to_owned(), |rule| rule.id);
    match tracking {
        Tracking::Icmp => "as ICMP queries always are".to_owned(),
        Tracking::IcmpMessage => "each ICMP message other than a query is allowed by itself".to_owned(),
        Tracking::Hosts => {
            "by hosts and protocol alone: for 600 s the other end may send this protocol whatever the rules"
                .to_owned()
        }
        Tracking::NarrowRule { rule } => {
            format!("for {} is not open to everybody; the flow outlives the rule", id(rule))
        }
        Tracking::NoOpenReturn { rule } => format!(
            "for {} is open to everybody, but no rule open to everybody covers every port of the other direction",
            id(rule)
        ),
        Tracking::Untracked { rule, return_rule } => format!(
            "for {} and, the other way, {} are open to everybody; revoking either stops it at once",
            id(rule),
            id(return_rule)
        ),
        Tracking::SomePorts { rule, return_rule } => format!(
            "from some source ports: there {} and {} are open to everybody both ways",
            id(rule),
            id(return_rule)
        ),
    }
}
