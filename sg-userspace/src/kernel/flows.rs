//! The flow tables as user space reads and sweeps them.

use std::io;

use anyhow::Result;
use aya::maps::{HashMap, MapData};
use aya::{Pod, maps::MapError};
use sg_common::abi::address::Family;
use sg_common::abi::flow::FlowEntry;
use sg_common::datapath::tuple::FlowKey;

use super::maps::Maps;

/// Reads a table while the programs change it: entries that go meanwhile are left out.
fn read<K: Pod>(
    table: &HashMap<MapData, K, FlowEntry>,
    to_key: fn(K) -> FlowKey,
) -> Vec<(FlowKey, FlowEntry)> {
    table.iter().filter_map(Result::ok).map(|(key, entry)| (to_key(key), entry)).collect()
}

fn remove<K: Pod, V: Pod>(table: &mut HashMap<MapData, K, V>, key: &K) -> Result<(), MapError> {
    match table.remove(key) {
        // The program was faster.
        Err(MapError::KeyNotFound) => Ok(()),
        Err(MapError::SyscallError(error)) if error.io_error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

impl Maps {
    /// Every entry, live or not.
    pub fn flow_entries(&self) -> Vec<(FlowKey, FlowEntry)> {
        let mut entries = read(&self.flows4, FlowKey::from_v4);
        entries.extend(read(&self.embryonic4, FlowKey::from_v4));
        entries.extend(read(&self.flows6, FlowKey::from_v6));
        entries.extend(read(&self.embryonic6, FlowKey::from_v6));
        entries
    }

    /// Removes an entry. Correctness never depends on it: an expired entry is no entry.
    ///
    /// # Errors
    /// Where a map refuses.
    pub fn remove_flow(&mut self, key: &FlowKey) -> Result<()> {
        if key.family == Family::V4.0 {
            remove(&mut self.flows4, &key.to_v4())?;
            remove(&mut self.embryonic4, &key.to_v4())?;
        } else {
            remove(&mut self.flows6, &key.to_v6())?;
            remove(&mut self.embryonic6, &key.to_v6())?;
        }
        Ok(())
    }

    /// Forgets every flow and every first fragment.
    ///
    /// # Errors
    /// Where a map refuses.
    pub fn clear_state(&mut self) -> Result<()> {
        for (key, _) in self.flow_entries() {
            self.remove_flow(&key)?;
        }
        let fragments: Vec<_> = self.fragments.keys().filter_map(Result::ok).collect();
        for key in fragments {
            remove(&mut self.fragments, &key)?;
        }
        Ok(())
    }
}
