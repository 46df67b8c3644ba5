//! The reference evaluator: `docs/judgement.md` in AWS's words, written to be read beside it.
//!
//! Naive on purpose. It scans the raw groups, rules and interfaces of the world for every packet, judges packets as
//! values and not as bytes, and shares no code with what it checks: it imports `aws`, `packet` and the data planes'
//! common words, nothing else. There is always room for another entry, so `flow-table-full` cannot occur here, and an
//! instance's Ethernet source is always right, so neither can `spoofed-mac`, `malformed` and `not-ip`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use crate::aws::interface::NetworkInterface;
use crate::aws::rule::Direction;
use crate::aws::world::World;
use crate::dataplane::reason::Reason;
use crate::dataplane::{Dataplane, Flow, Judgement, Outcome, Sender};
use crate::packet::spec::PacketSpec;

mod address;
mod fragment;
mod judgement;
mod lifetime;
mod rule;
mod tracking;

use fragment::FragmentMemory;
use judgement::View;
use tracking::FlowTable;

/// The reference evaluator.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    world: Arc<World>,
    /// Milliseconds since it was made; moved by [`Dataplane::advance`] alone.
    now: u64,
    flows: FlowTable,
    fragments: FragmentMemory,
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

    /// A packet of an instance: outbound by its interface, then inbound by the receiver's (E-03).
    fn judge_from_interface(
        &mut self,
        world: &World,
        sender: &NetworkInterface,
        packet: &PacketSpec,
    ) -> Vec<Judgement> {
        let view =
            View { world, interface: sender, direction: Direction::Outbound, sender: Some(sender), packet };
        let outbound = self.judge_once(&view);
        let stops_here = matches!(outbound.reason, Reason::Exempt | Reason::Neighbour);
        if !outbound.reason.is_allow() || stops_here {
            return vec![outbound];
        }
        if let Some(receiver) = receiver_in_vpc(world, sender, packet) {
            let view = View {
                world,
                interface: receiver,
                direction: Direction::Inbound,
                sender: Some(sender),
                packet,
            };
            return vec![outbound, self.judge_once(&view)];
        }
        if address::is_outside_vpc(world, &sender.vpc_id, packet.destination) {
            return vec![outbound];
        }
        vec![nowhere(Reason::NoRoute)]
    }

    /// A packet of the internet host: inbound only, by whichever interface has the destination.
    fn judge_from_internet(&mut self, world: &World, packet: &PacketSpec) -> Vec<Judgement> {
        if judgement::is_neighbour_discovery(packet) {
            return vec![nowhere(Reason::Neighbour)];
        }
        if address::is_undeliverable(packet.source) || address::is_undeliverable(packet.destination) {
            return vec![nowhere(Reason::Multicast)];
        }
        let receiver = world
            .network_interfaces
            .values()
            .find(|interface| address::owns(interface, packet.destination) && interface.attachment.is_some());
        match receiver {
            Some(interface) => {
                vec![self.judge_once(&View {
                    world,
                    interface,
                    direction: Direction::Inbound,
                    sender: None,
                    packet,
                })]
            }
            None => vec![nowhere(Reason::NoRoute)],
        }
    }
}

/// An outbound judgement that no interface's rules had a part in.
fn nowhere(reason: Reason) -> Judgement {
    Judgement { direction: Direction::Outbound, reason, rule: None }
}

/// The interface of the sender's VPC that owns the destination, if an instance is behind it.
fn receiver_in_vpc<'w>(
    world: &'w World,
    sender: &NetworkInterface,
    packet: &PacketSpec,
) -> Option<&'w NetworkInterface> {
    world.network_interfaces.values().find(|interface| {
        interface.vpc_id == sender.vpc_id
            && address::owns(interface, packet.destination)
            && interface.attachment.is_some()
    })
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
            Sender::Internet => self.judge_from_internet(&world, packet),
            Sender::Interface(id) => match world.network_interfaces.get(id) {
                Some(interface) if interface.attachment.is_some() => {
                    self.judge_from_interface(&world, interface, packet)
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
}
