//! Paths of AWS's network insights, decided by `explain`: for ends that may be reached in several ways, one that gets
//! through, or else what stops the one that comes closest.

use std::net::{IpAddr, Ipv4Addr};

use crate::aws::ids::VpcId;
use crate::aws::interface::NetworkInterface;
use crate::aws::network_insights::{Found, NetworkInsightsPath, Outcome, PathEnd, PathProtocol, PathStep};
use crate::aws::rule::Direction;
use crate::aws::tag::ResourceId;
use crate::aws::world::World;

use super::ask::{Candidate, sample_ports};
use super::ends::Ends;
use super::explain::{Explanation, Question, Verdict, explain};
use super::finding::{AclDecision, Component, Finding, Gap, Miss, NoRule, Step};
use super::traffic::Traffic;
use super::{address, range};

/// The most ways that are tried: all interfaces, ranges of addresses and ranges of ports of two ends can be very many.
const MAX_WAYS: usize = 10_000;

/// Analyses a path in the world as it is.
pub fn analyse(world: &World, path: &NetworkInsightsPath) -> Outcome {
    match closest(world, path) {
        Ok(explanation) => Outcome::Succeeded(Box::new(found(world, path, &explanation))),
        Err(reason) => Outcome::Failed(reason),
    }
}

/// The first way that gets through, or else that with the fewest obstacles; or why there is nothing to ask about.
fn closest(world: &World, path: &NetworkInsightsPath) -> Result<Explanation, String> {
    let sources = candidates(world, Some(&path.source), path.source_ip)?;
    let destinations = candidates(world, path.destination.as_ref(), path.destination_ip)?;
    let pairs = sources.iter().flat_map(|from| destinations.iter().map(move |to| (*from, *to)));
    let questions = pairs.flat_map(|(from, to)| questions(world, path, from, to));
    let mut closest: Option<(usize, Explanation)> = None;
    for (tried, question) in questions.enumerate() {
        if tried == MAX_WAYS {
            return Err("There are too many ways to take this path; name addresses and a port.".to_owned());
        }
        let explanation = explain(world, &question);
        if path.destination.as_ref().is_some_and(PathEnd::is_internet) && explanation.to.is_some() {
            return Err(format!(
                "The destination address {} is an interface's, and not reached through an internet gateway.",
                question.destination
            ));
        }
        if explanation.is_reachable() {
            return Ok(explanation);
        }
        let obstacles = explanation.blockers().count();
        if closest.as_ref().is_none_or(|(fewest, _)| obstacles < *fewest) {
            closest = Some((obstacles, explanation));
        }
    }
    closest.map(|(_, found)| found).ok_or_else(|| "There is no address to ask about.".to_owned())
}

/// The ways to take an end; those with the address alone where any has it.
fn candidates<'w>(
    world: &'w World,
    end: Option<&PathEnd>,
    address: Option<Ipv4Addr>,
) -> Result<Vec<Candidate<'w>>, String> {
    let address = address.map(IpAddr::V4);
    let missing = |end: &PathEnd| end.resource().not_found().message;
    let interfaces = match end {
        None => return Ok(vec![(None, address)]),
        Some(end @ PathEnd::InternetGateway(id)) => {
            world.internet_gateways.get(id).ok_or_else(|| missing(end))?;
            return Ok(vec![(None, address)]);
        }
        Some(end @ PathEnd::NetworkInterface(id)) => {
            vec![world.network_interfaces.get(id).ok_or_else(|| missing(end))?]
        }
        Some(end @ PathEnd::Instance(id)) => {
            world.instances.get(id).ok_or_else(|| missing(end))?;
            world.interfaces_of(id)
        }
    };
    if interfaces.is_empty() {
        return Err("An end of the path has no network interface.".to_owned());
    }
    let owns =
        |interface: &&NetworkInterface| address.is_some_and(|address| address::owns(interface, address));
    let owner = interfaces.iter().copied().find(owns);
    let interfaces = owner.map_or(interfaces, |owner| vec![owner]);
    let primary = |it: &NetworkInterface| address::addresses(it, true).first().copied();
    Ok(interfaces.into_iter().map(|it| (Some(it), address.or_else(|| primary(it)))).collect())
}

/// What there is to ask about two ends: for an end without an address one of each range that rules tell apart, and
/// likewise for the port.
fn questions<'w>(
    world: &'w World,
    path: &NetworkInsightsPath,
    (from, source): Candidate<'w>,
    (to, destination): Candidate<'w>,
) -> impl Iterator<Item = Question<'w>> {
    let examples = || {
        let facing = from.or(to);
        let classes = facing.map_or_else(Vec::new, |it| range::classes(&[world], it, true));
        classes.into_iter().map(|class| class.example).collect::<Vec<_>>()
    };
    let sources = source.map_or_else(examples, |address| vec![address]);
    let destinations = destination.map_or_else(examples, |address| vec![address]);
    let (protocol, port) = (path.protocol, path.destination_port);
    let pairs = sources.into_iter().flat_map(move |source| {
        destinations.clone().into_iter().map(move |destination| (source, destination))
    });
    pairs.flat_map(move |(source, destination)| {
        let to_port = move |port| {
            let traffic = match protocol {
                PathProtocol::Tcp => Traffic::Tcp(port),
                PathProtocol::Udp => Traffic::Udp(port),
            };
            Question::new(from, source, to, destination, traffic)
        };
        let ports = match port {
            Some(port) => vec![port],
            None => {
                let question = to_port(1);
                let ends = Ends::find(world, &question);
                sample_ports(&ends, question.traffic.protocol(true)).collect()
            }
        };
        ports.into_iter().map(to_port)
    })
}

fn found(world: &World, path: &NetworkInsightsPath, explanation: &Explanation) -> Found {
    let is_found = explanation.is_reachable();
    let is_answered = explanation.verdict() == Verdict::Reachable;
    let shown = |steps: &[Step], is_back| -> Vec<PathStep> {
        let passed = steps.iter().map(|step| path_step(world, path, explanation, step, is_back));
        passed.filter(|step| step.component.is_some()).collect()
    };
    let explanations = || {
        let ways = [(&explanation.steps, false), (&explanation.answers, true)];
        let all = ways.into_iter().flat_map(|(steps, is_back)| steps.iter().map(move |step| (step, is_back)));
        let stops = all.filter(|(step, _)| step.finding.code().is_some());
        stops.map(|(step, is_back)| path_step(world, path, explanation, step, is_back)).collect()
    };
    Found {
        is_found,
        source: explanation.source,
        destination: explanation.destination,
        destination_port: explanation.traffic.port(),
        forward: if is_found { shown(&explanation.steps, false) } else { Vec::new() },
        back: if is_found && is_answered { shown(&explanation.answers, true) } else { Vec::new() },
        explanations: if is_found { Vec::new() } else { explanations() },
    }
}

/// What a component said, by ids, as it is to be kept.
fn path_step(
    world: &World,
    path: &NetworkInsightsPath,
    explanation: &Explanation,
    step: &Step,
    is_back: bool,
) -> PathStep {
    use Component::{DestinationAcl, DestinationGroups, DestinationInterface};
    use Component::{Route, SourceAcl, SourceGroups, SourceInterface};
    let interface_of = |id: &Option<_>| id.as_ref().and_then(|id| world.network_interfaces.get(id));
    let [sender, receiver] = [&explanation.from, &explanation.to].map(interface_of);
    let interface = match step.component {
        SourceInterface | SourceGroups | SourceAcl => sender,
        DestinationAcl | DestinationGroups | DestinationInterface => receiver,
        Route => None,
    };
    let mut shown = PathStep {
        direction: step.direction,
        code: step.finding.code().map(|code| code.to_string()),
        network_interface_id: interface.map(|it| it.id.clone()),
        instance_id: interface.and_then(|it| Some(it.attachment.as_ref()?.instance_id.clone())),
        subnet_id: interface.map(|it| it.subnet_id.clone()),
        vpc_id: interface.or(sender).map(|it| it.vpc_id.clone()),
        ..PathStep::default()
    };
    let itself = || interface.map(|it| ResourceId::from(it.id.clone()));
    match &step.finding {
        Finding::Sends | Finding::CheckOff | Finding::Receives | Finding::NotAttached => {
            shown.component = itself();
        }
        Finding::ForeignSource => {
            shown.component = itself();
            shown.address = Some(explanation.source);
        }
        Finding::NotItsAddress | Finding::Nobody => {
            shown.component = itself();
            shown.address = Some(explanation.destination);
        }
        Finding::Undeliverable(address) => {
            shown.component = itself();
            shown.address = Some(*address);
        }
        Finding::AddressElsewhere(elsewhere) => shown.component = Some(elsewhere.clone().into()),
        Finding::AnswersElsewhere(elsewhere) => {
            shown.component = elsewhere.clone().map(ResourceId::from);
            shown.address = Some(explanation.source);
        }
        Finding::Rule { rule, .. } => set_rule(world, &mut shown, *rule),
        Finding::Entry => {
            shown.component = interface.and_then(|it| it.groups.first()).cloned().map(ResourceId::from);
        }
        Finding::NoRule(NoRule { near, .. }) => {
            // Of rules that miss, only one that would apply but for a lost identity says more than that none applies.
            if let Some(near) = near.iter().find(|near| near.miss == Miss::Identity) {
                set_rule(world, &mut shown, near.rule);
            }
            shown.component = itself();
            shown.security_group_ids = interface.map_or_else(Vec::new, |it| it.groups.clone());
        }
        Finding::AclAllows(decision) | Finding::AclDenies { decision, .. } => {
            set_acl(world, &mut shown, decision, step.direction);
        }
        Finding::Peering(id) | Finding::Gap(Gap::Inactive(id, _)) => {
            shown.component = Some(id.clone().into());
        }
        // What comes from the internet has passed its gateway before; what goes there ends at it.
        Finding::Internet if sender.is_some() || is_back => {
            shown.component = gateway(world, path, sender.or(receiver).map(|it| &it.vpc_id));
        }
        Finding::Outside => shown.component = gateway(world, path, receiver.map(|it| &it.vpc_id)),
        Finding::SameSubnet
        | Finding::Local
        | Finding::Internet
        | Finding::Service
        | Finding::Gap(Gap::OtherPeers | Gap::NoPeering) => {}
    }
    shown
}

fn set_rule(world: &World, shown: &mut PathStep, number: u32) {
    if let Some((group, rule)) = world.rule_by_number(number) {
        shown.component = Some(group.id.clone().into());
        shown.rule = Some(rule.clone());
    }
}

fn set_acl(world: &World, shown: &mut PathStep, decision: &AclDecision, direction: Option<Direction>) {
    shown.component = Some(decision.acl_id.clone().into());
    let acl = world.network_acls.get(&decision.acl_id);
    shown.acl_entry =
        acl.zip(direction).and_then(|(acl, direction)| acl.entry(direction, decision.rule_number));
}

/// The gateway that stands for the internet: the one that the path names, or else the VPC's, where it has one.
fn gateway(world: &World, path: &NetworkInsightsPath, vpc_id: Option<&VpcId>) -> Option<ResourceId> {
    let ends = [Some(&path.source), path.destination.as_ref()];
    let named = ends.into_iter().flatten().find(|end| end.is_internet());
    let of_vpc = || Some(world.internet_gateway_of(vpc_id?)?.id.clone().into());
    named.map(PathEnd::resource).or_else(of_vpc)
}
