//! What stands between the client and the server.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sg_common::abi::{MAX_MEMBERS, ROUTER_MAC};
use sg_userspace::aws::interface::MacAddr;
use sg_userspace::dataplane::Dataplane;
use sg_userspace::kernel::attach::{Attached, Hook};
use sg_userspace::kernel::dataplane::KernelDataplane;
use sg_userspace::kernel::floor::Floor;
use sg_userspace::kernel::object::Room;
use sg_userspace::lab::{namespace, offload};

use super::bed::{Bed, HOST_ENDS, INSIDE, LINK_BASE, link_index, slot};
use super::gauge::{Gauge, Sample};
use super::measure::Measure;
use super::tool::Knock;
use crate::cli::Effort;
use crate::estate::{CLIENT, Estate, SERVER};
use crate::floor;
use crate::peers::iptables::{self, Standing};
use crate::peers::nftables;

/// As often as a controller sweeps its flow tables.
const SWEEP: Duration = Duration::from_secs(10);
/// Two entries for each of as many connections as two minutes may bring, after which they end.
const ROOM: Room = Room { flows: 1 << 19, embryonic: 1 << 16, members: MAX_MEMBERS };
/// Conntrack's room that the same number of connections needs.
const CONNTRACK_ROOM: usize = 1 << 18;

/// A configuration that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// Forwarding by the kernel, and nothing else.
    Bare,
    /// The same with an empty program on each hook.
    EmptyTcx,
    /// The data plane on TCX.
    Sgsim,
    /// The data plane on native XDP.
    SgsimXdp,
    /// Best-practice nftables.
    Nftables,
    /// OpenStack's iptables with ipset, the ports under test in the middle.
    Iptables,
    /// The same with these ports last.
    IptablesLast,
}

impl Kind {
    /// All of them, in the order of the report.
    pub(super) const ALL: [Self; 7] = [
        Self::Bare,
        Self::EmptyTcx,
        Self::Sgsim,
        Self::SgsimXdp,
        Self::Nftables,
        Self::Iptables,
        Self::IptablesLast,
    ];

    /// For the reader.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::EmptyTcx => "empty TCX",
            Self::Sgsim => "sgsim",
            Self::SgsimXdp => "sgsim XDP",
            Self::Nftables => "nftables",
            Self::Iptables => "iptables+ipset",
            Self::IptablesLast => "iptables+ipset, last port",
        }
    }

    /// For the names of namespaces.
    fn word(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::EmptyTcx => "empty",
            Self::Sgsim => "sgsim",
            Self::SgsimXdp => "xdp",
            Self::Nftables => "nft",
            Self::Iptables => "ipt",
            Self::IptablesLast => "last",
        }
    }

    fn judges(self) -> bool {
        !matches!(self, Self::Bare | Self::EmptyTcx)
    }
}

/// What has to live for as long as the configuration judges.
enum Engine {
    /// The kernel has all of it.
    Kernel,
    /// An empty program's links.
    Empty { _links: Vec<Attached>, _floor: Box<Floor> },
    /// The data plane, which wants to be swept.
    Own { plane: Box<KernelDataplane>, swept: Instant },
}

/// A configuration, up and running.
pub(super) struct Contender {
    /// Which.
    pub(super) kind: Kind,
    /// Before the namespaces: what is attached goes first.
    engine: Engine,
    gauge: Gauge,
}

impl Contender {
    /// Sets the configuration up, and sees that it lets through what it should and nothing else.
    pub(super) fn new(kind: Kind, estate: &Estate, effort: Effort) -> Result<Self> {
        Self::set_up(kind, estate, effort).with_context(|| format!("cannot set up `{}`", kind.name()))
    }

    fn set_up(kind: Kind, estate: &Estate, effort: Effort) -> Result<Self> {
        let bed = Bed::new(kind.word())?;
        let engine = match kind {
            Kind::Sgsim => own(&bed, estate, Hook::Tcx)?,
            Kind::SgsimXdp => own(&bed, estate, Hook::Xdp)?,
            _ => {
                bed.route()?;
                match kind {
                    Kind::EmptyTcx => empty(&bed)?,
                    Kind::Nftables => {
                        conntrack_has_room()?;
                        bed.run_on_host(&["nft", "-f", "-"], &nftables::rules(estate))?;
                        Engine::Kernel
                    }
                    Kind::Iptables => iptables(&bed, estate, Standing::Middle)?,
                    Kind::IptablesLast => iptables(&bed, estate, Standing::Last)?,
                    _ => Engine::Kernel,
                }
            }
        };
        let mut contender = Self { kind, engine, gauge: Gauge::new(bed, effort)? };
        contender.prove()?;
        Ok(contender)
    }

    /// Shows that packets under test pass and others do not, before a figure is taken of it.
    fn prove(&mut self) -> Result<()> {
        self.gauge.passes().context("nothing under test passes")?;
        let expected = if self.kind.judges() { Knock::Silence } else { Knock::Refused };
        let found = self.gauge.knock()?;
        if found != expected {
            bail!("a packet that no rule allows met {found:?} where it should have met {expected:?}");
        }
        Ok(())
    }

    /// One sample.
    pub(super) fn sample(&mut self, measure: Measure) -> Result<Sample> {
        self.attend()?;
        self.gauge
            .sample(measure)
            .with_context(|| format!("cannot measure `{}` of `{}`", measure.name(), self.kind.name()))
    }

    /// What the controller does now and then, so that nothing fills up.
    fn attend(&mut self) -> Result<()> {
        if let Engine::Own { plane, swept } = &mut self.engine {
            plane.take_reports();
            if swept.elapsed() > SWEEP {
                plane.live_flows()?;
                *swept = Instant::now();
            }
        }
        Ok(())
    }
}

/// The product's data plane on the host ends.
fn own(bed: &Bed, estate: &Estate, hook: Hook) -> Result<Engine> {
    if hook == Hook::Xdp {
        for end in &bed.ends {
            offload::prepare_for_xdp(end, INSIDE)?;
        }
    }
    let world = estate.world();
    let plane = namespace::run_in(&bed.host, || {
        let mut plane = KernelDataplane::load_with_room(None, LINK_BASE, hook, ROOM)?;
        plane.set_internet(MacAddr(ROUTER_MAC))?;
        plane.set_world(&world)?;
        for place in [CLIENT, SERVER] {
            plane.attach_link(slot(place), HOST_ENDS[place], link_index(place))?;
        }
        Ok(plane)
    })?;
    Ok(Engine::Own { plane: Box::new(plane), swept: Instant::now() })
}

/// Empty programs on the host ends.
fn empty(bed: &Bed) -> Result<Engine> {
    let mut floor = floor::load()?;
    let links = namespace::run_in(&bed.host, || {
        let mut links = Vec::new();
        for link in HOST_ENDS {
            links.extend(floor.attach_empty(link)?);
        }
        Ok(links)
    })?;
    Ok(Engine::Empty { _links: links, _floor: Box::new(floor) })
}

/// OpenStack's rules on the host.
fn iptables(bed: &Bed, estate: &Estate, standing: Standing) -> Result<Engine> {
    conntrack_has_room()?;
    bed.run_on_host(&["ipset", "restore"], &iptables::sets(estate))?;
    // The one that walks a table of its own: nftables' translation is slower, and is not what was tuned.
    bed.run_on_host(&["iptables-legacy-restore", "-w"], &iptables::rules(estate, standing))?;
    Ok(Engine::Kernel)
}

/// The peers get the room that they need; the setting is the whole machine's, so it is not changed here.
fn conntrack_has_room() -> Result<()> {
    let path = "/proc/sys/net/netfilter/nf_conntrack_max";
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {path}: is nf_conntrack loaded (`modprobe nf_conntrack`)?"))?;
    let room: usize = text.trim().parse()?;
    if room < CONNTRACK_ROOM {
        bail!(
            "conntrack has room for {room} connections, and its peers' figures need {CONNTRACK_ROOM}: \
             `sysctl net.netfilter.nf_conntrack_max={CONNTRACK_ROOM} net.netfilter.nf_conntrack_buckets={CONNTRACK_ROOM}`"
        );
    }
    Ok(())
}
