//! Associations of groups with further VPCs of their region (M-36 to M-40). AWS's calls take a while; here they are done
//! when they return.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::group::SecurityGroup;
use crate::aws::ids::{SecurityGroupId, VpcId};
use crate::aws::vpc::Vpc;

use super::Reply;
use super::edit::Edit;

/// How far an association has come (M-37): the codes of what takes time are not needed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssociationState {
    /// Interfaces of the VPC may carry the group.
    Associated,
    /// They may not any more.
    Disassociated,
}

impl fmt::Display for AssociationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Associated => "associated",
            Self::Disassociated => "disassociated",
        })
    }
}

/// Lets interfaces of a further VPC carry a group, and rules there refer to it (M-39).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssociateSecurityGroupVpc {
    /// The group.
    pub group_id: SecurityGroupId,
    /// The VPC.
    pub vpc_id: VpcId,
}

impl AssociateSecurityGroupVpc {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { group_id, vpc_id } = self;
        let group: &SecurityGroup = edit.get(&group_id)?;
        let vpc: &Vpc = edit.get(&vpc_id)?;
        if edit.get::<Vpc>(&group.vpc_id)?.region != vpc.region {
            // M-36: what is in another region does not exist in this one.
            return Err(vpc_id.not_found());
        }
        // CHOICE: AWS's codes for these are not documented (section 6.1).
        if group.is_default() {
            return Err(AwsError::invalid_value(format!(
                "The security group '{group_id}' is a default security group and cannot be associated with other VPCs."
            )));
        }
        if group.is_usable_in(&vpc_id) {
            return Err(AwsError::invalid_value(format!(
                "The security group '{group_id}' is already associated with VPC '{vpc_id}'."
            )));
        }
        if vpc.is_default {
            return Err(AwsError::invalid_value(format!(
                "The VPC '{vpc_id}' is a default VPC, which security groups of other VPCs cannot be associated with."
            )));
        }
        edit.get_mut::<SecurityGroup>(&group_id)?.associated_vpcs.insert(vpc_id);
        Ok(Reply::SecurityGroupVpcAssociation(AssociationState::Associated))
    }
}

/// Ends an association, unless an interface of that VPC carries the group (M-38). Rules there that refer to it go stale
/// (M-40).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisassociateSecurityGroupVpc {
    /// The group.
    pub group_id: SecurityGroupId,
    /// The VPC.
    pub vpc_id: VpcId,
}

impl DisassociateSecurityGroupVpc {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { group_id, vpc_id } = self;
        edit.get::<Vpc>(&vpc_id)?;
        if !edit.get::<SecurityGroup>(&group_id)?.associated_vpcs.contains(&vpc_id) {
            // CHOICE, as above; a group's own VPC is not among its associations.
            return Err(AwsError::invalid_value(format!(
                "The security group '{group_id}' is not associated with VPC '{vpc_id}'."
            )));
        }
        let mut interfaces = edit.world().network_interfaces.values();
        if interfaces.any(|it| it.vpc_id == vpc_id && it.groups.contains(&group_id)) {
            return Err(AwsError::new(
                "DependencyViolation",
                format!("resource {group_id} has a dependent object in VPC '{vpc_id}'"),
            ));
        }
        edit.get_mut::<SecurityGroup>(&group_id)?.associated_vpcs.remove(&vpc_id);
        Ok(Reply::SecurityGroupVpcAssociation(AssociationState::Disassociated))
    }
}
