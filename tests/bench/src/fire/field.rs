//! The field: two interfaces, flows between them and addresses outside, and what becomes of their frames.

use std::net::Ipv4Addr;

use anyhow::Result;
use sg_common::abi::verdict::ReasonCode;
use sg_common::abi::{INTERNET_SLOT, ROUTER_MAC};
use sg_tests::harness::lab::{Permission, mac_of_slot};
use sg_userspace::aws::interface::MacAddr;
use sg_userspace::aws::protocol::IpProtocol;
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::world::World;
use sg_userspace::kernel::dataplane::KernelDataplane;
use sg_userspace::kernel::measure::Judge;
use sg_userspace::kernel::object::Room;
use sg_userspace::packet::build;
use sg_userspace::packet::spec::{PacketSpec, TcpFlags};

use crate::cli::Effort;
use crate::floor;
use crate::meter::{Meter, Verdict};
use crate::plane::Plane;
use crate::worlds::{Bed, CLIENT, OUTSIDE, PORT, SERVER, Way, address4, ports};

/// Rules of the server's groups.
const RULES: usize = 60;
/// Where the client's flows go.
const FAR_PORT: u16 = 443;
/// Ports of one address outside that are used, and the first of them.
const PORTS: u32 = 50_000;
const FIRST_PORT: u32 = 10_000;
/// Bytes after the transport header.
const PAYLOAD: u16 = 18;

/// Who is outside: the first of their addresses, all in [`OUTSIDE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Crowd {
    /// Those who flood: 198.18.0.0/16.
    Foes = 0xc612_0000,
    /// Those with an established flow: 198.19.0.0/17.
    Friends = 0xc613_0000,
    /// Those who open one meanwhile: 198.19.128.0/17.
    Newcomers = 0xc613_8000,
}

/// A flow between an interface and an address outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    /// Whose.
    pub(super) slot: u32,
    is_udp: bool,
    local_port: u16,
    outside: (Ipv4Addr, u16),
}

/// Who sends a packet of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Who sent the first one.
    Opener,
    /// The other end.
    Answerer,
}

impl Flow {
    /// The n-th flow that somebody outside opens to the server, where rules let them in and let nothing out.
    pub(super) fn to_server(is_udp: bool, crowd: Crowd, n: u32) -> Self {
        let (address, port) = place(crowd, n);
        Self { slot: SERVER, is_udp, local_port: PORT, outside: (address, port) }
    }

    /// The n-th flow that the client opens to somebody outside, where its rules let it out and let nothing in.
    pub(super) fn of_client(is_udp: bool, crowd: Crowd, n: u32) -> Self {
        let (address, port) = place(crowd, n);
        Self { slot: CLIENT, is_udp, local_port: port, outside: (address, FAR_PORT) }
    }

    /// The n-th datagram of a scan of the server's ports: a source has all ports in turn.
    pub(super) fn of_scan(n: u32) -> Self {
        Self::to_server(true, Crowd::Foes, n >> 16).at_port((n & 0xffff) as u16)
    }

    /// The same at another port of the interface's.
    pub(super) fn at_port(self, local_port: u16) -> Self {
        Self { local_port, ..self }
    }

    /// Its packet by one end, and on whose link it is sent. The flags are of TCP.
    pub(super) fn frame(&self, by: By, flags: TcpFlags) -> Result<(u32, Vec<u8>)> {
        let local = (address4(self.slot).into(), self.local_port);
        let outside = (self.outside.0.into(), self.outside.1);
        let is_inward = (by == By::Opener) == (self.slot == SERVER);
        let (source, destination) = if is_inward { (outside, local) } else { (local, outside) };
        let packet = if self.is_udp {
            PacketSpec::udp(source, destination)
        } else {
            PacketSpec::tcp(source, destination, flags)
        };
        let packet = PacketSpec { payload_length: PAYLOAD, ..packet };
        let (own, router) = (mac_of_slot(self.slot), MacAddr(ROUTER_MAC));
        Ok(if is_inward {
            (INTERNET_SLOT, build::frame(&packet, router, own)?)
        } else {
            (self.slot, build::frame(&packet, own, router)?)
        })
    }
}

fn place(crowd: Crowd, n: u32) -> (Ipv4Addr, u16) {
    (Ipv4Addr::from(crowd as u32 + n / PORTS), (FIRST_PORT + n % PORTS) as u16)
}

/// The data plane under fire.
pub(super) struct Field {
    /// It, and how costs are measured.
    pub(super) meter: Meter,
}

impl Field {
    /// With the room for flows that labs have.
    pub(super) fn new(effort: Effort) -> Result<Self> {
        Self::with_room(effort, Room::default())
    }

    /// With other room.
    pub(super) fn with_room(effort: Effort, room: Room) -> Result<Self> {
        let mut plane = Plane::load(&[CLIENT, SERVER], room)?;
        plane.set_world(&world(None))?;
        Ok(Self { meter: Meter::new(plane, floor::load()?, effort) })
    }

    /// Begins anew: no flows, and instances that may track so many, or as many as there is room for.
    pub(super) fn clear(&mut self, allowance: Option<u32>) -> Result<()> {
        self.meter.plane.set_world(&world(allowance))?;
        // What evicted entries have left on the accounts goes, too.
        self.kernel().sweep(|_| ())
    }

    /// The data plane.
    pub(super) fn kernel(&mut self) -> &mut KernelDataplane {
        &mut self.meter.plane.kernel
    }

    /// Whether a packet of a flow gets through.
    pub(super) fn passes(&mut self, flow: &Flow, by: By, flags: TcpFlags) -> Result<bool> {
        let (slot, frame) = flow.frame(by, flags)?;
        let run = self.kernel().run_frame(Judge::FromLink, slot, &frame, 1)?;
        Ok(Verdict::of(Judge::FromLink, run.action)? == Verdict::Delivered)
    }

    /// The first packet.
    pub(super) fn asks(&mut self, flow: &Flow) -> Result<bool> {
        self.passes(flow, By::Opener, TcpFlags::SYN)
    }

    /// The rest of the handshake, and a packet of the answerer's; of UDP, as many datagrams.
    pub(super) fn settles(&mut self, flow: &Flow) -> Result<bool> {
        Ok(self.passes(flow, By::Answerer, TcpFlags::SYN_ACK)?
            && self.passes(flow, By::Opener, TcpFlags::ACK)?
            && self.lives(flow)?)
    }

    /// Whether a flow is still there: its answerer's packets are allowed by no rule, only by its entry.
    pub(super) fn lives(&mut self, flow: &Flow) -> Result<bool> {
        self.passes(flow, By::Answerer, TcpFlags::ACK)
    }

    /// Frames that ended in a counter, both directions.
    pub(super) fn counted(&mut self, reason: ReasonCode) -> Result<u64> {
        let counters = self.kernel().frame_counters()?;
        Ok(counters.iter().filter(|counter| counter.reason == reason).map(|counter| counter.frames).sum())
    }

    /// Connections on the account of a slot's instance.
    pub(super) fn tracked(&mut self, slot: u32) -> u64 {
        self.kernel().allowances().get(&slot).map_or(0, |account| account.in_use())
    }

    /// Entries in the flow tables of IPv4, live or not.
    pub(super) fn entries(&mut self) -> u64 {
        let rows = self.kernel().fill();
        rows.iter()
            .filter(|row| ["FLOWS4", "EMBRYONIC4"].contains(&row.name.as_str()))
            .map(|row| row.entries)
            .sum()
    }
}

/// The server's port is open to everybody outside, and the client may go anywhere.
fn world(allowance: Option<u32>) -> World {
    let udp = Permission {
        direction: Direction::Inbound,
        protocol: IpProtocol::UDP,
        ports: ports(PORT, PORT),
        peer: Peer::CidrIpv4(OUTSIDE.parse().expect("a constant")),
    };
    let bed = Bed::new(RULES, true, &Way::Block).allowing(1, udp);
    let bed = match allowance {
        Some(connections) => bed.with_allowance(connections),
        None => bed,
    };
    bed.world().clone()
}
