//! What clients ask about an account and a region before they make anything.

use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::ids::PrefixListId;

use crate::ec2::call::Call;
use crate::ec2::fault::Fault;
use crate::ec2::filter::Filters;
use crate::ec2::params::invalid;

/// Attributes that AWS has, with what they are here. There are no Elastic IPs.
pub(super) fn attributes(call: &mut Call<'_>) -> Result<Value, Fault> {
    let default_vpc = call.default_vpc().map_or_else(|_| "none".to_owned(), |vpc| vpc.id.to_string());
    let groups = call.world.quotas.groups_per_interface.to_string();
    let all = [
        ("vpc-max-security-groups-per-interface", groups.as_str()),
        ("max-instances", "20"),
        ("supported-platforms", "VPC"),
        ("default-vpc", default_vpc.as_str()),
        ("max-elastic-ips", "0"),
        ("vpc-max-elastic-ips", "0"),
    ];
    let wanted = call.params.texts("AttributeNames");
    if let Some(name) = wanted.iter().find(|name| !all.iter().any(|(other, _)| other == *name)) {
        return Err(invalid("attributeName", name).into());
    }
    let found = all.iter().filter(|(name, _)| wanted.is_empty() || wanted.contains(name));
    let views = found.map(
        |(name, value)| json!({ "AttributeName": name, "AttributeValues": [{ "AttributeValue": value }] }),
    );
    Ok(json!({ "AccountAttributes": views.collect::<Vec<_>>() }))
}

/// AWS's own prefix lists, of which there are none here.
pub(super) fn prefix_lists(call: &mut Call<'_>) -> Result<Value, Fault> {
    Filters::read(call.params, &["prefix-list-id", "prefix-list-name"], false)?;
    match call.params.parsed_list::<PrefixListId>("PrefixListIds")?.first() {
        Some(id) => Err(id.not_found().into()),
        None => Ok(json!({ "PrefixLists": [] })),
    }
}

/// Sets of DHCP options, of which there are none here: every VPC has `default`, which stands for that.
pub(super) fn dhcp_options(call: &mut Call<'_>) -> Result<Value, Fault> {
    Filters::read(call.params, &["dhcp-options-id", "key", "owner-id", "value"], true)?;
    match call.params.texts("DhcpOptionsIds").first() {
        Some(id) => Err(AwsError::new(
            "InvalidDhcpOptionID.NotFound",
            format!("The dhcpOption ID '{id}' does not exist"),
        )
        .into()),
        None => Ok(json!({ "DhcpOptions": [] })),
    }
}
