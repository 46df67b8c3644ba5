//! Questions about whoever: `any` end stands for every interface and for the internet, in ranges of addresses that rules
//! do not tell apart.

use std::net::IpAddr;

use crate::aws::ids::NetworkInterfaceId;
use crate::aws::interface::NetworkInterface;
use crate::aws::world::World;

use super::ends::Ends;
use super::explain::{Explanation, Question, explain};
use super::range::{self, AddressRange};
use super::traffic::Traffic;
use super::{address, ports};

/// An end that is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// An interface: by this address, which need not be its own, or by its primary one.
    Interface(NetworkInterfaceId, Option<IpAddr>),
    /// Whoever has this address; the internet host where nobody has.
    Address(IpAddr),
    /// Every interface, by its addresses, and the internet.
    Any,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// It, for one address of each end.
    pub explanation: Explanation,
    /// Addresses of the internet that the sender stands for.
    pub from: Option<AddressRange>,
    /// Addresses of the internet that the receiver stands for.
    pub to: Option<AddressRange>,
}

/// One end of one question: an interface with its address, or the internet with one or with none in particular.
pub(super) type Candidate<'w> = (Option<&'w NetworkInterface>, Option<IpAddr>);

/// Answers for every pair of ends in one family.
pub fn ask(world: &World, from: &Who, to: &Who, traffic: Traffic, is_ipv4: bool) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::new();
    for (sender, source) in senders(world, from, is_ipv4) {
        for (receiver, destination) in receivers(world, to, is_ipv4) {
            let is_same = sender.zip(receiver).is_some_and(|(one, other)| one.id == other.id);
            if is_same && (*from == Who::Any || *to == Who::Any) {
                continue;
            }
            let mut add = |source, destination, from, to| {
                let question = Question::new(sender, source, receiver, destination, traffic);
                let answer = Answer { explanation: explain(world, &question), from, to };
                match answers.last_mut().filter(|last| last.is_continued_by(&answer)) {
                    Some(last) => last.extend(&answer),
                    None => answers.push(answer),
                }
            };
            let facing = sender.or(receiver);
            let classes = || facing.map_or_else(Vec::new, |it| range::classes(&[world], it, is_ipv4));
            match (source, destination) {
                (Some(source), Some(destination)) => add(source, destination, None, None),
                (Some(source), None) => {
                    classes().iter().for_each(|class| add(source, class.example, None, Some(class.range)));
                }
                (None, Some(destination)) => {
                    classes()
                        .iter()
                        .for_each(|class| add(class.example, destination, Some(class.range), None));
                }
                // What the internet sends to itself is not ours to say.
                (None, None) => {}
            }
        }
    }
    answers
}

/// Traffic of which every other between two ends is like some: one port of each range that rules tell apart, and an echo
/// request. An end is an interface, by its primary address, or the internet host with this address.
pub fn samples(
    world: &World,
    from: Option<&NetworkInterface>,
    to: Option<&NetworkInterface>,
    internet: IpAddr,
) -> Vec<Traffic> {
    let is_ipv4 = internet.is_ipv4();
    let at = |end: Option<&NetworkInterface>| match end {
        Some(interface) => address::addresses(interface, is_ipv4).first().copied(),
        None => Some(internet),
    };
    let Some((source, destination)) = at(from).zip(at(to)) else { return Vec::new() };
    let question = Question::new(from, source, to, destination, Traffic::echo_request(is_ipv4));
    let ends = Ends::find(world, &question);
    let tcp = sample_ports(&ends, 6).map(Traffic::Tcp);
    let udp = sample_ports(&ends, 17).map(Traffic::Udp);
    tcp.chain(udp).chain([Traffic::echo_request(is_ipv4)]).collect()
}

/// One port of each range that rules for a protocol tell apart.
pub(super) fn sample_ports(ends: &Ends<'_>, protocol: u8) -> impl Iterator<Item = u16> {
    let sides = [&ends.source, &ends.destination].into_iter().flatten();
    let ranges = ports::cut(ports::EVERY_PORT, sides.flat_map(|side| side.ranges(protocol)));
    // Nothing can be sent to port 0, so a range that begins there is tried at its end.
    let port = |(first, last)| if first == 0 { last } else { first };
    ranges.into_iter().map(port).filter(|port| *port != 0)
}

fn senders<'w>(world: &'w World, who: &Who, is_ipv4: bool) -> Vec<Candidate<'w>> {
    match who {
        Who::Address(address) => {
            let owners: Vec<Candidate<'w>> = world
                .network_interfaces
                .values()
                .filter(|interface| address::owns(interface, *address))
                .map(|interface| (Some(interface), Some(*address)))
                .collect();
            if owners.is_empty() { vec![(None, Some(*address))] } else { owners }
        }
        _ => receivers(world, who, is_ipv4),
    }
}

fn receivers<'w>(world: &'w World, who: &Who, is_ipv4: bool) -> Vec<Candidate<'w>> {
    match who {
        Who::Interface(id, address) => {
            let Some(interface) = world.network_interfaces.get(id) else { return Vec::new() };
            let address = address.or_else(|| address::addresses(interface, is_ipv4).first().copied());
            address.map(|address| (Some(interface), Some(address))).into_iter().collect()
        }
        Who::Address(address) => vec![(None, Some(*address))],
        Who::Any => {
            let attached =
                world.network_interfaces.values().filter(|interface| interface.attachment.is_some());
            let each = attached.flat_map(|interface| {
                address::addresses(interface, is_ipv4).into_iter().map(move |at| (Some(interface), Some(at)))
            });
            each.chain([(None, None)]).collect()
        }
    }
}

impl Answer {
    /// Whether the next answer is the same for the addresses that follow.
    fn is_continued_by(&self, next: &Self) -> bool {
        let (one, other) = (&self.explanation, &next.explanation);
        let is_range = match (&self.from, &next.from, &self.to, &next.to) {
            (Some(_), Some(_), None, None) => one.destination == other.destination,
            (None, None, Some(_), Some(_)) => one.source == other.source,
            _ => false,
        };
        is_range && (&one.from, &one.to) == (&other.from, &other.to) && one.is_as(other)
    }

    fn extend(&mut self, next: &Self) {
        for (range, next) in [(&mut self.from, next.from), (&mut self.to, next.to)] {
            if let (Some(range), Some(next)) = (range, next) {
                range.last = next.last;
            }
        }
    }
}
