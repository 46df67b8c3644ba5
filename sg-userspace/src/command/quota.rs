//! Quotas: what `RequestServiceQuotaIncrease` would change in a real account.

use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::quota::{MAX_GROUPS_PER_INTERFACE, MAX_RULES_PER_INTERFACE};

use super::Reply;
use super::edit::Edit;

/// Sets the quotas that are named and keeps the others. What exists already stays, even where it exceeds a lowered quota.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SetQuotas {
    /// Inbound or outbound rules per group.
    pub rules_per_group: Option<u32>,
    /// Groups per interface, 1 to 16.
    pub groups_per_interface: Option<u32>,
    /// Groups per region.
    pub groups_per_region: Option<u32>,
}

impl SetQuotas {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let mut quotas = edit.world().quotas;
        quotas.rules_per_group = self.rules_per_group.unwrap_or(quotas.rules_per_group);
        quotas.groups_per_interface = self.groups_per_interface.unwrap_or(quotas.groups_per_interface);
        quotas.groups_per_region = self.groups_per_region.unwrap_or(quotas.groups_per_region);

        let groups = quotas.groups_per_interface;
        if !(1..=MAX_GROUPS_PER_INTERFACE).contains(&groups) {
            return Err(AwsError::invalid_value(format!(
                "Security groups per network interface can be 1 to {MAX_GROUPS_PER_INTERFACE}, not {groups}"
            )));
        }
        let rules = quotas.rules_per_group;
        if rules == 0 {
            return Err(AwsError::invalid_value("Rules per security group must be at least 1"));
        }
        if u64::from(rules) * u64::from(groups) > u64::from(MAX_RULES_PER_INTERFACE) {
            //
            return Err(AwsError::invalid_value(format!(
                "Rules per security group ({rules}) times security groups per network interface ({groups}) cannot exceed {MAX_RULES_PER_INTERFACE}; lower one of them"
            )));
        }
        edit.set_quotas(quotas);
        Ok(Reply::Done)
    }
}
