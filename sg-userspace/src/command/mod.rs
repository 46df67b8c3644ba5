//! The one typed command layer: every change of the world is a [`Command`], validated as AWS validates it.
//!
//! The lab file, the command line and the EC2 endpoint all build commands and call [`apply`]. Reading is not done here:
//! readers look at the [`World`]. Nothing here enforces, stores or prints.
//!
//! # Invariants
//! A refused command leaves the world exactly as it was. Time never comes from a clock here.

mod address;
pub mod adopt;
pub mod attachment;
pub mod changes;
pub mod default_vpc;
mod edit;
pub mod flow_log;
pub mod group;
pub mod group_vpc;
pub mod instance;
pub mod instance_setting;
pub mod instance_state;
pub mod interface;
pub mod interface_address;
pub mod interface_setting;
pub mod internet_gateway;
pub mod network_acl;
pub mod network_acl_entry;
pub mod network_acl_text;
pub mod network_insights;
pub mod peering;
pub mod permission;
pub mod prefix_list;
pub mod quota;
pub mod route;
pub mod route_table;
pub mod rule;
pub mod rule_count;
pub mod rule_text;
pub mod subnet;
pub mod tag;
pub mod template;
pub mod vpc;
pub mod vpc_attribute;
pub mod vpc_block;

use std::net::IpAddr;

use ipnet::{IpNet, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::ids::{
    AttachmentId, FlowLogId, InstanceId, InternetGatewayId, NetworkAclAssociationId, NetworkAclId,
    NetworkInsightsAnalysisId, NetworkInsightsPathId, NetworkInterfaceId, PrefixListId,
    RouteTableAssociationId, RouteTableId, SecurityGroupId, SubnetCidrAssociationId, SubnetId,
    VpcCidrAssociationId, VpcId, VpcPeeringConnectionId,
};
use crate::aws::peering::PeeringStatus;
use crate::aws::rule::SecurityGroupRule;
use crate::aws::world::World;

use changes::{Changes, Undo};
use edit::Edit;
use group_vpc::AssociationState;
use permission::Permission;

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident($module:ident),)*) => {
        /// Everything that can be asked of the world, under AWS's names where AWS has one.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Command {
            $($(#[$doc])* $name($module::$name),)*
        }

        impl Command {
            /// What it is called.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }

            fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
                match self {
                    $(Self::$name(command) => command.run(edit),)*
                }
            }
        }

        $(impl From<$module::$name> for Command {
            fn from(command: $module::$name) -> Self {
                Self::$name(command)
            }
        })*
    };
}

commands! {
    /// Makes a VPC and its default group.
    CreateVpc(vpc),
    /// Deletes an empty VPC and its default group.
    DeleteVpc(vpc),
    /// Makes a region's default VPC, with all that AWS gives it.
    CreateDefaultVpc(default_vpc),
    /// Makes the default subnet of a zone.
    CreateDefaultSubnet(default_vpc),
    /// Sets attributes of a VPC.
    ModifyVpcAttribute(vpc_attribute),
    /// Sets an attribute of a subnet.
    ModifySubnetAttribute(vpc_attribute),
    /// Adds a block to a VPC.
    AssociateVpcCidrBlock(vpc_block),
    /// Takes a block from a VPC.
    DisassociateVpcCidrBlock(vpc_block),
    /// Gives a subnet an IPv6 block.
    AssociateSubnetCidrBlock(vpc_block),
    /// Takes a subnet's IPv6 block away.
    DisassociateSubnetCidrBlock(vpc_block),
    /// Makes a subnet.
    CreateSubnet(subnet),
    /// Deletes an empty subnet.
    DeleteSubnet(subnet),
    /// Makes a security group.
    CreateSecurityGroup(group),
    /// Makes the group that the console's launch wizard would make.
    CreateLaunchWizardGroup(group),
    /// Deletes a security group that nothing uses.
    DeleteSecurityGroup(group),
    /// Lets interfaces of a further VPC carry a group.
    AssociateSecurityGroupVpc(group_vpc),
    /// Ends what that began.
    DisassociateSecurityGroupVpc(group_vpc),
    /// Adds rules: `AuthorizeSecurityGroupIngress` and `AuthorizeSecurityGroupEgress`.
    Authorize(rule),
    /// Removes rules: `RevokeSecurityGroupIngress` and `RevokeSecurityGroupEgress`.
    Revoke(rule),
    /// Sets or removes rule descriptions.
    UpdateRuleDescriptions(rule),
    /// Replaces the content of rules, which keep their ids.
    ModifyRules(rule),
    /// Makes a prefix list.
    CreateManagedPrefixList(prefix_list),
    /// Changes the entries, the name or the size of a prefix list.
    ModifyManagedPrefixList(prefix_list),
    /// Goes back to an earlier version of a prefix list.
    RestoreManagedPrefixListVersion(prefix_list),
    /// Deletes a prefix list that no rule refers to.
    DeleteManagedPrefixList(prefix_list),
    /// Makes a network interface.
    CreateNetworkInterface(interface),
    /// Deletes a network interface that is not attached.
    DeleteNetworkInterface(interface),
    /// Attaches a network interface to an instance.
    AttachNetworkInterface(attachment),
    /// Detaches a network interface, not the primary one.
    DetachNetworkInterface(attachment),
    /// Replaces the groups of a network interface.
    ModifyInterfaceGroups(interface),
    /// Sets idle timeouts of a network interface.
    ModifyInterfaceConnectionTracking(interface),
    /// Switches the source/destination check of a network interface.
    ModifySourceDestCheck(interface),
    /// Gives a network interface another description.
    ModifyInterfaceDescription(interface_setting),
    /// Says whether a network interface is deleted with its instance.
    ModifyDeleteOnTermination(interface_setting),
    /// Gives a network interface further addresses.
    AssignPrivateAddresses(interface_address),
    /// Takes addresses from a network interface.
    UnassignPrivateAddresses(interface_address),
    /// Makes an instance with its network interfaces.
    RunInstance(instance),
    /// Makes several instances alike, or none.
    RunInstances(instance),
    /// Starts instances that are stopped.
    StartInstances(instance_state),
    /// Stops instances.
    StopInstances(instance_state),
    /// Ends the processes of instances, and lets them start anew.
    RebootInstances(instance_state),
    /// Ends instances.
    TerminateInstances(instance_state),
    /// Shows ended instances no more.
    ForgetInstances(instance_state),
    /// Changes an attribute of an instance.
    ModifyInstance(instance_setting),
    /// Sets tags of resources.
    CreateTags(tag),
    /// Deletes tags of resources.
    DeleteTags(tag),
    /// Raises or lowers quotas.
    SetQuotas(quota),
    /// Makes a network ACL.
    CreateNetworkAcl(network_acl),
    /// Deletes a network ACL that no subnet has.
    DeleteNetworkAcl(network_acl),
    /// Gives a subnet another network ACL.
    ReplaceNetworkAclAssociation(network_acl),
    /// Adds an entry to a network ACL.
    CreateNetworkAclEntry(network_acl_entry),
    /// Replaces the content of a network ACL's entry.
    ReplaceNetworkAclEntry(network_acl_entry),
    /// Removes an entry of a network ACL.
    DeleteNetworkAclEntry(network_acl_entry),
    /// Makes an internet gateway.
    CreateInternetGateway(internet_gateway),
    /// Deletes an internet gateway that is attached to nothing.
    DeleteInternetGateway(internet_gateway),
    /// Attaches an internet gateway to a VPC.
    AttachInternetGateway(internet_gateway),
    /// Detaches an internet gateway from a VPC.
    DetachInternetGateway(internet_gateway),
    /// Makes a route table.
    CreateRouteTable(route_table),
    /// Deletes a route table that nothing has.
    DeleteRouteTable(route_table),
    /// Gives a subnet a route table of its own.
    AssociateRouteTable(route_table),
    /// Gives a subnet the main route table again.
    DisassociateRouteTable(route_table),
    /// Gives a subnet, or its VPC as the main one, another route table.
    ReplaceRouteTableAssociation(route_table),
    /// Adds a route to a route table.
    CreateRoute(route),
    /// Changes where a route leads.
    ReplaceRoute(route),
    /// Removes a route.
    DeleteRoute(route),
    /// Asks for a peering of two VPCs.
    CreateVpcPeeringConnection(peering),
    /// Makes a requested peering active.
    AcceptVpcPeeringConnection(peering),
    /// Refuses a requested peering.
    RejectVpcPeeringConnection(peering),
    /// Ends a peering.
    DeleteVpcPeeringConnection(peering),
    /// Makes flow logs.
    CreateFlowLogs(flow_log),
    /// Deletes flow logs.
    DeleteFlowLogs(flow_log),
    /// Makes a path of network insights.
    CreateNetworkInsightsPath(network_insights),
    /// Deletes a path that has no analyses.
    DeleteNetworkInsightsPath(network_insights),
    /// Analyses a path.
    StartNetworkInsightsAnalysis(network_insights),
    /// Deletes an analysis.
    DeleteNetworkInsightsAnalysis(network_insights),
}

/// What a command answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It is done, and there is nothing to say.
    Done,
    /// A VPC was made.
    Vpc {
        /// The VPC.
        vpc_id: VpcId,
        /// Its default group.
        default_group_id: SecurityGroupId,
    },
    /// A block of a VPC was added or taken away.
    VpcCidrAssociation {
        /// The VPC.
        vpc_id: VpcId,
        /// The association.
        id: VpcCidrAssociationId,
        /// The block.
        cidr: IpNet,
    },
    /// An IPv6 block of a subnet was added or taken away.
    SubnetCidrAssociation {
        /// The subnet.
        subnet_id: SubnetId,
        /// The association.
        id: SubnetCidrAssociationId,
        /// The block.
        cidr_ipv6: Ipv6Net,
    },
    /// An internet gateway was made.
    InternetGateway(InternetGatewayId),
    /// A route table was made.
    RouteTable(RouteTableId),
    /// A route table has a new association.
    RouteTableAssociation(RouteTableAssociationId),
    /// A subnet was made.
    Subnet(SubnetId),
    /// A security group was made.
    SecurityGroup(SecurityGroupId),
    /// A security group was associated with a VPC, or is so no more.
    SecurityGroupVpcAssociation(AssociationState),
    /// A prefix list was made or changed.
    PrefixList {
        /// The list.
        prefix_list_id: PrefixListId,
        /// Its current version from now on.
        version: u64,
    },
    /// Rules were made or changed.
    Rules(Vec<SecurityGroupRule>),
    /// Rules were removed.
    Revoked {
        /// The rules as they were.
        rules: Vec<SecurityGroupRule>,
        /// Permissions that no rule had, which a default VPC forgives.
        unknown: Vec<Permission>,
    },
    /// A network interface was made.
    NetworkInterface(NetworkInterfaceId),
    /// A network interface was attached.
    Attachment(AttachmentId),
    /// Addresses were assigned.
    Addresses(Vec<IpAddr>),
    /// An instance was made.
    Instance {
        /// The instance.
        instance_id: InstanceId,
        /// Its interfaces by device index.
        interface_ids: Vec<NetworkInterfaceId>,
    },
    /// Instances were made, in this order.
    Instances(Vec<InstanceId>),
    /// A network ACL was made.
    NetworkAcl(NetworkAclId),
    /// A subnet has a new association with its network ACL.
    NetworkAclAssociation(NetworkAclAssociationId),
    /// Flow logs were made, or not.
    FlowLogs {
        /// Those that were.
        flow_log_ids: Vec<FlowLogId>,
        /// Resources that have none.
        unsuccessful: Vec<flow_log::Unsuccessful>,
    },
    /// A path of network insights was made.
    NetworkInsightsPath(NetworkInsightsPathId),
    /// A path was analysed.
    NetworkInsightsAnalysis(NetworkInsightsAnalysisId),
    /// A peering was requested.
    VpcPeeringConnection {
        /// The peering.
        id: VpcPeeringConnectionId,
        /// What came of the request: pending, or failed.
        status: PeeringStatus,
    },
}

/// An applied command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its answer.
    pub reply: Reply,
    /// What it touched.
    pub changes: Changes,
    /// How to take it back.
    pub undo: Undo,
}

/// Carries out a command, wholly or not at all.
///
/// # Errors
/// AWS's refusal; the world is then exactly as it was.
pub fn apply(world: &mut World, command: Command) -> Result<Applied, AwsError> {
    let mut edit = Edit::begin(world);
    match command.run(&mut edit) {
        Ok(reply) => {
            flow_log::delete_orphans(&mut edit);
            let (changes, undo) = edit.finish();
            Ok(Applied { reply, changes, undo })
        }
        Err(error) => {
            edit.roll_back();
            Err(error)
        }
    }
}
