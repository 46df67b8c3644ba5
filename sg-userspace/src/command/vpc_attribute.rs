//! Attributes of VPCs and subnets.

use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::ids::{SubnetId, VpcId};
use crate::aws::vpc::{Subnet, Vpc};

use super::Reply;
use super::edit::Edit;

/// Sets the attributes of a VPC that are named, and keeps the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModifyVpcAttribute {
    /// The VPC.
    pub vpc_id: VpcId,
    /// Whether Amazon's DNS server resolves names.
    #[serde(default)]
    pub enable_dns_support: Option<bool>,
    /// Whether instances get public DNS names.
    #[serde(default)]
    pub enable_dns_hostnames: Option<bool>,
    /// Whether the VPC's use of addresses is counted.
    #[serde(default)]
    pub enable_network_address_usage_metrics: Option<bool>,
}

impl ModifyVpcAttribute {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { vpc_id, enable_dns_support, enable_dns_hostnames, enable_network_address_usage_metrics } =
            self;
        edit.get::<Vpc>(&vpc_id)?;
        let given = [enable_dns_support, enable_dns_hostnames, enable_network_address_usage_metrics];
        check_one(given.iter().flatten().count())?;
        let attributes = &mut edit.get_mut::<Vpc>(&vpc_id)?.attributes;
        for (wanted, now) in [
            (enable_dns_support, &mut attributes.enable_dns_support),
            (enable_dns_hostnames, &mut attributes.enable_dns_hostnames),
            (enable_network_address_usage_metrics, &mut attributes.enable_network_address_usage_metrics),
        ] {
            *now = wanted.unwrap_or(*now);
        }
        Ok(Reply::Done)
    }
}

/// Sets the attribute of a subnet that is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModifySubnetAttribute {
    /// The subnet.
    pub subnet_id: SubnetId,
    /// Whether instances are to get a public IPv4 address.
    #[serde(default)]
    pub map_public_ip_on_launch: Option<bool>,
    /// Whether new interfaces get an IPv6 address without being asked.
    #[serde(default)]
    pub assign_ipv6_address_on_creation: Option<bool>,
}

impl ModifySubnetAttribute {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { subnet_id, map_public_ip_on_launch, assign_ipv6_address_on_creation } = self;
        let subnet: &Subnet = edit.get(&subnet_id)?;
        check_one([map_public_ip_on_launch, assign_ipv6_address_on_creation].iter().flatten().count())?;
        if assign_ipv6_address_on_creation == Some(true) && subnet.cidr_ipv6.is_none() {
            return Err(AwsError::invalid_value(format!(
                "Invalid value 'true' for assignIpv6AddressOnCreation. '{subnet_id}' must be associated with an IPv6 CIDR block."
            )));
        }
        let subnet: &mut Subnet = edit.get_mut(&subnet_id)?;
        subnet.map_public_ip_on_launch = map_public_ip_on_launch.unwrap_or(subnet.map_public_ip_on_launch);
        subnet.assign_ipv6_address_on_creation =
            assign_ipv6_address_on_creation.unwrap_or(subnet.assign_ipv6_address_on_creation);
        Ok(Reply::Done)
    }
}

/// AWS takes one attribute a call.
fn check_one(given: usize) -> Result<(), AwsError> {
    match given {
        0 => Err(AwsError::new("MissingParameter", "The request must contain an attribute to modify")),
        1 => Ok(()),
        _ => Err(AwsError::new(
            "InvalidParameterCombination",
            "Fields for multiple attribute types specified: one attribute can be modified in a call",
        )),
    }
}
