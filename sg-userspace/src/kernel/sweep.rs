//! The flow tables as user space reads them all: what lives is shown, what has ended is removed, accounts are audited.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::Result;
use sg_common::abi::flow::{FlowBits, FlowEntry};
use sg_common::abi::settings::TICK_SHIFT;
use sg_common::datapath::judge::age;
use sg_common::datapath::tracking::timeout;
use sg_common::datapath::tuple::FlowKey;

use super::dataplane::KernelDataplane;

/// A live flow entry with what it counts.
#[derive(Clone, Copy, Debug)]
pub struct LiveFlow {
    /// Its key.
    pub key: FlowKey,
    /// The entry.
    pub entry: FlowEntry,
    /// How long it has idled.
    pub idle: Duration,
    /// How long it may.
    pub timeout: Duration,
}

impl KernelDataplane {
    /// The live entries; what has ended is swept away on the occasion.
    ///
    /// # Errors
    /// As [`Self::sweep`].
    pub fn live_flows(&mut self) -> Result<Vec<LiveFlow>> {
        let mut live = Vec::new();
        self.sweep(|flow| live.push(flow))?;
        Ok(live)
    }

    /// Removes what has ended, and shows what lives.
    ///
    /// # Errors
    /// Where a map refuses.
    pub fn sweep(&mut self, mut show: impl FnMut(LiveFlow)) -> Result<()> {
        let tick = self.tick()?;
        let records = self.applied.image().interfaces.values();
        // With the entries that each interface has.
        let mut interfaces: HashMap<u32, _> = records.map(|record| (record.number, (*record, 0))).collect();
        let mut accounts = self.allowances();
        let (mut ended, mut strangers) = (Vec::new(), Vec::new());
        self.maps.each_flow(|key, entry| {
            let Some((record, present)) = interfaces.get_mut(&key.interface()) else {
                strangers.push((key, entry));
                return;
            };
            let idle = age(tick, entry.last_seen);
            let limit = u64::from(timeout(key.family, key.protocol(), FlowBits(entry.bits), record));
            if idle < limit {
                *present += 1;
                show(LiveFlow { key, entry, idle: duration(idle), timeout: duration(limit) });
            } else {
                ended.push((key, entry));
            }
        })?;
        for (key, entry) in ended {
            let removed = self.maps.remove_flow(&key, &entry)?;
            let Some((record, present)) = interfaces.get_mut(&key.interface()) else { continue };
            if removed == 0 {
                // A packet was faster: it lives on, or has been counted out.
                *present += 1;
            }
            self.maps.settle(record.allowance, removed);
            if let Some(account) = accounts.get_mut(&record.allowance) {
                // An audit may have set it back below zero.
                account.ended = account.ended.wrapping_add(removed);
            }
        }
        // An interface that is not attached may come back; one that is gone never does.
        let known: HashSet<u32> =
            self.world.network_interfaces.values().map(|interface| interface.number).collect();
        for (key, entry) in strangers.iter().filter(|(key, _)| !known.contains(&key.interface())) {
            self.maps.remove_flow(key, entry)?;
        }
        let mut present: HashMap<u32, u64> = HashMap::new();
        for (record, entries) in interfaces.values() {
            *present.entry(record.allowance).or_default() += entries;
        }
        for (index, account) in accounts {
            self.maps.audit(index, &account, present.get(&index).copied().unwrap_or_default());
        }
        Ok(())
    }
}

fn duration(ticks: u64) -> Duration {
    Duration::from_nanos(ticks << TICK_SHIFT)
}
