//! VPCs and their subnets.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::ids::{NetworkAclAssociationId, NetworkAclId, SubnetId, VpcId};
use super::region::{AvailabilityZone, Region};
use super::tag::NAME;

/// What an internet gateway carries of a VPC's packets of up to 9001 bytes.
pub const DEFAULT_INTERNET_MTU: u16 = 1500;

/// A VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    /// Its id.
    pub id: VpcId,
    /// The number that stands for the VPC in the data plane; 0 is not used.
    pub number: u32,
    /// Its region.
    pub region: Region,
    /// IPv4 blocks, the primary one first, /16 to /28 (M-03).
    pub cidr_ipv4: Vec<Ipv4Net>,
    /// IPv6 blocks.
    pub cidr_ipv6: Vec<Ipv6Net>,
    /// Whether this is the region's default VPC.
    pub is_default: bool,
    /// The largest packet that the way between this VPC and the internet carries, in bytes from the IP header on.
    pub internet_mtu: u16,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

impl Vpc {
    /// Its tag `Name`, or its id.
    pub fn name(&self) -> &str {
        self.tags.get(NAME).map_or(self.id.as_str(), String::as_str)
    }

    /// The Amazon DNS server: base of the primary block plus two (M-05, E-15).
    pub fn dns_server(&self) -> Option<Ipv4Addr> {
        self.cidr_ipv4.first().map(|net| Ipv4Addr::from(u32::from(net.network()).saturating_add(2)))
    }
}

/// A subnet, in exactly one availability zone (M-06).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// Its id.
    pub id: SubnetId,
    /// Creation order; stands for the subnet in the data plane.
    pub number: u32,
    /// Its VPC.
    pub vpc_id: VpcId,
    /// Its zone.
    pub availability_zone: AvailabilityZone,
    /// Its IPv4 block, /16 to /28 (M-03).
    pub cidr_ipv4: Ipv4Net,
    /// Its IPv6 block, /44 to /64 in steps of four (M-04).
    pub cidr_ipv6: Option<Ipv6Net>,
    /// The network ACL at its border: exactly one (N-02).
    pub network_acl_id: NetworkAclId,
    /// The association with it, which changes whenever the ACL does.
    pub network_acl_association_id: NetworkAclAssociationId,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

impl Subnet {
    /// The VPC router's address in this subnet: the first after the network's own (M-05).
    pub fn router_ipv4(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.cidr_ipv4.network()).saturating_add(1))
    }

    /// The VPC router's IPv6 address in this subnet, if it has IPv6.
    pub fn router_ipv6(&self) -> Option<Ipv6Addr> {
        self.cidr_ipv6.map(|net| Ipv6Addr::from(u128::from(net.network()).saturating_add(1)))
    }
}
