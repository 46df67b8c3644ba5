//! Blocks of VPCs and subnets that exist: added and taken away.

use ipnet::{IpNet, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::ids::{SubnetCidrAssociationId, SubnetId, VpcCidrAssociationId, VpcId};
use crate::aws::vpc::{Subnet, Vpc};

use super::Reply;
use super::edit::Edit;
use super::network_acl;
use super::peering;
use super::subnet::check_ipv6;
use super::vpc::{MAX_CIDRS, check_blocks, overlap};

/// Private ranges, and what AWS keeps for itself: a VPC with a block of the first kind gets none of the others.
const PRIVATE: [&str; 3] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
const KEPT: &str = "198.19.0.0/16";

/// Adds a block to a VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssociateVpcCidrBlock {
    /// The VPC.
    pub vpc_id: VpcId,
    /// The block; host bits are dropped.
    pub cidr: IpNet,
}

impl AssociateVpcCidrBlock {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { vpc_id, cidr } = self;
        let cidr = cidr.trunc();
        let vpc: &Vpc = edit.get(&vpc_id)?;
        let (mut cidr_ipv4, mut cidr_ipv6) = (vpc.cidr_ipv4.clone(), vpc.cidr_ipv6.clone());
        match cidr {
            IpNet::V4(net) => cidr_ipv4.push(net),
            IpNet::V6(net) => cidr_ipv6.push(net),
        }
        if cidr_ipv4.len() > MAX_CIDRS || cidr_ipv6.len() > MAX_CIDRS {
            return Err(AwsError::new(
                "CidrLimitExceeded",
                format!("This network {vpc_id} has met its maximum number of allowed CIDRs: {MAX_CIDRS}"),
            ));
        }
        check_blocks(&cidr_ipv4, &cidr_ipv6)?;
        check_range(vpc, cidr)?;
        check_routes(edit, &vpc_id, cidr)?;
        peering::check_new_block(edit.world(), &vpc_id, cidr)?;
        let is_first_ipv6 = matches!(cidr, IpNet::V6(_)) && vpc.cidr_ipv6.is_empty();
        let id = vpc.association_id(cidr);
        let vpc: &mut Vpc = edit.get_mut(&vpc_id)?;
        (vpc.cidr_ipv4, vpc.cidr_ipv6) = (cidr_ipv4, cidr_ipv6);
        // Groups keep their rules (M-26).
        if is_first_ipv6 {
            network_acl::allow_ipv6_by_default(edit, &vpc_id)?;
        }
        Ok(Reply::VpcCidrAssociation { vpc_id, id, cidr })
    }
}

/// Which ranges go together: within one private range, or with public addresses.
fn check_range(vpc: &Vpc, cidr: IpNet) -> Result<(), AwsError> {
    let (Some(primary), IpNet::V4(_)) = (vpc.cidr_ipv4.first(), cidr) else { return Ok(()) };
    let range_of = |net: &IpNet| {
        PRIVATE.iter().find(|range| range.parse().is_ok_and(|range: IpNet| overlap(&range, net)))
    };
    let is_kept = KEPT.parse().is_ok_and(|kept: IpNet| overlap(&kept, &cidr));
    let is_foreign = range_of(&cidr).is_some() && range_of(&cidr) != range_of(&(*primary).into());
    if is_kept || is_foreign {
        return Err(AwsError::new(
            "InvalidVpc.Range",
            format!(
                "The CIDR '{cidr}' is restricted. Use a CIDR from the same private address range as the current VPC CIDR, or use a publicly-routable (non-RFC 1918) CIDR."
            ),
        ));
    }
    Ok(())
}

/// A local route is never less specific than another one: AWS refuses a block that a route is for already, or for part of.
fn check_routes(edit: &Edit<'_>, vpc_id: &VpcId, cidr: IpNet) -> Result<(), AwsError> {
    let tables = edit.world().route_tables.values().filter(|table| table.vpc_id == *vpc_id);
    for table in tables {
        if let Some(route) = table.routes.keys().find(|route| cidr.contains(*route)) {
            return Err(AwsError::new(
                "InvalidVpc.Range",
                format!("The CIDR '{cidr}' conflicts with the route {route} in route table {}", table.id),
            ));
        }
    }
    Ok(())
}

/// Takes a block from a VPC, not the primary one, once no subnet has an address of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisassociateVpcCidrBlock {
    /// The block's association.
    pub association_id: VpcCidrAssociationId,
}

impl DisassociateVpcCidrBlock {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let id = self.association_id;
        let found = edit.world().vpcs.values().find_map(|vpc| {
            let block = vpc.blocks().find(|block| vpc.association_id(*block) == id)?;
            Some((vpc, block))
        });
        let (vpc, cidr) = found.ok_or_else(|| id.not_found())?;
        let vpc_id = vpc.id.clone();
        if vpc.cidr_ipv4.first().is_some_and(|primary| cidr == IpNet::V4(*primary)) {
            return Err(AwsError::new(
                "OperationNotPermitted",
                format!(
                    "The vpc CIDR block with association ID {id} may not be disassociated. It is the primary IPv4 CIDR block of the VPC"
                ),
            ));
        }
        let mut subnets = edit.world().subnets.values().filter(|subnet| subnet.vpc_id == vpc_id);
        if subnets.any(|subnet| subnet.blocks().any(|block| cidr.contains(&block))) {
            return Err(AwsError::new(
                "InvalidCidrBlock.InUse",
                format!("The vpc {vpc_id} currently has a subnet within CIDR block {cidr}"),
            ));
        }
        let vpc: &mut Vpc = edit.get_mut(&vpc_id)?;
        vpc.cidr_ipv4.retain(|net| IpNet::V4(*net) != cidr);
        vpc.cidr_ipv6.retain(|net| IpNet::V6(*net) != cidr);
        Ok(Reply::VpcCidrAssociation { vpc_id, id, cidr })
    }
}

/// Gives a subnet without IPv6 a block of its VPC's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssociateSubnetCidrBlock {
    /// The subnet.
    pub subnet_id: SubnetId,
    /// The block; host bits are dropped.
    pub cidr_ipv6: Ipv6Net,
}

impl AssociateSubnetCidrBlock {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { subnet_id, cidr_ipv6 } = self;
        let cidr_ipv6 = cidr_ipv6.trunc();
        let subnet: &Subnet = edit.get(&subnet_id)?;
        if subnet.cidr_ipv6.is_some() {
            return Err(AwsError::new(
                "SubnetLimitExceeded",
                format!("The maximum number of IPv6 CIDR blocks of '{subnet_id}' (1) has been reached."),
            ));
        }
        let id = subnet.association_id(cidr_ipv6);
        check_ipv6(edit, &subnet.vpc_id, cidr_ipv6)?;
        edit.get_mut::<Subnet>(&subnet_id)?.cidr_ipv6 = Some(cidr_ipv6);
        Ok(Reply::SubnetCidrAssociation { subnet_id, id, cidr_ipv6 })
    }
}

/// Takes a subnet's IPv6 block away once no interface has an address of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisassociateSubnetCidrBlock {
    /// The block's association.
    pub association_id: SubnetCidrAssociationId,
}

impl DisassociateSubnetCidrBlock {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let id = self.association_id;
        let found = edit.world().subnets.values().find_map(|subnet| {
            let block = subnet.cidr_ipv6.filter(|block| subnet.association_id(*block) == id)?;
            Some((subnet.id.clone(), block))
        });
        let (subnet_id, cidr_ipv6) = found.ok_or_else(|| id.not_found())?;
        let mut interfaces = edit.world().network_interfaces.values();
        if interfaces.any(|interface| interface.subnet_id == subnet_id && !interface.ipv6.is_empty()) {
            return Err(AwsError::new(
                "InvalidCidrBlock.InUse",
                format!(
                    "The subnet {subnet_id} currently has a network interface within CIDR block {cidr_ipv6}"
                ),
            ));
        }
        let subnet: &mut Subnet = edit.get_mut(&subnet_id)?;
        subnet.cidr_ipv6 = None;
        // It could not be kept: there is nothing to give addresses from.
        subnet.assign_ipv6_address_on_creation = false;
        Ok(Reply::SubnetCidrAssociation { subnet_id, id, cidr_ipv6 })
    }
}
