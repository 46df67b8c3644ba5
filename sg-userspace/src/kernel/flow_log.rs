//! The flow logs' table: a window after the other is closed, left alone until no program adds to it, read, and removed.
//!
//! # Invariants
//! What is read of a window is all of it, and stays in the kernel until it is removed by name. So whoever has read it and
//! dies can read it again, and nothing is removed that was not read.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsFd, OwnedFd};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aya::Ebpf;
use aya::maps::{Array, HashMap as HashTable, Map, MapData};
use sg_common::abi::flow_log::{FlowLogEntry, FlowLogKey, FlowLogLoss};
use sg_common::abi::settings::Settings;

use crate::compile::arena::GRACE_MS;
use crate::dataplane::logged::LoggedFlow;
use crate::dataplane::records;
use crate::flow_log::record::Counted;
use crate::flow_log::writer::Source;

use super::dataplane::KernelDataplane;
use super::flows::remove;
use super::maps::{Maps, take};

/// `MEMBARRIER_CMD_GLOBAL` of linux/membarrier.h.
const MEMBARRIER_GLOBAL: libc::c_int = 1;

/// The table and what found no room in it.
pub struct FlowLogTable {
    pub(super) elements: HashTable<MapData, FlowLogKey, FlowLogEntry>,
    lost: Array<MapData, FlowLogLoss>,
    /// Theirs, since aya does not give them out.
    descriptors: [OwnedFd; 2],
}

fn descriptor(object: &Ebpf, name: &str) -> Result<OwnedFd> {
    match object.map(name) {
        Some(Map::HashMap(map) | Map::Array(map)) => Ok(map.fd().as_fd().try_clone_to_owned()?),
        _ => bail!("the BPF object has no table {name}"),
    }
}

/// What a table holds of windows that are over.
#[derive(Clone, Debug, Default)]
pub struct Elements(pub HashMap<FlowLogKey, FlowLogEntry>);

impl FlowLogTable {
    /// Takes the maps out of a loaded object.
    ///
    /// # Errors
    /// Where one is missing or of another kind.
    pub fn take(object: &mut Ebpf) -> Result<Self> {
        let names = ["FLOW_LOG", "FLOW_LOG_LOST"];
        let descriptors = [descriptor(object, names[0])?, descriptor(object, names[1])?];
        Ok(Self { elements: take(object, names[0])?, lost: take(object, names[1])?, descriptors })
    }

    /// The same maps once more, for another thread.
    ///
    /// # Errors
    /// Where the process has no room for another descriptor.
    pub fn another(&self) -> Result<Self> {
        let data = |fd: &OwnedFd| Ok::<_, anyhow::Error>(MapData::from_fd(fd.try_clone()?)?);
        Ok(Self {
            elements: HashTable::try_from(Map::HashMap(data(&self.descriptors[0])?))?,
            lost: Array::try_from(Map::Array(data(&self.descriptors[1])?))?,
            descriptors: [self.descriptors[0].try_clone()?, self.descriptors[1].try_clone()?],
        })
    }

    /// Everything of the windows before this one. The caller has waited for [`no_program_runs`] since they were closed.
    ///
    /// # Errors
    /// Where the map refuses, or has changed under the reading, which it does not for windows that are over.
    pub fn before(&self, epoch: u32) -> Result<Elements> {
        let mut elements = HashMap::new();
        for element in self.elements.iter() {
            let (key, entry) = element.context("cannot read the flow logs' table")?;
            if key.epoch < epoch {
                elements.insert(key, entry);
            }
        }
        Ok(Elements(elements))
    }

    /// Removes elements that were read. One that is gone already is no error.
    ///
    /// # Errors
    /// Where the map refuses.
    pub fn remove(&mut self, keys: impl IntoIterator<Item = FlowLogKey>) -> Result<()> {
        keys.into_iter()
            .try_for_each(|key| remove(&mut self.elements, &key))
            .context("cannot clear the flow logs' table")
    }

    /// What slots have lost since the data plane was loaded.
    ///
    /// # Errors
    /// Where the map refuses.
    pub fn lost(&self, slots: impl IntoIterator<Item = u32>) -> Result<BTreeMap<u32, FlowLogLoss>> {
        let read = |slot| Ok((slot, self.lost.get(&slot, 0).context("cannot read what flow logs lost")?));
        slots.into_iter().map(read).collect()
    }
}

/// Waits until every program that ran when it was called has ended, so that none still adds to a window that is over.
pub fn no_program_runs() {
    // SAFETY: takes numbers; the kernel waits for a grace period of RCU, in which programs run.
    let done = unsafe { libc::syscall(libc::SYS_membarrier, MEMBARRIER_GLOBAL, 0, 0) };
    if done != 0 {
        // Not with `nohz_full`. A program runs for microseconds.
        thread::sleep(Duration::from_millis(GRACE_MS));
    }
}

impl Source for FlowLogTable {
    fn read(&mut self, epoch: u32, slots: &[u32]) -> Result<Counted> {
        no_program_runs();
        let Elements(elements) = self.before(epoch + 1)?;
        let lost = self.lost(slots.iter().copied())?;
        Ok(Counted {
            flows: elements.iter().map(|(key, entry)| records::logged(key, entry)).collect(),
            lost: lost.into_iter().map(|(slot, lost)| (slot, (lost.packets, lost.bytes))).collect(),
        })
    }

    fn forget(&mut self, epoch: u32) -> Result<()> {
        let Elements(elements) = self.before(epoch + 1)?;
        self.remove(elements.into_keys())
    }
}

impl Maps {
    /// Begins a new window, with a number that is at least `epoch`; returns the settings in force from then on.
    ///
    /// # Errors
    /// Where the map refuses.
    pub fn next_flow_log_window(&mut self, epoch: u32, start: u64) -> Result<Settings> {
        let settings = self.settings()?;
        let flow_log_epoch = epoch.max(settings.flow_log_epoch + 1);
        let next = Settings { flow_log_epoch, flow_log_start: start, ..settings };
        self.set_settings(next)?;
        Ok(next)
    }
}

impl KernelDataplane {
    /// What the flow logs have counted so far, which is then forgotten.
    pub(super) fn take_logged(&mut self) -> Result<Vec<LoggedFlow>> {
        let epoch = self.maps.next_flow_log_window(0, 0)?.flow_log_epoch;
        no_program_runs();
        let Elements(elements) = self.maps.flow_log.before(epoch)?;
        self.maps.flow_log.remove(elements.keys().copied())?;
        let mut flows: Vec<_> =
            elements.iter().map(|(key, entry)| records::logged(key, entry).flow).collect();
        flows.sort();
        Ok(flows)
    }
}
