//! The kernel as a data plane.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use aya::Ebpf;
use aya_log::EbpfLogger;
use nix::time::{ClockId, clock_gettime};
use sg_common::abi::allowance::AllowanceRecord;
use sg_common::abi::event::VerdictRecord;
use sg_common::abi::interface::InterfaceRecord;
use sg_common::abi::policy::Locator;
use sg_common::abi::settings::{Settings, tick_of};
use sg_common::abi::verdict::{COUNTERS, COUNTERS_PER_DIRECTION, DirectionCode, ReasonCode};
use sg_common::abi::{ABI_VERSION, INTERNET_NUMBER, INTERNET_SLOT, ROUTER_MAC};

use crate::aws::interface::MacAddr;
use crate::aws::world::World;
use crate::command::changes::Changes;
use crate::compile::apply::Applied;
use crate::compile::compiler::Compiler;
use crate::dataplane::logged::LoggedFlow;
use crate::dataplane::{Dataplane, Flow, Outcome, Sender, records};
use crate::packet::build;
use crate::packet::spec::PacketSpec;

use super::attach::{self, Attached, Hook};
use super::maps::Maps;
use super::object::Room;
use super::{object, prog_run};

/// The kernel data plane.
pub struct KernelDataplane {
    pub(super) object: Ebpf,
    /// The programs' own complaints, for the controller's log.
    logger: EbpfLogger<&'static dyn log::Log>,
    pub(super) maps: Maps,
    pub(super) compiler: Compiler,
    pub(super) applied: Applied,
    pub(super) world: World,
    pub(super) pins: Option<PathBuf>,
    hook: Hook,
    /// From when on the arena counts its milliseconds.
    pub(super) began: Instant,
    /// Programs that are not pinned, by link.
    attached: Vec<Attached>,
    adopted: bool,
    /// Whose each account is, as of the last world; an adopted data plane's are in use before anybody knows.
    pub(super) accounts_are_known: bool,
    /// Whether the last change was of a timer.
    pub(super) had_other_timers: bool,
    /// The policies that traced packets are being judged by: a walk may be read in two parts.
    pub(super) walks: HashMap<(u64, u8), Locator>,
}

/// A counter's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Direction of the judgement that ended the frame.
    pub direction: DirectionCode,
    /// Its reason.
    pub reason: ReasonCode,
    /// Frames.
    pub frames: u64,
}

impl KernelDataplane {
    /// Loads the programs, or adopts what is pinned below `pins`. Slot s is the link with index `link_base + s`.
    ///
    /// # Errors
    /// Where the kernel refuses, or what is pinned is of another version.
    pub fn load(pins: Option<&Path>, link_base: u32, hook: Hook) -> Result<Self> {
        Self::load_with_room(pins, link_base, hook, Room::default())
    }

    /// [`Self::load`] with other room than labs have.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_with_room(pins: Option<&Path>, link_base: u32, hook: Hook, room: Room) -> Result<Self> {
        let mut object = object::load(pins, room)?;
        let logger = EbpfLogger::init(&mut object).context("the BPF object has no log")?;
        let mut maps = Maps::take(&mut object)?;
        let settings = maps.settings()?;
        let adopted = settings.abi_version != 0;
        let mut applied = Applied::default();
        if adopted {
            if settings.link_base != link_base {
                bail!(
                    "the pinned data plane's links are from {} on, and the lab's from {link_base} on; run `sgsim down` with \
                     the sgsim that made it",
                    settings.link_base
                );
            }
            if let Some(pins) = pins {
                attach::unpin_what_is_gone(pins)?;
            }
            let found = maps.found()?;
            applied = Applied::adopt(&maps, found);
            let internet = maps.interface(INTERNET_SLOT)?;
            if internet.link_index != 0 {
                maps.links.insert(INTERNET_SLOT, internet.link_index);
            }
        } else {
            maps.set_settings(Settings { abi_version: ABI_VERSION, link_base, ..Settings::default() })?;
        }
        let pins = pins.map(Path::to_path_buf);
        Ok(Self {
            object,
            logger,
            maps,
            compiler: Compiler::default(),
            applied,
            world: World::default(),
            pins,
            hook,
            began: Instant::now(),
            attached: Vec::new(),
            adopted,
            accounts_are_known: !adopted,
            had_other_timers: false,
            walks: HashMap::new(),
        })
    }

    /// Whether an earlier controller's data plane was found and taken over.
    pub fn is_adopted(&self) -> bool {
        self.adopted
    }

    /// Attaches the programs to a slot's link, which should still be down. From then on the interface can receive.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn attach_link(&mut self, slot: u32, link_name: &str, link_index: u32) -> Result<()> {
        let attached = attach::attach(&mut self.object, link_name, self.hook)?;
        match &self.pins {
            Some(pins) => attach::pin(attached, pins, link_index)?,
            None => self.attached.extend(attached),
        }
        self.set_link(slot, link_index)
    }

    /// Says that a slot's packets go to a link, without attaching anything to it.
    ///
    /// # Errors
    /// Where a map refuses.
    pub fn set_link(&mut self, slot: u32, link_index: u32) -> Result<()> {
        self.maps.links.insert(slot, link_index);
        self.maps.refresh_interface(slot)
    }

    /// The link of a slot.
    pub fn link(&self, slot: u32) -> Option<u32> {
        self.maps.links.get(&slot).copied()
    }

    /// Forgets a slot's link: nothing is delivered to it any more, and its programs come off it.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn detach_link(&mut self, slot: u32) -> Result<()> {
        let link_index = self.maps.links.remove(&slot);
        if link_index.is_some() {
            self.maps.refresh_interface(slot)?;
        }
        if let Some(pins) = &self.pins {
            // A slot whose interface is gone has no link any more, but the pins may still be there.
            let link_index = match link_index {
                Some(link_index) => link_index,
                None => self.maps.settings()?.link_base + slot,
            };
            attach::unpin(pins, link_index)?;
        }
        Ok(())
    }

    /// Attaches to the loopback of the current network namespace, which has this name.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn attach_loopback(&mut self, namespace: &str) -> Result<()> {
        if attach::is_on_loopback()? {
            return Ok(());
        }
        let attached = attach::loopback(&mut self.object)?;
        match &self.pins {
            Some(pins) => attach::pin_loopback(attached, pins, namespace)?,
            None => self.attached.push(attached),
        }
        Ok(())
    }

    /// Sets up the internet host: its Ethernet address, and its link once there is one.
    ///
    /// # Errors
    /// Where a map refuses.
    pub fn set_internet(&mut self, mac: MacAddr) -> Result<()> {
        let record = InterfaceRecord {
            number: INTERNET_NUMBER,
            flags: InterfaceRecord::FLAG_INTERNET,
            link_index: self.maps.links.get(&INTERNET_SLOT).copied().unwrap_or(0),
            mac: mac.0,
            ..InterfaceRecord::default()
        };
        self.maps.set_interface(INTERNET_SLOT, &record)
    }

    /// Reports every judgement of a slot, or only new flows and denials.
    ///
    /// # Errors
    /// Where a map refuses.
    pub fn set_traced(&mut self, slot: u32, traced: Traced) -> Result<()> {
        match traced {
            Traced::Everything => self.maps.traced.insert(slot),
            Traced::News => self.maps.traced.remove(&slot),
        };
        self.maps.refresh_interface(slot)
    }

    /// Switches judging off and on again, for measuring.
    ///
    /// # Errors
    /// Where a map refuses.
    pub fn set_enforced(&mut self, enforced: bool) -> Result<()> {
        let settings = self.maps.settings()?;
        self.maps.set_settings(Settings { enforcement_off: u32::from(!enforced), ..settings })
    }

    /// Whether packets are judged.
    ///
    /// # Errors
    /// Where a map refuses.
    pub fn is_enforced(&self) -> Result<bool> {
        Ok(self.maps.settings()?.enforcement_off == 0)
    }

    /// How far the data plane's clock is ahead of the kernel's.
    ///
    /// # Errors
    /// Where a map refuses.
    pub fn set_clock_offset_to(&mut self, offset: Duration) -> Result<()> {
        let settings = self.maps.settings()?;
        let clock_offset_ns =
            u64::try_from(offset.as_nanos()).context("the clock cannot be that far ahead")?;
        self.maps.set_settings(Settings { clock_offset_ns, ..settings })
    }

    /// The judgements reported since the last call. What the programs logged meanwhile goes to the log.
    pub fn take_reports(&mut self) -> Vec<VerdictRecord> {
        self.logger.flush();
        self.maps.drain_events()
    }

    /// Reports lost since the start because nobody read them.
    ///
    /// # Errors
    /// Where a map refuses.
    pub fn lost_reports(&self) -> Result<u64> {
        Ok(self.maps.events_lost.get(&0, 0).context("cannot read the count of lost events")?.iter().sum())
    }

    /// Every counter that is not zero.
    ///
    /// # Errors
    /// Where a map refuses.
    pub fn frame_counters(&self) -> Result<Vec<Counter>> {
        let mut counters = Vec::new();
        for index in 0..COUNTERS {
            let frames: u64 =
                self.maps.counters.get(&index, 0).context("cannot read the counters")?.iter().sum();
            if frames > 0 {
                counters.push(Counter {
                    direction: DirectionCode((index / COUNTERS_PER_DIRECTION) as u8),
                    reason: ReasonCode((index % COUNTERS_PER_DIRECTION) as u8),
                    frames,
                });
            }
        }
        Ok(counters)
    }

    /// Runs a frame as sent on a slot's link through the program, without sending it anywhere.
    ///
    /// # Errors
    /// Where the slot has no link or the kernel refuses the run.
    pub fn judge_frame(&mut self, slot: u32, frame: &[u8]) -> Result<Outcome> {
        let link = *self.maps.links.get(&slot).with_context(|| format!("slot {slot} has no link"))?;
        self.maps.drain_events();
        prog_run::from_link(&mut self.object, link, frame)?;
        Ok(records::outcome(&self.maps.drain_events()))
    }

    /// Forgets every flow and every first fragment, as a new data plane has none.
    ///
    /// # Errors
    /// Where a map refuses.
    pub fn clear_state(&mut self) -> Result<()> {
        self.maps.clear_state()
    }

    /// What each instance tracks and may track, by the slot of its primary interface.
    pub fn allowances(&self) -> BTreeMap<u32, AllowanceRecord> {
        self.applied.image().allowances.keys().map(|&index| (index, self.maps.allowance(index))).collect()
    }

    /// The data plane's current tick.
    ///
    /// # Errors
    /// Where a clock or a map refuses.
    pub fn tick(&self) -> Result<u64> {
        // The clock that the programs read.
        let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE)?);
        let now_ns = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        Ok(tick_of(now_ns.wrapping_add(self.maps.settings()?.clock_offset_ns)))
    }
}

/// How much of a slot is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traced {
    /// New flows and denials.
    News,
    /// Every judgement.
    Everything,
}

impl Dataplane for KernelDataplane {
    fn set_world(&mut self, world: &World) -> Result<()> {
        self.change_world(world, &Changes::between(&self.world, world))
    }

    /// Runs the packet through the program without sending it anywhere. The sender's link must exist, and the receiver's
    /// slot must have one; both should be traced, or established flows leave no judgement to read.
    fn judge(&mut self, sender: &Sender, packet: &PacketSpec) -> Result<Outcome> {
        let (slot, mac) = records::origin(&self.world, sender)?;
        let frame = build::frame(packet, mac, MacAddr(ROUTER_MAC))?;
        self.judge_frame(slot, &frame)
    }

    fn advance(&mut self, time: Duration) -> Result<()> {
        let offset = Duration::from_nanos(self.maps.settings()?.clock_offset_ns);
        self.set_clock_offset_to(offset + time)?;
        self.routine_sweep().map(drop)
    }

    fn flows(&mut self) -> Result<Vec<Flow>> {
        let interfaces = records::interfaces_by_number(&self.world);
        let mut flows: Vec<Flow> = self
            .live_flows()?
            .iter()
            .filter_map(|live| records::flow(&interfaces, &live.key, &live.entry))
            .collect();
        flows.sort();
        Ok(flows)
    }

    fn logged(&mut self) -> Result<Vec<LoggedFlow>> {
        self.take_logged()
    }
}
