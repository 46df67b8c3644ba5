//! Peerings in a lab file.

use serde::Deserialize;

use super::position::At;

/// A peering of two VPCs of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PeeringFile {
    /// The VPC that asked.
    pub requester: At<String>,
    /// The VPC that was asked.
    pub accepter: At<String>,
    /// How far it has come; active if absent.
    #[serde(default)]
    pub status: WantedStatus,
}

/// A status that a peering can be brought to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WantedStatus {
    /// Requested.
    PendingAcceptance,
    /// Accepted.
    #[default]
    Active,
    /// Refused by the accepter.
    Rejected,
    /// Active while the file's rules were made, and deleted since: what refers over it is stale (E-13).
    Deleted,
}
