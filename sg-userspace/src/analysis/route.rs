//! Where a packet goes: to the interface that owns the destination, in the same VPC or over an active peering, to the
//! internet, or nowhere (step 10 of `docs/judgement.md`).

use std::net::IpAddr;

use crate::aws::ids::{VpcId, VpcPeeringConnectionId};
use crate::aws::interface::NetworkInterface;
use crate::aws::peering::{PeeringStatus, VpcPeeringConnection};
use crate::aws::world::World;

use super::address;

/// Where a packet goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Route<'w> {
    /// To an interface of the same VPC.
    Local(&'w NetworkInterface),
    /// To an interface at the other end of a peering.
    Peering(&'w VpcPeeringConnection, &'w NetworkInterface),
    /// Out of every VPC.
    Internet,
    /// To an address of the VPC, or of a peer's, that nobody has.
    Nobody,
}

impl<'w> Route<'w> {
    /// The way from a VPC to an address.
    pub(super) fn find(world: &'w World, vpc_id: &VpcId, destination: IpAddr) -> Self {
        if let Some(interface) = world.interface_by_address(vpc_id, destination) {
            return Self::Local(interface);
        }
        let peers = || active_peerings(world, vpc_id);
        let over = |(peering, other)| {
            world.interface_by_address(other, destination).map(|interface| Self::Peering(peering, interface))
        };
        if let Some(found) = peers().find_map(over) {
            return found;
        }
        let mut reachable = peers().map(|(_, other)| other).chain([vpc_id]);
        let is_inside =
            |id: &VpcId| world.vpcs.get(id).is_some_and(|vpc| address::is_in_vpc(vpc, destination));
        if reachable.any(is_inside) { Self::Nobody } else { Self::Internet }
    }

    /// The interface at its end.
    pub(super) fn interface(self) -> Option<&'w NetworkInterface> {
        match self {
            Self::Local(interface) | Self::Peering(_, interface) => Some(interface),
            Self::Internet | Self::Nobody => None,
        }
    }
}

/// The interface that the internet host reaches at an address: it has no VPC, so the first of any.
pub(super) fn from_internet(world: &World, destination: IpAddr) -> Option<&NetworkInterface> {
    world
        .network_interfaces
        .values()
        .find(|interface| address::owns(interface, destination) && interface.attachment.is_some())
}

/// Whether interfaces of two VPCs see each other's private addresses, hence groups (R-23, E-13).
pub(super) fn are_joined(world: &World, one: &VpcId, other: &VpcId) -> bool {
    one == other || world.peers_of(one).any(|peer| peer == other)
}

/// Why two VPCs that are not joined are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// They have a peering, which is not active.
    Inactive(VpcPeeringConnectionId, PeeringStatus),
    /// The sender's VPC has peerings, but none to that one; peerings do not lead on.
    OtherPeers,
    /// The sender's VPC has no peering.
    NoPeering,
}

/// Why no peering joins the sender's VPC to another.
pub(super) fn gap(world: &World, from: &VpcId, to: &VpcId) -> Gap {
    let between = |peering: &&VpcPeeringConnection| peering.other_end(from) == Some(to);
    // The newest says most: an older one may have been replaced.
    if let Some(peering) =
        world.vpc_peering_connections.values().filter(between).max_by_key(|peering| peering.number)
    {
        return Gap::Inactive(peering.id.clone(), peering.status);
    }
    if active_peerings(world, from).next().is_some() { Gap::OtherPeers } else { Gap::NoPeering }
}

fn active_peerings<'w>(
    world: &'w World,
    vpc_id: &VpcId,
) -> impl Iterator<Item = (&'w VpcPeeringConnection, &'w VpcId)> {
    world
        .vpc_peering_connections
        .values()
        .filter(|peering| peering.status == PeeringStatus::Active)
        .filter_map(move |peering| Some((peering, peering.other_end(vpc_id)?)))
}
