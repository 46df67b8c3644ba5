//! Objects that exist elsewhere, taken over as they are: ids, addresses, rules and their order stay. They are held to
//! what commands hold new ones to, save for quotas, which are raised to what there is.
//!
//! What there is may be the outcome of commands that could not be repeated: a rule may refer to a group that is gone or
//! out of reach, and tags may be AWS's own.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::aws::error::AwsError;
use crate::aws::flow_log::FlowLog;
use crate::aws::group::SecurityGroup;
use crate::aws::ids::{SecurityGroupId, VpcId};
use crate::aws::instance::Instance;
use crate::aws::interface::{MacAddr, NetworkInterface};
use crate::aws::internet_gateway::InternetGateway;
use crate::aws::network_acl::NetworkAcl;
use crate::aws::peering::{PeeringStatus, VpcPeeringConnection};
use crate::aws::prefix_list::PrefixList;
use crate::aws::quota::Quotas;
use crate::aws::route_table::RouteTable;
use crate::aws::rule::{Direction, Peer, SecurityGroupRule};
use crate::aws::vpc::{Subnet, Vpc};
use crate::aws::world::World;

use super::address::{self, SubnetAddresses};
use super::edit::{Edit, Object};
use super::network_acl_entry::{EntryContent, checked_number};
use super::permission::Permission;
use super::quota::SetQuotas;
use super::rule_count::RuleCount;
use super::{
    attachment, flow_log, group, instance, interface, network_acl, peering, prefix_list, rule, subnet, tag,
    vpc,
};

mod routing;

pub use routing::adopt_main_route_tables;

/// An object to take over. Numbers and slots are given anew; everything else stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Existing {
    /// A VPC.
    Vpc(Vpc),
    /// A prefix list.
    PrefixList(PrefixList),
    /// A network ACL with its entries.
    NetworkAcl(NetworkAcl),
    /// A group; its rules come apart, since they may refer to groups that come later.
    SecurityGroup(SecurityGroup),
    /// A subnet.
    Subnet(Subnet),
    /// A peering in any state.
    Peering(VpcPeeringConnection),
    /// An internet gateway, attached or not.
    InternetGateway(InternetGateway),
    /// A route table.
    RouteTable(RouteTable),
    /// A rule of a group, after those that it has.
    Rule(SecurityGroupId, SecurityGroupRule),
    /// An interface. Without an address it gets a free one, with an Ethernet address of zeros it gets one, too. The
    /// instance that it is attached to comes after it.
    NetworkInterface(NetworkInterface),
    /// An instance, whose interfaces are there.
    Instance(Instance),
    /// A flow log.
    FlowLog(FlowLog),
}

/// Takes an object over, wholly or not at all.
///
/// # Errors
/// What of it AWS would never have.
pub fn adopt(world: &mut World, object: Existing) -> Result<(), AwsError> {
    let mut edit = Edit::begin(world);
    let outcome = match object {
        Existing::Vpc(vpc) => adopt_vpc(&mut edit, vpc),
        Existing::PrefixList(list) => adopt_list(&mut edit, list),
        Existing::NetworkAcl(acl) => adopt_acl(&mut edit, acl),
        Existing::SecurityGroup(group) => adopt_group(&mut edit, group),
        Existing::Subnet(subnet) => adopt_subnet(&mut edit, subnet),
        Existing::Peering(peering) => adopt_peering(&mut edit, peering),
        Existing::InternetGateway(gateway) => routing::adopt_gateway(&mut edit, gateway),
        Existing::RouteTable(table) => routing::adopt_table(&mut edit, table),
        Existing::Rule(group_id, rule) => adopt_rule(&mut edit, &group_id, rule),
        Existing::NetworkInterface(interface) => adopt_interface(&mut edit, interface),
        Existing::Instance(instance) => adopt_instance(&mut edit, instance),
        Existing::FlowLog(log) => adopt_flow_log(&mut edit, log),
    };
    match outcome {
        Ok(()) => {
            edit.finish();
            Ok(())
        }
        Err(error) => {
            edit.roll_back();
            Err(error)
        }
    }
}

/// Gives a VPC the default group and the default ACL that every VPC has, if they have not been taken over (M-30, N-05).
///
/// # Errors
/// Where the VPC is not there.
pub fn adopt_defaults(world: &mut World, vpc_id: &VpcId) -> Result<(), AwsError> {
    let mut edit = Edit::begin(world);
    let has_ipv6 = !edit.get::<Vpc>(vpc_id)?.cidr_ipv6.is_empty();
    if !edit.world().network_acls.values().any(|acl| acl.is_default && acl.vpc_id == *vpc_id) {
        network_acl::insert_default(&mut edit, vpc_id, has_ipv6)?;
    }
    if group::default_of(edit.world(), vpc_id).is_none() {
        vpc::insert_default_group(&mut edit, vpc_id)?;
    }
    edit.finish();
    Ok(())
}

/// Sets the quotas that must have been in force for what there is, or those that are given.
///
/// # Errors
/// Where no quota allows so much.
pub fn adopt_quotas(world: &mut World, given: Option<Quotas>) -> Result<(), AwsError> {
    let quotas = given.unwrap_or_else(|| needed_quotas(world));
    let mut edit = Edit::begin(world);
    let command = SetQuotas {
        rules_per_group: Some(quotas.rules_per_group),
        groups_per_interface: Some(quotas.groups_per_interface),
        groups_per_region: Some(quotas.groups_per_region),
        network_acls_per_vpc: Some(quotas.network_acls_per_vpc),
        rules_per_network_acl: Some(quotas.rules_per_network_acl),
        active_peerings_per_vpc: Some(quotas.active_peerings_per_vpc),
    };
    command.run(&mut edit)?;
    edit.finish();
    Ok(())
}

/// AWS's defaults, raised where there is more.
fn needed_quotas(world: &World) -> Quotas {
    let defaults = Quotas::default();
    let most = |counts: &mut dyn Iterator<Item = usize>, default: u32| {
        counts.filter_map(|count| u32::try_from(count).ok()).fold(default, u32::max)
    };
    let both = [Direction::Inbound, Direction::Outbound];
    let rules = world.security_groups.values().map(|group| RuleCount::of(world, group).largest());
    let groups = world.network_interfaces.values().map(|it| it.groups.len());
    let mut by_region = BTreeMap::new();
    for group in world.security_groups.values() {
        *by_region.entry(world.vpcs.get(&group.vpc_id).map(|vpc| &vpc.region)).or_insert(0_usize) += 1;
    }
    let mut by_vpc = BTreeMap::new();
    for acl in world.network_acls.values() {
        *by_vpc.entry(&acl.vpc_id).or_insert(0_usize) += 1;
    }
    let acls = world.network_acls.values();
    let entries = acls.flat_map(|acl| both.map(|way| acl.entries_of(way).count() + 1));
    let peers = world.vpcs.keys().map(|id| world.peers_of(id).count());
    Quotas {
        rules_per_group: most(&mut rules.filter_map(|it| usize::try_from(it).ok()), defaults.rules_per_group),
        groups_per_interface: most(&mut { groups }, defaults.groups_per_interface),
        groups_per_region: most(&mut by_region.into_values(), defaults.groups_per_region),
        network_acls_per_vpc: most(&mut by_vpc.into_values(), defaults.network_acls_per_vpc),
        rules_per_network_acl: most(&mut { entries }, defaults.rules_per_network_acl),
        active_peerings_per_vpc: most(&mut { peers }, defaults.active_peerings_per_vpc),
    }
}

/// Refuses an id that there is already.
fn check_new<O: Object>(edit: &Edit<'_>, id: &O::Id) -> Result<(), AwsError>
where
    O::Id: std::fmt::Display,
{
    if O::table(edit.world()).contains_key(id) {
        return Err(AwsError::invalid_value(format!("'{id}' is there twice")));
    }
    Ok(())
}

/// Tags as AWS has them: those that it sets itself are not the owner's, and do not count (M-02).
fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), AwsError> {
    tag::checked(tag::own(tags)).map(drop)
}

fn adopt_vpc(edit: &mut Edit<'_>, mut vpc: Vpc) -> Result<(), AwsError> {
    check_new::<Vpc>(edit, &vpc.id)?;
    vpc::check_blocks(&vpc.cidr_ipv4, &vpc.cidr_ipv6)?;
    vpc::check_internet_mtu(vpc.internet_mtu)?;
    vpc::check_default(edit.world(), vpc.is_default, &vpc.region)?;
    check_tags(&vpc.tags)?;
    vpc.number = edit.next_number()?.1;
    edit.put(vpc);
    Ok(())
}

fn adopt_list(edit: &mut Edit<'_>, mut list: PrefixList) -> Result<(), AwsError> {
    check_new::<PrefixList>(edit, &list.id)?;
    prefix_list::check_existing(&list)?;
    check_tags(&list.tags)?;
    list.number = edit.next_number()?.1;
    edit.put(list);
    Ok(())
}

fn adopt_acl(edit: &mut Edit<'_>, mut acl: NetworkAcl) -> Result<(), AwsError> {
    check_new::<NetworkAcl>(edit, &acl.id)?;
    edit.get::<Vpc>(&acl.vpc_id)?;
    let is_second = |other: &NetworkAcl| other.is_default && other.vpc_id == acl.vpc_id;
    if acl.is_default && edit.world().network_acls.values().any(is_second) {
        let message = format!("'{}' would be the second default network ACL of '{}'", acl.id, acl.vpc_id);
        return Err(AwsError::invalid_value(message));
    }
    check_tags(&acl.tags)?;
    let mut entries = Vec::with_capacity(acl.entries.len());
    for entry in acl.entries {
        let (direction, number) = entry.order();
        let number = checked_number(u32::from(number))?;
        entries.push(EntryContent::from(entry).into_entry(direction, number)?);
    }
    entries.sort_by_key(crate::aws::network_acl::NetworkAclEntry::order);
    if let Some(pair) = entries.windows(2).find(|pair| pair[0].order() == pair[1].order()) {
        return Err(AwsError::new(
            "NetworkAclEntryAlreadyExists",
            format!("The network acl entry identified by {} already exists.", pair[0].rule_number),
        ));
    }
    acl.entries = entries;
    acl.number = edit.next_number()?.1;
    edit.put(acl);
    Ok(())
}

fn adopt_group(edit: &mut Edit<'_>, mut group: SecurityGroup) -> Result<(), AwsError> {
    check_new::<SecurityGroup>(edit, &group.id)?;
    let region = edit.get::<Vpc>(&group.vpc_id)?.region.clone();
    if !group.is_default() {
        group::check_name(&group.name)?;
    }
    group::check_description(&group.description)?;
    group::check_unused(edit.world(), &group.vpc_id, &group.name)?;
    for vpc_id in &group.associated_vpcs {
        let other: &Vpc = edit.get(vpc_id)?;
        if *vpc_id == group.vpc_id || other.region != region || group.is_default() {
            return Err(AwsError::invalid_value(format!(
                "'{}' cannot be associated with '{vpc_id}'",
                group.id
            )));
        }
    }
    check_tags(&group.tags)?;
    group.number = edit.next_number()?.1;
    edit.put(group);
    Ok(())
}

fn adopt_subnet(edit: &mut Edit<'_>, mut subnet: Subnet) -> Result<(), AwsError> {
    check_new::<Subnet>(edit, &subnet.id)?;
    let (ipv4, ipv6) = (subnet.cidr_ipv4, subnet.cidr_ipv6);
    (subnet.cidr_ipv4, subnet.cidr_ipv6) =
        subnet::check(edit, &subnet.vpc_id, &subnet.availability_zone, ipv4, ipv6)?;
    if edit.get::<NetworkAcl>(&subnet.network_acl_id)?.vpc_id != subnet.vpc_id {
        return Err(network_acl::foreign(&subnet.network_acl_id, &subnet.id));
    }
    check_tags(&subnet.tags)?;
    subnet.number = edit.next_number()?.1;
    edit.put(subnet);
    Ok(())
}

fn adopt_peering(edit: &mut Edit<'_>, mut peering: VpcPeeringConnection) -> Result<(), AwsError> {
    check_new::<VpcPeeringConnection>(edit, &peering.id)?;
    let (requester, accepter) = (&peering.requester_vpc_id, &peering.accepter_vpc_id);
    match peering.status {
        PeeringStatus::Active | PeeringStatus::PendingAcceptance => {
            peering::check_live(edit, requester, accepter)?;
        }
        // Of what is over, the VPCs may be gone.
        PeeringStatus::Rejected | PeeringStatus::Failed | PeeringStatus::Deleted => {}
    }
    check_tags(&peering.tags)?;
    peering.number = edit.next_number()?.1;
    edit.put(peering);
    Ok(())
}

fn adopt_rule(
    edit: &mut Edit<'_>,
    group_id: &SecurityGroupId,
    mut rule: SecurityGroupRule,
) -> Result<(), AwsError> {
    let permission = Permission::from(&rule).checked()?;
    let group: &SecurityGroup = edit.get(group_id)?;
    rule::check_new(group, rule.direction, &permission)?;
    let all = edit.world().security_groups.values().flat_map(|group| &group.rules);
    if all.clone().any(|other| other.id == rule.id) {
        return Err(AwsError::invalid_value(format!("'{}' is there twice", rule.id)));
    }
    match &permission.peer {
        Peer::PrefixList(_) => rule::check_peer(edit, group_id, &permission.peer)?,
        // of a group that is gone the rule knows the VPC, and nothing else.
        Peer::ReferencedGroup(id) => match edit.world().security_groups.get(id) {
            Some(referenced) => rule.referenced_vpc_id = Some(referenced.vpc_id.clone()),
            None if rule.referenced_vpc_id.is_some() => {}
            None => return Err(id.not_found()),
        },
        Peer::CidrIpv4(_) | Peer::CidrIpv6(_) => {}
    }
    check_tags(&rule.tags)?;
    let Permission { protocol, ports, peer, description } = permission;
    let number = edit.next_number()?.1;
    rule = SecurityGroupRule { number, protocol, ports, peer, description, ..rule };
    edit.get_mut::<SecurityGroup>(group_id)?.rules.push(rule);
    Ok(())
}

fn adopt_interface(edit: &mut Edit<'_>, mut it: NetworkInterface) -> Result<(), AwsError> {
    check_new::<NetworkInterface>(edit, &it.id)?;
    let subnet: Subnet = edit.get::<Subnet>(&it.subnet_id)?.clone();
    if subnet.vpc_id != it.vpc_id {
        return Err(AwsError::invalid_value(format!("'{}' is not in '{}'", it.subnet_id, it.vpc_id)));
    }
    it.groups = interface::check_membership(edit, &it.vpc_id, it.groups)?;
    it.connection_tracking_specification =
        interface::merged(Default::default(), it.connection_tracking_specification)?;
    it.connection_tracking = it.connection_tracking_specification.on(None);
    address::check_count(it.private_ipv4.len(), it.ipv6.len())?;
    let mut addresses = SubnetAddresses::of(edit.world(), &subnet);
    let ipv4 = it.private_ipv4.iter().copied().map(IpAddr::V4);
    for address in ipv4.chain(it.ipv6.iter().copied().map(IpAddr::V6)) {
        addresses.take(address)?;
    }
    if it.private_ipv4.is_empty() {
        it.private_ipv4.push(addresses.take_free_ipv4()?);
    }
    check_tags(&it.tags)?;
    if let Some(attachment) = &it.attachment {
        let zone = &subnet.availability_zone;
        attachment::check_place(edit, &attachment.instance_id, attachment.device_index, zone)?;
    }
    it.slot = interface::free_slot(edit.world());
    it.number = interface::next_interface_number(edit)?.1;
    if it.mac == MacAddr::default() {
        it.mac = interface::free_mac(edit.world(), it.number);
    }
    let is_group_address = it.mac.0[0] & 1 == 1;
    if is_group_address || edit.world().network_interfaces.values().any(|other| other.mac == it.mac) {
        let message = format!("The MAC address {} is another interface's, or no interface's", it.mac);
        return Err(AwsError::invalid_value(message));
    }
    edit.put(it);
    Ok(())
}

fn adopt_instance(edit: &mut Edit<'_>, mut instance: Instance) -> Result<(), AwsError> {
    check_new::<Instance>(edit, &instance.id)?;
    instance::check_name(&instance.name)?;
    instance::check_unused(edit.world(), &instance.name)?;
    check_tags(&instance.tags)?;
    let interfaces = edit.world().interfaces_of(&instance.id);
    let primary = interfaces.first().filter(|it| it.attachment.as_ref().is_some_and(|a| a.device_index == 0));
    let Some(primary) = primary else {
        let message = format!("'{}' has no network interface at device index 0", instance.id);
        return Err(AwsError::invalid_value(message));
    };
    instance.vpc_id = primary.vpc_id.clone();
    let ids = interfaces.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
    instance.number = edit.next_number()?.1;
    edit.put(instance);
    ids.iter().try_for_each(|id| interface::settle_connection_tracking(edit, id))
}

fn adopt_flow_log(edit: &mut Edit<'_>, mut log: FlowLog) -> Result<(), AwsError> {
    check_new::<FlowLog>(edit, &log.id)?;
    if log.resource.vpc_id(edit.world()).is_none() {
        return Err(log.resource.not_found());
    }
    flow_log::check(&log.destination, log.max_aggregation_interval)?;
    check_tags(&log.tags)?;
    log.number = edit.next_number()?.1;
    edit.put(log);
    Ok(())
}
