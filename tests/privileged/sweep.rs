//! The sweep that a program does inside the kernel: what it removes, what it counts, and what it leaves to the exact one.

use std::net::IpAddr;
use std::thread;
use std::time::Duration;

use sg_common::abi::ROUTER_MAC;
use sg_tests::harness::address::{CLIENT, CLIENT6, OUTSIDER, WEB, WEB6};
use sg_tests::harness::lab::{Permission, StandardLab};
use sg_userspace::aws::instance::DEFAULT_CONNECTION_ALLOWANCE;
use sg_userspace::aws::interface::MacAddr;
use sg_userspace::aws::protocol::{IpProtocol, PortRange};
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::dataplane::reason::Reason;
use sg_userspace::dataplane::{Dataplane, Sender};
use sg_userspace::kernel::sweep_in_kernel::Books;
use sg_userspace::packet::build;
use sg_userspace::packet::spec::{PacketSpec, TcpFlags};

use super::kernel_plane::Kernel;

/// Connections that the instance of `web` may track, where that is to be used up.
const FEW: u32 = 4;

/// Two interfaces, flows between them and one from outside, in all four tables.
struct Field {
    lab: StandardLab,
    plane: Kernel,
}

impl Field {
    /// `web` may track so many connections.
    fn new(allowance: u32) -> Self {
        let mut lab = StandardLab::new();
        let groups = ["client", "web"].map(|name| lab.groups[name].clone());
        let peer = |cidr: &str| match cidr.parse() {
            Ok(block) => Peer::CidrIpv4(block),
            Err(_) => Peer::CidrIpv6(cidr.parse().unwrap()),
        };
        for (n, (group, direction, cidr)) in (1000..).zip([
            (0, Direction::Outbound, "10.0.0.0/16"),
            (0, Direction::Outbound, "2600:1f18:0:100::/56"),
            (1, Direction::Inbound, "10.0.0.0/16"),
            (1, Direction::Inbound, "2600:1f18:0:100::/56"),
            (1, Direction::Inbound, "203.0.113.0/24"),
        ]) {
            let (protocol, ports) = (IpProtocol::All, PortRange::ALL);
            let permission = Permission { direction, protocol, ports, peer: peer(cidr) };
            let rules = &mut lab.world.security_groups.get_mut(&groups[group]).unwrap().rules;
            rules.push(sg_tests::harness::lab::rule(n, permission));
        }
        let web =
            lab.world.network_interfaces[&lab.interfaces["web"]].attachment.clone().unwrap().instance_id;
        lab.world.instances.get_mut(&web).unwrap().connection_allowance = allowance;
        let mut plane = Kernel::load();
        plane.set_world(&lab.world).unwrap();
        Self { lab, plane }
    }

    fn reasons(&mut self, sender: &str, packet: &PacketSpec) -> Vec<Reason> {
        let sender = match sender {
            "internet" => Sender::Internet,
            name => Sender::Interface(self.lab.interfaces[name].clone()),
        };
        let outcome = self.plane.judge(&sender, packet).unwrap();
        outcome.judgements.iter().map(|judgement| judgement.reason).collect()
    }

    #[track_caller]
    fn opens(&mut self, sender: &str, packet: &PacketSpec) {
        let reasons = self.reasons(sender, packet);
        assert!(reasons.iter().all(|reason| *reason == Reason::Rule), "{packet:?}: {reasons:?}");
    }

    /// By UDP, which idles out after 30 s, without an answer and with one; by TCP, which after two minutes, of IPv6; and from
    /// outside, which is on `web`'s account alone. That is used up then.
    fn open_all(&mut self) {
        let (client, web) = (IpAddr::from(CLIENT), IpAddr::from(WEB));
        self.opens("client", &PacketSpec::udp((client, 1), (web, 53)));
        self.opens("client", &PacketSpec::udp((client, 2), (web, 53)));
        let answer = PacketSpec::udp((web, 53), (client, 2));
        assert_eq!(self.reasons("web", &answer), [Reason::Flow, Reason::Flow]);
        let syn = PacketSpec::tcp((CLIENT6.into(), 3), (WEB6.into(), 443), TcpFlags::SYN);
        self.opens("client", &syn);
        self.opens("internet", &self.outside(4));
        assert_eq!(self.counts(), ([3, 4], 7));
        let denied = self.reasons("internet", &self.outside(5));
        assert_eq!(denied, [Reason::ConnectionAllowanceExceeded]);
    }

    fn outside(&self, port: u16) -> PacketSpec {
        PacketSpec::udp((OUTSIDER.into(), port), (WEB.into(), 53))
    }

    /// What is on the accounts of `client` and `web`, and what is in the tables.
    fn counts(&self) -> ([u64; 2], u64) {
        let kernel = self.plane.kernel();
        let allowances = kernel.allowances();
        let slot = |name| self.lab.world.network_interfaces[&self.lab.interfaces[name]].slot;
        let rows = kernel.fill();
        let tables =
            rows.iter().filter(|row| ["FLOWS4", "FLOWS6", "EMBRYONIC4", "EMBRYONIC6"].contains(&&*row.name));
        (
            ["client", "web"].map(|name| allowances.get(&slot(name)).map_or(0, |account| account.in_use())),
            tables.map(|row| row.entries).sum(),
        )
    }

    fn sweep_after(&self, seconds: u64) -> Books {
        let mut kernel = self.plane.kernel();
        kernel.set_clock_offset_to(Duration::from_secs(seconds)).unwrap();
        kernel.sweep_in_kernel().unwrap()
    }
}

#[test]
fn c26_what_has_ended_goes_and_its_place_is_free() {
    let mut field = Field::new(FEW);
    field.open_all();
    // Nothing has ended.
    assert_eq!(field.sweep_after(29), Books::Agree);
    assert_eq!(field.counts(), ([3, 4], 7));
    // All UDP has: of IPv4, with an answer and without.
    assert_eq!(field.sweep_after(31), Books::Agree);
    assert_eq!(field.counts(), ([1, 1], 2));
    for port in 6..9 {
        let packet = field.outside(port);
        field.opens("internet", &packet);
    }
    assert_eq!(field.reasons("internet", &field.outside(9)), [Reason::ConnectionAllowanceExceeded]);
    // The SYN of IPv6 has, and so has what came meanwhile.
    assert_eq!(field.sweep_after(122), Books::Agree);
    assert_eq!(field.counts(), ([0, 0], 0));
    assert_eq!(field.plane.flows().unwrap(), []);
}

#[test]
fn c26_what_left_without_a_word_is_noticed_and_audited() {
    let mut field = Field::new(FEW);
    field.open_all();
    field.plane.kernel().clear_state().unwrap();
    assert_eq!(field.sweep_after(0), Books::Differ);
    assert_eq!(field.counts(), ([3, 4], 0), "a count in the kernel corrects nothing");
    assert_eq!(field.plane.kernel().routine_sweep().unwrap(), Books::Differ);
    assert_eq!(field.counts(), ([0, 0], 0));
    assert_eq!(field.sweep_after(0), Books::Agree);
    field.open_all();
}

#[test]
fn entries_of_an_interface_that_may_come_back_stay() {
    let mut field = Field::new(FEW);
    field.open_all();
    let attached = field.lab.world.clone();
    let mut detached = attached.clone();
    detached.network_interfaces.get_mut(&field.lab.interfaces["client"]).unwrap().attachment = None;
    field.plane.set_world(&detached).unwrap();
    assert_eq!(field.sweep_after(31), Books::Agree);
    // Of `web`, whose UDP has ended, one is left, and all three of `client`.
    assert_eq!(field.counts().1, 4);
    field.plane.set_world(&attached).unwrap();
    assert_eq!(field.sweep_after(31), Books::Agree);
    assert_eq!(field.counts(), ([1, 1], 2));
}

#[test]
fn two_numbers_with_one_row_are_left_to_the_exact_sweep() {
    let mut field = Field::new(FEW);
    let number = field.lab.world.network_interfaces[&field.lab.interfaces["client"]].number;
    field.lab.world.network_interfaces.get_mut(&field.lab.interfaces["web"]).unwrap().number =
        number + 65_536;
    field.plane.set_world(&field.lab.world).unwrap();
    field.open_all();
    assert_eq!(field.plane.kernel().routine_sweep().unwrap(), Books::Differ);
    assert_eq!(field.counts(), ([3, 4], 7));
    field.plane.advance(Duration::from_secs(31)).unwrap();
    assert_eq!(field.counts(), ([1, 1], 2));
}

#[test]
fn packets_and_sweeps_at_one_time_leave_exact_accounts() {
    let field = Field::new(DEFAULT_CONNECTION_ALLOWANCE);
    let client = field.lab.world.network_interfaces[&field.lab.interfaces["client"]].clone();
    let link = field.plane.kernel().link(client.slot).unwrap();
    let prober = field.plane.kernel().prober().unwrap();
    let frames: Vec<_> = (1..=5_000)
        .map(|port| PacketSpec::udp((CLIENT.into(), port), (WEB.into(), 53)))
        .map(|packet| build::frame(&packet, client.mac, MacAddr(ROUTER_MAC)).unwrap())
        .collect();
    // The same flows again and again, so that their entries are replaced by packets and removed by sweeps.
    let packets = thread::spawn(move || {
        for frame in frames.iter().cycle().take(20 * frames.len()) {
            prober.run(link, frame).unwrap();
        }
    });
    let mut clock = 0;
    while !packets.is_finished() {
        clock += 31;
        field.sweep_after(clock);
    }
    packets.join().unwrap();
    assert!(clock > 5 * 31, "the sweeps came too late for the packets");
    assert_eq!(field.sweep_after(clock + 31), Books::Agree);
    assert_eq!(field.counts(), ([0, 0], 0));
}
