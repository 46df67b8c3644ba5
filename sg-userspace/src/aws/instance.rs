//! An instance: here a network namespace with one or several network interfaces.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::{ImageId, InstanceId, VpcId};
use super::instance_type::InstanceType;
use super::region::Region;

/// The allowance where none is given: the number that AWS shows in its sample output (C-28).
pub const DEFAULT_CONNECTION_ALLOWANCE: u32 = 136_812;

/// An instance. Its interfaces name it in their attachment; "the instance's groups" are those of device index 0 (M-08).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its id, and the name of its network namespace.
    pub id: InstanceId,
    /// Creation order.
    pub number: u32,
    /// Host name, unique in the lab: the value of the tag `Name`.
    pub name: String,
    /// VPC of the primary interface.
    pub vpc_id: VpcId,
    /// Its type, if one was given; none stands for one before Nitro v6.
    pub instance_type: Option<InstanceType>,
    /// How many connections its interfaces may track at a time, together (C-26).
    pub connection_allowance: u32,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
    /// Whether it runs.
    #[serde(default)]
    pub state: InstanceState,
    /// What it was launched with.
    #[serde(default)]
    pub launch: Launch,
    /// What it may not have done to it, and the like.
    #[serde(default)]
    pub settings: InstanceSettings,
}

/// Whether an instance runs. AWS's states on the way from one to the other are over here before a command is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// It has its namespace, links and processes.
    #[default]
    Running,
    /// It has none of them, and keeps its interfaces with their addresses and groups.
    Stopped,
    /// It is over, and shown for a while.
    Terminated {
        /// The order in which instances ended.
        number: u32,
    },
}

/// What an instance was launched with, as `RunInstances` said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Launch {
    /// The first instance that the same call launched; none where that is this one.
    pub first: Option<InstanceId>,
    /// Its place among those that the same call launched.
    pub index: u16,
    /// When it was last started, in seconds since 1970; none where nobody said.
    pub at: Option<u64>,
    /// How often it was started again, or rebooted.
    pub boots: u32,
    /// The image that was named. It does nothing: an instance is a namespace of this machine.
    pub image_id: Option<ImageId>,
    /// The call's client token, where it had one.
    pub client_token: Option<ClientToken>,
}

/// What tells a call that is sent again from another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientToken {
    /// The token.
    pub token: String,
    /// The region, in which it counts.
    pub region: Region,
    /// What was asked for with it, in a form that is the same for the same request.
    pub request: String,
}

/// Attributes that decide what may be done to an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InstanceSettings {
    /// It is not to be terminated through the API.
    pub disable_api_termination: bool,
    /// It is not to be stopped through the API.
    pub disable_api_stop: bool,
}

impl Instance {
    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.state == InstanceState::Running
    }

    /// Whether it is over.
    pub fn is_terminated(&self) -> bool {
        matches!(self.state, InstanceState::Terminated { .. })
    }

    /// The first instance of the reservation that it is in, which gives that its id.
    pub fn reservation(&self) -> &InstanceId {
        self.launch.first.as_ref().unwrap_or(&self.id)
    }
}
