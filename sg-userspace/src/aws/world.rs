//! Everything that exists: the one state that the store keeps, the compiler compiles and the oracle judges by.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::group::SecurityGroup;
use super::ids::{InstanceId, SubnetId, VpcId};
use super::interface::NetworkInterface;
use super::network_acl::NetworkAcl;
use super::peering::PeeringStatus;
use super::quota::Quotas;
use super::rule::SecurityGroupRule;

/// Hands the kinds of objects that a world keeps to a macro: the world's table, the type and its module, the id, and AWS's
/// name for the kind, which the store's keys have too. Whoever needs something of every kind takes it from here, so that a
/// new kind is a row of this list; every kind has an `id`, a creation `number`, and `tags`.
macro_rules! with_kinds {
    ($then:ident) => {
        $then! {
            vpcs: vpc::Vpc(VpcId) = "vpc",
            subnets: vpc::Subnet(SubnetId) = "subnet",
            security_groups: group::SecurityGroup(SecurityGroupId) = "security-group",
            network_interfaces: interface::NetworkInterface(NetworkInterfaceId) = "network-interface",
            instances: instance::Instance(InstanceId) = "instance",
            prefix_lists: prefix_list::PrefixList(PrefixListId) = "prefix-list",
            vpc_peering_connections: peering::VpcPeeringConnection(VpcPeeringConnectionId) = "vpc-peering-connection",
            network_acls: network_acl::NetworkAcl(NetworkAclId) = "network-acl",
            internet_gateways: internet_gateway::InternetGateway(InternetGatewayId) = "internet-gateway",
            route_tables: route_table::RouteTable(RouteTableId) = "route-table",
            flow_logs: flow_log::FlowLog(FlowLogId) = "vpc-flow-log",
            network_insights_paths: network_insights::NetworkInsightsPath(NetworkInsightsPathId) = "network-insights-path",
            network_insights_analyses: network_insights::NetworkInsightsAnalysis(NetworkInsightsAnalysisId) = "network-insights-analysis",
        }
    };
}
pub(crate) use with_kinds;

macro_rules! world {
    ($($table:ident: $module:ident::$kind:ident($id:ident) = $name:literal,)*) => {
        /// AWS's objects by id, those that are over included where AWS still shows them. Changed only by `command`.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct World {
            $(
                #[doc = concat!("Every ", $name, ".")]
                #[serde(default)]
                pub $table: BTreeMap<super::ids::$id, super::$module::$kind>,
            )*
            /// Quotas in force.
            pub quotas: Quotas,
            /// Goes into every id that is minted here, so that two worlds on one machine share none.
            pub seed: u64,
            /// The last number given to any object; numbers only grow, so an older object has the smaller one.
            pub last_number: u32,
        }
    };
}

with_kinds!(world);

impl World {
    /// The interface that owns a private address in a VPC.
    pub fn interface_by_address(&self, vpc_id: &VpcId, address: IpAddr) -> Option<&NetworkInterface> {
        self.network_interfaces.values().find(|interface| {
            interface.vpc_id == *vpc_id
                && match address {
                    IpAddr::V4(address) => interface.private_ipv4.contains(&address),
                    IpAddr::V6(address) => interface.ipv6.contains(&address),
                }
        })
    }

    /// The VPCs that an active peering joins to this one (E-13).
    pub fn peers_of<'a>(&'a self, vpc_id: &'a VpcId) -> impl Iterator<Item = &'a VpcId> {
        self.vpc_peering_connections
            .values()
            .filter(|peering| peering.status == PeeringStatus::Active)
            .filter_map(move |peering| peering.other_end(vpc_id))
    }

    /// The network ACL of a subnet.
    pub fn network_acl_of(&self, subnet_id: &SubnetId) -> Option<&NetworkAcl> {
        self.network_acls.get(&self.subnets.get(subnet_id)?.network_acl_id)
    }

    /// The interfaces of an instance, by device index.
    pub fn interfaces_of(&self, instance_id: &InstanceId) -> Vec<&NetworkInterface> {
        let index = |interface: &NetworkInterface| {
            interface.attachment.as_ref().filter(|a| a.instance_id == *instance_id).map(|a| a.device_index)
        };
        let mut interfaces: Vec<_> =
            self.network_interfaces.values().filter(|interface| index(interface).is_some()).collect();
        interfaces.sort_by_key(|interface| index(interface));
        interfaces
    }

    /// Every rule of every group.
    pub fn rules(&self) -> impl Iterator<Item = &SecurityGroupRule> {
        self.security_groups.values().flat_map(|group| &group.rules)
    }

    /// The rule with this number, and its group.
    pub fn rule_by_number(&self, number: u32) -> Option<(&SecurityGroup, &SecurityGroupRule)> {
        self.security_groups
            .values()
            .find_map(|group| group.rules.iter().find(|rule| rule.number == number).map(|rule| (group, rule)))
    }
}
