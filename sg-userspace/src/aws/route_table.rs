//! Route tables: a main one comes with every VPC, and subnets may have others. The data plane does not read them: see
//! `docs/choices.md`.

use std::collections::BTreeMap;
use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::ids::{
    InternetGatewayId, RouteTableAssociationId, RouteTableId, SubnetId, VpcId, VpcPeeringConnectionId,
};
use super::peering::PeeringStatus;
use super::world::World;

/// What a route leads to, the VPC itself aside: its local routes are not kept, since they follow from its blocks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RouteTarget {
    /// An internet gateway.
    InternetGateway(InternetGatewayId),
    /// A peering.
    VpcPeeringConnection(VpcPeeringConnectionId),
}

/// Whether a route leads anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteState {
    /// It does.
    Active,
    /// Its target is gone, or not attached, or not active.
    Blackhole,
}

impl fmt::Display for RouteState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Active => "active",
            Self::Blackhole => "blackhole",
        })
    }
}

/// An association of a route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTableAssociation {
    /// Its id.
    pub id: RouteTableAssociationId,
    /// The subnet; none where it makes the table its VPC's main one, which is for subnets that have no other.
    pub subnet_id: Option<SubnetId>,
}

/// A route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Its id.
    pub id: RouteTableId,
    /// Creation order.
    pub number: u32,
    /// Its VPC.
    pub vpc_id: VpcId,
    /// Its associations, oldest first.
    pub associations: Vec<RouteTableAssociation>,
    /// Where packets for a block go, the VPC's own blocks aside.
    pub routes: BTreeMap<IpNet, RouteTarget>,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

impl RouteTable {
    /// Whether it is its VPC's main table.
    pub fn is_main(&self) -> bool {
        self.associations.iter().any(|association| association.subnet_id.is_none())
    }
}

impl World {
    /// The main route table of a VPC.
    pub fn main_route_table_of(&self, vpc_id: &VpcId) -> Option<&RouteTable> {
        self.route_tables.values().find(|table| table.vpc_id == *vpc_id && table.is_main())
    }

    /// Whether a route of a VPC leads anywhere.
    pub fn route_state(&self, vpc_id: &VpcId, target: &RouteTarget) -> RouteState {
        let leads_on = match target {
            RouteTarget::InternetGateway(id) => {
                self.internet_gateways.get(id).is_some_and(|gateway| gateway.vpc_id.as_ref() == Some(vpc_id))
            }
            RouteTarget::VpcPeeringConnection(id) => self
                .vpc_peering_connections
                .get(id)
                .is_some_and(|peering| peering.status == PeeringStatus::Active),
        };
        if leads_on { RouteState::Active } else { RouteState::Blackhole }
    }
}
