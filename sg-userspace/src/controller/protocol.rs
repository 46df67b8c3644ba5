//! What CLI and controller say to each other: one JSON value a line over a unix socket, a request answered by one reply,
//! or by a stream of them that ends with the connection or with [`Reply::Done`].

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::aws::ids::{InstanceId, NetworkInterfaceId};
use crate::aws::world::World;
use crate::command::{self, Command};
use crate::dataplane::row::{AllowanceRow, CounterRow, Enforcement, FlowRow, Hook, VerdictEvent};
use crate::dataplane::step::{Filter, Steps};
use crate::store::manifest::LabManifest;

use super::health::Health;
use super::observation::Observation;

/// Raised when a message changes its meaning; both ends refuse another's.
pub const PROTOCOL_VERSION: u32 = 1;

/// A request, as one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum Request {
    /// Who is there? Answered by [`Reply::Status`].
    Status,
    /// Build a lab. Answered by [`Reply::Progress`] until [`Reply::Applied`].
    Up(UpRequest),
    /// Take the lab down and exit. Answered by [`Reply::Progress`] until [`Reply::Done`].
    Down,
    /// Change the world. Answered by [`Reply::Applied`].
    Change {
        /// How.
        command: Box<Command>,
    },
    /// The state of the world. Answered by [`Reply::World`].
    World,
    /// The state of the world, unless it is this one. Answered by [`Reply::World`] or [`Reply::Unchanged`].
    WorldUnless {
        /// What the client has.
        known: WorldVersion,
    },
    /// Live flow entries. Answered by [`Reply::Flows`].
    Flows {
        /// Of this interface only.
        interface: Option<NetworkInterfaceId>,
    },
    /// Frames by reason. Answered by [`Reply::Counters`].
    Counters,
    /// Connection allowances by instance. Answered by [`Reply::Allowances`].
    Allowances,
    /// Everything that there is to measure. Answered by [`Reply::Observation`].
    Observe,
    /// Whether the lab is enforced, as packets show. Answered by [`Reply::Health`].
    Examine,
    /// Do store, data plane and machine agree with the world? Answered by [`Reply::Audit`].
    Audit,
    /// Verdicts as they happen. Answered by [`Reply::Watching`], then by [`Reply::Verdicts`] until the connection ends.
    Watch {
        /// Of this interface only.
        interface: Option<NetworkInterfaceId>,
    },
    /// Steps of the packets that a filter means, as they happen; one trace at a time. Answered by [`Reply::Watching`], then by
    /// [`Reply::Steps`] until the connection ends.
    Trace {
        /// Which packets.
        filter: Filter,
    },
    /// Switch verdicts on or off. Answered by [`Reply::Done`].
    SetEnforcement {
        /// To what.
        enforcement: Enforcement,
    },
    /// Move the data plane's clock ahead. Answered by [`Reply::Clock`].
    AdvanceClock {
        /// By how much.
        seconds: u64,
    },
}

/// The lab to build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpRequest {
    /// What the lab file is called, for messages.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Where to attach programs.
    pub hook: Hook,
    /// Whether verdicts take effect.
    pub enforcement: Enforcement,
}

/// An answer, as one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum Reply {
    /// It is done.
    Done,
    /// It is applied: durable, and in force for every packet from now on.
    Applied {
        /// The version that it made.
        version: u64,
        /// What the command answered; `None` after `up`.
        answer: Option<Box<command::Reply>>,
    },
    /// One step of something longer.
    Progress(Progress),
    /// The controller's own account of itself.
    Status(Box<Status>),
    /// The world.
    World {
        /// It.
        world: Box<World>,
        /// Its version.
        version: u64,
        /// Which controller's: see [`WorldVersion`].
        #[serde(default)]
        run: u64,
        /// Addresses of the internet host, where a lab is up.
        internet: Vec<IpAddr>,
    },
    /// The world is still what the client has.
    Unchanged,
    /// Live flow entries.
    Flows {
        /// Them.
        flows: Vec<FlowRow>,
    },
    /// Frames by reason.
    Counters {
        /// Them.
        counters: Vec<CounterRow>,
    },
    /// Connection allowances by instance.
    Allowances {
        /// Them.
        allowances: Vec<AllowanceRow>,
    },
    /// Everything that there is to measure.
    Observation(Box<Observation>),
    /// Whether the lab is enforced.
    Health(Box<Health>),
    /// What was read back.
    Audit {
        /// What differs, a sentence each; nothing where all agree.
        drift: Vec<String>,
    },
    /// From here on no verdict is missed without being counted as lost.
    Watching,
    /// Verdicts that happened since the last such line.
    Verdicts {
        /// Them, oldest first.
        verdicts: Vec<VerdictEvent>,
        /// How many more there were that nobody read in time.
        lost: u64,
    },
    /// Steps that happened since the last such line.
    Steps {
        /// Them, oldest first.
        #[serde(flatten)]
        steps: Steps,
    },
    /// The clock was moved.
    Clock {
        /// How far it is ahead of the machine's now, in seconds.
        offset_seconds: u64,
    },
    /// It was refused or failed, and changed nothing.
    Error(ErrorReply),
}

/// Which state of the world. Versions count up in one store, and another lab has another, so that only those of one
/// controller's run can be told apart by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldVersion {
    /// The controller's run: a number at random.
    pub run: u64,
    /// The version.
    pub version: u64,
}

impl WorldVersion {
    /// Whether it is known to be later.
    pub fn is_later_than(&self, other: &Self) -> bool {
        self.run == other.run && self.version > other.version
    }
}

/// How far a longer request has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done: `instances`, `servers`, ….
    pub stage: String,
    /// The thing just finished, such as an instance's name.
    pub item: String,
    /// Things finished in this stage.
    pub done: usize,
    /// Things in this stage.
    pub total: usize,
}

/// A refusal or failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct ErrorReply {
    /// AWS's error code, or the controller's own: see [`code`].
    pub code: String,
    /// What was wrong, with the whole cause chain and, where there is one, what to do.
    pub message: String,
}

impl ErrorReply {
    /// An error with this code.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }

    /// The message, with the code where that is AWS's and says more.
    fn sentence(&self) -> String {
        if code::OWN.contains(&self.code.as_str()) {
            self.message.clone()
        } else {
            format!("{} ({})", self.message, self.code)
        }
    }
}

/// Codes of errors that are not AWS's.
pub mod code {
    /// The request is not one that this controller knows.
    pub const BAD_REQUEST: &str = "BadRequest";
    /// The machine refused: kernel, file system, namespace.
    pub const SYSTEM: &str = "SystemError";
    /// The lab file is wrong.
    pub const LAB_FILE: &str = "InvalidLabFile";
    /// A lab is up already.
    pub const LAB_EXISTS: &str = "LabExists";
    /// No lab is up.
    pub const NO_LAB: &str = "NoLab";
    /// All of them.
    pub const OWN: [&str; 5] = [BAD_REQUEST, SYSTEM, LAB_FILE, LAB_EXISTS, NO_LAB];
}

/// What the controller says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// [`PROTOCOL_VERSION`].
    pub protocol: u32,
    /// The controller's process.
    pub pid: u32,
    /// `sgsim`'s version.
    pub sgsim: String,
    /// Version of the world.
    pub version: u64,
    /// Memory that the controller occupies, in KiB.
    pub memory_kib: u64,
    /// The lab that is up.
    pub lab: Option<LabManifest>,
    /// Instances by name.
    pub instances: Vec<InstanceStatus>,
}

/// One instance, as the lab sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceStatus {
    /// Its id, the name of its namespace.
    pub id: InstanceId,
    /// Its name.
    pub name: String,
    /// Whether its namespace is there.
    pub running: bool,
    /// Whether it is stopped, so that none should be.
    #[serde(default)]
    pub stopped: bool,
    /// Its servers and whether they run.
    pub servers: Vec<ServerStatus>,
}

/// One server of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerStatus {
    /// What it is, such as `tcp/5432`.
    pub name: String,
    /// Its process.
    pub pid: u32,
    /// Whether it runs.
    pub running: bool,
}
