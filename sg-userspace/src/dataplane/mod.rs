//! The one interface of the three evaluators, and what they must agree on.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::aws::ids::NetworkInterfaceId;
use crate::aws::rule::Direction;
use crate::aws::world::World;
use crate::packet::spec::PacketSpec;

pub mod host;
pub mod logged;
mod memory;
pub mod reason;
pub mod records;
pub mod row;
pub mod step;

use logged::LoggedFlow;
use reason::Reason;

/// Where a packet enters the fabric.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sender {
    /// Sent by an instance out of this interface.
    Interface(NetworkInterfaceId),
    /// Sent by the internet host.
    Internet,
}

/// One interface's judgement of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// As the judging interface sees it.
    pub direction: Direction,
    /// Why; it implies allow or deny.
    pub reason: Reason,
    /// Number of the rule that decided: the admitting rule of the entry or of this packet. `None` where no rule did.
    pub rule: Option<u32>,
}

/// What became of one packet: the sender's judgement, then the receiver's. `no-route` is the outbound judgement's reason
/// when the sender allowed a packet that has nowhere to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// In the order in which they were made; one or two.
    pub judgements: Vec<Judgement>,
}

impl Outcome {
    /// Whether every interface asked allowed the packet.
    pub fn is_allowed(&self) -> bool {
        self.judgements.iter().all(|judgement| judgement.reason.is_allow())
    }
}

/// A live flow entry, in terms that all evaluators share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Flow {
    /// The interface that holds the entry.
    pub interface: NetworkInterfaceId,
    /// IANA protocol number.
    pub protocol: u8,
    /// The interface's address.
    pub local: IpAddr,
    /// The other address.
    pub remote: IpAddr,
    /// The interface's port; the identifier of an ICMP query; otherwise 0.
    pub local_port: u16,
    /// The other port; for an ICMP query, the request's type; otherwise 0.
    pub remote_port: u16,
    /// Direction of the packet that made the entry.
    pub opened: Direction,
    /// Number of the rule that admitted it.
    pub rule: u32,
}

/// An evaluator: the oracle, the host data plane or the kernel.
pub trait Dataplane {
    /// Takes over a new state of the world; entries live on (C-11).
    ///
    /// # Errors
    /// Where it does not fit or the kernel refuses; then the old state stays in force.
    fn set_world(&mut self, world: &World) -> Result<()>;

    /// Judges a packet.
    ///
    /// # Errors
    /// Only where the machinery fails: a denial is an outcome.
    fn judge(&mut self, sender: &Sender, packet: &PacketSpec) -> Result<Outcome>;

    /// Lets time pass. Whole seconds, so that evaluators with a running clock agree with those without.
    ///
    /// # Errors
    /// Where the machinery fails.
    fn advance(&mut self, time: Duration) -> Result<()>;

    /// The live entries, sorted.
    ///
    /// # Errors
    /// Where the machinery fails.
    fn flows(&mut self) -> Result<Vec<Flow>>;

    /// What interfaces that a flow log covers carried since the last call, sorted.
    ///
    /// # Errors
    /// Where the machinery fails.
    fn logged(&mut self) -> Result<Vec<LoggedFlow>>;
}
