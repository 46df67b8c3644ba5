//! An instance: here a network namespace with one or several network interfaces.

use std::collections::BTreeMap;
use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};

use super::error::AwsError;
use super::ids::{ImageId, InstanceId, VpcId};
use super::instance_type::InstanceType;
use super::metadata_options::MetadataOptions;
use super::region::Region;

/// What instances are said to be: AWS has names for machines of two kinds.
pub const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };

/// The type of an instance for which none was given, as `RunInstances` has it.
pub const DEFAULT_TYPE: &str = "m1.small";

/// The image that stands for this machine, where none was named.
pub const OWN_IMAGE: &str = "ami-00000000000000000";

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
    /// How it may ask for its metadata.
    #[serde(default)]
    pub metadata_options: MetadataOptions,
    /// Its user data.
    #[serde(default)]
    pub user_data: Option<UserData>,
}

/// What `RunInstances` passes on to an instance.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserData {
    /// The data in base64, as calls have it.
    base64: String,
    /// Whether a script is run in the instance when it first comes up.
    pub run: bool,
}

impl UserData {
    /// The most bytes, before base64.
    pub const MAX: usize = 16_384;

    /// Data that a call gives in base64.
    ///
    /// # Errors
    /// AWS's refusal of other text, and of too much.
    pub fn new(base64: &str, run: bool) -> Result<Self, AwsError> {
        let malformed =
            |_| AwsError::new("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.");
        let bytes = BASE64_STANDARD.decode(base64).map_err(malformed)?;
        if bytes.len() > Self::MAX {
            return Err(AwsError::invalid_value(format!("User data is limited to {} bytes", Self::MAX)));
        }
        Ok(Self { base64: base64.to_owned(), run })
    }

    /// The data in base64.
    pub fn base64(&self) -> &str {
        &self.base64
    }

    /// The data.
    pub fn bytes(&self) -> Vec<u8> {
        // It was decoded before it was taken.
        BASE64_STANDARD.decode(&self.base64).unwrap_or_default()
    }
}

/// What user data says may be a secret.
impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserData").field("run", &self.run).finish_non_exhaustive()
    }
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

    /// The first instance of the reservation that it is in.
    pub fn reservation(&self) -> &InstanceId {
        self.launch.first.as_ref().unwrap_or(&self.id)
    }

    /// The id of that reservation, which is its first instance's in another form.
    pub fn reservation_id(&self) -> String {
        self.reservation().as_str().replacen('i', "r", 1)
    }

    /// Its type; where none was given, the one that AWS takes then.
    pub fn type_name(&self) -> &str {
        self.instance_type.as_ref().map_or(DEFAULT_TYPE, InstanceType::as_str)
    }

    /// The image that it was launched with.
    pub fn image_id(&self) -> &str {
        self.launch.image_id.as_ref().map_or(OWN_IMAGE, ImageId::as_str)
    }
}
