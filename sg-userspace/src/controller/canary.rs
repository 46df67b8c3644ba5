//! Packets that show whether a lab is enforced: one that its rules allow and one that they deny, as the oracle says, sent over
//! its own links from one of its hosts to another.
//!
//! They are TCP segments with RST alone, to which nobody answers and for which no entry is made: connections, allowances and
//! flow entries are left as they are. The counters of frames are not, nor is what `sgsim watch` shows.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::{Context, Result};
use sg_common::abi::ROUTER_MAC;

use crate::aws::interface::{MacAddr, NetworkInterface};
use crate::aws::protocol::IpProtocol;
use crate::aws::rule::Direction;
use crate::aws::world::World;
use crate::dataplane::reason::Reason;
use crate::dataplane::{Dataplane, Judgement, Sender};
use crate::lab::{namespace, packet_socket};
use crate::oracle::Oracle;
use crate::packet::build;
use crate::packet::spec::{PacketSpec, TcpFlags};

use super::build::{INTERNET_MAC, INTERNET_NAME};

/// Pairs of hosts that are looked at for one packet of each kind.
const PAIRS: usize = 200;
/// A port that hardly any rule is about.
const ODD_PORT: u16 = 47;
/// Source ports of canaries, from here on: what connections are made from on Linux lies below.
const FIRST_PORT: u16 = 61_000;
/// How many there are.
const PORTS: usize = 4_000;
/// Nobody's address: a packet from it is denied where sources are checked.
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// Bytes of payload, all of one value.
const PAYLOAD: u16 = 32;

/// A host that packets are sent from and to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    /// Its name, for people.
    pub(super) name: String,
    /// Its network namespace.
    namespace: String,
    /// Its link there.
    link: String,
    sender: Sender,
    mac: MacAddr,
    address: IpAddr,
    /// Ports that rules into it are about.
    ports: Vec<u16>,
}

impl Host {
    /// An instance's interface.
    pub(super) fn instance(world: &World, name: &str, interface: &NetworkInterface) -> Option<Self> {
        let attachment = interface.attachment.as_ref()?;
        let groups = interface.groups.iter().filter_map(|id| world.security_groups.get(id));
        let rules = groups.flat_map(|group| group.rules.iter());
        let inbound = rules.filter(|rule| rule.direction == Direction::Inbound);
        let tcp = inbound.filter(|rule| rule.protocol == IpProtocol::TCP);
        let ports = tcp.filter_map(|rule| u16::try_from(rule.ports.from_port).ok());
        Some(Self {
            name: name.to_owned(),
            namespace: attachment.instance_id.to_string(),
            link: format!("eth{}", attachment.device_index),
            sender: Sender::Interface(interface.id.clone()),
            mac: interface.mac,
            address: (*interface.private_ipv4.first()?).into(),
            ports: ports.take(4).collect(),
        })
    }

    /// The internet host.
    pub(super) fn internet(namespace: &str, address: IpAddr) -> Self {
        Self {
            name: INTERNET_NAME.to_owned(),
            namespace: namespace.to_owned(),
            link: "eth0".to_owned(),
            sender: Sender::Internet,
            mac: INTERNET_MAC,
            address,
            ports: Vec::new(),
        }
    }
}

/// A packet and what has to become of it.
#[derive(Clone, Debug)]
pub(super) struct Canary {
    pub(super) from: Host,
    pub(super) to: Host,
    packet: PacketSpec,
    /// The judgement that ends it.
    pub(super) last: Judgement,
}

impl Canary {
    /// The port that it is for.
    pub(super) fn port(&self) -> u16 {
        match self.packet.transport {
            crate::packet::spec::Transport::Tcp { destination_port, .. } => destination_port,
            _ => 0,
        }
    }

    /// Puts it on its sender's link.
    pub(super) fn send(&self) -> Result<()> {
        let frame = build::frame(&self.packet, self.from.mac, MacAddr(ROUTER_MAC))?;
        namespace::run_in(&self.from.namespace, || {
            packet_socket::send(&self.from.link, std::slice::from_ref(&frame)).map(drop)
        })
        .with_context(|| format!("cannot send from {}", self.from.name))
    }

    /// Listens where it would arrive.
    pub(super) fn listen(&self) -> Result<packet_socket::Arrivals> {
        packet_socket::Arrivals::in_namespace(&self.to.namespace)
            .with_context(|| format!("cannot listen at {}", self.to.name))
    }

    /// Whether it arrives within a time.
    pub(super) fn arrives(&self, at: &packet_socket::Arrivals, patience: Duration) -> Result<bool> {
        let packet = build::ip_packet(&self.packet)?;
        // The router may have changed the header before these: addresses are judged by, ports and payload name the packet.
        let header = 12;
        at.has(|frame| frame.get(14 + header..) == packet.get(header..), patience)
    }
}

/// The next packet that is allowed and the next that is denied, as far as there are any.
pub(super) fn choose(world: &World, hosts: &[Host], turn: usize) -> Result<[Option<Canary>; 2]> {
    let mut oracle = Oracle::new();
    oracle.set_world(world)?;
    let (mut allowed, mut denied) = (None, None);
    let pairs = hosts.len() * hosts.len();
    // Another place to begin each time, so that all of them have their turn.
    let places = (0..pairs.min(PAIRS)).map(|step| (turn.wrapping_mul(7) + step) % pairs.max(1));
    let source_port = FIRST_PORT + u16::try_from(turn % PORTS)?;
    for place in places {
        let (from, to) = (&hosts[place / hosts.len()], &hosts[place % hosts.len()]);
        if from.namespace == to.namespace {
            continue;
        }
        let sources = [(from.address, source_port), (NOBODY, source_port)];
        let ports = to.ports.iter().copied().chain([ODD_PORT]);
        for (port, source) in ports.map(|port| (port, sources[0])).chain([(ODD_PORT, sources[1])]) {
            let mut packet = PacketSpec::tcp(source, (to.address, port), TcpFlags::RST);
            packet.payload_length = PAYLOAD;
            let outcome = oracle.judge(&from.sender, &packet)?;
            let Some(&last) = outcome.judgements.last() else { continue };
            let chosen = if outcome.is_allowed() { &mut allowed } else { &mut denied };
            let is_rules = matches!(
                last.reason,
                Reason::Rule
                    | Reason::Untracked
                    | Reason::NoRule
                    | Reason::NetworkAcl
                    | Reason::SourceDestCheck
            );
            if is_rules && chosen.is_none() {
                *chosen = Some(Canary { from: from.clone(), to: to.clone(), packet, last });
            }
        }
        if allowed.is_some() && denied.is_some() {
            break;
        }
    }
    Ok([allowed, denied])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::file::LabFile;
    use crate::lab::plan::plan;

    /// A VPC with these groups and instances, and its hosts.
    fn lab(groups: &str, instances: &str) -> (World, Vec<Host>) {
        let text = format!(
            "vpcs:\n  lab:\n    cidr: 10.0.0.0/16\n    subnets: {{a: {{cidr: 10.0.1.0/24}}}}\n    security-groups: {{{groups}}}\n    instances: {{{instances}}}\n"
        );
        let world = plan(&LabFile::parse(&text).unwrap(), &World::default()).unwrap().world;
        let instance = |interface: &NetworkInterface| {
            let id = &interface.attachment.as_ref()?.instance_id;
            Host::instance(&world, &world.instances[id].name, interface)
        };
        let mut hosts = world.network_interfaces.values().filter_map(instance).collect::<Vec<_>>();
        hosts.push(Host::internet("internet", "203.0.113.10".parse().unwrap()));
        (world, hosts)
    }

    #[test]
    fn each_look_has_an_allowed_and_a_denied_packet_and_others_in_turn() {
        let (world, hosts) = lab(
            "web: {inbound: [HTTP from web]}",
            "w1: {subnet: a, groups: [web]}, w2: {subnet: a, groups: [web]}",
        );
        let mut pairs = Vec::new();
        for turn in 0..20 {
            let [allowed, denied] = choose(&world, &hosts, turn).unwrap();
            let (allowed, denied) = (allowed.unwrap(), denied.unwrap());
            assert!(allowed.last.reason.is_allow() && !denied.last.reason.is_allow());
            for canary in [allowed, denied] {
                assert_ne!(canary.from, canary.to);
                pairs.push((canary.from.name, canary.to.name, canary.last.reason.is_allow()));
            }
        }
        pairs.sort();
        pairs.dedup();
        let has = |from: &str, to: &str, allowed| {
            pairs.iter().any(|pair| *pair == (from.into(), to.into(), allowed))
        };
        assert!(has("w1", "w2", true) && has("w2", "w1", true), "{pairs:?}");
        assert!(has("internet", "w1", false) || has("internet", "w2", false), "{pairs:?}");
    }

    #[test]
    fn where_rules_deny_nothing_a_foreign_source_is_denied() {
        let (world, hosts) = lab("open: {inbound: [all from anywhere]}", "w1: {subnet: a, groups: [open]}");
        for turn in 0..9 {
            let [allowed, denied] = choose(&world, &hosts, turn).unwrap();
            assert!(allowed.is_some());
            assert_eq!(denied.unwrap().last.reason, Reason::SourceDestCheck);
        }
    }

    #[test]
    fn where_nobody_is_nothing_is_sent() {
        let (world, hosts) = lab("web: {}", "");
        assert!(choose(&world, &hosts, 0).unwrap().iter().all(Option::is_none));
        assert!(choose(&world, &[], 3).unwrap().iter().all(Option::is_none));
    }
}
