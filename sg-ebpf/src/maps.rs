//! Every map, nothing else. Records and capacities are `sg_common::abi`'s.

use crate::scratch::Scratch;
use aya_ebpf::bindings::{BPF_F_MMAPABLE, BPF_F_NO_PREALLOC};
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, LruHashMap, PerCpuArray, RingBuf};
use sg_common::abi::allowance::AllowanceRecord;
use sg_common::abi::flow::{FlowEntry, FlowKey4, FlowKey6};
use sg_common::abi::flow_log::{FlowLogEntry, FlowLogKey, FlowLogLoss};
use sg_common::abi::fragment::{FragmentKey, FragmentPorts};
use sg_common::abi::interface::{InterfaceRecord, PolicyPair};
use sg_common::abi::member::{MemberKey4, MemberKey6, MemberRecord};
use sg_common::abi::network::NetworkRecord;
use sg_common::abi::policy::CHUNK_WORDS;
use sg_common::abi::settings::Settings;
use sg_common::abi::sweep::{SweepOrder, SweepRow};
use sg_common::abi::trace::TraceFilter;
use sg_common::abi::verdict::COUNTERS;
use sg_common::abi::{
    EVENT_BYTES, MAX_EMBRYONIC, MAX_FLOW_LOG, MAX_FLOWS, MAX_FRAGMENTS, MAX_INTERFACES, MAX_MEMBERS,
    MAX_NETWORKS, MAX_POLICY_CHUNKS, STEP_BYTES,
};
use sg_common::datapath::tuple::Packet;

/// One element.
#[map]
pub(crate) static SETTINGS: Array<Settings> = Array::with_max_entries(1, 0);

/// By slot. Mapped into the controller, which flips a slot's policies with one store.
#[map]
pub(crate) static POLICIES: Array<PolicyPair> = Array::with_max_entries(MAX_INTERFACES, BPF_F_MMAPABLE);

/// By slot: the access lists of its subnet. Mapped as the policies are.
#[map]
pub(crate) static ACCESS_LISTS: Array<PolicyPair> = Array::with_max_entries(MAX_INTERFACES, BPF_F_MMAPABLE);

/// By the slot of an instance's primary interface. Mapped into the controller, which adds to the counters too.
#[map]
pub(crate) static ALLOWANCES: Array<AllowanceRecord> =
    Array::with_max_entries(MAX_INTERFACES, BPF_F_MMAPABLE);

/// By slot.
#[map]
pub(crate) static INTERFACES: Array<InterfaceRecord> = Array::with_max_entries(MAX_INTERFACES, 0);

/// By network index.
#[map]
pub(crate) static NETWORKS: Array<NetworkRecord> = Array::with_max_entries(MAX_NETWORKS, 0);

/// Policies and access lists, in chunks. Mapped into the controller, which writes them at any length.
#[map]
pub(crate) static POLICY_WORDS: Array<[u32; CHUNK_WORDS as usize]> =
    Array::with_max_entries(MAX_POLICY_CHUNKS, BPF_F_MMAPABLE);

/// Owners of IPv4 addresses.
#[map]
pub(crate) static MEMBERS4: HashMap<MemberKey4, MemberRecord> = HashMap::with_max_entries(MAX_MEMBERS, 0);

/// Owners of IPv6 addresses.
#[map]
pub(crate) static MEMBERS6: HashMap<MemberKey6, MemberRecord> = HashMap::with_max_entries(MAX_MEMBERS, 0);

/// IPv4 flows that have had a reply.
#[map]
pub(crate) static FLOWS4: HashMap<FlowKey4, FlowEntry> = HashMap::with_max_entries(MAX_FLOWS, 0);

/// IPv6 flows that have had a reply.
#[map]
pub(crate) static FLOWS6: HashMap<FlowKey6, FlowEntry> = HashMap::with_max_entries(MAX_FLOWS, 0);

/// IPv4 flows that have had no reply.
#[map]
pub(crate) static EMBRYONIC4: LruHashMap<FlowKey4, FlowEntry> =
    LruHashMap::with_max_entries(MAX_EMBRYONIC, 0);

/// IPv6 flows that have had no reply.
#[map]
pub(crate) static EMBRYONIC6: LruHashMap<FlowKey6, FlowEntry> =
    LruHashMap::with_max_entries(MAX_EMBRYONIC, 0);

/// First fragments.
#[map]
pub(crate) static FRAGMENTS: LruHashMap<FragmentKey, FragmentPorts> =
    LruHashMap::with_max_entries(MAX_FRAGMENTS, 0);

/// What interfaces with a flow log carried. Its memory is taken as it is needed: most labs have no flow log.
#[map]
pub(crate) static FLOW_LOG: HashMap<FlowLogKey, FlowLogEntry> =
    HashMap::with_max_entries(MAX_FLOW_LOG, BPF_F_NO_PREALLOC);

/// By slot: what found no room there.
#[map]
pub(crate) static FLOW_LOG_LOST: Array<FlowLogLoss> = Array::with_max_entries(MAX_INTERFACES, 0);

/// `VerdictRecord`s.
#[map]
pub(crate) static EVENTS: RingBuf = RingBuf::with_byte_size(EVENT_BYTES, 0);

/// `StepRecord`s.
#[map]
pub(crate) static STEPS: RingBuf = RingBuf::with_byte_size(STEP_BYTES, 0);

/// Which packets are traced. One element.
#[map]
pub(crate) static TRACE_FILTER: Array<TraceFilter> = Array::with_max_entries(1, 0);

/// Events lost because their ring was full: verdicts, then steps.
#[map]
pub(crate) static EVENTS_LOST: PerCpuArray<u64> = PerCpuArray::with_max_entries(2, 0);

/// Frames by direction and reason (`verdict::counter_index`).
#[map]
pub(crate) static COUNTERS_BY_REASON: PerCpuArray<u64> = PerCpuArray::with_max_entries(COUNTERS, 0);

/// The packet that a program is judging. One element; never read by user space.
#[map]
pub(crate) static PACKET: PerCpuArray<Packet> = PerCpuArray::with_max_entries(1, 0);

/// Keys under construction. One element; never read by user space.
#[map]
pub(crate) static SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

/// What a sweep of the flow tables is told. One element.
#[map]
pub(crate) static SWEEP_ORDER: Array<SweepOrder> = Array::with_max_entries(1, 0);

/// What it counts, by [`SweepRow::index`]. Mapped into the controller.
#[map]
pub(crate) static SWEEP_ROWS: Array<SweepRow> = Array::with_max_entries(MAX_INTERFACES, BPF_F_MMAPABLE);
