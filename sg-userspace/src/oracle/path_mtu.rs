//! The way between a VPC and the internet, which carries less than the VPC itself (C-17).

use std::net::IpAddr;

use crate::aws::vpc::{Subnet, Vpc};
use crate::packet::build::{self, BuildError};
use crate::packet::spec::{PacketSpec, Transport};

/// Whether the packet is larger than the way to the internet carries, and may not be fragmented.
///
/// # Errors
/// Where there is no such packet.
pub(super) fn is_too_big(vpc: &Vpc, packet: &PacketSpec) -> Result<bool, BuildError> {
    let may_be_fragmented = packet.source.is_ipv4() && !packet.dont_fragment;
    Ok(!may_be_fragmented && build::ip_packet(packet)?.len() > usize::from(vpc.internet_mtu))
}

/// What the router of a subnet tells the sender of such a packet; nothing where it has no address of the family.
pub(super) fn message(subnet: &Subnet, packet: &PacketSpec) -> Option<PacketSpec> {
    let about = Box::new(packet.clone());
    let (router, transport) = match packet.source {
        IpAddr::V4(_) => (IpAddr::V4(subnet.router_ipv4()), Transport::IcmpError { kind: 3, code: 4, about }),
        IpAddr::V6(_) => {
            (IpAddr::V6(subnet.router_ipv6()?), Transport::IcmpError { kind: 2, code: 0, about })
        }
    };
    Some(PacketSpec::new(router, packet.source, transport))
}
