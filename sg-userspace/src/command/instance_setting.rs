//! Attributes of an instance that are not its interfaces'.

use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::ids::{InstanceId, NetworkInterfaceId};
use crate::aws::instance::{Instance, InstanceState};
use crate::aws::instance_type::InstanceType;

use super::Reply;
use super::edit::Edit;
use super::interface;

/// Another value for one attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstanceChange {
    /// Whether it may not be terminated through the API.
    DisableApiTermination(bool),
    /// Whether it may not be stopped through the API.
    DisableApiStop(bool),
    /// Its type, with which its interfaces' idle timeouts change (C-21). It must be stopped.
    InstanceType(InstanceType),
}

/// Changes an attribute of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModifyInstance {
    /// The instance.
    pub instance_id: InstanceId,
    /// The attribute and its value.
    pub change: InstanceChange,
}

impl ModifyInstance {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let id = &self.instance_id;
        let state = edit.get::<Instance>(id)?.state;
        if let InstanceState::Terminated { .. } = state {
            let message = format!("The instance '{id}' is terminated, and has no attributes to modify.");
            return Err(AwsError::new("IncorrectInstanceState", message));
        }
        match self.change {
            InstanceChange::DisableApiTermination(value) => {
                edit.get_mut::<Instance>(id)?.settings.disable_api_termination = value;
            }
            InstanceChange::DisableApiStop(value) => {
                edit.get_mut::<Instance>(id)?.settings.disable_api_stop = value;
            }
            InstanceChange::InstanceType(value) => {
                check_stopped(id, state)?;
                edit.get_mut::<Instance>(id)?.instance_type = Some(value);
                for interface_id in interfaces(edit, id) {
                    interface::settle_connection_tracking(edit, &interface_id)?;
                }
            }
        }
        Ok(Reply::Done)
    }
}

fn interfaces(edit: &Edit<'_>, id: &InstanceId) -> Vec<NetworkInterfaceId> {
    edit.world().interfaces_of(id).into_iter().map(|interface| interface.id.clone()).collect()
}

fn check_stopped(id: &InstanceId, state: InstanceState) -> Result<(), AwsError> {
    if state == InstanceState::Stopped {
        return Ok(());
    }
    let message = format!("The instance '{id}' is not in the 'stopped' state.");
    Err(AwsError::new("IncorrectInstanceState", message))
}
