//! A region's default VPC, with a default subnet in each zone, an internet gateway and a route to it; and default subnets
//! one by one.

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::ids::{SubnetId, VpcId};
use crate::aws::region::{AvailabilityZone, Region};
use crate::aws::vpc::{Subnet, Vpc};

use super::Reply;
use super::edit::Edit;
use super::subnet::CreateSubnet;
use super::vpc::{CreateVpc, connect, overlap};

/// The block of every default VPC, and the size of its subnets.
const BLOCK: &str = "172.31.0.0/16";
const SUBNET_LENGTH: u8 = 20;

/// Makes a region's default VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateDefaultVpc {
    /// The region.
    pub region: Region,
    /// The zones that get a default subnet.
    pub zones: Vec<AvailabilityZone>,
}

impl CreateDefaultVpc {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let block = BLOCK.parse().map_err(|_| AwsError::new("InternalError", "no block"))?;
        let create = CreateVpc {
            region: self.region,
            cidr_ipv4: vec![block],
            is_default: true,
            ..CreateVpc::default()
        };
        let reply = create.run(edit)?;
        if let Reply::Vpc { vpc_id, .. } = &reply {
            edit.get_mut::<Vpc>(vpc_id)?.attributes.enable_dns_hostnames = true;
            connect(edit, vpc_id)?;
            for zone in self.zones {
                create_subnet(edit, vpc_id, zone)?;
            }
        }
        Ok(reply)
    }
}

/// Makes the default subnet of a zone, in the default VPC of its region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateDefaultSubnet {
    /// The zone.
    pub availability_zone: AvailabilityZone,
}

impl CreateDefaultSubnet {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let zone = self.availability_zone;
        let region = zone.region();
        let vpc = edit.world().vpcs.values().find(|vpc| vpc.is_default && vpc.region == region);
        let vpc_id = vpc.map(|vpc| vpc.id.clone()).ok_or_else(|| {
            let message = "There is no default VPC for this account in this region.";
            AwsError::new("DefaultVpcDoesNotExist", message)
        })?;
        let mut subnets = edit.world().subnets.values();
        if let Some(subnet) = subnets.find(|it| it.default_for_az && it.availability_zone == zone) {
            return Err(AwsError::new(
                "DefaultSubnetAlreadyExistsInAvailabilityZone",
                format!("'{}' is already the default subnet in {zone}.", subnet.id),
            ));
        }
        Ok(Reply::Subnet(create_subnet(edit, &vpc_id, zone)?))
    }
}

/// The next free block of a default VPC, as the zone's default subnet. Instances there would get public addresses.
fn create_subnet(
    edit: &mut Edit<'_>,
    vpc_id: &VpcId,
    availability_zone: AvailabilityZone,
) -> Result<SubnetId, AwsError> {
    let cidr_ipv4 = free_block(edit, vpc_id)?;
    let create = CreateSubnet {
        vpc_id: vpc_id.clone(),
        availability_zone,
        cidr_ipv4,
        cidr_ipv6: None,
        tags: std::collections::BTreeMap::new(),
    };
    let Reply::Subnet(id) = create.run(edit)? else {
        return Err(AwsError::new("InternalError", "a subnet answered as something else"));
    };
    let subnet: &mut Subnet = edit.get_mut(&id)?;
    (subnet.default_for_az, subnet.map_public_ip_on_launch) = (true, true);
    Ok(id)
}

fn free_block(edit: &Edit<'_>, vpc_id: &VpcId) -> Result<Ipv4Net, AwsError> {
    let taken = edit.world().subnets.values().filter(|subnet| subnet.vpc_id == *vpc_id);
    let taken = taken.map(|subnet| IpNet::V4(subnet.cidr_ipv4)).collect::<Vec<_>>();
    let blocks = edit.get::<Vpc>(vpc_id)?.cidr_ipv4.iter().filter_map(|net| net.subnets(SUBNET_LENGTH).ok());
    blocks.flatten().find(|net| !taken.iter().any(|other| overlap(other, &(*net).into()))).ok_or_else(|| {
        let message = format!("There is no free /{SUBNET_LENGTH} block in the default VPC '{vpc_id}'.");
        AwsError::new("InsufficientFreeAddressesInSubnet", message)
    })
}
