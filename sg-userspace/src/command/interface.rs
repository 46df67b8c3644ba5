//! Network interfaces: made, deleted, and their groups and settings. Their further addresses are in `interface_address`,
//! their instances in `attachment`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::group::SecurityGroup;
use crate::aws::ids::{NetworkInterfaceId, SecurityGroupId, SubnetId, VpcId};
use crate::aws::interface::{ConnectionTrackingSpecification, MacAddr, NetworkInterface};
use crate::aws::vpc::Subnet;
use crate::aws::world::World;

use super::Reply;
use super::address::{self, SubnetAddresses};
use super::edit::Edit;
use super::group;
use super::tag;

/// The data plane knows an interface by a 24-bit number.
const MAX_INTERFACE_NUMBER: u32 = 0x00ff_ffff;

/// What a specification becomes with another laid over it: what is absent there stays as it is (C-21).
pub(super) fn merged(
    now: ConnectionTrackingSpecification,
    wanted: ConnectionTrackingSpecification,
) -> Result<ConnectionTrackingSpecification, AwsError> {
    let pick = |name: &str, wanted: Option<u32>, now: Option<u32>, least: u32, most: u32| match wanted {
        Some(seconds) if !(least..=most).contains(&seconds) => Err(AwsError::invalid_value(format!(
            "Value ({seconds}) for parameter {name} is invalid. It must be between {least} and {most} seconds."
        ))),
        wanted => Ok(wanted.or(now)),
    };
    Ok(ConnectionTrackingSpecification {
        tcp_established: pick(
            "TcpEstablishedTimeout",
            wanted.tcp_established,
            now.tcp_established,
            60,
            432_000,
        )?,
        udp: pick("UdpTimeout", wanted.udp, now.udp, 30, 60)?,
        udp_stream: pick("UdpStreamTimeout", wanted.udp_stream, now.udp_stream, 60, 180)?,
    })
}

/// Brings an interface's timeouts in force up to date with what it states and what it is attached to.
pub(super) fn settle_connection_tracking(
    edit: &mut Edit<'_>,
    id: &NetworkInterfaceId,
) -> Result<(), AwsError> {
    let interface: &NetworkInterface = edit.get(id)?;
    let instance = interface.attachment.as_ref().and_then(|it| edit.world().instances.get(&it.instance_id));
    let instance_type = instance.and_then(|instance| instance.instance_type.as_ref());
    let in_force = interface.connection_tracking_specification.on(instance_type);
    edit.get_mut::<NetworkInterface>(id)?.connection_tracking = in_force;
    Ok(())
}

/// Makes a network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateNetworkInterface {
    /// Its subnet.
    pub subnet_id: SubnetId,
    /// Its groups; none stands for the VPC's default group (M-13).
    #[serde(default)]
    pub groups: Vec<SecurityGroupId>,
    /// Private IPv4 addresses, the primary one first; none stands for an automatic primary one.
    #[serde(default)]
    pub private_ipv4: Vec<Ipv4Addr>,
    /// How many automatic secondary IPv4 addresses to add.
    #[serde(default)]
    pub secondary_ipv4_count: u16,
    /// IPv6 addresses.
    #[serde(default)]
    pub ipv6: Vec<Ipv6Addr>,
    /// How many automatic IPv6 addresses to add.
    #[serde(default)]
    pub ipv6_count: u16,
    /// Whether foreign addresses are dropped (M-17).
    #[serde(default = "checked")]
    pub source_dest_check: bool,
    /// Idle timeouts other than the defaults.
    #[serde(default)]
    pub connection_tracking: ConnectionTrackingSpecification,
    /// Description.
    #[serde(default)]
    pub description: String,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

fn checked() -> bool {
    true
}

impl CreateNetworkInterface {
    /// An interface in this subnet with these groups, everything else as AWS defaults it.
    pub fn new(subnet_id: SubnetId, groups: Vec<SecurityGroupId>) -> Self {
        Self {
            subnet_id,
            groups,
            private_ipv4: Vec::new(),
            secondary_ipv4_count: 0,
            ipv6: Vec::new(),
            ipv6_count: 0,
            source_dest_check: checked(),
            connection_tracking: ConnectionTrackingSpecification::default(),
            description: String::new(),
            tags: BTreeMap::new(),
        }
    }

    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        Ok(Reply::NetworkInterface(self.create(edit)?))
    }

    pub(super) fn create(self, edit: &mut Edit<'_>) -> Result<NetworkInterfaceId, AwsError> {
        let subnet: &Subnet = edit.get(&self.subnet_id)?;
        let vpc_id = subnet.vpc_id.clone();
        let connection_tracking_specification = merged(Default::default(), self.connection_tracking)?;
        let tags = tag::checked(self.tags)?;
        let groups = if self.groups.is_empty() {
            group::default_of(edit.world(), &vpc_id).map(|group| group.id.clone()).into_iter().collect()
        } else {
            self.groups
        };
        let groups = check_groups(edit, &vpc_id, groups)?;

        let (mut private_ipv4, mut ipv6) = (self.private_ipv4, self.ipv6);
        let automatic_ipv4 = usize::from(private_ipv4.is_empty()) + usize::from(self.secondary_ipv4_count);
        let mut automatic_ipv6 = self.ipv6_count;
        if ipv6.is_empty() && automatic_ipv6 == 0 && subnet.assign_ipv6_address_on_creation {
            automatic_ipv6 = 1;
        }
        address::check_count(private_ipv4.len() + automatic_ipv4, ipv6.len() + usize::from(automatic_ipv6))?;
        let mut addresses = SubnetAddresses::of(edit.world(), subnet);
        for address in
            private_ipv4.iter().copied().map(IpAddr::V4).chain(ipv6.iter().copied().map(IpAddr::V6))
        {
            addresses.take(address)?;
        }
        for _ in 0..automatic_ipv4 {
            private_ipv4.push(addresses.take_free_ipv4()?);
        }
        for _ in 0..automatic_ipv6 {
            ipv6.push(addresses.take_free_ipv6()?);
        }

        let slot = free_slot(edit.world());
        let (seed, number) = next_interface_number(edit)?;
        let id = NetworkInterfaceId::mint(seed, number);
        edit.put(NetworkInterface {
            id: id.clone(),
            number,
            slot,
            vpc_id,
            subnet_id: self.subnet_id,
            mac: free_mac(edit.world(), number),
            private_ipv4,
            ipv6,
            groups,
            source_dest_check: self.source_dest_check,
            connection_tracking: connection_tracking_specification.on(None),
            connection_tracking_specification,
            attachment: None,
            description: self.description,
            tags,
        });
        Ok(id)
    }
}

/// The number of a new interface, and the seed that ids are minted from.
pub(super) fn next_interface_number(edit: &mut Edit<'_>) -> Result<(u64, u32), AwsError> {
    let (seed, number) = edit.next_number()?;
    if number > MAX_INTERFACE_NUMBER {
        let message = "The maximum number of network interfaces ever made has been reached; start a new lab.";
        return Err(AwsError::new("NetworkInterfaceLimitExceeded", message));
    }
    Ok((seed, number))
}

/// A locally administered address that no other number has, nor any interface that was taken over from elsewhere.
pub(super) fn free_mac(world: &World, number: u32) -> MacAddr {
    let [a, b, c, d] = number.to_be_bytes();
    let taken = |mac: &MacAddr| world.network_interfaces.values().any(|interface| interface.mac == *mac);
    let candidates = (0..=u8::MAX).map(|second| MacAddr([0x02, second, a, b, c, d]));
    candidates.into_iter().find(|mac| !taken(mac)).unwrap_or_default()
}

pub(super) fn free_slot(world: &World) -> u32 {
    let taken: BTreeSet<u32> = world.network_interfaces.values().map(|interface| interface.slot).collect();
    (0..).zip(&taken).find(|(slot, taken)| slot != *taken).map_or(taken.len() as u32, |(slot, _)| slot)
}

/// Checks that an interface of this VPC may carry these groups (M-14, Q-03).
fn check_groups(
    edit: &Edit<'_>,
    vpc_id: &VpcId,
    wanted: Vec<SecurityGroupId>,
) -> Result<Vec<SecurityGroupId>, AwsError> {
    let groups = check_membership(edit, vpc_id, wanted)?;
    if groups.len() > edit.world().quotas.groups_per_interface as usize {
        return Err(AwsError::new(
            "SecurityGroupsPerInterfaceLimitExceeded",
            "The maximum number of security groups per interface has been reached.",
        ));
    }
    Ok(groups)
}

/// The same without the quota. CHOICE: a group named twice counts once.
pub(super) fn check_membership(
    edit: &Edit<'_>,
    vpc_id: &VpcId,
    wanted: Vec<SecurityGroupId>,
) -> Result<Vec<SecurityGroupId>, AwsError> {
    let mut groups: Vec<SecurityGroupId> = Vec::with_capacity(wanted.len());
    for id in wanted {
        let group: &SecurityGroup = edit.get(&id)?;
        if !group.is_usable_in(vpc_id) {
            return Err(group::foreign(edit.world(), vpc_id, group));
        }
        if !groups.contains(&id) {
            groups.push(id);
        }
    }
    if groups.is_empty() {
        // M-13.
        let message = "The request must contain the parameter SecurityGroupId: a network interface has at least one group";
        return Err(AwsError::new("MissingParameter", message));
    }
    Ok(groups)
}

/// Deletes a network interface that is not attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteNetworkInterface {
    /// The interface.
    pub interface_id: NetworkInterfaceId,
}

impl DeleteNetworkInterface {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let interface: &NetworkInterface = edit.get(&self.interface_id)?;
        if interface.attachment.is_some() {
            let message = format!("Network interface '{}' is currently in use.", interface.id);
            return Err(AwsError::invalid_value(message));
        }
        edit.remove::<NetworkInterface>(&self.interface_id);
        Ok(Reply::Done)
    }
}

/// Replaces the whole list of an interface's groups (M-13).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModifyInterfaceGroups {
    /// The interface.
    pub interface_id: NetworkInterfaceId,
    /// Its groups from now on, at least one.
    pub groups: Vec<SecurityGroupId>,
}

impl ModifyInterfaceGroups {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let interface: &NetworkInterface = edit.get(&self.interface_id)?;
        let groups = check_groups(edit, &interface.vpc_id, self.groups)?;
        edit.get_mut::<NetworkInterface>(&self.interface_id)?.groups = groups;
        Ok(Reply::Done)
    }
}

/// Sets idle timeouts (C-21). Flows that exist keep theirs until their next packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModifyInterfaceConnectionTracking {
    /// The interface.
    pub interface_id: NetworkInterfaceId,
    /// The timeouts.
    pub connection_tracking: ConnectionTrackingSpecification,
}

impl ModifyInterfaceConnectionTracking {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let interface: &mut NetworkInterface = edit.get_mut(&self.interface_id)?;
        interface.connection_tracking_specification =
            merged(interface.connection_tracking_specification, self.connection_tracking)?;
        settle_connection_tracking(edit, &self.interface_id)?;
        Ok(Reply::Done)
    }
}

/// Switches the source/destination check (M-17).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModifySourceDestCheck {
    /// The interface.
    pub interface_id: NetworkInterfaceId,
    /// Whether foreign addresses are dropped.
    pub source_dest_check: bool,
}

impl ModifySourceDestCheck {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        edit.get_mut::<NetworkInterface>(&self.interface_id)?.source_dest_check = self.source_dest_check;
        Ok(Reply::Done)
    }
}
