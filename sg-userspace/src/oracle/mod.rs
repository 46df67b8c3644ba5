//! The reference evaluator: `docs/judgement.md` in AWS's words, written to be read beside it.
//!
//! Naive on purpose. It scans the raw groups, rules and interfaces of the world for every packet, judges packets as
//! values and not as bytes, and shares no code with what it checks: it imports `aws`, `packet` and the data planes'
//! common words, nothing else. There is always room for another entry, so `flow-table-full` cannot occur here, and an
//! instance's Ethernet source is always right, so neither can `spoofed-mac`, `malformed` and `not-ip`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use crate::aws::ids::VpcId;
use crate::aws::interface::NetworkInterface;
use crate::aws::rule::Direction;
use crate::aws::world::World;
use crate::dataplane::logged::LoggedFlow;
use crate::dataplane::reason::Reason;
use crate::dataplane::{Dataplane, Flow, Judgement, Outcome, Sender};
use crate::packet::spec::PacketSpec;

mod address;
mod fragment;
mod judgement;
mod lifetime;
mod log;
mod network_acl;
mod path_mtu;
mod protocol;
mod rule;
mod tracking;

use fragment::FragmentMemory;
use judgement::View;
use log::FlowLogMemory;
use tracking::FlowTable;

/// The reference evaluator.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    world: Arc<World>,
    /// Milliseconds since it was made; moved by [`Dataplane::advance`] alone.
    now: u64,
    flows: FlowTable,
    fragments: FragmentMemory,
    log: FlowLogMemory,
}

impl Oracle {
    /// An oracle of an empty world.
    pub fn new() -> Self {
        Self::default()
    }

    /// One judgement by the interface of `view`, with what it leaves in the flow table and the fragment memory.
    fn judge_once(&mut self, view: &View<'_>) -> Judgement {
        judgement::judge(view, self.now, &mut self.flows, &mut self.fragments)
    }

    /// One judgement that flow logs see.
    fn judge_logged(&mut self, view: &View<'_>) -> Result<Judgement> {
        let judgement = self.judge_once(view);
        let completed = if !view.packet.is_later_fragment() {
            Some(view.packet.clone())
        } else if log::is_denied_before_ports(view.direction, judgement.reason) {
            None
        } else {
            self.fragments.complete(view, self.now)
        };
        self.log.note(view, completed.as_ref(), judgement)?;
        Ok(judgement)
    }

    /// A packet of an instance: outbound by its interface, then inbound by the receiver's (E-03).
    fn judge_from_interface(
        &mut self,
        world: &World,
        sender: &NetworkInterface,
        packet: &PacketSpec,
    ) -> Result<Vec<Judgement>> {
        let outbound = self.judge_logged(&View::outbound(world, sender, packet))?;
        let stops_here = matches!(outbound.reason, Reason::Exempt | Reason::Neighbour);
        if !outbound.reason.is_allow() || stops_here {
            return Ok(vec![outbound]);
        }
        if let Some(receiver) = receiver_of(world, sender, packet) {
            let inbound = self.judge_logged(&View::inbound(world, receiver, Some(sender), packet))?;
            return Ok(vec![outbound, inbound]);
        }
        if !address::is_on_internet(world, &sender.vpc_id, packet.destination) {
            return Ok(vec![nowhere(Reason::NoRoute)]);
        }
        if is_too_big(world, sender, packet)? {
            return Ok(self.refuse_too_big(world, sender, packet));
        }
        Ok(vec![outbound])
    }

    /// What becomes of an interface's packet that the way to the internet does not carry: the router's message to the
    /// interface that has sent it, whatever its source address, is judged like any packet from outside the subnet, but never
    /// logged (F-10).
    fn refuse_too_big(
        &mut self,
        world: &World,
        sender: &NetworkInterface,
        packet: &PacketSpec,
    ) -> Vec<Judgement> {
        let mut judgements = vec![nowhere(Reason::PacketTooBig)];
        let subnet = world.subnets.get(&sender.subnet_id);
        if let Some(message) = subnet.and_then(|subnet| path_mtu::message(subnet, packet)) {
            judgements.push(self.judge_once(&View::inbound(world, sender, None, &message)));
        }
        judgements
    }

    /// A packet of the internet host: inbound only, by whichever interface has the destination.
    fn judge_from_internet(&mut self, world: &World, packet: &PacketSpec) -> Result<Vec<Judgement>> {
        if judgement::is_neighbour_discovery(packet) {
            return Ok(vec![nowhere(Reason::Neighbour)]);
        }
        if address::is_undeliverable(packet.source) || address::is_undeliverable(packet.destination) {
            return Ok(vec![nowhere(Reason::Multicast)]);
        }
        let receiver = world
            .network_interfaces
            .values()
            .find(|interface| address::owns(interface, packet.destination) && interface.attachment.is_some());
        let Some(receiver) = receiver else { return Ok(vec![nowhere(Reason::NoRoute)]) };
        if is_too_big(world, receiver, packet)? {
            return Ok(vec![nowhere(Reason::PacketTooBig)]);
        }
        Ok(vec![self.judge_logged(&View::inbound(world, receiver, None, packet))?])
    }
}

/// An outbound judgement that no interface's rules had a part in.
fn nowhere(reason: Reason) -> Judgement {
    Judgement { direction: Direction::Outbound, reason, rule: None }
}

/// The interface that owns the destination, of the sender's VPC or of one that an active peering joins to it, if an
/// instance is behind it.
fn receiver_of<'w>(
    world: &'w World,
    sender: &'w NetworkInterface,
    packet: &PacketSpec,
) -> Option<&'w NetworkInterface> {
    let owner = |vpc_id: &VpcId| {
        world.network_interfaces.values().find(|interface| {
            interface.vpc_id == *vpc_id
                && address::owns(interface, packet.destination)
                && interface.attachment.is_some()
        })
    };
    address::reachable_vpcs(world, &sender.vpc_id).find_map(owner)
}

/// Whether the packet does not fit the way between an interface's VPC and the internet.
fn is_too_big(world: &World, interface: &NetworkInterface, packet: &PacketSpec) -> Result<bool> {
    match world.vpcs.get(&interface.vpc_id) {
        Some(vpc) => Ok(path_mtu::is_too_big(vpc, packet)?),
        None => Ok(false),
    }
}

impl Dataplane for Oracle {
    fn set_world(&mut self, world: &World) -> Result<()> {
        self.flows.forget_expired(&self.world, self.now);
        self.world = Arc::new(world.clone());
        self.flows.forget_deleted(world);
        self.fragments.forget_deleted(world);
        Ok(())
    }

    fn judge(&mut self, sender: &Sender, packet: &PacketSpec) -> Result<Outcome> {
        let world = Arc::clone(&self.world);
        let judgements = match sender {
            Sender::Internet => self.judge_from_internet(&world, packet)?,
            Sender::Interface(id) => match world.network_interfaces.get(id) {
                Some(interface) if interface.attachment.is_some() => {
                    self.judge_from_interface(&world, interface, packet)?
                }
                _ => vec![nowhere(Reason::UnknownInterface)],
            },
        };
        Ok(Outcome { judgements })
    }

    fn advance(&mut self, time: Duration) -> Result<()> {
        self.now += u64::try_from(time.as_millis())?;
        self.flows.forget_expired(&self.world, self.now);
        Ok(())
    }

    fn flows(&mut self) -> Result<Vec<Flow>> {
        self.flows.forget_expired(&self.world, self.now);
        Ok(self.flows.list())
    }

    fn logged(&mut self) -> Result<Vec<LoggedFlow>> {
        Ok(self.log.take())
    }
}
