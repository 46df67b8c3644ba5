//! The flow tables as user space reads and sweeps them.

use std::collections::HashMap;
use std::io;

use anyhow::Result;
use aya::maps::{IterableMap, MapData};
use aya::{Pod, maps::MapError};
use sg_common::abi::address::Family;
use sg_common::abi::flow::FlowEntry;
use sg_common::datapath::tuple::FlowKey;

use super::maps::Maps;

/// The entries at one reading.
#[derive(Debug, Default)]
pub struct FlowEntries {
    /// Them, each once.
    pub entries: HashMap<FlowKey, FlowEntry>,
    /// Whether none may be missing but what came meanwhile.
    pub complete: bool,
}

impl FlowEntries {
    /// Reads a table while the programs change it: entries that go meanwhile are left out. An iterator whose place has gone
    /// begins again; the bound ends what would otherwise go on under a flood.
    fn read<K: Pod>(&mut self, table: &aya::maps::HashMap<MapData, K, FlowEntry>, to_key: fn(K) -> FlowKey) {
        // Twice, so that a full table at rest is read to its end.
        let most = table.map().info().map_or(0, |info| 2 * info.max_entries() as usize);
        let mut steps = 0;
        for (key, entry) in table.iter().take(most).filter_map(Result::ok) {
            steps += 1;
            self.entries.insert(to_key(key), entry);
        }
        self.complete &= steps < most;
    }
}

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
    /// Every entry, live or not. An entry moves from the tables of flows without a reply to the others, which are therefore
    /// read last.
    pub fn flow_entries(&self) -> FlowEntries {
        let mut entries = FlowEntries { complete: true, ..FlowEntries::default() };
        entries.read(&self.embryonic4, FlowKey::from_v4);
        entries.read(&self.flows4, FlowKey::from_v4);
        entries.read(&self.embryonic6, FlowKey::from_v6);
        entries.read(&self.flows6, FlowKey::from_v6);
        entries
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
        for (key, entry) in self.flow_entries().entries {
            self.remove_flow(&key, &entry)?;
        }
        let fragments: Vec<_> = self.fragments.keys().filter_map(Result::ok).collect();
        for key in fragments {
            remove(&mut self.fragments, &key)?;
        }
        Ok(())
    }
}
