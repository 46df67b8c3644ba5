//! The whole matrix: every interface against every other and the internet, on every port that any rule tells from
//! another. A pair is looked at in ranges of ports, not port by port; interfaces send from their own addresses.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::aws::ids::{NetworkInterfaceId, SecurityGroupId, SubnetId};
use crate::aws::interface::NetworkInterface;
use crate::aws::protocol::IpProtocol;
use crate::aws::rule::{Direction, Peer, SecurityGroupRule};
use crate::aws::world::World;

pub use super::range::AddressRange;

use super::ends::Ends;
use super::explain::Question;
use super::finding::Finding;
use super::ports::{self, Ports};
use super::side::Side;
use super::tracking::Tracking;
use super::traffic::{EPHEMERAL_PORTS, Traffic};
use super::{address, answer, range};

/// One end of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// An interface, by one of its addresses; `None` for any of them.
    Interface(NetworkInterfaceId, Option<IpAddr>),
    /// Hosts of the internet; `None` for all of them.
    Internet(Option<AddressRange>),
}

/// What a path is open for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Span {
    /// Every protocol and port.
    Everything,
    /// TCP to these ports.
    Tcp(Ports),
    /// UDP to these ports.
    Udp(Ports),
    /// ICMP echo, of the path's family.
    Echo,
    /// Another protocol that some rule names.
    Protocol(u8),
    /// Every protocol that no rule names.
    OtherProtocols,
}

/// What lets a path be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opening {
    /// For what.
    pub span: Span,
    /// Number of the rule that lets it out; `None` from the internet.
    pub outbound_rule: Option<u32>,
    /// Number of the rule that lets it in; `None` to the internet.
    pub inbound_rule: Option<u32>,
    /// Whether answers come back.
    pub is_answered: bool,
    /// Whether both ends, as far as they have groups, hold an entry for it.
    pub is_tracked: bool,
}

/// From one end to another, in one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Who sends.
    pub from: End,
    /// Who receives.
    pub to: End,
    /// The family.
    pub is_ipv4: bool,
    /// What it is open for; nothing overlaps. Empty where it is closed.
    pub openings: Vec<Opening>,
}

/// Which ends are asked about; `None` for all.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Interfaces that send; an empty list is the internet alone.
    pub from: Option<Vec<NetworkInterfaceId>>,
    /// Interfaces that receive; an empty list is the internet alone.
    pub to: Option<Vec<NetworkInterfaceId>>,
}

/// Every path that is open, addresses and ranges that make no difference taken together.
pub fn reach(world: &World, scope: &Scope) -> Vec<Path> {
    let mut paths = merge(matrix(world, &[world], scope));
    paths.retain(|path| !path.openings.is_empty());
    paths
}

/// Every pair of ends, address by address; what the internet is divided into follows from all of `worlds`.
pub(super) fn matrix(world: &World, worlds: &[&World], scope: &Scope) -> Vec<Path> {
    let mut matrix =
        Matrix { world, protocols: protocols(world), kinds: Kinds::of(world), known: HashMap::new() };
    let with_internet = |chosen: &Option<Vec<_>>| chosen.as_ref().is_none_or(Vec::is_empty);
    let mut paths = Vec::new();
    for is_ipv4 in [true, false] {
        let senders = matrix.sites(&scope.from, is_ipv4);
        let receivers = matrix.sites(&scope.to, is_ipv4);
        for from in &senders {
            for to in receivers.iter().filter(|to| to.interface.id != from.interface.id) {
                let openings = matrix.between(from, to);
                paths.push(Path { from: from.end(), to: to.end(), is_ipv4, openings });
            }
            for class in
                range::classes(worlds, from.interface, is_ipv4).iter().filter(|_| with_internet(&scope.to))
            {
                let question =
                    Question::new(Some(from.interface), from.address, None, class.example, Traffic::Other(0));
                let (to, openings) = (End::Internet(Some(class.range)), matrix.openings(&question));
                paths.push(Path { from: from.end(), to, is_ipv4, openings });
            }
        }
        for to in receivers.iter().filter(|_| with_internet(&scope.from)) {
            for class in range::classes(worlds, to.interface, is_ipv4) {
                let question =
                    Question::new(None, class.example, Some(to.interface), to.address, Traffic::Other(0));
                let (from, openings) = (End::Internet(Some(class.range)), matrix.openings(&question));
                paths.push(Path { from, to: to.end(), is_ipv4, openings });
            }
        }
    }
    paths
}

/// A matrix in the making.
struct Matrix<'w> {
    world: &'w World,
    protocols: Vec<(u8, Span)>,
    kinds: Kinds<'w>,
    /// What is open between two kinds of sites of one VPC.
    known: HashMap<(usize, usize), Vec<Opening>>,
}

/// An interface at one of its addresses.
struct Site<'w> {
    interface: &'w NetworkInterface,
    address: IpAddr,
    /// Sites of the same kind reach the same, and are reached by the same, within their VPC.
    kind: usize,
}

/// What rules, ACLs and routes can tell one site from another by.
struct Kinds<'w> {
    blocks: Vec<IpNet>,
    known: HashMap<(&'w SubnetId, &'w [SecurityGroupId], Vec<bool>), usize>,
}

impl Site<'_> {
    fn end(&self) -> End {
        End::Interface(self.interface.id.clone(), Some(self.address))
    }
}

impl<'w> Kinds<'w> {
    fn of(world: &World) -> Self {
        let entries = world.network_acls.values().flat_map(|acl| &acl.entries).map(|entry| entry.cidr);
        let lists = world.prefix_lists.values().flat_map(|list| list.entries()).map(|entry| entry.cidr);
        let rules = world.security_groups.values().flat_map(|group| &group.rules);
        let peers = rules.filter_map(|rule| match rule.peer {
            Peer::CidrIpv4(block) => Some(IpNet::V4(block)),
            Peer::CidrIpv6(block) => Some(IpNet::V6(block)),
            Peer::PrefixList(_) | Peer::ReferencedGroup(_) => None,
        });
        let blocks: BTreeSet<IpNet> = entries.chain(lists).chain(peers).collect();
        Self { blocks: blocks.into_iter().collect(), known: HashMap::new() }
    }

    fn kind(&mut self, interface: &'w NetworkInterface, address: IpAddr) -> usize {
        let blocks = self.blocks.iter().map(|block| block.contains(&address)).collect();
        let next = self.known.len();
        *self.known.entry((&interface.subnet_id, &interface.groups, blocks)).or_insert(next)
    }
}

impl<'w> Matrix<'w> {
    /// The attached interfaces that were chosen, at each of their addresses in a family.
    fn sites(&mut self, chosen: &Option<Vec<NetworkInterfaceId>>, is_ipv4: bool) -> Vec<Site<'w>> {
        let is_chosen = |id| chosen.as_ref().is_none_or(|chosen| chosen.contains(id));
        let interfaces = self.world.network_interfaces.values();
        let attached = interfaces.filter(|it| it.attachment.is_some() && is_chosen(&it.id));
        let at = attached
            .flat_map(|it| address::addresses(it, is_ipv4).into_iter().map(move |address| (it, address)));
        at.map(|(interface, address)| Site { interface, address, kind: self.kinds.kind(interface, address) })
            .collect()
    }

    /// What is open between two interfaces.
    fn between(&mut self, from: &Site<'w>, to: &Site<'w>) -> Vec<Opening> {
        let question = Question::new(
            Some(from.interface),
            from.address,
            Some(to.interface),
            to.address,
            Traffic::Other(0),
        );
        if from.interface.vpc_id != to.interface.vpc_id {
            // Addresses may be there twice, so the way depends on more than the kinds.
            return self.openings(&question);
        }
        if let Some(openings) = self.known.get(&(from.kind, to.kind)) {
            return openings.clone();
        }
        let openings = self.openings(&question);
        self.known.insert((from.kind, to.kind), openings.clone());
        openings
    }

    fn openings(&self, question: &Question<'_>) -> Vec<Opening> {
        openings(self.world, question, &self.protocols)
    }
}

/// Protocols other than TCP, UDP and ICMP that some rule or ACL entry names, and one that none does.
fn protocols(world: &World) -> Vec<(u8, Span)> {
    let rules = world.security_groups.values().flat_map(|group| &group.rules).map(|rule| rule.protocol);
    let entries = world.network_acls.values().flat_map(|acl| &acl.entries).map(|entry| entry.protocol);
    let named: BTreeSet<u8> = rules
        .chain(entries)
        .filter_map(|protocol| match protocol {
            IpProtocol::Number(number) => Some(number),
            IpProtocol::All => None,
        })
        .filter(|number| ![1, 6, 17, 58].contains(number))
        .collect();
    let other =
        (0..=u8::MAX).rev().find(|number| ![1, 6, 17, 58].contains(number) && !named.contains(number));
    let named = named.iter().map(|&number| (number, Span::Protocol(number)));
    named.chain(other.map(|number| (number, Span::OtherProtocols))).collect()
}

/// What is open between the ends of a question, whatever its traffic.
fn openings(world: &World, question: &Question<'_>, protocols: &[(u8, Span)]) -> Vec<Opening> {
    let ends = Ends::find(world, question);
    let receives = question.to.is_none_or(|to| address::owns(to, question.destination));
    if ends.way.code().is_some() || !receives || (question.to.is_none() && ends.way != Finding::Internet) {
        return Vec::new();
    }
    let is_ipv4 = question.is_ipv4();
    let sides = || [&ends.source, &ends.destination].into_iter().flatten();
    let mut openings = Vec::new();
    let mut add = |kind: Traffic, parts: Vec<Ports>, span: &dyn Fn(Ports) -> Span| {
        let question = Question { traffic: kind, ..*question };
        let mut is_answered = None;
        for part in parts {
            let traffic = kind.to_port(part.0);
            let Some([out, into]) = admitting(&ends, traffic) else { continue };
            // Which port the flow goes to makes no difference to its answers.
            let is_answered = *is_answered.get_or_insert_with(|| is_answered_on(world, &question, &ends));
            let tracked = |side: &Option<Side<'_>>, direction, rule: Option<&SecurityGroupRule>| {
                side.as_ref().zip(rule).is_none_or(|(side, rule)| {
                    Tracking::of(side, direction, traffic, is_ipv4, rule, EPHEMERAL_PORTS).is_tracked()
                })
            };
            let is_tracked = tracked(&ends.source, Direction::Outbound, out)
                && tracked(&ends.destination, Direction::Inbound, into);
            let number = |rule: Option<&SecurityGroupRule>| rule.map(|rule| rule.number);
            let (outbound_rule, inbound_rule) = (number(out), number(into));
            openings.push(Opening { span: span(part), outbound_rule, inbound_rule, is_answered, is_tracked });
        }
    };
    let cut = |protocol| ports::cut(ports::EVERY_PORT, sides().flat_map(|side| side.ranges(protocol)));
    add(Traffic::Tcp(0), cut(6), &Span::Tcp);
    add(Traffic::Udp(0), cut(17), &Span::Udp);
    add(Traffic::echo_request(is_ipv4), vec![ports::EVERY_PORT], &|_| Span::Echo);
    for &(number, span) in protocols {
        add(Traffic::Other(number), vec![ports::EVERY_PORT], &|_| span);
    }
    join_ports(openings)
}

/// The rules that let traffic out and in, where there are groups; `None` where something stops it.
fn admitting<'w>(ends: &Ends<'w>, traffic: Traffic) -> Option<[Option<&'w SecurityGroupRule>; 2]> {
    let ask = |side: &Option<Side<'w>>, direction| match side {
        None => Some(None),
        Some(side) if side.acl_admits(direction, traffic) => side.deciding(direction, traffic).map(Some),
        Some(_) => None,
    };
    Some([ask(&ends.source, Direction::Outbound)?, ask(&ends.destination, Direction::Inbound)?])
}

fn is_answered_on(world: &World, question: &Question<'_>, ends: &Ends<'_>) -> bool {
    // Groups let the answers to what they admit pass in any case.
    answer::walk(world, question, ends, [None, None]).iter().all(|step| step.finding.code().is_none())
}

/// Takes neighbouring port ranges together that do not differ.
fn join_ports(openings: Vec<Opening>) -> Vec<Opening> {
    let mut joined: Vec<Opening> = Vec::new();
    for opening in openings {
        let same = |a: &Opening| Opening { span: opening.span, ..*a } == opening;
        let span = joined.last().filter(|last| same(last)).and_then(|last| match (last.span, opening.span) {
            (Span::Tcp(a), Span::Tcp(b)) if a.1.checked_add(1) == Some(b.0) => Some(Span::Tcp((a.0, b.1))),
            (Span::Udp(a), Span::Udp(b)) if a.1.checked_add(1) == Some(b.0) => Some(Span::Udp((a.0, b.1))),
            _ => None,
        });
        match (span, joined.last_mut()) {
            (Some(span), Some(last)) => last.span = span,
            _ => joined.push(opening),
        }
    }
    joined
}

/// Takes together addresses of an interface, and neighbouring ranges of the internet, that make no difference.
pub(super) fn merge(paths: Vec<Path>) -> Vec<Path> {
    let whole = |end: &End| match end {
        End::Interface(id, _) => End::Interface(id.clone(), None),
        End::Internet(_) => End::Internet(None),
    };
    let mut pairs: BTreeMap<(End, End, bool), Vec<Path>> = BTreeMap::new();
    for path in paths {
        pairs.entry((whole(&path.from), whole(&path.to), path.is_ipv4)).or_default().push(path);
    }
    let mut merged = Vec::new();
    for ((from, to, is_ipv4), paths) in pairs {
        if let Some(first) =
            paths.first().filter(|first| paths.iter().all(|it| it.openings == first.openings))
        {
            merged.push(Path { from, to, is_ipv4, openings: first.openings.clone() });
            continue;
        }
        // Which address of an interface it is goes without saying where it has but one.
        let are_same = |end: fn(&Path) -> &End| paths.iter().all(|path| end(path) == end(&paths[0]));
        let (is_same_from, is_same_to) = (are_same(|path| &path.from), are_same(|path| &path.to));
        for mut path in paths {
            if is_same_from {
                path.from = from.clone();
            }
            if is_same_to {
                path.to = to.clone();
            }
            match merged.last_mut().and_then(|last: &mut Path| last.extended_by(&path)) {
                Some((from, to)) => {
                    if let Some(last) = merged.last_mut() {
                        (last.from, last.to) = (from, to);
                    }
                }
                None => merged.push(path),
            }
        }
    }
    merged
}

impl Path {
    /// The ends of this path and another together, if they differ in a range of the internet that goes on.
    fn extended_by(&self, next: &Self) -> Option<(End, End)> {
        let joined = |a: &End, b: &End| match (a, b) {
            (End::Internet(Some(a)), End::Internet(Some(b))) if a.last < b.first => {
                Some(End::Internet(Some(AddressRange { first: a.first, last: b.last })))
            }
            _ => None,
        };
        if self.is_ipv4 != next.is_ipv4 || self.openings != next.openings {
            return None;
        }
        if self.to == next.to {
            return Some((joined(&self.from, &next.from)?, self.to.clone()));
        }
        (self.from == next.from).then(|| Some((self.from.clone(), joined(&self.to, &next.to)?)))?
    }
}
