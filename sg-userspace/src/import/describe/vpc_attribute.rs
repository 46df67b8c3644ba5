//! Attributes of VPCs: `describe-vpc-attribute` answers about one attribute of one VPC.

use std::collections::BTreeMap;

use super::Pages;
use crate::aws::ids::VpcId;
use crate::aws::vpc::VpcAttributes;
use crate::import::error::ImportError;
use crate::import::node::Node;

/// The keys of attributes in answers.
pub(super) const NAMES: [&str; 3] =
    ["EnableDnsSupport", "EnableDnsHostnames", "EnableNetworkAddressUsageMetrics"];

/// What is said of each VPC; what is not said is as AWS has it by default. Templates say it of the VPC itself.
pub(super) fn read(pages: &Pages<'_>) -> Result<BTreeMap<VpcId, VpcAttributes>, ImportError> {
    let mut all: BTreeMap<VpcId, VpcAttributes> = BTreeMap::new();
    let said_so = |vpc: &&Node<'_>| NAMES.iter().any(|name| vpc.get(name).is_some());
    for answer in pages.vpc_attributes.iter().chain(pages.get("Vpcs").iter().filter(said_so)) {
        let attributes = all.entry(answer.required_parsed("VpcId")?).or_default();
        let own = [
            &mut attributes.enable_dns_support,
            &mut attributes.enable_dns_hostnames,
            &mut attributes.enable_network_address_usage_metrics,
        ];
        for (name, own) in NAMES.iter().zip(own) {
            if let Some(value) = answer.get(name) {
                let value = if value.value().is_object() { value.required("Value")? } else { value };
                *own = value.as_flag()?;
            }
        }
    }
    Ok(all)
}
