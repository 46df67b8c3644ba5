//! How full the maps are: those whose room is stated in `abi`.

use aya::Pod;
use aya::maps::{HashMap, MapData};
use sg_common::abi::policy::CHUNK_WORDS;
use sg_common::abi::{
    MAX_EMBRYONIC, MAX_FLOW_LOG, MAX_FLOWS, MAX_FRAGMENTS, MAX_INTERFACES, MAX_MEMBERS, MAX_NETWORKS,
    MAX_POLICY_CHUNKS,
};

use crate::dataplane::row::MapRow;

use super::dataplane::KernelDataplane;
use super::flow_log::FlowLogTable;

/// Entries of a table that the programs change meanwhile. A reading whose place has gone begins again, so it is bounded.
fn count<K: Pod, V: Pod>(table: &HashMap<MapData, K, V>, capacity: u32) -> u64 {
    table.keys().take(capacity as usize).filter(Result::is_ok).count() as u64
}

impl FlowLogTable {
    /// Flows counted in windows that nobody has written yet.
    fn count(&self) -> u64 {
        count(&self.elements, MAX_FLOW_LOG)
    }
}

impl KernelDataplane {
    /// Every map that can be full.
    pub fn fill(&self) -> Vec<MapRow> {
        let (maps, image) = (&self.maps, self.applied.image());
        let members = |is_ipv4: bool| {
            image.members.keys().filter(|(_, address)| address.is_ipv4() == is_ipv4).count() as u64
        };
        [
            ("NETWORKS", image.networks.len() as u64, MAX_NETWORKS),
            ("INTERFACES", image.interfaces.len() as u64, MAX_INTERFACES),
            ("ALLOWANCES", image.allowances.len() as u64, MAX_INTERFACES),
            ("POLICY_WORDS", self.applied.words_in_use(), MAX_POLICY_CHUNKS * CHUNK_WORDS),
            ("MEMBERS4", members(true), MAX_MEMBERS),
            ("MEMBERS6", members(false), MAX_MEMBERS),
            ("FLOWS4", count(&maps.flows4, MAX_FLOWS), MAX_FLOWS),
            ("FLOWS6", count(&maps.flows6, MAX_FLOWS), MAX_FLOWS),
            ("EMBRYONIC4", count(&maps.embryonic4, MAX_EMBRYONIC), MAX_EMBRYONIC),
            ("EMBRYONIC6", count(&maps.embryonic6, MAX_EMBRYONIC), MAX_EMBRYONIC),
            ("FLOW_LOG", maps.flow_log.count(), MAX_FLOW_LOG),
            ("FRAGMENTS", count(&maps.fragments, MAX_FRAGMENTS), MAX_FRAGMENTS),
        ]
        .map(|(name, entries, capacity)| MapRow { name: name.to_owned(), entries, capacity: capacity.into() })
        .into()
    }
}
