//! Scenarios at random: a small world, then some forty packets, jumps in time and changes.
//!
//! Time jumps are whole seconds, at and around every timeout. An evaluator with a running clock may take some
//! milliseconds over a scenario: what has been idle for exactly its timeout is expired either way.

use proptest::prelude::*;
use proptest::sample::select;
use sg_userspace::aws::ids::NetworkInterfaceId;
use sg_userspace::aws::interface::ConnectionTracking;
use sg_userspace::aws::peering::PeeringStatus;
use sg_userspace::aws::world::World;
use sg_userspace::dataplane::Sender;
use sg_userspace::packet::spec::{TcpFlags, Transport};
use sg_userspace::scenario::edit::Edit;
use sg_userspace::scenario::{Event, Scenario};

use super::flow_log::{FlowLogPlan, flow_log_plan};
use super::lab::rule;
use super::network::{EntryPlan, ListPlan, allowance, entry_plan, internet_mtu, list_plan, peering_status};
use super::traffic::{self, PacketPlan, Sent, flags, packet_plan};
use super::universe::{RulePlan, Universe, WorldPlan, rule_plan, some_groups, timers, world_plan};

/// Around the timeouts of every state, the configured ones included.
const JUMPS: [u64; 22] =
    [1, 1, 5, 9, 10, 28, 29, 30, 31, 59, 60, 61, 119, 120, 121, 179, 180, 350, 599, 600, 431_999, 432_000];

/// An event to be. Packets sent before are counted from the latest.
#[derive(Clone, Debug)]
enum Plan {
    Send(PacketPlan),
    Again(usize, TcpFlags),
    Reply(usize, TcpFlags),
    Error {
        about: usize,
        kind: (u8, u8),
        code: u8,
        is_from_hop: bool,
    },
    Rest(usize, u16),
    /// A whole handshake, and a packet of the initiator. Sometimes a reset, by the initiator if it says so, and a packet of
    /// each end after it.
    Handshake(PacketPlan, Option<bool>),
    /// UDP packets of both ends, the second end's where it says so, and then a while of silence.
    Talk(PacketPlan, Vec<bool>, u64),
    Advance(u64),
    AddRule(RulePlan),
    RemoveRule(prop::sample::Index),
    SetGroups(usize, Vec<usize>),
    SetSourceDestCheck(usize, bool),
    SetConnectionTracking(usize, ConnectionTracking),
    AddAddress(usize),
    RemoveAddress(usize),
    /// Another interface in its slot, with its addresses.
    Replace(usize),
    Delete(usize),
    PutAclEntry(EntryPlan),
    RemoveAclEntry(prop::sample::Index),
    /// A subnet gets its own ACL, or its VPC's.
    SetNetworkAcl(usize, bool),
    SetPeeringStatus(PeeringStatus),
    SetPrefixList(ListPlan),
    SetConnectionAllowance(usize, u32),
    SetInternetMtu(usize, u16),
    SetFlowLog(FlowLogPlan),
}

/// Counted from the latest, and mostly near it.
fn earlier() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0usize..3, 1 => 0usize..12]
}

fn plan() -> impl Strategy<Value = Plan> {
    let kind = select(vec![(3, 1), (3, 2), (4, 3), (5, 4), (11, 3), (12, 1), (6, 5)]);
    let error = (earlier(), kind, select(vec![0, 3, 4]), any::<bool>());
    prop_oneof![
        20 => packet_plan().prop_map(Plan::Send),
        10 => (earlier(), flags()).prop_map(|(n, flags)| Plan::Again(n, flags)),
        20 => (earlier(), flags()).prop_map(|(n, flags)| Plan::Reply(n, flags)),
        6 => error.prop_map(|(about, kind, code, is_from_hop)| Plan::Error { about, kind, code, is_from_hop }),
        6 => (earlier(), 1u16..3).prop_map(|(n, offset)| Plan::Rest(n, offset)),
        3 => (packet_plan(), prop::option::weighted(0.3, any::<bool>()))
            .prop_map(|(packet, reset)| Plan::Handshake(packet, reset)),
        3 => (packet_plan(), prop::collection::vec(any::<bool>(), 2..7), select(vec![29, 30, 59, 60, 119, 179, 180]))
            .prop_map(|(packet, turns, silence)| Plan::Talk(packet, turns, silence)),
        12 => select(&JUMPS[..]).prop_map(Plan::Advance),
        5 => rule_plan().prop_map(Plan::AddRule),
        3 => any::<prop::sample::Index>().prop_map(Plan::RemoveRule),
        2 => (0usize..4, some_groups()).prop_map(|(i, groups)| Plan::SetGroups(i, groups)),
        1 => (0usize..4, any::<bool>()).prop_map(|(i, enabled)| Plan::SetSourceDestCheck(i, enabled)),
        1 => (0usize..4, timers()).prop_map(|(i, timers)| Plan::SetConnectionTracking(i, timers)),
        1 => (0usize..4).prop_map(Plan::AddAddress),
        1 => (0usize..4).prop_map(Plan::RemoveAddress),
        1 => prop_oneof![3 => (0usize..4).prop_map(Plan::Replace), 1 => (0usize..4).prop_map(Plan::Delete)],
        5 => change_of_network(),
    ]
}

/// A change of something other than groups and interfaces.
fn change_of_network() -> impl Strategy<Value = Plan> {
    prop_oneof![
        3 => entry_plan().prop_map(Plan::PutAclEntry),
        2 => any::<prop::sample::Index>().prop_map(Plan::RemoveAclEntry),
        1 => (0usize..3, any::<bool>()).prop_map(|(subnet, is_own)| Plan::SetNetworkAcl(subnet, is_own)),
        1 => peering_status().prop_map(Plan::SetPeeringStatus),
        2 => list_plan().prop_map(Plan::SetPrefixList),
        1 => (0usize..4, allowance()).prop_map(|(i, connections)| Plan::SetConnectionAllowance(i, connections)),
        1 => (0usize..2, internet_mtu()).prop_map(|(vpc, bytes)| Plan::SetInternetMtu(vpc, bytes)),
        2 => flow_log_plan().prop_map(Plan::SetFlowLog),
    ]
}

/// A scenario of up to some eighty events; few, too, or a failing one could not be shortened.
pub fn scenario() -> impl Strategy<Value = Scenario> {
    (world_plan(), prop::collection::vec(plan(), 1..=80)).prop_map(|(world, plans)| resolve(&world, &plans))
}

fn resolve(world: &WorldPlan, plans: &[Plan]) -> Scenario {
    let universe = Universe::new();
    let (world, interfaces) = world.resolve(&universe);
    let mut state =
        State { universe, world: world.clone(), interfaces, sent: Vec::new(), events: Vec::new(), added: 0 };
    for plan in plans {
        state.apply(plan);
    }
    Scenario { world, events: state.events }
}

/// What plans refer to.
struct State {
    universe: Universe,
    world: World,
    interfaces: Vec<NetworkInterfaceId>,
    sent: Vec<Sent>,
    events: Vec<Event>,
    /// Objects made on the way.
    added: u32,
}

impl State {
    fn apply(&mut self, plan: &Plan) {
        match plan {
            Plan::Send(packet) => self.send(packet.resolve(&self.world, &self.interfaces)),
            Plan::Again(n, flags) => self.send(self.earlier(*n).map(|sent| traffic::again(sent, *flags))),
            Plan::Reply(n, flags) => {
                self.send(self.earlier(*n).map(|sent| traffic::reply(sent, &self.world, *flags)));
            }
            Plan::Error { about, kind, code, is_from_hop } => {
                let error = |sent: &Sent| traffic::error(sent, &self.world, *kind, *code, *is_from_hop);
                self.send(self.earlier(*about).map(error));
            }
            Plan::Rest(n, offset) => {
                let firsts: Vec<&Sent> =
                    self.sent.iter().rev().filter(|(_, packet)| packet.is_first_fragment()).collect();
                let first = firsts.get(n % 3).copied().or(self.earlier(*n));
                self.send(first.map(|sent| traffic::rest(sent, *offset)));
            }
            Plan::Handshake(packet, reset) => self.handshake(packet, *reset),
            Plan::Talk(packet, turns, silence) => self.talk(packet, turns, *silence),
            Plan::Advance(seconds) => self.events.push(Event::Advance { seconds: *seconds }),
            Plan::AddRule(plan) => {
                let (group, permission) = plan.resolve(&self.universe);
                let rule = rule(self.next_number(), permission);
                self.edit(Edit::AddRule { group, rule });
            }
            Plan::RemoveRule(index) => {
                let rules = self.world.security_groups.values().flat_map(|group| &group.rules);
                let numbers: Vec<u32> = rules.map(|rule| rule.number).collect();
                if !numbers.is_empty() {
                    self.edit(Edit::RemoveRule { number: *index.get(&numbers) });
                }
            }
            Plan::SetGroups(i, groups) => {
                let interface = self.interface(*i);
                let Some(found) = self.world.network_interfaces.get(&interface) else { return };
                let of_vpc = self
                    .universe
                    .groups
                    .iter()
                    .find(|groups| self.world.security_groups[&groups[0]].vpc_id == found.vpc_id);
                let groups = groups.iter().filter_map(|i| of_vpc.map(|ids| ids[*i].clone())).collect();
                self.edit(Edit::SetGroups { interface, groups });
            }
            Plan::SetSourceDestCheck(i, enabled) => {
                self.edit(Edit::SetSourceDestCheck { interface: self.interface(*i), enabled: *enabled });
            }
            Plan::SetConnectionTracking(i, timers) => {
                self.edit(Edit::SetConnectionTracking { interface: self.interface(*i), timers: *timers });
            }
            Plan::AddAddress(i) => {
                let interface = self.interface(*i);
                let Some(primary) =
                    self.world.network_interfaces.get(&interface).map(|found| found.private_ipv4[0])
                else {
                    return;
                };
                // The same ending for all, so that an address moves from one interface to another.
                let [a, b, c, _] = primary.octets();
                self.edit(Edit::AddAddress { interface, address: [a, b, c, 44].into() });
            }
            Plan::RemoveAddress(i) => {
                let interface = self.interface(*i);
                let secondary = self
                    .world
                    .network_interfaces
                    .get(&interface)
                    .and_then(|found| found.private_ipv4.get(1).copied());
                if let Some(address) = secondary {
                    self.edit(Edit::RemoveAddress { interface, address: address.into() });
                }
            }
            Plan::Replace(i) => self.replace(*i),
            Plan::Delete(i) => self.edit(Edit::DeleteInterface { interface: self.interface(*i) }),
            Plan::PutAclEntry(plan) => self.edit(plan.resolve(&self.universe)),
            Plan::RemoveAclEntry(index) => {
                let entries = self.world.network_acls.values().flat_map(|acl| {
                    acl.entries.iter().map(|entry| (acl.id.clone(), entry.direction, entry.rule_number))
                });
                let entries: Vec<_> = entries.collect();
                if !entries.is_empty() {
                    let (acl, direction, rule_number) = index.get(&entries).clone();
                    self.edit(Edit::RemoveAclEntry { acl, direction, rule_number });
                }
            }
            Plan::SetNetworkAcl(subnet, is_own) => {
                let acl = self.universe.acls[*subnet][usize::from(*is_own)].clone();
                self.edit(Edit::SetNetworkAcl { subnet: self.universe.subnets[*subnet].clone(), acl });
            }
            Plan::SetPeeringStatus(status) => {
                let peering = self.universe.peering.clone();
                self.edit(Edit::SetPeeringStatus { peering, status: *status });
            }
            Plan::SetPrefixList(plan) => self.edit(plan.resolve(&self.universe)),
            Plan::SetConnectionAllowance(i, connections) => {
                let interface = self.world.network_interfaces.get(&self.interface(*i));
                let attachment = interface.and_then(|interface| interface.attachment.as_ref());
                if let Some(instance) = attachment.map(|attachment| attachment.instance_id.clone()) {
                    self.edit(Edit::SetConnectionAllowance { instance, connections: *connections });
                }
            }
            Plan::SetInternetMtu(vpc, bytes) => {
                self.edit(Edit::SetInternetMtu { vpc: self.universe.vpcs[*vpc].clone(), bytes: *bytes });
            }
            Plan::SetFlowLog(plan) => self.edit(plan.resolve(&self.universe, &self.interfaces)),
        }
    }

    /// Deletes an interface and puts a new one into its slot.
    fn replace(&mut self, i: usize) {
        let old = self.interface(i);
        let Some(mut interface) = self.world.network_interfaces.get(&old).cloned() else { return };
        interface.number = self.next_number();
        interface.id = NetworkInterfaceId::mint(0, interface.number);
        let i = i % self.interfaces.len();
        self.interfaces[i] = interface.id.clone();
        self.edit(Edit::DeleteInterface { interface: old });
        self.edit(Edit::AddInterface(Box::new(interface)));
    }

    fn handshake(&mut self, packet: &PacketPlan, reset: Option<bool>) {
        let Some((sender, mut packet)) = packet.resolve(&self.world, &self.interfaces) else { return };
        packet.transport =
            Transport::Tcp { source_port: 40_000, destination_port: 443, flags: TcpFlags::SYN };
        packet.fragment = None;
        let syn = (sender, packet);
        let answer = traffic::reply(&syn, &self.world, TcpFlags::SYN_ACK);
        let ack = traffic::again(&syn, TcpFlags::ACK);
        [&syn, &answer, &ack].into_iter().for_each(|sent| self.send(Some(sent.clone())));
        if let Some(by_initiator) = reset {
            let end = if by_initiator { &syn } else { &answer };
            self.send(Some(traffic::again(end, TcpFlags::RST)));
            self.send(Some(traffic::again(&answer, TcpFlags::ACK)));
            self.send(Some(ack));
        }
    }

    fn talk(&mut self, packet: &PacketPlan, turns: &[bool], silence: u64) {
        let Some((sender, mut packet)) = packet.resolve(&self.world, &self.interfaces) else { return };
        packet.transport = Transport::Udp { source_port: 40_000, destination_port: 53 };
        packet.fragment = None;
        let ask = (sender, packet);
        let answer = traffic::reply(&ask, &self.world, TcpFlags::NONE);
        self.send(Some(ask.clone()));
        turns.iter().for_each(|is_answer| self.send(Some(if *is_answer { &answer } else { &ask }.clone())));
        self.events.push(Event::Advance { seconds: silence });
        self.send(Some(answer));
    }

    fn send(&mut self, sent: Option<Sent>) {
        let Some((sender, packet)) = sent else { return };
        // An interface that has been deleted since, or is not attached, has nothing to send on.
        if let Sender::Interface(id) = &sender
            && self.world.network_interfaces.get(id).is_none_or(|interface| interface.attachment.is_none())
        {
            return;
        }
        self.sent.push((sender.clone(), packet.clone()));
        self.events.push(Event::Send { sender, packet });
    }

    fn edit(&mut self, edit: Edit) {
        edit.apply(&mut self.world);
        self.events.push(Event::Edit(edit));
    }

    fn earlier(&self, n: usize) -> Option<&Sent> {
        self.sent.len().checked_sub(1 + n).and_then(|i| self.sent.get(i))
    }

    fn interface(&self, i: usize) -> NetworkInterfaceId {
        self.interfaces[i % self.interfaces.len()].clone()
    }

    fn next_number(&mut self) -> u32 {
        self.added += 1;
        10_000 + self.added
    }
}
