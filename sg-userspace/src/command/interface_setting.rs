//! Network interfaces' settings that decide nothing about packets.

use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::ids::{AttachmentId, NetworkInterfaceId};
use crate::aws::interface::NetworkInterface;

use super::Reply;
use super::edit::Edit;

/// Gives a network interface another description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModifyInterfaceDescription {
    /// The interface.
    pub interface_id: NetworkInterfaceId,
    /// Its description.
    pub description: String,
}

impl ModifyInterfaceDescription {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        edit.get_mut::<NetworkInterface>(&self.interface_id)?.description = self.description;
        Ok(Reply::Done)
    }
}

/// Says whether a network interface is deleted with the instance that it is attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModifyDeleteOnTermination {
    /// The interface.
    pub interface_id: NetworkInterfaceId,
    /// Its attachment.
    pub attachment_id: AttachmentId,
    /// Whether it is deleted.
    pub delete_on_termination: bool,
}

impl ModifyDeleteOnTermination {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { interface_id, attachment_id, delete_on_termination } = self;
        let interface: &mut NetworkInterface = edit.get_mut(&interface_id)?;
        match &mut interface.attachment {
            Some(attachment) if attachment.id == attachment_id => {
                attachment.delete_on_termination = delete_on_termination;
                Ok(Reply::Done)
            }
            _ => Err(attachment_id.not_found()),
        }
    }
}
