//! Attributes of VPCs: `describe-vpc-attribute` answers about one attribute of one VPC.

use std::collections::BTreeMap;

use super::Pages;
use crate::aws::ids::VpcId;
use crate::aws::vpc::VpcAttributes;
use crate::import::error::ImportError;

/// The keys of attributes in answers.
pub(super) const NAMES: [&str; 3] =
    ["EnableDnsSupport", "EnableDnsHostnames", "EnableNetworkAddressUsageMetrics"];

/// What is said of each VPC; what is not said is as AWS has it by default.
pub(super) fn read(pages: &Pages<'_>) -> Result<BTreeMap<VpcId, VpcAttributes>, ImportError> {
    let mut all: BTreeMap<VpcId, VpcAttributes> = BTreeMap::new();
    for answer in &pages.vpc_attributes {
        let attributes = all.entry(answer.required_parsed("VpcId")?).or_default();
        let own = [
            &mut attributes.enable_dns_support,
            &mut attributes.enable_dns_hostnames,
            &mut attributes.enable_network_address_usage_metrics,
        ];
        for (name, own) in NAMES.iter().zip(own) {
            if let Some(value) = answer.get(name) {
                *own = value.flag("Value")?.ok_or_else(|| value.error("there is no `Value`"))?;
            }
        }
    }
    Ok(all)
}
