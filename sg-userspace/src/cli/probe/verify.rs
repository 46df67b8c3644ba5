//! Real packets held against an explanation: whether they get through, and which rule decides at each end.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::analysis::explain::Explanation;
use crate::analysis::finding::Component;
use crate::analysis::traffic::Traffic as AskedTraffic;
use crate::aws::ids::NetworkInterfaceId;
use crate::aws::world::World;
use crate::cli::context::Context;
use crate::cli::exec;
use crate::cli::explain::bug;
use crate::controller::build::INTERNET_NAME;
use crate::controller::protocol::Status;
use crate::dataplane::row::Enforcement;
use crate::report::interface::label;
use crate::report::probe::{EndView, ProbeView};
use crate::report::{ALLOWED, ASIDE, styled};

use super::traffic::Traffic;
use super::{End, probe};

/// Sends what explanations are about.
pub(in crate::cli) struct Verifier {
    world: World,
    internet: Vec<IpAddr>,
    status: Status,
    timeout: Duration,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub(in crate::cli) enum Check {
    /// Packets and explanation agree.
    Agreement {
        /// What was sent.
        sent: String,
    },
    /// They do not: a bug.
    Disagreement {
        /// What was sent.
        sent: String,
        /// In what they differ.
        differences: Vec<String>,
    },
    /// No such packet can be sent from here.
    NotSent {
        /// Why.
        reason: String,
    },
}

impl Check {
    /// Whether packets and explanation disagree.
    pub(in crate::cli) fn is_disagreement(&self) -> bool {
        matches!(self, Self::Disagreement { .. })
    }

    /// Whether they agree.
    pub(in crate::cli) fn is_agreement(&self) -> bool {
        matches!(self, Self::Agreement { .. })
    }

    /// In a line, with styles.
    pub(in crate::cli) fn text(&self) -> String {
        match self {
            Self::Agreement { sent } => {
                format!("{}: {sent} was sent, and went as said", styled(ALLOWED, "verified"))
            }
            Self::Disagreement { sent, differences } => bug(&format!("{sent}: {}", differences.join("; "))),
            Self::NotSent { reason } => format!("{}: {reason}", styled(ASIDE, "not verified")),
        }
    }
}

impl Verifier {
    /// A verifier in the running lab.
    pub(in crate::cli) fn new(context: &Context, timeout: Duration) -> Result<Self> {
        context.need_root("sending packets from inside an instance")?;
        let status = context.client()?.status()?;
        if status.lab.as_ref().is_some_and(|lab| lab.enforcement == Enforcement::Off) {
            bail!(
                "enforcement is off, so packets cannot verify anything; `sgsim enforcement on` switches it on"
            );
        }
        let (world, internet) = context.world_and_internet()?;
        Ok(Self { world, internet, status, timeout })
    }

    /// Sends what an explanation is about.
    pub(in crate::cli) fn verify(&self, context: &Context, explanation: &Explanation) -> Result<Check> {
        let is_ipv4 = explanation.source.is_ipv4();
        let not_sent = |reason: &str| Ok(Check::NotSent { reason: reason.to_owned() });
        let traffic = match explanation.traffic {
            AskedTraffic::Tcp(port) if port > 0 => Traffic::Tcp(port),
            AskedTraffic::Udp(port) if port > 0 => Traffic::Udp(port),
            echo if echo == AskedTraffic::echo_request(is_ipv4) => Traffic::Icmp,
            _ => return not_sent("only TCP, UDP and echo requests are sent"),
        };
        let Some(from) = self.end(explanation.from.as_ref(), explanation.source)? else {
            return not_sent("nothing can be sent from that address");
        };
        let Some(to) = self.end(explanation.to.as_ref(), explanation.destination)? else {
            return not_sent("nobody is there to receive it");
        };
        if from.namespace.is_none() || from.namespace == to.namespace {
            return not_sent("what an instance sends to itself does not leave it");
        }
        let view = probe(context, &self.world, &from, &to, traffic, self.timeout)?;
        let sent = format!("{} > {} {}", view.from.name, view.to.name, view.traffic);
        let differences = differences(&self.world, explanation, &view);
        if differences.is_empty() {
            Ok(Check::Agreement { sent })
        } else {
            Ok(Check::Disagreement { sent, differences })
        }
    }

    /// An end of the probe, if it is one that packets can be sent from and to.
    fn end(&self, id: Option<&NetworkInterfaceId>, address: IpAddr) -> Result<Option<End<'_>>> {
        let Some(id) = id else {
            if !self.internet.contains(&address) {
                return Ok(None);
            }
            let namespace = Some(exec::inside(&self.status, INTERNET_NAME)?.namespace);
            return Ok(Some(End { interface: None, name: INTERNET_NAME.to_owned(), namespace, address }));
        };
        let Some(interface) = self.world.network_interfaces.get(id) else { return Ok(None) };
        let is_own = match address {
            IpAddr::V4(address) => interface.private_ipv4.contains(&address),
            IpAddr::V6(address) => interface.ipv6.contains(&address),
        };
        let namespace = interface.attachment.as_ref().map(|attachment| attachment.instance_id.to_string());
        let name = label(&self.world, interface);
        Ok(is_own.then_some(End { interface: Some(interface), name, namespace, address }))
    }
}

/// In what the packets did otherwise than the explanation says.
fn differences(world: &World, explanation: &Explanation, view: &ProbeView) -> Vec<String> {
    let passes = |component: Component| {
        let steps = explanation.steps.iter();
        steps.filter(|step| step.component <= component).all(|step| step.finding.code().is_none())
    };
    let word = |allowed: bool| if allowed { "gets through" } else { "does not" };
    let mut differences = Vec::new();
    if explanation.is_reachable() != view.allowed {
        let (said, was) = (word(explanation.is_reachable()), word(view.allowed));
        differences.push(format!("the explanation says that it {said}, the packet {was}"));
    }
    let [out, into] = explanation.rules();
    let mut compare = |end: &EndView, allowed: bool, rule: Option<u32>| {
        let Some(verdict) = &end.verdict else { return };
        if verdict.allowed != allowed {
            let (said, was) = (word(allowed), &verdict.reason);
            differences
                .push(format!("at {} the explanation says that it {said}, the data plane {was}", end.name));
        }
        let said = rule.filter(|_| allowed).and_then(|number| world.rule_by_number(number));
        let said = said.map(|(_, rule)| rule.id.to_string());
        let was = verdict.rule.as_ref().filter(|_| verdict.allowed).map(|rule| rule.id.clone());
        if verdict.allowed && allowed && said != was {
            let name = |id: Option<String>| id.unwrap_or_else(|| "no rule".to_owned());
            differences.push(format!("at {} {} decided, not {}", end.name, name(was), name(said)));
        }
    };
    compare(&view.from, explanation.is_let_out(world), out);
    if passes(Component::Route) {
        compare(&view.to, passes(Component::DestinationGroups), into);
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::ask::{Who, ask};
    use crate::lab::file::LabFile;
    use crate::lab::plan::plan;
    use crate::report::probe::ProbeEnd;

    /// A packet that goes otherwise than explained is a difference, and one that goes as explained is none.
    #[test]
    fn a_packet_that_goes_otherwise_is_a_difference() {
        let file = LabFile::parse(include_str!("../../../../examples/three.yaml")).unwrap();
        let world = plan(&file, &World::default()).unwrap().world;
        let of = |name: &str| {
            let instance = world.instances.values().find(|instance| instance.name == name).unwrap();
            Who::Interface(world.interfaces_of(&instance.id)[0].id.clone(), None)
        };
        let answers = ask(&world, &of("client"), &of("db"), AskedTraffic::Tcp(5432), true);
        let explanation = &answers[0].explanation;
        let seen = |allowed| {
            let end = |name: &str| EndView {
                name: name.to_owned(),
                address: String::new(),
                verdict: None,
                note: None,
            };
            let end_of_probe = if allowed { ProbeEnd::Answered } else { ProbeEnd::TimedOut };
            let (from, to) = (end("client"), end("db"));
            ProbeView { traffic: String::new(), allowed, end: end_of_probe, milliseconds: 0, from, to }
        };
        assert!(!explanation.is_reachable());
        assert_eq!(differences(&world, explanation, &seen(false)), [] as [String; 0]);
        let differences = differences(&world, explanation, &seen(true));
        assert_eq!(differences, ["the explanation says that it does not, the packet gets through"]);
        let check = Check::Disagreement { sent: "x".to_owned(), differences };
        assert!(check.is_disagreement() && check.text().contains("BUG"));
    }
}
