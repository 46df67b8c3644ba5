//! Subnets: blocks of a VPC in one availability zone.

use std::collections::BTreeMap;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::ids::{SubnetId, VpcId};
use crate::aws::region::AvailabilityZone;
use crate::aws::vpc::{Subnet, Vpc};

use super::Reply;
use super::edit::Edit;
use super::network_acl;
use super::route_table;
use super::tag;
use super::vpc::{is_ipv4_size, overlap};

/// Makes a subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateSubnet {
    /// Its VPC.
    pub vpc_id: VpcId,
    /// Its zone, in the VPC's region.
    pub availability_zone: AvailabilityZone,
    /// IPv4 block, inside the VPC's.
    pub cidr_ipv4: Ipv4Net,
    /// IPv6 block, inside the VPC's.
    #[serde(default)]
    pub cidr_ipv6: Option<Ipv6Net>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl CreateSubnet {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let (cidr_ipv4, cidr_ipv6) =
            check(edit, &self.vpc_id, &self.availability_zone, self.cidr_ipv4, self.cidr_ipv6)?;
        let tags = tag::checked(self.tags)?;
        let (network_acl_id, network_acl_association_id) =
            network_acl::associate_default(edit, &self.vpc_id)?;
        let (seed, number) = edit.next_number()?;
        let id = SubnetId::mint(seed, number);
        edit.put(Subnet {
            id: id.clone(),
            number,
            vpc_id: self.vpc_id,
            availability_zone: self.availability_zone,
            cidr_ipv4,
            cidr_ipv6,
            network_acl_id,
            network_acl_association_id,
            default_for_az: false,
            map_public_ip_on_launch: false,
            assign_ipv6_address_on_creation: false,
            tags,
        });
        Ok(Reply::Subnet(id))
    }
}

/// The blocks of a new subnet as AWS stores them (M-03, M-04): host bits masked, sizes limited, inside the VPC's, free.
pub(super) fn check(
    edit: &Edit<'_>,
    vpc_id: &VpcId,
    zone: &AvailabilityZone,
    cidr_ipv4: Ipv4Net,
    cidr_ipv6: Option<Ipv6Net>,
) -> Result<(Ipv4Net, Option<Ipv6Net>), AwsError> {
    let vpc: &Vpc = edit.get(vpc_id)?;
    if zone.region() != vpc.region {
        return Err(AwsError::invalid_value(format!(
            "Value ({zone}) for parameter availabilityZone is invalid. Zones of region {} start with its name, such as {}.",
            vpc.region,
            vpc.region.zone('a')
        )));
    }
    let cidr_ipv4 = cidr_ipv4.trunc();
    if !is_ipv4_size(cidr_ipv4) || !vpc.cidr_ipv4.iter().any(|block| block.contains(&cidr_ipv4)) {
        return Err(invalid_range(cidr_ipv4));
    }
    check_free(edit, vpc_id, &cidr_ipv4.into())?;
    let cidr_ipv6 = cidr_ipv6.map(|net| net.trunc());
    if let Some(net) = cidr_ipv6 {
        check_ipv6(edit, vpc_id, net)?;
    }
    Ok((cidr_ipv4, cidr_ipv6))
}

fn invalid_range(net: impl std::fmt::Display) -> AwsError {
    AwsError::new("InvalidSubnet.Range", format!("The CIDR '{net}' is invalid."))
}

/// Refuses an IPv6 block that a new or old subnet of the VPC cannot have (M-04).
pub(super) fn check_ipv6(edit: &Edit<'_>, vpc_id: &VpcId, net: Ipv6Net) -> Result<(), AwsError> {
    let is_size = (44..=64).contains(&net.prefix_len()) && net.prefix_len().is_multiple_of(4);
    if !is_size || !edit.get::<Vpc>(vpc_id)?.cidr_ipv6.iter().any(|block| block.contains(&net)) {
        return Err(invalid_range(net));
    }
    check_free(edit, vpc_id, &net.into())
}

fn check_free(edit: &Edit<'_>, vpc_id: &VpcId, net: &IpNet) -> Result<(), AwsError> {
    let subnets = edit.world().subnets.values().filter(|subnet| subnet.vpc_id == *vpc_id);
    if subnets.flat_map(Subnet::blocks).any(|other| overlap(&other, net)) {
        let message = format!("The CIDR '{net}' conflicts with another subnet");
        return Err(AwsError::new("InvalidSubnet.Conflict", message));
    }
    Ok(())
}

/// Deletes a subnet that has no interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteSubnet {
    /// The subnet.
    pub subnet_id: SubnetId,
}

impl DeleteSubnet {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let id = &self.subnet_id;
        edit.get::<Subnet>(id)?;
        if edit.world().network_interfaces.values().any(|interface| interface.subnet_id == *id) {
            let message = format!("The subnet '{id}' has dependencies and cannot be deleted.");
            return Err(AwsError::new("DependencyViolation", message));
        }
        route_table::forget_subnet(edit, id)?;
        edit.remove::<Subnet>(id);
        Ok(Reply::Done)
    }
}
