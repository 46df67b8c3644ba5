//! The flow tables as user space reads them and removes from them.

use std::collections::HashSet;
use std::io;

use anyhow::{Context, Result};
use aya::maps::MapData;
use aya::{Pod, maps::MapError};
use sg_common::abi::address::Family;
use sg_common::abi::flow::FlowEntry;
use sg_common::datapath::tuple::FlowKey;

use super::batch;
use super::maps::Maps;

pub(super) fn remove<K: Pod, V: Pod>(
    table: &mut aya::maps::HashMap<MapData, K, V>,
    key: &K,
) -> Result<(), MapError> {
    take_out(table, key).map(drop)
}

/// Removes an element. False where it was not there: the program was faster.
fn take_out<K: Pod, V: Pod>(
    table: &mut aya::maps::HashMap<MapData, K, V>,
    key: &K,
) -> Result<bool, MapError> {
    match table.remove(key) {
        Ok(()) => Ok(true),
        Err(MapError::KeyNotFound) => Ok(false),
        Err(MapError::SyscallError(error)) if error.io_error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes an entry that is as it was when it was read: meanwhile the same flow may have begun anew. Whether it did.
fn remove_unchanged<K: Pod>(
    table: &mut aya::maps::HashMap<MapData, K, FlowEntry>,
    key: &K,
    read: &FlowEntry,
) -> Result<bool, MapError> {
    match table.get(key, 0) {
        Ok(entry) if entry.last_seen == read.last_seen => take_out(table, key),
        _ => Ok(false),
    }
}

impl Maps {
    /// Visits every entry once, live or not; one that comes or goes meanwhile perhaps. An entry moves from the tables of flows
    /// without a reply to the others, which are therefore read last, without what was there before.
    ///
    /// # Errors
    /// Where a map refuses.
    pub(super) fn each_flow(&self, mut visit: impl FnMut(FlowKey, FlowEntry)) -> Result<()> {
        self.each_entry(&mut visit).context("cannot read the flow tables")
    }

    fn each_entry(&self, visit: &mut impl FnMut(FlowKey, FlowEntry)) -> io::Result<()> {
        let mut unreplied = HashSet::new();
        let mut first = |key: FlowKey, entry| {
            unreplied.insert(key);
            visit(key, entry);
        };
        batch::read(&self.embryonic4, |key, entry| first(FlowKey::from_v4(key), entry))?;
        batch::read(&self.embryonic6, |key, entry| first(FlowKey::from_v6(key), entry))?;
        let mut second = |key: FlowKey, entry| {
            if unreplied.is_empty() || !unreplied.contains(&key) {
                visit(key, entry);
            }
        };
        batch::read(&self.flows4, |key, entry| second(FlowKey::from_v4(key), entry))?;
        batch::read(&self.flows6, |key, entry| second(FlowKey::from_v6(key), entry))
    }

    /// Removes an entry, unless it has changed since it was read. How many went: one, unless it was moving. Verdicts depend
    /// on it only by the room that it takes: an expired entry is no entry.
    ///
    /// # Errors
    /// Where a map refuses.
    pub fn remove_flow(&mut self, key: &FlowKey, read: &FlowEntry) -> Result<u64> {
        let removed = if key.family == Family::V4.0 {
            let key = key.to_v4();
            u64::from(remove_unchanged(&mut self.flows4, &key, read)?)
                + u64::from(remove_unchanged(&mut self.embryonic4, &key, read)?)
        } else {
            let key = key.to_v6();
            u64::from(remove_unchanged(&mut self.flows6, &key, read)?)
                + u64::from(remove_unchanged(&mut self.embryonic6, &key, read)?)
        };
        Ok(removed)
    }

    /// Forgets every flow and every first fragment.
    ///
    /// # Errors
    /// Where a map refuses.
    pub fn clear_state(&mut self) -> Result<()> {
        let mut entries = Vec::new();
        self.each_flow(|key, entry| entries.push((key, entry)))?;
        for (key, entry) in entries {
            self.remove_flow(&key, &entry)?;
        }
        let fragments: Vec<_> = self.fragments.keys().filter_map(Result::ok).collect();
        for key in fragments {
            remove(&mut self.fragments, &key)?;
        }
        Ok(())
    }
}
