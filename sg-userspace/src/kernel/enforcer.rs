//! The kernel data plane as the controller asks for it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use sg_common::abi::INTERNET_SLOT;
use sg_common::abi::event::VerdictRecord;
use sg_common::abi::flow::FlowBits;
use sg_common::abi::settings::{Settings, TICK_SHIFT};
use sg_common::abi::verdict::{DirectionCode, ReasonCode};
use sg_common::datapath::judge::age;

use crate::aws::instance::Instance;
use crate::aws::interface::{MacAddr, NetworkInterface};
use crate::aws::world::World;
use crate::command::changes::Changes;
use crate::controller::build::link_name;
use crate::controller::enforcer::{Enforcer, EnforcerOptions, OpenWindow};
use crate::dataplane::reason::Reason;
use crate::dataplane::row::{
    self, AllowanceRow, CounterRow, Enforcement, Events, FlowRow, MapRow, VerdictEvent,
};
use crate::dataplane::step::{Filter, Steps};
use crate::dataplane::{Flow, records};
use crate::flow_log::writer::Source;

use super::attach::{self, Hook};
use super::bpffs;
use super::dataplane::KernelDataplane;

/// [`KernelDataplane`] with what was told of it so far.
pub struct KernelEnforcer {
    dataplane: KernelDataplane,
    pins: PathBuf,
    lost: u64,
}

/// Loads the data plane, or adopts the one that is pinned.
///
/// # Errors
/// Where the kernel refuses, or what is pinned is of another version.
pub fn open(options: &EnforcerOptions) -> Result<Box<dyn Enforcer>> {
    let hook = match options.hook {
        row::Hook::Tcx => Hook::Tcx,
        row::Hook::Xdp => Hook::Xdp,
    };
    let pins = options.directory.bpf();
    bpffs::ensure(&pins)?;
    match KernelDataplane::load(Some(&pins), options.link_base, hook) {
        Ok(dataplane) => {
            let lost = dataplane.lost_reports()?;
            Ok(Box::new(KernelEnforcer { dataplane, pins, lost }))
        }
        Err(error) => {
            // Only what a first load has left half-done goes; what an earlier controller pinned enforces on.
            if !pins.join("links").exists() {
                let _ = bpffs::remove(&pins);
            }
            Err(error)
        }
    }
}

impl KernelEnforcer {
    fn open_window(&self, settings: Settings) -> Result<OpenWindow> {
        let Settings { flow_log_epoch: epoch, flow_log_start: start, .. } = settings;
        Ok(OpenWindow { epoch, start, tick: self.dataplane.tick()? })
    }

    /// Attaches, or takes over the programs that an earlier controller pinned to this link: they never come off it. The
    /// kernel is asked whether they are there, since a pin outlives its link.
    fn attach_slot(&mut self, slot: u32, link_index: u32) -> Result<()> {
        let name = link_name(link_index);
        if self.dataplane.is_adopted() && attach::is_attached(&name)? {
            return self.dataplane.set_link(slot, link_index);
        }
        self.dataplane.attach_link(slot, &name, link_index)
    }
}

impl Enforcer for KernelEnforcer {
    fn set_world(&mut self, world: &World, changes: &Changes) -> Result<()> {
        self.dataplane.change_world(world, changes)
    }

    fn attach(&mut self, interface: &NetworkInterface, link_index: u32) -> Result<()> {
        self.attach_slot(interface.slot, link_index)
    }

    fn detach(&mut self, interface: &NetworkInterface) -> Result<()> {
        self.dataplane.detach_link(interface.slot)
    }

    fn attach_internet(&mut self, link_index: u32, mac: MacAddr, _addresses: &[IpAddr]) -> Result<()> {
        self.attach_slot(INTERNET_SLOT, link_index)?;
        self.dataplane.set_internet(mac)
    }

    fn attach_loopback(&mut self, namespace: &str) -> Result<()> {
        self.dataplane.attach_loopback(namespace)
    }

    fn detach_loopback(&mut self, namespace: &str) -> Result<()> {
        attach::unpin_loopback(&self.pins, namespace)
    }

    fn flows(&mut self) -> Result<Vec<FlowRow>> {
        let live = self.dataplane.live_flows()?;
        let interfaces = records::interfaces_by_number(&self.dataplane.world);
        Ok(live
            .iter()
            .filter_map(|live| {
                let flow = records::flow(&interfaces, &live.key, &live.entry)?;
                Some(FlowRow {
                    state: state(&flow, FlowBits(live.entry.bits)).to_owned(),
                    flow,
                    idle_seconds: live.idle.as_secs(),
                    timeout_seconds: (live.timeout + Duration::from_millis(500)).as_secs(),
                    packets_inbound: live.entry.packets_in,
                    bytes_inbound: live.entry.bytes_in,
                    packets_outbound: live.entry.packets_out,
                    bytes_outbound: live.entry.bytes_out,
                })
            })
            .collect())
    }

    fn sweep(&mut self) -> Result<()> {
        self.dataplane.routine_sweep().map(drop)
    }

    fn counters(&mut self) -> Result<Vec<CounterRow>> {
        let counters = self.dataplane.frame_counters()?;
        let row = |counter: &super::dataplane::Counter| {
            Some(CounterRow {
                direction: records::direction(counter.direction),
                reason: records::reason(counter.reason)?,
                frames: counter.frames,
            })
        };
        Ok(counters.iter().filter_map(row).collect())
    }

    fn allowances(&mut self) -> Result<Vec<AllowanceRow>> {
        let allowances = self.dataplane.allowances();
        let world = &self.dataplane.world;
        let row = |instance: &Instance| {
            let primary = *world.interfaces_of(&instance.id).first()?;
            let account = allowances.get(&primary.slot)?;
            Some(AllowanceRow {
                instance: instance.id.clone(),
                tracked: account.in_use(),
                available: account.available(),
                exceeded: account.exceeded,
            })
        };
        Ok(world.instances.values().filter_map(row).collect())
    }

    fn maps(&mut self) -> Result<Vec<MapRow>> {
        Ok(self.dataplane.fill())
    }

    fn judges(&mut self, slot: u32, link_index: u32) -> Result<bool> {
        let knows_it = self.dataplane.maps.interface(slot)?.link_index == link_index;
        Ok(attach::is_attached(&link_name(link_index))? && knows_it)
    }

    fn enforcement(&mut self) -> Result<Enforcement> {
        Ok(if self.dataplane.is_enforced()? { Enforcement::On } else { Enforcement::Off })
    }

    fn events(&mut self) -> Result<Events> {
        let reports = self.dataplane.take_reports();
        let lost_before = std::mem::replace(&mut self.lost, self.dataplane.lost_reports()?);
        let lost = self.lost.saturating_sub(lost_before);
        if reports.is_empty() {
            return Ok(Events { verdicts: Vec::new(), lost });
        }
        let tick = self.dataplane.tick()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let interfaces = records::interfaces_by_number(&self.dataplane.world);
        let event = |report: &VerdictRecord| {
            let reason = records::reason(ReasonCode(report.reason))?;
            let by_acl = reason == Reason::NetworkAcl;
            let ago = Duration::from_nanos(age(tick, report.tick) << TICK_SHIFT);
            let is_ip = report.family != 0;
            Some(VerdictEvent {
                unix_nanoseconds: u64::try_from(now.saturating_sub(ago).as_nanos()).unwrap_or(u64::MAX),
                interface: interfaces.get(&report.number).cloned(),
                direction: records::direction(DirectionCode(report.direction)),
                reason,
                rule: (report.rule != 0 && !by_acl).then_some(report.rule),
                acl_entry: u16::try_from(report.rule).ok().filter(|_| by_acl),
                protocol: report.protocol,
                source: is_ip.then(|| records::ip_address(report.family, report.source)),
                destination: is_ip.then(|| records::ip_address(report.family, report.destination)),
                source_port: report.source_port,
                destination_port: report.destination_port,
            })
        };
        Ok(Events { verdicts: reports.iter().filter_map(event).collect(), lost })
    }

    fn set_trace(&mut self, filter: Option<&Filter>) -> Result<()> {
        self.dataplane.set_trace(filter)
    }

    fn steps(&mut self) -> Result<Steps> {
        self.dataplane.take_steps()
    }

    fn set_enforcement(&mut self, enforcement: Enforcement) -> Result<()> {
        self.dataplane.set_enforced(enforcement == Enforcement::On)
    }

    fn set_clock_offset(&mut self, offset: Duration) -> Result<()> {
        self.dataplane.set_clock_offset_to(offset)
    }

    fn audit(&mut self) -> Result<Vec<String>> {
        self.dataplane.audit()
    }

    fn flow_log_window(&mut self) -> Result<OpenWindow> {
        let settings = self.dataplane.maps.settings()?;
        self.open_window(settings)
    }

    fn next_flow_log_window(&mut self, epoch: u32, start: u64) -> Result<OpenWindow> {
        let settings = self.dataplane.maps.next_flow_log_window(epoch, start)?;
        self.open_window(settings)
    }

    fn flow_log_source(&mut self) -> Result<Box<dyn Source>> {
        Ok(Box::new(self.dataplane.maps.flow_log.another()?))
    }

    /// Nothing but the pins holds anything once this value is dropped, and they go with their bpffs.
    fn remove(&mut self) -> Result<()> {
        bpffs::remove(&self.pins)
    }
}

/// An entry's state in a word.
fn state(flow: &Flow, bits: FlowBits) -> &'static str {
    match flow.protocol {
        6 if bits.has(FlowBits::RESET) => "reset",
        6 if bits.has(FlowBits::FIN_INITIATOR) || bits.has(FlowBits::FIN_RESPONDER) => "closing",
        6 if bits.has(FlowBits::ESTABLISHED) => "established",
        6 if bits.has(FlowBits::REPLIED) => "syn-received",
        6 => "syn-sent",
        17 if bits.has(FlowBits::STREAM) => "stream",
        _ if bits.has(FlowBits::REPLIED) => "replied",
        _ => "unreplied",
    }
}
