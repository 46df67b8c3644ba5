//! Further addresses of a network interface. A rule that names a group matches them at once (E-07, E-12).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::ids::NetworkInterfaceId;
use crate::aws::interface::NetworkInterface;
use crate::aws::vpc::Subnet;

use super::Reply;
use super::address::{self, SubnetAddresses};
use super::edit::Edit;

/// Gives an interface further addresses: `AssignPrivateIpAddresses` and `AssignIpv6Addresses` in one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignPrivateAddresses {
    /// The interface.
    pub interface_id: NetworkInterfaceId,
    /// Secondary IPv4 addresses.
    #[serde(default)]
    pub private_ipv4: Vec<Ipv4Addr>,
    /// How many automatic secondary IPv4 addresses to add.
    #[serde(default)]
    pub ipv4_count: u16,
    /// IPv6 addresses.
    #[serde(default)]
    pub ipv6: Vec<Ipv6Addr>,
    /// How many automatic IPv6 addresses to add.
    #[serde(default)]
    pub ipv6_count: u16,
    /// Whether a secondary IPv4 address of another interface of the subnet may be taken from it.
    #[serde(default)]
    pub allow_reassignment: bool,
}

impl AssignPrivateAddresses {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let interface: &NetworkInterface = edit.get(&self.interface_id)?;
        if self.private_ipv4.is_empty()
            && self.ipv6.is_empty()
            && self.ipv4_count == 0
            && self.ipv6_count == 0
        {
            let message =
                "The request must contain the parameter PrivateIpAddresses or SecondaryPrivateIpAddressCount";
            return Err(AwsError::new("MissingParameter", message));
        }
        address::check_count(
            interface.private_ipv4.len() + self.private_ipv4.len() + usize::from(self.ipv4_count),
            interface.ipv6.len() + self.ipv6.len() + usize::from(self.ipv6_count),
        )?;
        let subnet: Subnet = edit.get::<Subnet>(&interface.subnet_id)?.clone();
        if self.allow_reassignment {
            self.take_over(edit, &subnet)?;
        }
        let mut addresses = SubnetAddresses::of(edit.world(), &subnet);
        let (mut private_ipv4, mut ipv6) = (self.private_ipv4, self.ipv6);
        for address in
            private_ipv4.iter().copied().map(IpAddr::V4).chain(ipv6.iter().copied().map(IpAddr::V6))
        {
            addresses.take(address)?;
        }
        for _ in 0..self.ipv4_count {
            private_ipv4.push(addresses.take_free_ipv4()?);
        }
        for _ in 0..self.ipv6_count {
            ipv6.push(addresses.take_free_ipv6()?);
        }
        let interface: &mut NetworkInterface = edit.get_mut(&self.interface_id)?;
        interface.private_ipv4.extend(&private_ipv4);
        interface.ipv6.extend(&ipv6);
        let assigned = private_ipv4.into_iter().map(IpAddr::V4).chain(ipv6.into_iter().map(IpAddr::V6));
        Ok(Reply::Addresses(assigned.collect()))
    }

    /// Takes wanted secondary addresses from the interfaces that own them. A primary address stays and is then in use.
    fn take_over(&self, edit: &mut Edit<'_>, subnet: &Subnet) -> Result<(), AwsError> {
        let owners: Vec<_> = edit
            .world()
            .network_interfaces
            .values()
            .filter(|owner| owner.subnet_id == subnet.id && owner.id != self.interface_id)
            .filter(|owner| {
                owner.private_ipv4.iter().skip(1).any(|address| self.private_ipv4.contains(address))
            })
            .map(|owner| owner.id.clone())
            .collect();
        for id in owners {
            let owner: &mut NetworkInterface = edit.get_mut(&id)?;
            let mut index = 0;
            owner.private_ipv4.retain(|address| {
                index += 1;
                index == 1 || !self.private_ipv4.contains(address)
            });
        }
        Ok(())
    }
}

/// Takes addresses from an interface: `UnassignPrivateIpAddresses` and `UnassignIpv6Addresses` in one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnassignPrivateAddresses {
    /// The interface.
    pub interface_id: NetworkInterfaceId,
    /// Secondary IPv4 addresses and IPv6 addresses that it has.
    pub addresses: Vec<IpAddr>,
}

impl UnassignPrivateAddresses {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { interface_id, addresses } = self;
        let interface: &mut NetworkInterface = edit.get_mut(&interface_id)?;
        if addresses.is_empty() {
            let message = "The request must contain the parameter PrivateIpAddresses";
            return Err(AwsError::new("MissingParameter", message));
        }
        let primary = interface.private_ipv4.first().copied().map(IpAddr::V4);
        for address in &addresses {
            if Some(*address) == primary {
                return Err(AwsError::invalid_value(format!(
                    "The primary private IP address {address} of '{interface_id}' cannot be unassigned"
                )));
            }
            let owned = match address {
                IpAddr::V4(address) => interface.private_ipv4.contains(address),
                IpAddr::V6(address) => interface.ipv6.contains(address),
            };
            if !owned {
                return Err(AwsError::invalid_value(format!(
                    "Some of [{address}] are not assigned to interface {interface_id}"
                )));
            }
        }
        interface.private_ipv4.retain(|address| !addresses.contains(&IpAddr::V4(*address)));
        interface.ipv6.retain(|address| !addresses.contains(&IpAddr::V6(*address)));
        Ok(Reply::Done)
    }
}
