//! The promise to aya that the map records are plain bytes. The crate's only `unsafe` outside the BPF target.
#![allow(unsafe_code, reason = "`Pod` is an unsafe trait")]

use aya::Pod;

use crate::abi::allowance::AllowanceRecord;
use crate::abi::event::VerdictRecord;
use crate::abi::flow::{FlowEntry, FlowKey4, FlowKey6};
use crate::abi::flow_log::{FlowLogEntry, FlowLogKey, FlowLogLoss};
use crate::abi::fragment::{FragmentKey, FragmentPorts};
use crate::abi::interface::{InterfaceRecord, PolicyPair};
use crate::abi::member::{MemberKey4, MemberKey6, MemberRecord};
use crate::abi::network::NetworkRecord;
use crate::abi::settings::Settings;
use crate::abi::sweep::SweepOrder;
use crate::abi::trace::TraceFilter;

macro_rules! pod {
    ($($record:ty),+ $(,)?) => {
        $(
            // SAFETY: `repr(C)`, integers and byte arrays only, no implicit padding (asserted beside the type).
            unsafe impl Pod for $record {}
        )+
    };
}

pod!(
    AllowanceRecord,
    FlowEntry,
    FlowKey4,
    FlowKey6,
    FlowLogEntry,
    FlowLogKey,
    FlowLogLoss,
    FragmentKey,
    FragmentPorts,
    InterfaceRecord,
    MemberKey4,
    MemberKey6,
    MemberRecord,
    NetworkRecord,
    PolicyPair,
    Settings,
    SweepOrder,
    TraceFilter,
    VerdictRecord,
);
