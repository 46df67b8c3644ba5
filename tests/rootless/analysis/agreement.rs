//! `explain` against the oracle: the same verdict, reason and deciding rule on the first packet of a flow in random
//! worlds, and the same fate of the answer.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sg_tests::harness::agreement::cases;
use sg_tests::harness::traffic::{PacketPlan, packet_plan, reply};
use sg_tests::harness::universe::{Universe, WorldPlan, world_plan};
use sg_userspace::analysis::explain::{Explanation, Question, explain};
use sg_userspace::analysis::finding::{Component, Finding};
use sg_userspace::analysis::tracking::Tracking;
use sg_userspace::analysis::traffic::Traffic;
use sg_userspace::aws::rule::Direction;
use sg_userspace::aws::world::World;
use sg_userspace::dataplane::reason::Reason;
use sg_userspace::dataplane::{Dataplane, Judgement, Outcome, Sender};
use sg_userspace::oracle::Oracle;
use sg_userspace::packet::spec::{PacketSpec, TcpFlags, Transport};

/// A world where every instance may track what it likes, and a packet that begins a flow.
fn case(world: &WorldPlan, packet: &PacketPlan) -> Option<(World, Sender, PacketSpec)> {
    let (mut world, interfaces) = world.resolve(&Universe::new());
    world.instances.values_mut().for_each(|instance| instance.connection_allowance = 1000);
    let (sender, mut packet) = packet.resolve(&world, &interfaces)?;
    let own = matches!(&sender, Sender::Interface(id)
    if world.vpcs.keys().any(|vpc| {
        world.interface_by_address(vpc, packet.destination).is_some_and(|owner| owner.id == *id)
    }));
    if own || packet.source == packet.destination {
        // What an instance sends to itself never leaves it (E-19).
        return None;
    }
    (packet.fragment, packet.payload_length) = (None, 0);
    if let Transport::Tcp { flags, .. } = &mut packet.transport {
        *flags = TcpFlags::SYN;
    }
    Some((world, sender, packet))
}

/// The same question in `explain`'s words.
fn answer(world: &World, sender: &Sender, packet: &PacketSpec) -> Option<Explanation> {
    let (traffic, source_port) = match packet.transport {
        Transport::Tcp { source_port, destination_port, .. } => (Traffic::Tcp(destination_port), source_port),
        Transport::Udp { source_port, destination_port } => (Traffic::Udp(destination_port), source_port),
        Transport::Icmp { kind, code, .. } => (Traffic::Icmp { kind, code }, 0),
        Transport::Other { protocol } => (Traffic::Other(protocol), 0),
        _ => return None,
    };
    let from = match sender {
        Sender::Interface(id) => Some(&world.network_interfaces[id]),
        Sender::Internet => None,
    };
    let question = Question {
        source_ports: (source_port, source_port),
        ..Question::new(from, packet.source, None, packet.destination, traffic)
    };
    Some(explain(world, &question))
}

/// The judgements that an explanation predicts: what stops first, in the order of `docs/judgement.md`.
fn predicted(explanation: &Explanation, packet: &PacketSpec) -> Outcome {
    let find = |component| explanation.steps.iter().find(|step| step.component == component);
    let finding = |component| find(component).map(|step| &step.finding);
    let out = |reason, rule| Judgement { direction: Direction::Outbound, reason, rule };
    let into = |reason, rule| Judgement { direction: Direction::Inbound, reason, rule };
    let only = |judgement| Outcome { judgements: vec![judgement] };
    let reason = |tracking: Option<Tracking>| {
        if tracking.unwrap().is_tracked() { Reason::Rule } else { Reason::Untracked }
    };
    let has = |wanted: &dyn Fn(&Finding) -> bool| explanation.steps.iter().any(|step| wanted(&step.finding));

    if has(&|finding| *finding == Finding::ForeignSource) {
        return only(out(Reason::SourceDestCheck, None));
    }
    if has(&|finding| *finding == Finding::Service) {
        let is_discovery = matches!(packet.transport, Transport::Icmp { kind: 133..=137, .. });
        return only(out(if is_discovery { Reason::Neighbour } else { Reason::Exempt }, None));
    }
    if has(&|finding| matches!(finding, Finding::Undeliverable(_))) {
        return only(out(Reason::Multicast, None));
    }
    let mut judgements = Vec::new();
    match (finding(Component::SourceGroups), finding(Component::SourceAcl)) {
        (Some(Finding::NoRule(_)), _) => return only(out(Reason::NoRule, None)),
        (_, Some(Finding::AclDenies { decision, .. })) => {
            return only(out(Reason::NetworkAcl, Some(decision.rule_number.into())));
        }
        (Some(Finding::Rule { rule, .. }), _) => {
            judgements.push(out(reason(explanation.source_tracking), Some(*rule)));
        }
        _ => {}
    }
    let is_nowhere = finding(Component::Route) == Some(&Finding::Nobody)
        || finding(Component::DestinationInterface) == Some(&Finding::NotAttached);
    if is_nowhere {
        return only(out(Reason::NoRoute, None));
    }
    match (finding(Component::DestinationAcl), finding(Component::DestinationGroups)) {
        (Some(Finding::AclDenies { decision, .. }), _) => {
            judgements.push(into(Reason::NetworkAcl, Some(decision.rule_number.into())));
        }
        (_, Some(Finding::NoRule(_))) => judgements.push(into(Reason::NoRule, None)),
        (_, Some(Finding::Rule { rule, .. })) => {
            judgements.push(into(reason(explanation.destination_tracking), Some(*rule)));
        }
        _ => {}
    }
    Outcome { judgements }
}

/// The oracle's words on the answer, where there is one that comes back to the sender; `None` otherwise.
fn is_answered(
    oracle: &mut Oracle,
    world: &World,
    explanation: &Explanation,
    sent: &(Sender, PacketSpec),
) -> Option<bool> {
    let is_elsewhere = |finding: &Finding| matches!(finding, Finding::AnswersElsewhere(_));
    let answers = &explanation.answers;
    if answers.is_empty() || answers.iter().any(|step| is_elsewhere(&step.finding)) {
        return None;
    }
    let (_, packet) = reply(sent, world, TcpFlags::SYN_ACK);
    let sender = explanation.to.clone().map_or(Sender::Internet, Sender::Interface);
    Some(oracle.judge(&sender, &packet).unwrap().is_allowed())
}

fn check(world: &WorldPlan, packet: &PacketPlan) -> Result<[bool; 3], TestCaseError> {
    let Some((world, sender, packet)) = case(world, packet) else { return Ok([false; 3]) };
    let Some(explanation) = answer(&world, &sender, &packet) else { return Ok([false; 3]) };
    let mut oracle = Oracle::new();
    oracle.set_world(&world).unwrap();
    let outcome = oracle.judge(&sender, &packet).unwrap();
    let told = format!("{sender:?}: {packet}\n{explanation:#?}");
    prop_assert_eq!(&predicted(&explanation, &packet), &outcome, "{}", told);
    let sent = (sender, packet);
    let is_open = outcome.is_allowed() && !explanation.answers.is_empty();
    let answered = if is_open { is_answered(&mut oracle, &world, &explanation, &sent) } else { None };
    if let Some(is_answered) = answered {
        let is_stopped = explanation.answers.iter().any(|step| step.finding.code().is_some());
        prop_assert_eq!(!is_stopped, is_answered, "the answer to {}", told);
    }
    Ok([outcome.is_allowed(), answered == Some(true), answered == Some(false)])
}

#[test]
fn explain_and_oracle_agree_on_first_packets_and_their_answers() {
    let packets = prop::collection::vec(packet_plan(), 1..8);
    let config = Config { cases: cases(), failure_persistence: None, ..Config::default() };
    let mut seen = [0; 3];
    let seen_ref = std::cell::RefCell::new(&mut seen);
    let result = TestRunner::new(config).run(&(world_plan(), packets), |(world, packets)| {
        for packet in &packets {
            let occurred = check(&world, packet)?;
            seen_ref.borrow_mut().iter_mut().zip(occurred).for_each(|(count, it)| *count += u32::from(it));
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(seen.iter().all(|count| *count > cases() / 1000), "allowed, answered, unanswered: {seen:?}");
}

/// What is sent to an interface that no way leads to leaves the sender all the same, unless its groups or ACL stop it.
#[test]
fn explain_and_oracle_agree_on_what_leaves_the_sender() {
    let config = Config { cases: cases(), failure_persistence: None, ..Config::default() };
    let seen = std::cell::RefCell::new([0; 2]);
    let result = TestRunner::new(config).run(&world_plan(), |world| {
        let (mut world, _) = world.resolve(&Universe::new());
        world.instances.values_mut().for_each(|instance| instance.connection_allowance = 1000);
        let attached = || world.network_interfaces.values().filter(|it| it.attachment.is_some());
        let pairs = attached().flat_map(|from| attached().map(move |to| (from, to)));
        for (from, to) in pairs.filter(|(from, to)| from.vpc_id != to.vpc_id) {
            let [source, destination] = [from, to].map(|it| it.private_ipv4[0].into());
            let packet = PacketSpec::tcp((source, 40_000), (destination, 443), TcpFlags::SYN);
            let question = Question {
                source_ports: (40_000, 40_000),
                ..Question::new(Some(from), source, Some(to), destination, Traffic::Tcp(443))
            };
            let explanation = explain(&world, &question);
            let mut oracle = Oracle::new();
            oracle.set_world(&world).unwrap();
            let outcome = oracle.judge(&Sender::Interface(from.id.clone()), &packet).unwrap();
            let is_let_out = outcome.judgements[0].reason.is_allow();
            prop_assert_eq!(explanation.is_let_out(&world), is_let_out, "{}: {:#?}", packet, explanation);
            let is_gap = explanation.steps.iter().any(|step| matches!(step.finding, Finding::Gap(_)));
            seen.borrow_mut()[usize::from(is_let_out)] += u32::from(is_gap);
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let seen = seen.into_inner();
    assert!(seen.iter().all(|count| *count > cases() / 100), "kept in, let out: {seen:?}");
}
