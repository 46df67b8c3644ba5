//! An instance: here a network namespace with one or several network interfaces.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::{InstanceId, VpcId};
use super::instance_type::InstanceType;

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
}
