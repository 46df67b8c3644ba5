//! Private addresses in a subnet: which may be used, which are taken, and the next free one.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::aws::error::AwsError;
use crate::aws::vpc::Subnet;
use crate::aws::world::World;

/// The most private IPv4 addresses of an interface, and the most IPv6 addresses: AWS's for its largest instances.
const MAX_ADDRESSES: usize = 50;

/// Refuses more addresses than an interface may have.
pub(super) fn check_count(ipv4: usize, ipv6: usize) -> Result<(), AwsError> {
    for (count, kind) in [(ipv4, "private"), (ipv6, "IPv6")] {
        if count > MAX_ADDRESSES {
            return Err(AwsError::new(
                "PrivateIpAddressLimitExceeded",
                format!(
                    "Number of {kind} addresses will exceed limit: an interface has at most {MAX_ADDRESSES}, not {count}."
                ),
            ));
        }
    }
    Ok(())
}

/// How many addresses at the start of a subnet are reserved; the last one is too (M-05).
const RESERVED_FIRST: u8 = 4;

/// The addresses that interfaces of a subnet own, with those of the command in hand.
pub(super) struct SubnetAddresses<'w> {
    subnet: &'w Subnet,
    taken: BTreeSet<IpAddr>,
}

impl<'w> SubnetAddresses<'w> {
    pub(super) fn of(world: &World, subnet: &'w Subnet) -> Self {
        let interfaces =
            world.network_interfaces.values().filter(|interface| interface.subnet_id == subnet.id);
        let taken = interfaces.flat_map(|interface| {
            let ipv4 = interface.private_ipv4.iter().copied().map(IpAddr::V4);
            ipv4.chain(interface.ipv6.iter().copied().map(IpAddr::V6))
        });
        Self { subnet, taken: taken.collect() }
    }

    /// Takes this address.
    pub(super) fn take(&mut self, address: IpAddr) -> Result<(), AwsError> {
        self.check(address)?;
        if !self.taken.insert(address) {
            let message = format!("Address {address} is in use.");
            return Err(AwsError::new("InvalidIPAddress.InUse", message));
        }
        Ok(())
    }

    /// Takes the lowest free IPv4 address.
    pub(super) fn take_free_ipv4(&mut self) -> Result<Ipv4Addr, AwsError> {
        let net = self.subnet.cidr_ipv4;
        let (first, last) = (u32::from(net.network()), u32::from(net.broadcast()));
        let free = (first + u32::from(RESERVED_FIRST)..last)
            .map(Ipv4Addr::from)
            .find(|address| !self.taken.contains(&IpAddr::V4(*address)))
            .ok_or_else(|| self.insufficient())?;
        self.taken.insert(IpAddr::V4(free));
        Ok(free)
    }

    /// Takes the lowest free IPv6 address.
    pub(super) fn take_free_ipv6(&mut self) -> Result<Ipv6Addr, AwsError> {
        let net = self.subnet.cidr_ipv6.ok_or_else(|| self.without_ipv6())?;
        let (first, last) = (u128::from(net.network()), u128::from(net.broadcast()));
        let free = (first + u128::from(RESERVED_FIRST)..last)
            .map(Ipv6Addr::from)
            .find(|address| !self.taken.contains(&IpAddr::V6(*address)))
            .ok_or_else(|| self.insufficient())?;
        self.taken.insert(IpAddr::V6(free));
        Ok(free)
    }

    fn check(&self, address: IpAddr) -> Result<(), AwsError> {
        let (offset, from_end) = match address {
            IpAddr::V4(ip) => {
                let net = self.subnet.cidr_ipv4;
                if !net.contains(&ip) {
                    return Err(self.outside(address));
                }
                let offset = u32::from(ip) - u32::from(net.network());
                (u128::from(offset), u128::from(u32::from(net.broadcast()) - u32::from(ip)))
            }
            IpAddr::V6(ip) => {
                let net = self.subnet.cidr_ipv6.ok_or_else(|| self.without_ipv6())?;
                if !net.contains(&ip) {
                    return Err(self.outside(address));
                }
                (u128::from(ip) - u128::from(net.network()), u128::from(net.broadcast()) - u128::from(ip))
            }
        };
        if offset < u128::from(RESERVED_FIRST) || from_end == 0 {
            return Err(AwsError::invalid_value(format!(
                "Address {address} is in subnet's reserved address range (the first four addresses and the last of {})",
                self.subnet.id
            )));
        }
        Ok(())
    }

    fn outside(&self, address: IpAddr) -> AwsError {
        let block = match address {
            IpAddr::V4(_) => Some(self.subnet.cidr_ipv4.to_string()),
            IpAddr::V6(_) => self.subnet.cidr_ipv6.map(|net| net.to_string()),
        };
        AwsError::invalid_value(format!(
            "Address {address} does not fall within the subnet's address range {}",
            block.unwrap_or_default()
        ))
    }

    fn without_ipv6(&self) -> AwsError {
        AwsError::invalid_value(format!("The subnet '{}' has no IPv6 CIDR block", self.subnet.id))
    }

    fn insufficient(&self) -> AwsError {
        AwsError::new(
            "InsufficientFreeAddressesInSubnet",
            format!("There are not enough free addresses in subnet '{}'.", self.subnet.id),
        )
    }
}
