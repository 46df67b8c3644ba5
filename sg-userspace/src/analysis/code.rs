//! What stops a flow, in the codes of AWS's Reachability Analyzer (section 8 of the facts), as far as they can occur here.

use std::fmt;

use serde::{Serialize, Serializer};

/// An explanation code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// No rule of the interface's groups applies.
    EniSgRulesMismatch,
    /// None of the interface's groups has a rule in this direction.
    SgHasNoRules,
    /// The subnet's network ACL does not admit it.
    SubnetAclRestriction,
    /// Only a rule that names a group would apply, and the packet comes out of another interface than its source's (E-10).
    SgReferencesNotPreserved,
    /// The address is not a private address of the interface.
    EniAddressRestriction,
    /// The source/destination check drops it (M-17).
    EniSourceDestCheckRestriction,
    /// Nobody has the destination address.
    NoRouteToDestination,
    /// A peering carries the addresses of its two VPCs only, and no peering joins these.
    PcxRequiresAddressInVpcCidr,
    /// No peering joins the VPCs, and the sender's has none at all.
    DisconnectedVpcs,
    /// A peering that is not active, or an interface that is attached to nothing.
    BadState,
    /// An address that a VPC does not deliver to or from (M-07).
    NoPossibleDestination,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 11] = [
        Self::EniSgRulesMismatch,
        Self::SgHasNoRules,
        Self::SubnetAclRestriction,
        Self::SgReferencesNotPreserved,
        Self::EniAddressRestriction,
        Self::EniSourceDestCheckRestriction,
        Self::NoRouteToDestination,
        Self::PcxRequiresAddressInVpcCidr,
        Self::DisconnectedVpcs,
        Self::BadState,
        Self::NoPossibleDestination,
    ];

    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EniSgRulesMismatch => "ENI_SG_RULES_MISMATCH",
            Self::SgHasNoRules => "SG_HAS_NO_RULES",
            Self::SubnetAclRestriction => "SUBNET_ACL_RESTRICTION",
            Self::SgReferencesNotPreserved => "SG_REFERENCES_NOT_PRESERVED",
            Self::EniAddressRestriction => "ENI_ADDRESS_RESTRICTION",
            Self::EniSourceDestCheckRestriction => "ENI_SOURCE_DEST_CHECK_RESTRICTION",
            Self::NoRouteToDestination => "NO_ROUTE_TO_DESTINATION",
            Self::PcxRequiresAddressInVpcCidr => "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR",
            Self::DisconnectedVpcs => "DISCONNECTED_VPCS",
            Self::BadState => "BAD_STATE",
            Self::NoPossibleDestination => "NO_POSSIBLE_DESTINATION",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
