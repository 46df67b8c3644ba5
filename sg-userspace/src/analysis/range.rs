//! Addresses of the internet in ranges that rules and ACL entries do not tell apart.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::aws::interface::NetworkInterface;
use crate::aws::rule::Peer;
use crate::aws::vpc::Vpc;
use crate::aws::world::World;

use super::{address, side};

/// First and last address, both inclusive, of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    /// First.
    pub first: IpAddr,
    /// Last.
    pub last: IpAddr,
}

impl AddressRange {
    /// Whether this is every address of the family.
    pub fn is_whole(&self) -> bool {
        let is_ipv4 = self.first.is_ipv4();
        number(self.first) == 0 && number(self.last) == greatest(is_ipv4)
    }
}

impl fmt::Display for AddressRange {
    /// As a block, where it is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_ipv4 = self.first.is_ipv4();
        let size = number(self.last) - number(self.first);
        // A block has a power of two addresses and begins at a multiple of that.
        let host_bits = (size != u128::MAX).then(|| size + 1).map_or(128, u128::trailing_zeros);
        let width = if is_ipv4 { 32 } else { 128 };
        let length = u8::try_from(width - host_bits.min(width)).unwrap_or(width as u8);
        let block: Option<IpNet> = match self.first {
            IpAddr::V4(first) => Ipv4Net::new(first, length).ok().map(|net| net.trunc().into()),
            IpAddr::V6(first) => Ipv6Net::new(first, length).ok().map(|net| net.trunc().into()),
        };
        match block.filter(|net| net.network() == self.first && net.broadcast() == self.last) {
            Some(block) => f.pad(&block.to_string()),
            None => f.pad(&format!("{}-{}", self.first, self.last)),
        }
    }
}

/// A range of the internet, and an address in it that stands for all of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Class {
    pub(super) range: AddressRange,
    pub(super) example: IpAddr,
}

/// The internet's addresses as an interface can tell them apart: by its rules and its subnet's ACL, in each of these worlds.
/// What lies inside its VPC and its peers, and what no host has, belongs to no range of its own.
pub(super) fn classes(worlds: &[&World], interface: &NetworkInterface, is_ipv4: bool) -> Vec<Class> {
    let greatest = greatest(is_ipv4);
    let mut begins = vec![0];
    let mut inside: Vec<IpNet> = address::reserved().collect();
    for world in worlds {
        for block in blocks_of(world, interface).filter(|block| is_of(block, is_ipv4)) {
            begins.push(number(block.network()));
            begins.extend(number(block.broadcast()).checked_add(1).filter(|begin| *begin <= greatest));
        }
        let vpcs = world.peers_of(&interface.vpc_id).chain([&interface.vpc_id]);
        inside.extend(vpcs.filter_map(|id| world.vpcs.get(id)).flat_map(Vpc::blocks));
    }
    begins.sort_unstable();
    begins.dedup();
    let ends = begins.iter().skip(1).map(|next| next - 1).chain([greatest]);
    let class = |(begin, end)| {
        let example = first_outside(begin, end, &inside, is_ipv4)?;
        let range = AddressRange { first: ip(begin, is_ipv4), last: ip(end, is_ipv4) };
        Some(Class { range, example })
    };
    let mut classes: Vec<Class> = begins.iter().copied().zip(ends).filter_map(class).collect();
    // What nobody on the internet has is nobody's loss: it goes with the range before it.
    for i in 0..classes.len() {
        let begin = if i == 0 { 0 } else { number(classes[i].range.first) };
        let end = classes.get(i + 1).map_or(greatest, |next| number(next.range.first) - 1);
        classes[i].range = AddressRange { first: ip(begin, is_ipv4), last: ip(end, is_ipv4) };
    }
    classes
}

/// The first number from `begin` to `end` that is in none of these blocks.
fn first_outside(begin: u128, end: u128, inside: &[IpNet], is_ipv4: bool) -> Option<IpAddr> {
    let mut candidate = begin;
    while candidate <= end {
        let address = ip(candidate, is_ipv4);
        match inside.iter().find(|block| block.contains(&address)) {
            Some(block) => candidate = number(block.broadcast()).checked_add(1)?,
            None => return Some(address),
        }
    }
    None
}

/// Every block that an interface's rules and its subnet's ACL name.
fn blocks_of<'w>(world: &'w World, interface: &NetworkInterface) -> impl Iterator<Item = IpNet> + 'w {
    // In another world it may carry other groups.
    let interface = world.network_interfaces.get(&interface.id);
    let acl = interface.and_then(|interface| world.network_acl_of(&interface.subnet_id));
    let entries = acl.into_iter().flat_map(|acl| &acl.entries).map(|entry| entry.cidr);
    let groups = interface.into_iter().flat_map(|interface| side::groups_of(world, interface));
    let rules = groups.flat_map(|group| &group.rules).flat_map(|rule| match &rule.peer {
        Peer::CidrIpv4(block) => vec![IpNet::V4(*block)],
        Peer::CidrIpv6(block) => vec![IpNet::V6(*block)],
        Peer::PrefixList(id) => {
            let list = world.prefix_lists.get(id);
            list.into_iter().flat_map(|list| list.entries()).map(|entry| entry.cidr).collect()
        }
        Peer::ReferencedGroup(_) => Vec::new(),
    });
    entries.chain(rules)
}

fn is_of(block: &IpNet, is_ipv4: bool) -> bool {
    block.addr().is_ipv4() == is_ipv4
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

fn ip(number: u128, is_ipv4: bool) -> IpAddr {
    match u32::try_from(number) {
        Ok(number) if is_ipv4 => Ipv4Addr::from(number).into(),
        _ => Ipv6Addr::from(number).into(),
    }
}

fn greatest(is_ipv4: bool) -> u128 {
    if is_ipv4 { u32::MAX.into() } else { u128::MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_are_blocks_are_written_as_blocks() {
        let text = |first: &str, last: &str| {
            AddressRange { first: first.parse().unwrap(), last: last.parse().unwrap() }.to_string()
        };
        assert_eq!(text("0.0.0.0", "255.255.255.255"), "0.0.0.0/0");
        assert_eq!(text("10.0.0.0", "10.0.255.255"), "10.0.0.0/16");
        assert_eq!(text("203.0.113.10", "203.0.113.10"), "203.0.113.10/32");
        assert_eq!(text("10.0.0.1", "10.0.0.2"), "10.0.0.1-10.0.0.2");
        assert_eq!(text("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "::/0");
        assert_eq!(text("2001:db8::", "2001:db8::ff"), "2001:db8::/120");
    }
}
