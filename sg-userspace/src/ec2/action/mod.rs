//! What each action does, one family a file.

mod account;
mod flow_log;
mod group;
mod group_vpc;
mod image;
mod instance;
mod instance_attribute;
mod instance_run;
mod instance_state;
mod instance_type;
mod interface;
mod interface_attribute;
mod internet_gateway;
mod metadata_options;
mod network_acl;
mod network_insights;
mod network_insights_view;
mod peering;
mod permission;
mod prefix_list;
mod region;
mod route;
mod route_table;
mod rule;
mod rule_view;
mod subnet;
mod tag;
mod vpc;
mod vpc_attribute;
mod vpc_block;

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
    ("DescribeStaleSecurityGroups", group_vpc::describe_stale),
    ("DescribeSecurityGroupReferences", group_vpc::describe_references),
    ("AssociateSecurityGroupVpc", group_vpc::associate),
    ("DisassociateSecurityGroupVpc", group_vpc::disassociate),
    ("DescribeSecurityGroupVpcAssociations", group_vpc::describe),
    ("GetSecurityGroupsForVpc", group_vpc::for_vpc),
    ("CreateVpc", vpc::create),
    ("DeleteVpc", vpc::delete),
    ("DescribeVpcs", vpc::describe),
    ("CreateDefaultVpc", vpc::create_default),
    ("ModifyVpcAttribute", vpc_attribute::modify_vpc),
    ("DescribeVpcAttribute", vpc_attribute::describe_vpc),
    ("AssociateVpcCidrBlock", vpc_block::associate_vpc),
    ("DisassociateVpcCidrBlock", vpc_block::disassociate_vpc),
    ("CreateSubnet", subnet::create),
    ("DeleteSubnet", subnet::delete),
    ("DescribeSubnets", subnet::describe),
    ("CreateDefaultSubnet", subnet::create_default),
    ("ModifySubnetAttribute", vpc_attribute::modify_subnet),
    ("AssociateSubnetCidrBlock", vpc_block::associate_subnet),
    ("DisassociateSubnetCidrBlock", vpc_block::disassociate_subnet),
    ("CreateInternetGateway", internet_gateway::create),
    ("DeleteInternetGateway", internet_gateway::delete),
    ("DescribeInternetGateways", internet_gateway::describe),
    ("AttachInternetGateway", internet_gateway::attach),
    ("DetachInternetGateway", internet_gateway::detach),
    ("CreateRouteTable", route_table::create),
    ("DeleteRouteTable", route_table::delete),
    ("DescribeRouteTables", route_table::describe),
    ("AssociateRouteTable", route_table::associate),
    ("DisassociateRouteTable", route_table::disassociate),
    ("ReplaceRouteTableAssociation", route_table::replace_association),
    ("CreateRoute", route::create),
    ("ReplaceRoute", route::replace),
    ("DeleteRoute", route::delete),
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
    ("RunInstances", instance_run::run),
    ("StartInstances", instance_state::start),
    ("StopInstances", instance_state::stop),
    ("RebootInstances", instance_state::reboot),
    ("TerminateInstances", instance_state::terminate),
    ("DescribeInstanceStatus", instance_state::describe_status),
    ("ModifyInstanceAttribute", instance_attribute::modify),
    ("DescribeInstanceAttribute", instance_attribute::describe),
    ("ModifyInstanceMetadataOptions", metadata_options::modify),
    ("DescribeInstanceTypes", instance_type::describe),
    ("DescribeImages", image::describe),
    ("CreateManagedPrefixList", prefix_list::create),
    ("ModifyManagedPrefixList", prefix_list::modify),
    ("RestoreManagedPrefixListVersion", prefix_list::restore),
    ("DeleteManagedPrefixList", prefix_list::delete),
    ("DescribeManagedPrefixLists", prefix_list::describe),
    ("GetManagedPrefixListEntries", prefix_list::entries),
    ("GetManagedPrefixListAssociations", prefix_list::associations),
    ("CreateNetworkAcl", network_acl::create),
    ("DeleteNetworkAcl", network_acl::delete),
    ("DescribeNetworkAcls", network_acl::describe),
    ("CreateNetworkAclEntry", network_acl::create_entry),
    ("ReplaceNetworkAclEntry", network_acl::replace_entry),
    ("DeleteNetworkAclEntry", network_acl::delete_entry),
    ("ReplaceNetworkAclAssociation", network_acl::replace_association),
    ("CreateVpcPeeringConnection", peering::create),
    ("AcceptVpcPeeringConnection", peering::accept),
    ("RejectVpcPeeringConnection", peering::reject),
    ("DeleteVpcPeeringConnection", peering::delete),
    ("DescribeVpcPeeringConnections", peering::describe),
    ("CreateFlowLogs", flow_log::create),
    ("DeleteFlowLogs", flow_log::delete),
    ("DescribeFlowLogs", flow_log::describe),
    ("CreateNetworkInsightsPath", network_insights::create),
    ("DeleteNetworkInsightsPath", network_insights::delete),
    ("DescribeNetworkInsightsPaths", network_insights::describe),
    ("StartNetworkInsightsAnalysis", network_insights::start),
    ("DeleteNetworkInsightsAnalysis", network_insights::delete_analysis),
    ("DescribeNetworkInsightsAnalyses", network_insights::describe_analyses),
    ("DescribeRegions", region::describe),
    ("DescribeAvailabilityZones", region::describe_zones),
    ("DescribeAccountAttributes", account::attributes),
    ("DescribePrefixLists", account::prefix_lists),
    ("DescribeDhcpOptions", account::dhcp_options),
    ("CreateTags", tag::create),
    ("DeleteTags", tag::delete),
    ("DescribeTags", tag::describe),
];

/// What an action does, if there is such an action here.
pub fn find(name: &str) -> Option<(&'static str, Action)> {
    ACTIONS.iter().find(|(other, _)| *other == name).copied()
}
