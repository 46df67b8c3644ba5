//! Attaching network interfaces to instances, and detaching them.

use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::ids::{AttachmentId, InstanceId, NetworkInterfaceId};
use crate::aws::instance::Instance;
use crate::aws::interface::{Attachment, NetworkInterface};
use crate::aws::region::AvailabilityZone;
use crate::aws::vpc::Subnet;

use super::Reply;
use super::edit::Edit;
use super::interface::settle_connection_tracking;

/// The most interfaces of an instance: AWS's for its largest instances. Each has a routing table of its own inside.
pub const MAX_INTERFACES: u8 = 15;

/// Attaches a network interface to an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachNetworkInterface {
    /// The interface, not attached anywhere.
    pub interface_id: NetworkInterfaceId,
    /// The instance, in the same zone (M-06); the VPC may differ (M-12).
    pub instance_id: InstanceId,
    /// A free index, 1 or above.
    pub device_index: u8,
}

impl AttachNetworkInterface {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        edit.get::<Instance>(&self.instance_id)?;
        let attachment = attach(edit, &self.interface_id, &self.instance_id, self.device_index)?;
        settle_connection_tracking(edit, &self.interface_id)?;
        Ok(Reply::Attachment(attachment))
    }
}

/// The zone of an interface: its subnet's.
fn zone_of(edit: &Edit<'_>, interface: &NetworkInterface) -> Result<AvailabilityZone, AwsError> {
    Ok(edit.get::<Subnet>(&interface.subnet_id)?.availability_zone.clone())
}

/// Attaches an interface; the instance may still be in the making. It stays when the instance ends, as in AWS.
pub(super) fn attach(
    edit: &mut Edit<'_>,
    interface_id: &NetworkInterfaceId,
    instance_id: &InstanceId,
    device_index: u8,
) -> Result<AttachmentId, AwsError> {
    let interface: &NetworkInterface = edit.get(interface_id)?;
    if interface.attachment.is_some() {
        let message = format!("Interface: [{interface_id}] in use.");
        return Err(AwsError::new("InvalidNetworkInterface.InUse", message));
    }
    check_place(edit, instance_id, device_index, &zone_of(edit, interface)?)?;
    let (seed, number) = edit.next_number()?;
    let id = AttachmentId::mint(seed, number);
    let instance_id = instance_id.clone();
    edit.get_mut::<NetworkInterface>(interface_id)?.attachment =
        Some(Attachment { id: id.clone(), instance_id, device_index, delete_on_termination: false });
    Ok(id)
}

/// Checks that an interface of a zone can be attached to an instance at an index, free and not too high (M-06).
pub(super) fn check_place(
    edit: &Edit<'_>,
    instance_id: &InstanceId,
    device_index: u8,
    zone: &AvailabilityZone,
) -> Result<(), AwsError> {
    if device_index >= MAX_INTERFACES {
        let message = format!(
            "Interface at device index {device_index} exceeds the limit: an instance has at most {MAX_INTERFACES}, from index 0."
        );
        return Err(AwsError::new("AttachmentLimitExceeded", message));
    }
    for attached in edit.world().interfaces_of(instance_id) {
        if attached.attachment.as_ref().is_some_and(|attachment| attachment.device_index == device_index) {
            return Err(AwsError::invalid_value(format!(
                "Instance '{instance_id}' already has an interface attached at device index '{device_index}'."
            )));
        }
        if zone_of(edit, attached)? != *zone {
            return Err(AwsError::new(
                "InvalidParameterCombination",
                "You may not attach a network interface to an instance if they are not in the same availability zone",
            ));
        }
    }
    Ok(())
}

/// Takes an interface from its instance, and with it the timeouts that are the instance type's.
pub(super) fn detach(edit: &mut Edit<'_>, id: &NetworkInterfaceId) -> Result<(), AwsError> {
    edit.get_mut::<NetworkInterface>(id)?.attachment = None;
    settle_connection_tracking(edit, id)
}

/// Detaches a network interface. It keeps its addresses and groups (M-11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetachNetworkInterface {
    /// The attachment.
    pub attachment_id: AttachmentId,
}

impl DetachNetworkInterface {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let attached = |interface: &&NetworkInterface| {
            interface.attachment.as_ref().is_some_and(|attachment| attachment.id == self.attachment_id)
        };
        let interface = edit.world().network_interfaces.values().find(attached);
        let interface = interface.ok_or_else(|| self.attachment_id.not_found())?;
        if interface.attachment.as_ref().is_some_and(|attachment| attachment.device_index == 0) {
            return Err(AwsError::new(
                "OperationNotPermitted",
                "The network interface at device index 0 and networkCard index 0 cannot be detached.",
            ));
        }
        let id = interface.id.clone();
        detach(edit, &id)?;
        Ok(Reply::Done)
    }
}
