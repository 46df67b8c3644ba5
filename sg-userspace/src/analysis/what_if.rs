//! What a change does to traffic: which paths open and close, and what becomes of the flows that are live. The change is
//! there as two worlds, before and after.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::aws::ids::NetworkInterfaceId;
use crate::aws::interface::NetworkInterface;
use crate::aws::network_acl::RuleAction;
use crate::aws::rule::Direction;
use crate::aws::world::World;

use super::address;
use super::finding::AclDecision;
use super::ports::{Ports, subtract};
use super::reach::{End, Opening, Path, Scope, Span, matrix, merge};
use super::route::Route;
use super::side::{Remote, Side};
use super::traffic::Traffic;

/// A flow entry that is live now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveFlow {
    /// The interface that holds it.
    pub interface: NetworkInterfaceId,
    /// IANA protocol number.
    pub protocol: u8,
    /// The interface's address and port; the identifier of an ICMP query.
    pub local: (IpAddr, u16),
    /// The other address and port; the type of an ICMP query.
    pub remote: (IpAddr, u16),
    /// Direction of the packet that made the entry.
    pub opened: Direction,
    /// How long it still lives without packets, in seconds.
    pub seconds_left: u64,
}

/// What becomes of a live flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// No packet of it passes any more.
    Cut(Cut),
    /// It lives on, and could not be opened again; without packets it ends after so many seconds (C-11).
    Lingers(u64),
}

/// What cuts a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The interface is detached or deleted, or has lost the address.
    Gone,
    /// The other end is not reached any more.
    NoRoute,
    /// An ACL denies its packets in one direction or the other (C-15).
    Acl(AclDecision),
    /// The other end does not track it, and its rules do not allow it any more (C-12).
    Untracked,
}

/// What a change does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatIf {
    /// Paths that open, and for what. Rules are the new ones.
    pub opened: Vec<Path>,
    /// Paths that close, and for what. Rules are those that let them be open.
    pub closed: Vec<Path>,
    /// What becomes of live flows that the change touches, by their place in the list.
    pub fates: BTreeMap<usize, Fate>,
}

/// Compares the world before a change with the one after it.
pub fn what_if(before: &World, after: &World, flows: &[LiveFlow]) -> WhatIf {
    let worlds = [before, after];
    let [old, new] = worlds.map(|world| matrix(world, &worlds, &Scope::default()));
    let fates = flows.iter().enumerate();
    let fates = fates.filter_map(|(index, flow)| Some((index, fate(before, after, flows, flow)?)));
    WhatIf { opened: difference(&new, &old), closed: difference(&old, &new), fates: fates.collect() }
}

/// What is open in some paths and not in others.
fn difference(of: &[Path], without: &[Path]) -> Vec<Path> {
    let key = |path: &Path| (path.from.clone(), path.to.clone());
    let without: BTreeMap<(End, End), &[Opening]> =
        without.iter().map(|path| (key(path), &path.openings[..])).collect();
    let left = of.iter().map(|path| {
        let others = without.get(&key(path)).copied().unwrap_or_default();
        let is_of_use = |it: &&Opening| it.is_answered || !needs_answer(it.span);
        let openings = path.openings.iter().filter(is_of_use);
        let openings = openings.flat_map(|opening| {
            let others = others.iter().filter(is_of_use).map(|other| other.span);
            remaining(opening.span, others).into_iter().map(|span| Opening { span, ..*opening })
        });
        Path { openings: openings.collect(), ..path.clone() }
    });
    let mut merged = merge(left.collect());
    merged.retain(|path| !path.openings.is_empty());
    merged
}

fn needs_answer(span: Span) -> bool {
    matches!(span, Span::Everything | Span::Tcp(_) | Span::Echo)
}

/// What is left of a span.
fn remaining(span: Span, others: impl Iterator<Item = Span>) -> Vec<Span> {
    let others: Vec<Span> = others.collect();
    let ports = |of: fn(Span) -> Option<Ports>| others.iter().copied().filter_map(of).collect::<Vec<_>>();
    match span {
        Span::Tcp(range) => {
            let others = ports(|other| if let Span::Tcp(ports) = other { Some(ports) } else { None });
            subtract(&[range], &others).into_iter().map(Span::Tcp).collect()
        }
        Span::Udp(range) => {
            let others = ports(|other| if let Span::Udp(ports) = other { Some(ports) } else { None });
            subtract(&[range], &others).into_iter().map(Span::Udp).collect()
        }
        // A protocol that one of the worlds has no rule for is one of the others there.
        Span::Protocol(_) if others.contains(&span) || others.contains(&Span::OtherProtocols) => Vec::new(),
        other if others.contains(&other) => Vec::new(),
        other => vec![other],
    }
}

/// A flow in a world, as far as it concerns whether its packets pass.
struct Standing<'w> {
    /// The interface at the other end; `None` on the internet.
    owner: Option<&'w NetworkInterface>,
    /// An ACL entry that denies its packets.
    denied: Option<AclDecision>,
    /// Whether rules would let it begin.
    is_admissible: bool,
    /// Whether the other end's rules let its packets pass, both ways.
    is_admissible_beyond: bool,
}

fn fate(before: &World, after: &World, flows: &[LiveFlow], flow: &LiveFlow) -> Option<Fate> {
    let old = standing(before, flow).ok()?;
    let new = match standing(after, flow) {
        Ok(new) => new,
        Err(cut) => return Some(Fate::Cut(cut)),
    };
    if old.owner.map(|it| &it.id) != new.owner.map(|it| &it.id) {
        return Some(Fate::Cut(Cut::NoRoute));
    }
    if let Some(decision) = new.denied {
        return old.denied.is_none().then_some(Fate::Cut(Cut::Acl(decision)));
    }
    let is_entry_of = |other: &LiveFlow, owner: &NetworkInterface| {
        other.interface == owner.id
            && other.protocol == flow.protocol
            && other.local.0 == flow.remote.0
            && other.remote.0 == flow.local.0
    };
    let is_tracked_beyond = old.owner.is_some_and(|owner| flows.iter().any(|it| is_entry_of(it, owner)));
    if !is_tracked_beyond && old.is_admissible_beyond && !new.is_admissible_beyond {
        return Some(Fate::Cut(Cut::Untracked));
    }
    (old.is_admissible && !new.is_admissible).then_some(Fate::Lingers(flow.seconds_left))
}

fn standing<'w>(world: &'w World, flow: &LiveFlow) -> Result<Standing<'w>, Cut> {
    let (local, remote) = (flow.local.0, flow.remote.0);
    let interface = world.network_interfaces.get(&flow.interface).filter(|it| it.attachment.is_some());
    let interface = interface.ok_or(Cut::Gone)?;
    // A foreign address, of an interface that forwards, is nobody's to lose.
    if interface.source_dest_check && !address::owns(interface, local) {
        return Err(Cut::Gone);
    }
    let owner = match Route::find(world, &interface.vpc_id, remote) {
        Route::Nobody => return Err(Cut::NoRoute),
        route => route.interface(),
    };
    if owner.is_some_and(|owner| owner.attachment.is_none()) {
        return Err(Cut::NoRoute);
    }
    let is_same_subnet = owner.is_some_and(|owner| owner.subnet_id == interface.subnet_id);
    let near = Side::new(world, interface, Remote { address: remote, sender: owner, owner }, is_same_subnet);
    let facing = Remote { address: local, sender: Some(interface), owner: Some(interface) };
    let far = owner.map(|owner| Side::new(world, owner, facing, is_same_subnet));

    let (question, answer) = packets(flow);
    let (opened, back) = (flow.opened, flow.opened.opposite());
    let denied = |side: &Side<'_>, direction, traffic: Option<Traffic>| {
        side.acl(direction, traffic?).filter(|decision| decision.action == RuleAction::Deny)
    };
    let denied_near = denied(&near, opened, Some(question)).or_else(|| denied(&near, back, answer));
    let denied_far = || {
        let far = far.as_ref()?;
        denied(far, back, Some(question)).or_else(|| denied(far, opened, answer))
    };
    let is_admissible_beyond = far.as_ref().is_none_or(|far| {
        let is_answered = answer.is_none_or(|answer| far.deciding(opened, answer).is_some());
        far.deciding(back, question).is_some() && is_answered
    });
    Ok(Standing {
        owner,
        denied: denied_near.or_else(denied_far),
        is_admissible: near.deciding(opened, question).is_some(),
        is_admissible_beyond,
    })
}

/// What the packets of a flow carry, from whoever opened it and back.
fn packets(flow: &LiveFlow) -> (Traffic, Option<Traffic>) {
    let is_ipv4 = flow.local.0.is_ipv4();
    let (to, from) = match flow.opened {
        Direction::Outbound => (flow.remote.1, flow.local.1),
        Direction::Inbound => (flow.local.1, flow.remote.1),
    };
    let question = match flow.protocol {
        6 => Traffic::Tcp(to),
        17 => Traffic::Udp(to),
        1 | 58 => Traffic::Icmp { kind: flow.remote.1.to_be_bytes()[1], code: 0 },
        number => Traffic::Other(number),
    };
    (question, question.answer_to(is_ipv4, from))
}
