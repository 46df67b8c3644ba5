//! What each action does, one family a file.

mod group;
mod instance;
mod interface;
mod interface_attribute;
mod permission;
mod region;
mod rule;
mod rule_view;
mod subnet;
mod tag;
mod vpc;

use serde_json::Value;

use super::call::Call;
use super::fault::Fault;

/// Carries out an action and gives its reply by the model's names.
pub type Action = fn(&mut Call<'_>) -> Result<Value, Fault>;

/// Every action that there is here.
pub const ACTIONS: &[(&str, Action)] = &[
    ("CreateSecurityGroup", group::create),
    ("DeleteSecurityGroup", group::delete),
    ("DescribeSecurityGroups", group::describe),
    ("AuthorizeSecurityGroupIngress", rule::authorize_ingress),
    ("AuthorizeSecurityGroupEgress", rule::authorize_egress),
    ("RevokeSecurityGroupIngress", rule::revoke_ingress),
    ("RevokeSecurityGroupEgress", rule::revoke_egress),
    ("ModifySecurityGroupRules", rule::modify),
    ("UpdateSecurityGroupRuleDescriptionsIngress", rule::describe_ingress),
    ("UpdateSecurityGroupRuleDescriptionsEgress", rule::describe_egress),
    ("DescribeSecurityGroupRules", rule_view::describe),
    ("CreateVpc", vpc::create),
    ("DeleteVpc", vpc::delete),
    ("DescribeVpcs", vpc::describe),
    ("CreateSubnet", subnet::create),
    ("DeleteSubnet", subnet::delete),
    ("DescribeSubnets", subnet::describe),
    ("CreateNetworkInterface", interface::create),
    ("DeleteNetworkInterface", interface::delete),
    ("AttachNetworkInterface", interface::attach),
    ("DetachNetworkInterface", interface::detach),
    ("DescribeNetworkInterfaces", interface::describe),
    ("ModifyNetworkInterfaceAttribute", interface_attribute::modify),
    ("DescribeNetworkInterfaceAttribute", interface_attribute::describe),
    ("AssignPrivateIpAddresses", interface_attribute::assign_ipv4),
    ("UnassignPrivateIpAddresses", interface_attribute::unassign_ipv4),
    ("AssignIpv6Addresses", interface_attribute::assign_ipv6),
    ("UnassignIpv6Addresses", interface_attribute::unassign_ipv6),
    ("DescribeInstances", instance::describe),
    ("DescribeRegions", region::describe),
    ("DescribeAvailabilityZones", region::describe_zones),
    ("CreateTags", tag::create),
    ("DeleteTags", tag::delete),
    ("DescribeTags", tag::describe),
];

/// What an action does, if there is such an action here.
pub fn find(name: &str) -> Option<Action> {
    ACTIONS.iter().find(|(other, _)| *other == name).map(|(_, action)| *action)
}
