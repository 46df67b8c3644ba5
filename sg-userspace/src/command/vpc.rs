//! VPCs: made with their default group, network ACL and main route table, deleted when empty.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::group::{DEFAULT_GROUP_NAME, SecurityGroup};
use crate::aws::ids::{SecurityGroupId, VpcId};
use crate::aws::instance::Instance;
use crate::aws::network_acl::NetworkAcl;
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::region::Region;
use crate::aws::route_table::{RouteTable, RouteTarget};
use crate::aws::rule::{Direction, Peer};
use crate::aws::tag::NAME;
use crate::aws::vpc::{DEFAULT_INTERNET_MTU, Vpc, VpcAttributes};
use crate::aws::world::World;

use super::Reply;
use super::edit::Edit;
use super::group;
use super::internet_gateway;
use super::network_acl;
use super::peering;
use super::permission::Permission;
use super::route_table;
use super::rule;
use super::tag;

/// Blocks that a VPC cannot overlap: "this network", loopback, link-local, multicast (M-03), and their IPv6 likes with
/// the block of Amazon's own services.
const FORBIDDEN: [&str; 8] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "::/8",
    "fe80::/10",
    "ff00::/8",
    "fd00:ec2::/32",
];

/// What the way to the internet can carry: at least what every IPv6 link must (RFC 8200), at most what a VPC does.
const INTERNET_MTU: RangeInclusive<u16> = 1280..=9001;

/// The most blocks of one family in a VPC.
pub(super) const MAX_CIDRS: usize = 5;

/// Whether a subnet's or VPC's IPv4 block has a size that AWS takes (M-03).
pub(super) fn is_ipv4_size(net: Ipv4Net) -> bool {
    (16..=28).contains(&net.prefix_len())
}

fn invalid_range(net: impl std::fmt::Display) -> AwsError {
    AwsError::new("InvalidVpc.Range", format!("The CIDR '{net}' is invalid."))
}

fn is_forbidden(net: IpNet) -> bool {
    FORBIDDEN.iter().filter_map(|text| text.parse::<IpNet>().ok()).any(|other| overlap(&net, &other))
}

/// Whether two blocks have an address in common.
pub(super) fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

/// Makes a VPC with its default group (M-30), network ACL and main route table. VPCs may overlap each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateVpc {
    /// The region.
    pub region: Region,
    /// IPv4 blocks, the primary one first.
    pub cidr_ipv4: Vec<Ipv4Net>,
    /// IPv6 blocks.
    #[serde(default)]
    pub cidr_ipv6: Vec<Ipv6Net>,
    /// Whether it is the region's default VPC.
    #[serde(default)]
    pub is_default: bool,
    /// The largest packet that the way to the internet carries, in bytes; none stands for 1500.
    #[serde(default)]
    pub internet_mtu: Option<u16>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl CreateVpc {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let cidr_ipv4 = self.cidr_ipv4.iter().map(Ipv4Net::trunc).collect::<Vec<_>>();
        let cidr_ipv6 = self.cidr_ipv6.iter().map(Ipv6Net::trunc).collect::<Vec<_>>();
        check_blocks(&cidr_ipv4, &cidr_ipv6)?;
        check_default(edit.world(), self.is_default, &self.region)?;
        group::check_region_quota(edit.world(), &self.region)?;
        let internet_mtu = self.internet_mtu.unwrap_or(DEFAULT_INTERNET_MTU);
        check_internet_mtu(internet_mtu)?;
        let tags = tag::checked(self.tags)?;

        let (seed, number) = edit.next_number()?;
        let vpc = Vpc {
            id: VpcId::mint(seed, number),
            number,
            region: self.region,
            cidr_ipv4,
            cidr_ipv6,
            is_default: self.is_default,
            internet_mtu,
            attributes: VpcAttributes::default(),
            tags,
        };
        let vpc_id = vpc.id.clone();
        let has_ipv6 = !vpc.cidr_ipv6.is_empty();
        edit.put(vpc);
        network_acl::insert_default(edit, &vpc_id, has_ipv6)?;
        let default_group_id = insert_default_group(edit, &vpc_id)?;
        route_table::insert_main(edit, &vpc_id)?;
        Ok(Reply::Vpc { vpc_id, default_group_id })
    }
}

/// Makes a VPC's default group: all from itself, all to anywhere (M-30, M-31).
pub(super) fn insert_default_group(edit: &mut Edit<'_>, vpc_id: &VpcId) -> Result<SecurityGroupId, AwsError> {
    let description = "default VPC security group".to_owned();
    let id = group::insert(edit, vpc_id, DEFAULT_GROUP_NAME.to_owned(), description, BTreeMap::new())?;
    let itself = Peer::ReferencedGroup(id.clone());
    let from_itself = Permission::new(IpProtocol::All, PortRange::ALL, itself);
    rule::insert(edit, &id, Direction::Inbound, from_itself)?;
    Ok(id)
}

/// A region has at most one default VPC.
pub(super) fn check_default(world: &World, is_default: bool, region: &Region) -> Result<(), AwsError> {
    if is_default && world.vpcs.values().any(|vpc| vpc.is_default && vpc.region == *region) {
        return Err(AwsError::new(
            "DefaultVpcAlreadyExists",
            "A Default VPC already exists for this account in this region.",
        ));
    }
    Ok(())
}

pub(super) fn check_internet_mtu(bytes: u16) -> Result<(), AwsError> {
    if INTERNET_MTU.contains(&bytes) {
        return Ok(());
    }
    Err(AwsError::invalid_value(format!(
        "The MTU to the internet can be {} to {}, not {bytes}",
        INTERNET_MTU.start(),
        INTERNET_MTU.end()
    )))
}

/// Gives a VPC an internet gateway, and its main route table a route to it in each family that the VPC has.
pub(super) fn connect(edit: &mut Edit<'_>, vpc_id: &VpcId) -> Result<(), AwsError> {
    let vpc: &Vpc = edit.get(vpc_id)?;
    let (region, has_ipv6) = (vpc.region.clone(), !vpc.cidr_ipv6.is_empty());
    let name = vpc.tags.get_key_value(NAME).map(|(key, name)| (key.clone(), name.clone()));
    let gateway = internet_gateway::insert(edit, region, Some(vpc_id.clone()), name.into_iter().collect())?;
    let table = edit.world().main_route_table_of(vpc_id).map(|table| table.id.clone());
    let Some(table) = table else { return Ok(()) };
    let routes = &mut edit.get_mut::<RouteTable>(&table)?.routes;
    routes.insert(Ipv4Net::default().into(), RouteTarget::InternetGateway(gateway.clone()));
    if has_ipv6 {
        routes.insert(Ipv6Net::default().into(), RouteTarget::InternetGateway(gateway));
    }
    Ok(())
}

/// Refuses blocks that one VPC cannot have together (M-03, Q-14).
pub(super) fn check_blocks(cidr_ipv4: &[Ipv4Net], cidr_ipv6: &[Ipv6Net]) -> Result<(), AwsError> {
    if cidr_ipv4.is_empty() {
        return Err(AwsError::new("MissingParameter", "The request must contain the parameter cidrBlock"));
    }
    if let Some(net) = cidr_ipv4.iter().find(|net| !is_ipv4_size(**net)) {
        return Err(invalid_range(net));
    }
    let is_ipv6_size =
        |net: &Ipv6Net| (44..=60).contains(&net.prefix_len()) && net.prefix_len().is_multiple_of(4);
    if let Some(net) = cidr_ipv6.iter().find(|net| !is_ipv6_size(net)) {
        return Err(invalid_range(net));
    }
    if cidr_ipv4.len() > MAX_CIDRS || cidr_ipv6.len() > MAX_CIDRS {
        return Err(AwsError::new(
            "VpcCidrLimitExceeded",
            format!("A VPC can have at most {MAX_CIDRS} CIDR blocks of each address family."),
        ));
    }
    let blocks: Vec<IpNet> =
        cidr_ipv4.iter().map(|net| (*net).into()).chain(cidr_ipv6.iter().map(|net| (*net).into())).collect();
    for (index, net) in blocks.iter().enumerate() {
        if is_forbidden(*net) || blocks[..index].iter().any(|earlier| overlap(earlier, net)) {
            return Err(invalid_range(net));
        }
    }
    Ok(())
}

/// Deletes a VPC that has nothing left but its default group and network ACL and its main route table. Its peerings end,
/// as in AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteVpc {
    /// The VPC.
    pub vpc_id: VpcId,
}

impl DeleteVpc {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let id = &self.vpc_id;
        edit.get::<Vpc>(id)?;
        let world = edit.world();
        let groups = world.security_groups.values().filter(|group| group.vpc_id == *id);
        let (default, others): (Vec<_>, Vec<_>) = groups.partition(|group| group.is_default());
        let acls = world.network_acls.values().filter(|acl| acl.vpc_id == *id);
        let (default_acls, custom_acls): (Vec<_>, Vec<_>) = acls.partition(|acl| acl.is_default);
        let tables = world.route_tables.values().filter(|table| table.vpc_id == *id);
        let (main_tables, custom_tables): (Vec<_>, Vec<_>) = tables.partition(|table| table.is_main());
        // CHOICE: an associated group holds a VPC as a group of its own does (M-38).
        let is_associated = |group: &SecurityGroup| group.associated_vpcs.contains(id);
        let in_use = !others.is_empty()
            || world.security_groups.values().any(is_associated)
            || !custom_acls.is_empty()
            || !custom_tables.is_empty()
            || world.internet_gateway_of(id).is_some()
            || world.subnets.values().any(|subnet| subnet.vpc_id == *id)
            || world.network_interfaces.values().any(|interface| interface.vpc_id == *id);
        if in_use {
            let message = format!("The vpc '{id}' has dependencies and cannot be deleted.");
            return Err(AwsError::new("DependencyViolation", message));
        }
        let default: Vec<_> = default.into_iter().map(|group| group.id.clone()).collect();
        let default_acls: Vec<_> = default_acls.into_iter().map(|acl| acl.id.clone()).collect();
        let main_tables: Vec<_> = main_tables.into_iter().map(|table| table.id.clone()).collect();
        peering::delete_all_of(edit, id)?;
        for table_id in &main_tables {
            edit.remove::<RouteTable>(table_id);
        }
        for acl_id in &default_acls {
            edit.remove::<NetworkAcl>(acl_id);
        }
        for group_id in &default {
            edit.remove::<SecurityGroup>(group_id);
        }
        // Instances that are over hold nothing, and are shown no longer than their VPC.
        let of_vpc = edit.world().instances.values().filter(|it| it.vpc_id == *id);
        for instance_id in of_vpc.map(|it| it.id.clone()).collect::<Vec<_>>() {
            edit.remove::<Instance>(&instance_id);
        }
        edit.remove::<Vpc>(id);
        Ok(Reply::Done)
    }
}
