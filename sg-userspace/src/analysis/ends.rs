//! The ends of a flow, each facing the other, and the way between them.

use std::net::IpAddr;

use crate::aws::interface::NetworkInterface;
use crate::aws::world::World;

use super::address;
use super::explain::Question;
use super::finding::Finding;
use super::route::{self, Route};
use super::side::{Remote, Side};

/// The ends of a flow, each facing the other, and the way between them.
#[derive(Clone, Debug)]
pub(super) struct Ends<'w> {
    pub(super) source: Option<Side<'w>>,
    pub(super) destination: Option<Side<'w>>,
    pub(super) way: Finding,
}

impl<'w> Ends<'w> {
    /// Finds the receiver and the way.
    pub(super) fn find(world: &'w World, question: &Question<'w>) -> Self {
        let Question { from, to, source, destination, .. } = *question;
        let (owner, way) = match from {
            Some(sender) => leave(world, sender, to, destination),
            None => enter(world, to, destination),
        };
        let receiver = to.or(owner);
        let is_same_subnet = from
            .zip(receiver)
            .is_some_and(|(from, to)| from.subnet_id == to.subnet_id && to.attachment.is_some());
        let source_side = from.map(|sender| {
            let remote = Remote { address: destination, sender: receiver, owner };
            Side::new(world, sender, remote, is_same_subnet)
        });
        let destination_side = receiver.map(|receiver| {
            let owner = Route::find(world, &receiver.vpc_id, source).interface();
            Side::new(world, receiver, Remote { address: source, sender: from, owner }, is_same_subnet)
        });
        Self { source: source_side, destination: destination_side, way }
    }
}

/// The way out of an interface: who receives, and how the packet gets there.
fn leave<'w>(
    world: &'w World,
    sender: &NetworkInterface,
    to: Option<&'w NetworkInterface>,
    destination: IpAddr,
) -> (Option<&'w NetworkInterface>, Finding) {
    if address::is_undeliverable(destination) || address::is_subnet_broadcast(world, sender, destination) {
        return (None, Finding::Undeliverable(destination));
    }
    let route = Route::find(world, &sender.vpc_id, destination);
    let owner = route.interface();
    if let Some(to) = to.filter(|to| owner.is_none_or(|owner| owner.id != to.id)) {
        if !route::are_joined(world, &sender.vpc_id, &to.vpc_id) {
            return (owner, Finding::Gap(route::gap(world, &sender.vpc_id, &to.vpc_id)));
        }
        if let Some(owner) = owner.filter(|_| address::owns(to, destination)) {
            return (Some(owner), Finding::AddressElsewhere(owner.id.clone()));
        }
    }
    let way = match route {
        Route::Local(_) => Finding::Local,
        Route::Peering(peering, _) => Finding::Peering(peering.id.clone()),
        Route::Internet => Finding::Internet,
        Route::Nobody => Finding::Nobody,
    };
    (owner, way)
}

/// The way in from the internet host.
fn enter<'w>(
    world: &'w World,
    to: Option<&'w NetworkInterface>,
    destination: IpAddr,
) -> (Option<&'w NetworkInterface>, Finding) {
    if address::is_undeliverable(destination) {
        return (None, Finding::Undeliverable(destination));
    }
    let owner = route::from_internet(world, destination);
    let way = match (owner, to) {
        (Some(owner), Some(to)) if owner.id != to.id && address::owns(to, destination) => {
            Finding::AddressElsewhere(owner.id.clone())
        }
        (None, None) => Finding::Nobody,
        _ => Finding::Internet,
    };
    (owner, way)
}
