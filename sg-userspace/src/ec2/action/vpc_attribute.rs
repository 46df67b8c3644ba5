//! Attributes of VPCs and subnets.

use serde_json::{Value, json};

use crate::aws::ids::VpcId;
use crate::command::vpc_attribute::{ModifySubnetAttribute, ModifyVpcAttribute};

use crate::ec2::call::{Call, done};
use crate::ec2::fault::Fault;
use crate::ec2::params::{Params, invalid};

/// The value of an attribute that is to be set.
fn flag(params: Params<'_>, name: &str) -> Option<bool> {
    params.structure(name)?.flag("Value")
}

pub(super) fn modify_vpc(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    call.change(ModifyVpcAttribute {
        vpc_id: params.required("VpcId")?,
        enable_dns_support: flag(params, "EnableDnsSupport"),
        enable_dns_hostnames: flag(params, "EnableDnsHostnames"),
        enable_network_address_usage_metrics: flag(params, "EnableNetworkAddressUsageMetrics"),
    })?;
    done()
}

pub(super) fn describe_vpc(call: &mut Call<'_>) -> Result<Value, Fault> {
    let params = call.params;
    let vpc_id: VpcId = params.required("VpcId")?;
    let attributes = call.world.vpcs.get(&vpc_id).ok_or_else(|| vpc_id.not_found())?.attributes;
    let (name, value) = match params.required_text("Attribute")? {
        "enableDnsSupport" => ("EnableDnsSupport", attributes.enable_dns_support),
        "enableDnsHostnames" => ("EnableDnsHostnames", attributes.enable_dns_hostnames),
        "enableNetworkAddressUsageMetrics" => {
            ("EnableNetworkAddressUsageMetrics", attributes.enable_network_address_usage_metrics)
        }
        other => return Err(invalid("attribute", other).into()),
    };
    Ok(json!({ "VpcId": vpc_id, name: { "Value": value } }))
}

pub(super) fn modify_subnet(call: &mut Call<'_>) -> Result<Value, Fault> {
    call.only(&["SubnetId", "MapPublicIpOnLaunch", "AssignIpv6AddressOnCreation"])?;
    let params = call.params;
    call.change(ModifySubnetAttribute {
        subnet_id: params.required("SubnetId")?,
        map_public_ip_on_launch: flag(params, "MapPublicIpOnLaunch"),
        assign_ipv6_address_on_creation: flag(params, "AssignIpv6AddressOnCreation"),
    })?;
    done()
}
