//! A typed id for each kind of AWS object: a prefix, `-`, and 17 (today) or 8 (legacy) lower-case hex digits.
//!
//! Ids are minted from the world's seed and the object's number, so the same commands give the same ids on every
//! machine, and two labs on one machine get different ones. Numbers are never used twice, hence neither are ids.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::AwsError;

/// Spreads a number over 64 bits (the finaliser of SplitMix64), so that ids look like AWS's and differ early.
fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn is_hex(digits: &str) -> bool {
    matches!(digits.len(), 8 | 17) && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $malformed:literal, $not_found:literal, $missing:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id's prefix, without the dash.
            pub const PREFIX: &'static str = $prefix;

            /// The id of the object with this number, in the world with this seed.
            pub fn mint(seed: u64, number: u32) -> Self {
                Self(format!(concat!($prefix, "-0{:016x}"), scatter(seed ^ u64::from(number))))
            }

            /// The id as AWS writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// AWS's answer for an id of the right shape that names nothing.
            pub fn not_found(&self) -> AwsError {
                AwsError::new($not_found, format!($missing, self.0))
            }
        }

        impl FromStr for $name {
            type Err = AwsError;

            /// # Errors
            /// AWS's malformed-id code where the shape is wrong; existence is not looked at.
            fn from_str(text: &str) -> Result<Self, AwsError> {
                match text.strip_prefix(concat!($prefix, "-")) {
                    Some(digits) if is_hex(digits) => Ok(Self(text.to_owned())),
                    _ => Err(AwsError::new(
                        $malformed,
                        format!(concat!("Invalid id: \"{}\" (expecting \"", $prefix, "-...\")"), text),
                    )),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = AwsError;

            fn try_from(text: String) -> Result<Self, AwsError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

id!(
    /// A VPC, `vpc-…`.
    VpcId, "vpc", "InvalidVpcID.Malformed", "InvalidVpcID.NotFound", "The vpc ID '{}' does not exist"
);
id!(
    /// A subnet, `subnet-…`.
    SubnetId, "subnet", "InvalidSubnetID.Malformed", "InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist"
);
id!(
    /// An instance, `i-…`; also the name of its network namespace.
    InstanceId, "i", "InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound", "The instance ID '{}' does not exist"
);
id!(
    /// An image, `ami-…`.
    ImageId, "ami", "InvalidAMIID.Malformed", "InvalidAMIID.NotFound", "The image id '[{}]' does not exist"
);
id!(
    /// A network interface, `eni-…`.
    NetworkInterfaceId, "eni", "InvalidNetworkInterfaceId.Malformed", "InvalidNetworkInterfaceID.NotFound",
    "The networkInterface ID '{}' does not exist"
);
id!(
    /// An attachment of a network interface to an instance, `eni-attach-…`.
    AttachmentId, "eni-attach", "InvalidAttachmentID.Malformed", "InvalidAttachmentID.NotFound",
    "The attachment ID '{}' does not exist"
);
id!(
    /// A security group, `sg-…`.
    SecurityGroupId, "sg", "InvalidGroupId.Malformed", "InvalidGroup.NotFound", "The security group '{}' does not exist"
);
id!(
    /// A security group rule, `sgr-…`.
    SecurityGroupRuleId, "sgr", "InvalidSecurityGroupRuleId.Malformed", "InvalidSecurityGroupRuleId.NotFound",
    "The security group rule ID '{}' does not exist"
);
id!(
    /// A managed prefix list, `pl-…`.
    PrefixListId, "pl", "InvalidPrefixListId.Malformed", "InvalidPrefixListID.NotFound",
    "The prefix list ID '{}' does not exist"
);
id!(
    /// A network ACL, `acl-…`.
    NetworkAclId, "acl", "InvalidNetworkAclId.Malformed", "InvalidNetworkAclID.NotFound",
    "The networkAcl ID '{}' does not exist"
);
id!(
    /// A subnet's association with its network ACL, `aclassoc-…`.
    NetworkAclAssociationId, "aclassoc", "InvalidAssociationID.Malformed", "InvalidAssociationID.NotFound",
    "The association ID '{}' does not exist"
);
id!(
    /// A peering of two VPCs, `pcx-…`.
    VpcPeeringConnectionId, "pcx", "InvalidVpcPeeringConnectionId.Malformed", "InvalidVpcPeeringConnectionID.NotFound",
    "The vpcPeeringConnection ID '{}' does not exist"
);
id!(
    /// An internet gateway, `igw-…`.
    InternetGatewayId, "igw", "InvalidInternetGatewayId.Malformed", "InvalidInternetGatewayID.NotFound",
    "The internetGateway ID '{}' does not exist"
);
id!(
    /// A route table, `rtb-…`.
    RouteTableId, "rtb", "InvalidRouteTableId.Malformed", "InvalidRouteTableID.NotFound",
    "The routeTable ID '{}' does not exist"
);
id!(
    /// An association of a route table with a subnet or, as the main one, with its VPC, `rtbassoc-…`.
    RouteTableAssociationId, "rtbassoc", "InvalidRouteTableAssociationId.Malformed", "InvalidAssociationID.NotFound",
    "The association ID '{}' does not exist"
);
id!(
    /// An association of a block with a VPC, `vpc-cidr-assoc-…`.
    VpcCidrAssociationId, "vpc-cidr-assoc", "InvalidVpcCidrBlockAssociationID.Malformed",
    "InvalidVpcCidrBlockAssociationID.NotFound", "The vpc CIDR block association ID '{}' does not exist"
);
id!(
    /// An association of an IPv6 block with a subnet, `subnet-cidr-assoc-…`.
    SubnetCidrAssociationId, "subnet-cidr-assoc", "InvalidSubnetCidrBlockAssociationID.Malformed",
    "InvalidSubnetCidrBlockAssociationID.NotFound", "The subnet CIDR block association ID '{}' does not exist"
);

id!(
    /// A flow log, `fl-…`.
    FlowLogId, "fl", "InvalidFlowLogId.Malformed", "InvalidFlowLogId.NotFound", "The flow log ID '{}' does not exist"
);
id!(
    /// A path of network insights, `nip-…`.
    NetworkInsightsPathId, "nip", "InvalidNetworkInsightsPathId.Malformed", "InvalidNetworkInsightsPathId.NotFound",
    "The networkInsightsPath ID '{}' does not exist"
);
id!(
    /// An analysis of such a path, `nia-…`.
    NetworkInsightsAnalysisId, "nia", "InvalidNetworkInsightsAnalysisId.Malformed",
    "InvalidNetworkInsightsAnalysisId.NotFound", "The networkInsightsAnalysis ID '{}' does not exist"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minted_ids_parse_and_differ() {
        let first = SecurityGroupId::mint(0, 1);
        assert_eq!(first.as_str().len(), "sg-".len() + 17);
        assert_eq!(first.as_str().parse::<SecurityGroupId>().unwrap(), first);
        assert_ne!(first, SecurityGroupId::mint(0, 2));
    }

    #[test]
    fn malformed_ids_name_what_was_expected() {
        let error = "sg-XYZ".parse::<SecurityGroupId>().unwrap_err();
        assert_eq!(error.code, "InvalidGroupId.Malformed");
        assert_eq!(error.message, "Invalid id: \"sg-XYZ\" (expecting \"sg-...\")");
        assert!("sg-12345678".parse::<SecurityGroupId>().is_ok(), "legacy ids are eight digits");
    }
}
