//! Instances started, stopped, rebooted and ended: several at a time, all of them or none.

use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::ids::InstanceId;
use crate::aws::instance::{Instance, InstanceState};
use crate::aws::interface::NetworkInterface;

use super::Reply;
use super::attachment;
use super::edit::Edit;

/// How many ended instances are shown; the ones that ended first are forgotten.
const SHOWN: usize = 100;

/// Starts instances that are stopped; those that run are left as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartInstances {
    /// The instances.
    pub instance_ids: Vec<InstanceId>,
    /// When, in seconds since 1970.
    #[serde(default)]
    pub at: Option<u64>,
}

impl StartInstances {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        for id in &self.instance_ids {
            match edit.get::<Instance>(id)?.state {
                InstanceState::Running => {}
                InstanceState::Stopped => {
                    let instance: &mut Instance = edit.get_mut(id)?;
                    instance.state = InstanceState::Running;
                    instance.launch.boots += 1;
                    instance.launch.at = self.at.or(instance.launch.at);
                }
                InstanceState::Terminated { .. } => return Err(not_from_here(id, "started")),
            }
        }
        Ok(Reply::Done)
    }
}

/// Stops instances: their processes end and their links pass nothing, and their interfaces keep addresses and groups. Those
/// that are stopped are left as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopInstances {
    /// The instances.
    pub instance_ids: Vec<InstanceId>,
}

impl StopInstances {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        for id in &self.instance_ids {
            let instance: &Instance = edit.get(id)?;
            match instance.state {
                InstanceState::Running if instance.settings.disable_api_stop => {
                    return Err(not_permitted(id, "stopped", "disableApiStop"));
                }
                InstanceState::Running => edit.get_mut::<Instance>(id)?.state = InstanceState::Stopped,
                InstanceState::Stopped => {}
                InstanceState::Terminated { .. } => return Err(not_from_here(id, "stopped")),
            }
        }
        Ok(Reply::Done)
    }
}

/// Reboots instances: their processes end, all else stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RebootInstances {
    /// The instances.
    pub instance_ids: Vec<InstanceId>,
}

impl RebootInstances {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        for id in &self.instance_ids {
            if !edit.get::<Instance>(id)?.is_running() {
                return Err(not_from_here(id, "rebooted"));
            }
            edit.get_mut::<Instance>(id)?.launch.boots += 1;
        }
        Ok(Reply::Done)
    }
}

/// Ends instances. Interfaces made with them are deleted, the others become available. The instances are shown on as
/// terminated; those that are so already are left as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminateInstances {
    /// The instances.
    pub instance_ids: Vec<InstanceId>,
}

impl TerminateInstances {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        for id in &self.instance_ids {
            let instance: &Instance = edit.get(id)?;
            if instance.is_terminated() {
                continue;
            }
            if instance.settings.disable_api_termination {
                return Err(not_permitted(id, "terminated", "disableApiTermination"));
            }
            release_interfaces(edit, id)?;
            let (_, number) = edit.next_number()?;
            edit.get_mut::<Instance>(id)?.state = InstanceState::Terminated { number };
        }
        forget_the_first(edit);
        Ok(Reply::Done)
    }
}

fn release_interfaces(edit: &mut Edit<'_>, id: &InstanceId) -> Result<(), AwsError> {
    let interfaces: Vec<_> = edit
        .world()
        .interfaces_of(id)
        .into_iter()
        .map(|interface| {
            let deleted = interface.attachment.as_ref().is_some_and(|it| it.delete_on_termination);
            (interface.id.clone(), deleted)
        })
        .collect();
    for (interface_id, deleted) in interfaces {
        if deleted {
            edit.remove::<NetworkInterface>(&interface_id);
        } else {
            attachment::detach(edit, &interface_id)?;
        }
    }
    Ok(())
}

/// Forgets ended instances beyond those that are shown.
fn forget_the_first(edit: &mut Edit<'_>) {
    let mut ended = edit
        .world()
        .instances
        .values()
        .filter_map(|instance| match instance.state {
            InstanceState::Terminated { number } => Some((number, instance.id.clone())),
            _ => None,
        })
        .collect::<Vec<_>>();
    ended.sort();
    for (_, id) in &ended[..ended.len().saturating_sub(SHOWN)] {
        edit.remove::<Instance>(id);
    }
}

/// Forgets instances that have been shown as terminated for long enough. Others are left as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForgetInstances {
    /// The instances.
    pub instance_ids: Vec<InstanceId>,
}

impl ForgetInstances {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        for id in &self.instance_ids {
            if edit.world().instances.get(id).is_some_and(Instance::is_terminated) {
                edit.remove::<Instance>(id);
            }
        }
        Ok(Reply::Done)
    }
}

fn not_from_here(id: &InstanceId, what: &str) -> AwsError {
    let message = format!("The instance '{id}' is not in a state from which it can be {what}.");
    AwsError::new("IncorrectInstanceState", message)
}

fn not_permitted(id: &InstanceId, what: &str, attribute: &str) -> AwsError {
    let message = format!(
        "The instance '{id}' may not be {what}. Modify its '{attribute}' instance attribute and try again."
    );
    AwsError::new("OperationNotPermitted", message)
}
