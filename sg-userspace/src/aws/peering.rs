//! Peerings: what lets two VPCs reach each other and refer to each other's groups (R-23, E-13).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{VpcId, VpcPeeringConnectionId};

/// How far a peering has come, as AWS's status codes say it (section 6.4). Peerings here are accepted or refused at
/// once, so the codes of what takes time are not needed; a request does not expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeeringStatus {
    /// Requested.
    PendingAcceptance,
    /// Accepted: the VPCs reach each other.
    Active,
    /// Refused by the accepter.
    Rejected,
    /// Was refused when it was requested, such as for blocks that overlap.
    Failed,
    /// Deleted. It stays visible, and rules that went through it are stale (E-14).
    Deleted,
}

impl fmt::Display for PeeringStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::PendingAcceptance => "pending-acceptance",
            Self::Active => "active",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Deleted => "deleted",
        })
    }
}

/// A peering of two VPCs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcPeeringConnection {
    /// Its id.
    pub id: VpcPeeringConnectionId,
    /// Creation order.
    pub number: u32,
    /// Who asked.
    pub requester_vpc_id: VpcId,
    /// Who was asked.
    pub accepter_vpc_id: VpcId,
    /// How far it has come.
    pub status: PeeringStatus,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

impl VpcPeeringConnection {
    /// The VPC at the other end, if `vpc_id` is at one.
    pub fn other_end(&self, vpc_id: &VpcId) -> Option<&VpcId> {
        if self.requester_vpc_id == *vpc_id {
            Some(&self.accepter_vpc_id)
        } else if self.accepter_vpc_id == *vpc_id {
            Some(&self.requester_vpc_id)
        } else {
            None
        }
    }
}
