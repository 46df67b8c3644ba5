//! What a data plane tells about itself, row by row: flow entries, counters, verdicts as they happen.
//!
//! Rules are numbers here, as in flow entries; `report` turns them into ids, group names and text.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::aws::ids::{InstanceId, NetworkInterfaceId};
use crate::aws::rule::Direction;

use super::Flow;
use super::reason::Reason;

/// A live flow entry with its accounting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowRow {
    /// The entry in the terms that all evaluators share.
    pub flow: Flow,
    /// Its state in a word: `established`, `syn-sent`, `stream`, ….
    pub state: String,
    /// Seconds since the last packet that it allowed.
    pub idle_seconds: u64,
    /// Seconds of idleness after which it expires.
    pub timeout_seconds: u64,
    /// Packets into the instance.
    pub packets_inbound: u64,
    /// Bytes into the instance.
    pub bytes_inbound: u64,
    /// Packets out of the instance.
    pub packets_outbound: u64,
    /// Bytes out of the instance.
    pub bytes_outbound: u64,
}

/// How many frames ended with one reason in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterRow {
    /// As the judging interface saw them.
    pub direction: Direction,
    /// The reason.
    pub reason: Reason,
    /// Frames since the data plane was loaded.
    pub frames: u64,
}

/// One instance's connection allowance (C-26, C-27).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowanceRow {
    /// The instance.
    pub instance: InstanceId,
    /// Connections that its interfaces track now, together.
    pub tracked: u64,
    /// How many more they may.
    pub available: u64,
    /// Packets denied because there were none left.
    pub exceeded: u64,
}

/// How full a map is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapRow {
    /// Its name.
    pub name: String,
    /// What is in use.
    pub entries: u64,
    /// What there is room for.
    pub capacity: u64,
}

/// One verdict as it happened: of the first packet of a flow, or of a denied packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictEvent {
    /// Nanoseconds since 1970.
    pub unix_nanoseconds: u64,
    /// The judging interface; `None` where the frame came over a link that no interface is known for.
    pub interface: Option<NetworkInterfaceId>,
    /// As that interface saw it.
    pub direction: Direction,
    /// Why; it implies allow or deny.
    pub reason: Reason,
    /// Number of the security group rule that decided, if one did.
    pub rule: Option<u32>,
    /// Number of the network ACL's entry that denied, if one did.
    pub acl_entry: Option<u16>,
    /// IANA protocol number.
    pub protocol: u8,
    /// Source address; `None` in a frame that has none.
    pub source: Option<IpAddr>,
    /// Destination address; `None` in a frame that has none.
    pub destination: Option<IpAddr>,
    /// Source port, or the identifier of an ICMP query.
    pub source_port: u16,
    /// Destination port, or the type of an ICMP message.
    pub destination_port: u16,
}

/// What happened since the last look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    /// Verdicts, oldest first.
    pub verdicts: Vec<VerdictEvent>,
    /// How many were lost because the buffer was full.
    pub lost: u64,
}

/// Whether verdicts take effect. Off is for measuring what enforcement costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// Packets are judged.
    #[default]
    On,
    /// Every packet passes, counted as `enforcement-off`.
    Off,
}

impl fmt::Display for Enforcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::On => "on",
            Self::Off => "off",
        })
    }
}

/// Where the programs are attached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hook {
    /// TCX on the host side of each veth: packets stay whole.
    #[default]
    Tcx,
    /// XDP, for demonstrations: it splits large packets, which costs TCP most of its throughput.
    Xdp,
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcx => "tcx",
            Self::Xdp => "xdp",
        })
    }
}
