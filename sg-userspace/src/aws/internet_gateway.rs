//! Internet gateways: what a VPC's routes to the internet lead to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::{InternetGatewayId, VpcId};
use super::region::Region;
use super::world::World;

/// An internet gateway. Its attachment, where it has one, is `available`: attaching and detaching take no time here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InternetGateway {
    /// Its id.
    pub id: InternetGatewayId,
    /// Creation order.
    pub number: u32,
    /// Its region.
    pub region: Region,
    /// The VPC that it is attached to. A VPC has at most one.
    pub vpc_id: Option<VpcId>,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

impl World {
    /// The internet gateway that is attached to a VPC.
    pub fn internet_gateway_of(&self, vpc_id: &VpcId) -> Option<&InternetGateway> {
        self.internet_gateways.values().find(|gateway| gateway.vpc_id.as_ref() == Some(vpc_id))
    }
}
