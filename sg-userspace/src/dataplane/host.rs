//! The host data plane: the kernel's decision core over tables in memory. Needs no root; answers what the kernel would.

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use sg_common::abi::flow::FlowBits;
use sg_common::abi::interface::InterfaceRecord;
use sg_common::abi::trace::{StepRecord, TraceFilter};
use sg_common::abi::{INTERNET_NUMBER, INTERNET_SLOT, ROUTER_MAC};
use sg_common::datapath::forward::{self, Fate};
use sg_common::datapath::judge::age;
use sg_common::datapath::tables::Tables;
use sg_common::datapath::tracking::timeout;
use sg_common::datapath::tuple::Packet;

use crate::aws::interface::MacAddr;
use crate::aws::world::World;
use crate::command::changes::Changes;
use crate::compile::apply::Applied;
use crate::compile::by_sets::Step;
use crate::compile::compiler::Compiler;
use crate::packet::build;
use crate::packet::spec::PacketSpec;

use super::logged::LoggedFlow;
use super::memory::Memory;
use super::{Dataplane, Flow, Outcome, Sender, records};

/// An evaluator in memory.
#[derive(Default)]
pub struct HostDataplane {
    memory: Memory,
    compiler: Compiler,
    applied: Applied,
    world: World,
}

impl HostDataplane {
    /// An evaluator of an empty world.
    pub fn new() -> Self {
        let mut host = Self::default();
        host.memory.interfaces.insert(INTERNET_SLOT, Rc::new(internet()));
        host
    }

    /// Marks packets from now on, as the kernel marks those that a trace is about.
    pub fn mark_packets(&mut self, filter: TraceFilter) {
        self.memory.trace = Some(filter);
    }

    /// The steps that marked packets told since the last call.
    pub fn take_steps(&mut self) -> Vec<StepRecord> {
        self.memory.steps.take()
    }

    /// Judges a frame, good or not, as sent on a slot's link.
    pub fn judge_frame(&mut self, slot: u32, frame: &[u8]) -> Outcome {
        let _ = self.forward_frame(slot, frame);
        records::outcome(&self.memory.reports.borrow())
    }

    /// [`Self::judge_frame`] in the data plane's own words. Allocates nothing for a packet of a live flow.
    pub fn forward_frame(&mut self, slot: u32, frame: &[u8]) -> Fate {
        self.memory.reports.borrow_mut().clear();
        forward::from_link(&self.memory, frame, &mut Packet::default(), slot, 1)
    }
}

/// The internet host's link.
fn internet() -> InterfaceRecord {
    InterfaceRecord {
        number: INTERNET_NUMBER,
        link_index: INTERNET_SLOT,
        flags: InterfaceRecord::FLAG_INTERNET | InterfaceRecord::FLAG_TRACE,
        mac: ROUTER_MAC,
        ..InterfaceRecord::default()
    }
}

impl Dataplane for HostDataplane {
    fn set_world(&mut self, world: &World) -> Result<()> {
        let changes = Changes::between(&self.world, world);
        let now_ms = self.memory.now_ns / 1_000_000;
        self.memory.sweep();
        let step = Step { old: &self.world, new: world, changes: &changes };
        if self.compiler.change_by_sets(&mut self.applied, &mut self.memory, step, || now_ms)? {
            changes.carry(world, &mut self.world);
            return Ok(());
        }
        let patch = self.compiler.patch(self.applied.image(), &self.world, world, &changes)?;
        self.applied.apply(&mut self.memory, patch, now_ms).inspect_err(|_| self.compiler.forget())?;
        changes.carry(world, &mut self.world);
        self.memory.forget_interfaces(world);
        self.memory.count_again();
        Ok(())
    }

    fn judge(&mut self, sender: &Sender, packet: &PacketSpec) -> Result<Outcome> {
        let (slot, mac) = records::origin(&self.world, sender)?;
        let frame = build::frame(packet, mac, MacAddr(ROUTER_MAC))?;
        Ok(self.judge_frame(slot, &frame))
    }

    fn advance(&mut self, time: Duration) -> Result<()> {
        self.memory.now_ns += u64::try_from(time.as_nanos()).context("too far ahead")?;
        self.memory.sweep();
        Ok(())
    }

    fn flows(&mut self) -> Result<Vec<Flow>> {
        let tick = self.memory.tick();
        let interfaces = records::interfaces_by_number(&self.world);
        let by_number = self.memory.interfaces_by_number();
        let mut flows: Vec<Flow> = Vec::new();
        for (key, entry) in self.memory.flows.borrow().iter() {
            let entry = entry.get();
            let Some(record) = by_number.get(&key.interface()) else { continue };
            let limit = timeout(key.family, key.protocol(), FlowBits(entry.bits), record);
            if age(tick, entry.last_seen) < u64::from(limit) {
                flows.extend(records::flow(&interfaces, key, &entry));
            }
        }
        flows.sort();
        Ok(flows)
    }

    fn logged(&mut self) -> Result<Vec<LoggedFlow>> {
        let table = self.memory.flow_log.take();
        let mut flows: Vec<_> = table.iter().map(|(key, entry)| records::logged(key, entry).flow).collect();
        flows.sort();
        Ok(flows)
    }
}
