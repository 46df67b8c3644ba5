//! The tables of the host data plane, in memory.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::net::IpAddr;
use std::rc::Rc;

use anyhow::Result;
use foldhash::HashMap;
use sg_common::abi::address::{Address, Family};
use sg_common::abi::allowance::AllowanceRecord;
use sg_common::abi::event::VerdictRecord;
use sg_common::abi::flow::{FlowBits, FlowEntry};
use sg_common::abi::flow_log::{FlowLogEntry, FlowLogKey};
use sg_common::abi::fragment::{FragmentKey, FragmentPorts};
use sg_common::abi::interface::{InterfaceRecord, PolicyPair};
use sg_common::abi::member::MemberRecord;
use sg_common::abi::network::NetworkRecord;
use sg_common::abi::policy::{CHUNK_WORDS, Locator, WORD_LENGTH};
use sg_common::abi::settings::tick_of;
use sg_common::abi::trace::{StepCode, StepRecord, TraceFilter};
use sg_common::abi::{MAX_EMBRYONIC, MAX_FLOWS};
use sg_common::datapath::flow_log::{entry_of, key_of};
use sg_common::datapath::judge::{Bench, Decision, age, record_of};
use sg_common::datapath::rules::PolicyTables;
use sg_common::datapath::search::Words;
use sg_common::datapath::tables::{Admission, FlowCell, FlowState, Full, MemberCell, Passage, Tables};
use sg_common::datapath::trace;
use sg_common::datapath::tracking::timeout;
use sg_common::datapath::tuple::{FlowKey, Packet};

use crate::aws::world::World;
use crate::compile::apply::MapSink;
use crate::compile::arena::PolicyMemory;
use crate::compile::place::address;

/// The tables in memory.
#[derive(Default)]
pub(super) struct Memory {
    words: Rc<RefCell<Vec<u32>>>,
    policies: HashMap<u32, PolicyPair>,
    access_lists: HashMap<u32, PolicyPair>,
    allowances: RefCell<HashMap<u32, AllowanceRecord>>,
    pub(super) interfaces: HashMap<u32, Rc<InterfaceRecord>>,
    networks: HashMap<u32, Rc<NetworkRecord>>,
    members: HashMap<(u32, u8, Address), Rc<MemberRecord>>,
    pub(super) flows: RefCell<HashMap<FlowKey, Rc<Cell<FlowEntry>>>>,
    fragments: RefCell<HashMap<FragmentKey, FragmentPorts>>,
    pub(super) flow_log: RefCell<HashMap<FlowLogKey, FlowLogEntry>>,
    pub(super) reports: RefCell<Vec<VerdictRecord>>,
    pub(super) steps: RefCell<Vec<StepRecord>>,
    pub(super) trace: Option<TraceFilter>,
    pub(super) now_ns: u64,
}

impl Memory {
    /// Removes entries that have idled out; those of interfaces that are not attached wait for them.
    pub(super) fn sweep(&self) {
        let tick = self.tick();
        let ended: Vec<(FlowKey, u32)> = {
            let flows = self.flows.borrow();
            let records = self.interfaces_by_number();
            let has_ended = |key: &FlowKey, entry: &FlowEntry| {
                let record = records.get(&key.interface())?;
                let limit = timeout(key.family, key.protocol(), FlowBits(entry.bits), record);
                (age(tick, entry.last_seen) >= u64::from(limit)).then_some((*key, record.allowance))
            };
            flows.iter().filter_map(|(key, entry)| has_ended(key, &entry.get())).collect()
        };
        for (key, allowance) in ended {
            self.remove(&key, allowance);
        }
    }

    /// Forgets the entries of interfaces that no longer exist.
    pub(super) fn forget_interfaces(&self, world: &World) {
        let known: HashSet<u32> =
            world.network_interfaces.values().map(|interface| interface.number).collect();
        self.flows.borrow_mut().retain(|key, _| known.contains(&key.interface()));
    }

    /// Counts every allowance's entries anew: interfaces may have changed instances.
    pub(super) fn count_again(&self) {
        let records = self.interfaces_by_number();
        let mut allowances = self.allowances.borrow_mut();
        for account in allowances.values_mut() {
            account.ended = account.admitted;
        }
        for key in self.flows.borrow().keys() {
            if let Some(record) = records.get(&key.interface()) {
                allowances.entry(record.allowance).or_default().admitted += 1;
            }
        }
    }

    pub(super) fn interfaces_by_number(&self) -> HashMap<u32, Rc<InterfaceRecord>> {
        self.interfaces.values().map(|record| (record.number, Rc::clone(record))).collect()
    }
}

impl PolicyMemory for Memory {
    fn chunks(&self) -> u32 {
        sg_common::abi::MAX_POLICY_CHUNKS
    }

    fn read(&self, word: usize) -> u32 {
        self.words.borrow().get(word).copied().unwrap_or_default()
    }

    fn write(&mut self, word: usize, words: &[u32]) {
        let mut memory = self.words.borrow_mut();
        let end = word + words.len();
        if memory.len() < end {
            memory.resize(end, 0);
        }
        memory[word..end].copy_from_slice(words);
    }

    /// Packets are judged when somebody asks, and not meanwhile.
    fn settle(&mut self) {}
}

impl MapSink for Memory {
    fn write_network(&mut self, index: u32, record: &NetworkRecord) -> Result<()> {
        self.networks.insert(index, Rc::new(*record));
        Ok(())
    }

    fn write_interface(&mut self, slot: u32, record: &InterfaceRecord) -> Result<()> {
        // Every interface has its link here, and every judgement is reported.
        let record = if record.number == 0 {
            *record
        } else {
            InterfaceRecord {
                link_index: slot + 1,
                flags: record.flags | InterfaceRecord::FLAG_TRACE,
                ..*record
            }
        };
        self.interfaces.insert(slot, Rc::new(record));
        Ok(())
    }

    fn forget_link(&mut self, _slot: u32) {}

    fn write_policies(&mut self, slot: u32, pair: PolicyPair) -> Result<()> {
        self.policies.insert(slot, pair);
        Ok(())
    }

    fn write_access_lists(&mut self, slot: u32, pair: PolicyPair) -> Result<()> {
        self.access_lists.insert(slot, pair);
        Ok(())
    }

    fn write_allowance(&mut self, index: u32, limit: u32) -> Result<()> {
        self.allowances.borrow_mut().entry(index).or_default().limit = u64::from(limit);
        Ok(())
    }

    fn write_member(&mut self, network: u32, ip: IpAddr, record: &MemberRecord) -> Result<()> {
        self.members.insert((network, family(ip), address(ip)), Rc::new(*record));
        Ok(())
    }

    fn remove_member(&mut self, network: u32, ip: IpAddr) -> Result<()> {
        self.members.remove(&(network, family(ip), address(ip)));
        Ok(())
    }
}

fn family(address: IpAddr) -> u8 {
    if address.is_ipv4() { Family::V4.0 } else { Family::V6.0 }
}

/// A policy in the words.
pub(super) struct PolicyInMemory {
    words: Rc<RefCell<Vec<u32>>>,
    start: usize,
    /// Beyond this the policy may read whatever is there, as in the kernel.
    chunk: usize,
}

impl Words for PolicyInMemory {
    fn word(&self, index: u32) -> u32 {
        let at = (self.start + index as usize) % CHUNK_WORDS as usize;
        self.words.borrow().get(self.chunk + at).copied().unwrap_or_default()
    }
}

impl PolicyTables for PolicyInMemory {}

/// A flow entry.
pub(super) struct FlowInMemory(Rc<Cell<FlowEntry>>);

impl FlowCell for FlowInMemory {
    fn state(&self) -> FlowState {
        let entry = self.0.get();
        FlowState { last_seen: entry.last_seen, identity: entry.identity, rule: entry.rule, bits: entry.bits }
    }

    fn record(&self, passage: &Passage) {
        let mut entry = self.0.get();
        entry.last_seen = passage.tick;
        entry.bits |= passage.bits;
        if passage.outbound {
            entry.packets_out += u64::from(passage.packets);
            entry.bytes_out += u64::from(passage.bytes);
        } else {
            entry.packets_in += u64::from(passage.packets);
            entry.bytes_in += u64::from(passage.bytes);
        }
        self.0.set(entry);
    }
}

pub(super) struct MemberInMemory(Rc<MemberRecord>);

impl MemberCell for MemberInMemory {
    fn record(&self) -> &MemberRecord {
        &self.0
    }

    fn version(&self) -> u32 {
        self.0.version
    }

    fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Tables for Memory {
    type Flow = FlowInMemory;
    type Policy = PolicyInMemory;
    type Member = MemberInMemory;
    type Interface = Rc<InterfaceRecord>;
    type Network = Rc<NetworkRecord>;

    fn is_set_up(&self) -> bool {
        true
    }

    fn is_enforced(&self) -> bool {
        true
    }

    fn tick(&self) -> u64 {
        tick_of(self.now_ns)
    }

    fn interface(&self, slot: u32) -> Option<Rc<InterfaceRecord>> {
        self.interfaces.get(&slot).cloned()
    }

    fn policies(&self, slot: u32) -> PolicyPair {
        self.policies.get(&slot).copied().unwrap_or_default()
    }

    fn access_lists(&self, slot: u32) -> PolicyPair {
        self.access_lists.get(&slot).copied().unwrap_or_default()
    }

    fn policy(&self, locator: Locator) -> Option<PolicyInMemory> {
        let chunk = locator.chunk() as usize * CHUNK_WORDS as usize;
        let start = locator.word() as usize;
        (self.read(chunk + start + WORD_LENGTH as usize) != 0).then(|| PolicyInMemory {
            words: Rc::clone(&self.words),
            start,
            chunk,
        })
    }

    fn network(&self, index: u32) -> Option<Rc<NetworkRecord>> {
        self.networks.get(&index).cloned()
    }

    fn member(&self, network: u32, family: u8, address: Address) -> Option<MemberInMemory> {
        self.members.get(&(network, family, address)).cloned().map(MemberInMemory)
    }

    fn flow(&self, key: &FlowKey) -> Option<FlowInMemory> {
        self.flows.borrow().get(key).cloned().map(FlowInMemory)
    }

    fn admit(&self, key: &FlowKey, entry: FlowEntry, allowance: u32, replaces: bool) -> Admission {
        let mut flows = self.flows.borrow_mut();
        let mut allowances = self.allowances.borrow_mut();
        let account = allowances.entry(allowance).or_default();
        if account.in_use() >= account.limit + u64::from(replaces) {
            account.exceeded += 1;
            return Admission::ALLOWANCE_EXCEEDED;
        }
        if flows.len() >= (MAX_FLOWS + MAX_EMBRYONIC) as usize && !replaces {
            return Admission::TABLE_FULL;
        }
        account.admitted += 1;
        account.ended += u64::from(flows.insert(*key, Rc::new(Cell::new(entry))).is_some());
        Admission::ADMITTED
    }

    fn remove(&self, key: &FlowKey, allowance: u32) {
        if self.flows.borrow_mut().remove(key).is_some() {
            self.allowances.borrow_mut().entry(allowance).or_default().ended += 1;
        }
    }

    fn protect(&self, _key: &FlowKey) -> Result<(), Full> {
        // One table holds both kinds here: nothing is evicted.
        Ok(())
    }

    fn fragment(&self, packet: &Packet, bench: &Bench<'_>) -> FragmentPorts {
        let key = packet.fragment_key(bench.interface.number, bench.direction);
        self.fragments.borrow().get(&key).copied().unwrap_or_default()
    }

    fn remember_fragment(&self, packet: &Packet, bench: &Bench<'_>) {
        let key = packet.fragment_key(bench.interface.number, bench.direction);
        self.fragments.borrow_mut().insert(key, packet.fragment_ports(bench.tick));
    }

    fn mark(&self, packet: &mut Packet, number: u32) {
        packet.marked = u8::from(self.trace.is_some_and(|filter| trace::is_marked(&filter, packet, number)));
    }

    fn trace(&self, packet: &Packet, bench: &Bench<'_>, step: StepCode, a: u64, b: u64) {
        self.steps.borrow_mut().push(trace::record_of(packet, bench, step, a, b));
    }

    fn log_flow(&self, packet: &Packet, bench: &Bench<'_>, decision: Decision) {
        let added = entry_of(packet, bench, decision.reason);
        let mut table = self.flow_log.borrow_mut();
        let entry = table.entry(key_of(packet, bench, decision, 0));
        let entry = entry.or_insert(FlowLogEntry { first_seen: added.first_seen, ..FlowLogEntry::default() });
        entry.packets += added.packets;
        entry.bytes += added.bytes;
        entry.last_seen = added.last_seen;
        entry.reasons |= added.reasons;
        entry.flags |= added.flags;
    }

    fn report(&self, packet: &Packet, bench: &Bench<'_>, decision: Decision) {
        self.reports.borrow_mut().push(record_of(packet, bench, decision));
    }
}
