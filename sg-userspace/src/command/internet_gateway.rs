//! Internet gateways: made without a VPC, attached to one and detached.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::ids::{InternetGatewayId, VpcId};
use crate::aws::internet_gateway::InternetGateway;
use crate::aws::region::Region;
use crate::aws::vpc::Vpc;
use crate::aws::world::World;

use super::Reply;
use super::edit::Edit;
use super::tag;

/// Makes an internet gateway, attached to nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateInternetGateway {
    /// Its region.
    pub region: Region,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl CreateInternetGateway {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        Ok(Reply::InternetGateway(insert(edit, self.region, None, self.tags)?))
    }
}

/// A new gateway, attached or not.
pub(super) fn insert(
    edit: &mut Edit<'_>,
    region: Region,
    vpc_id: Option<VpcId>,
    tags: BTreeMap<String, String>,
) -> Result<InternetGatewayId, AwsError> {
    let tags = tag::checked(tags)?;
    let (seed, number) = edit.next_number()?;
    let id = InternetGatewayId::mint(seed, number);
    edit.put(InternetGateway { id: id.clone(), number, region, vpc_id, tags });
    Ok(id)
}

/// Deletes an internet gateway that is attached to nothing. Routes to it stay, and lead nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteInternetGateway {
    /// The gateway.
    pub internet_gateway_id: InternetGatewayId,
}

impl DeleteInternetGateway {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let id = &self.internet_gateway_id;
        if edit.get::<InternetGateway>(id)?.vpc_id.is_some() {
            let message = format!("The internetGateway '{id}' has dependencies and cannot be deleted.");
            return Err(AwsError::new("DependencyViolation", message));
        }
        edit.remove::<InternetGateway>(id);
        Ok(Reply::Done)
    }
}

/// Attaches an internet gateway to a VPC of its region that has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachInternetGateway {
    /// The gateway.
    pub internet_gateway_id: InternetGatewayId,
    /// The VPC.
    pub vpc_id: VpcId,
}

impl AttachInternetGateway {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { internet_gateway_id: id, vpc_id } = self;
        let gateway: &InternetGateway = edit.get(&id)?;
        if edit.get::<Vpc>(&vpc_id)?.region != gateway.region {
            return Err(vpc_id.not_found());
        }
        if let Some(attached) = &gateway.vpc_id {
            return Err(AwsError::new(
                "Resource.AlreadyAssociated",
                format!("resource {id} is already attached to network {attached}"),
            ));
        }
        check_free(edit.world(), &vpc_id)?;
        edit.get_mut::<InternetGateway>(&id)?.vpc_id = Some(vpc_id);
        Ok(Reply::Done)
    }
}

/// A VPC has at most one.
pub(super) fn check_free(world: &World, vpc_id: &VpcId) -> Result<(), AwsError> {
    if world.internet_gateway_of(vpc_id).is_some() {
        let message = format!("Network {vpc_id} already has an internet gateway attached");
        return Err(AwsError::invalid_value(message));
    }
    Ok(())
}

/// Detaches an internet gateway from its VPC. Routes to it stay, and lead nowhere until it is attached again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetachInternetGateway {
    /// The gateway.
    pub internet_gateway_id: InternetGatewayId,
    /// The VPC.
    pub vpc_id: VpcId,
}

impl DetachInternetGateway {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { internet_gateway_id: id, vpc_id } = self;
        if edit.get::<InternetGateway>(&id)?.vpc_id.as_ref() != Some(&vpc_id) {
            let message = format!("resource {id} is not attached to network {vpc_id}");
            return Err(AwsError::new("Gateway.NotAttached", message));
        }
        edit.get_mut::<InternetGateway>(&id)?.vpc_id = None;
        Ok(Reply::Done)
    }
}
