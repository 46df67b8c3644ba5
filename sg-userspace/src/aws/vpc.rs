//! VPCs and their subnets.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::ids::{
    NetworkAclAssociationId, NetworkAclId, SubnetCidrAssociationId, SubnetId, VpcCidrAssociationId, VpcId,
};
use super::region::{AvailabilityZone, Region};
use super::tag::NAME;

/// What an internet gateway carries of a VPC's packets of up to 9001 bytes.
pub const DEFAULT_INTERNET_MTU: u16 = 1500;

/// What `ModifyVpcAttribute` sets. Nothing here answers DNS, nor counts addresses: they are kept and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcAttributes {
    /// Whether Amazon's DNS server resolves names.
    pub enable_dns_support: bool,
    /// Whether instances get public DNS names.
    pub enable_dns_hostnames: bool,
    /// Whether the VPC's use of addresses is counted.
    pub enable_network_address_usage_metrics: bool,
}

impl Default for VpcAttributes {
    fn default() -> Self {
        Self {
            enable_dns_support: true,
            enable_dns_hostnames: false,
            enable_network_address_usage_metrics: false,
        }
    }
}

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
    /// Its attributes.
    #[serde(default)]
    pub attributes: VpcAttributes,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

impl Vpc {
    /// Its tag `Name`, or its id.
    pub fn name(&self) -> &str {
        self.tags.get(NAME).map_or(self.id.as_str(), String::as_str)
    }

    /// The blocks, IPv4 first; every route table of the VPC has a local route for each.
    pub fn blocks(&self) -> impl Iterator<Item = IpNet> + '_ {
        let ipv4 = self.cidr_ipv4.iter().copied().map(IpNet::V4);
        ipv4.chain(self.cidr_ipv6.iter().copied().map(IpNet::V6))
    }

    /// The id of a block's association, which is made from the block, so that it stays the same whatever comes and goes.
    pub fn association_id(&self, block: IpNet) -> VpcCidrAssociationId {
        VpcCidrAssociationId::mint(seed_of(block), self.number)
    }

    /// The Amazon DNS server: base of the primary block plus two (M-05, E-15).
    pub fn dns_server(&self) -> Option<Ipv4Addr> {
        self.cidr_ipv4.first().map(|net| Ipv4Addr::from(u32::from(net.network()).saturating_add(2)))
    }
}

/// Stands for a block where an id is minted.
fn seed_of(block: IpNet) -> u64 {
    let bits = match block {
        IpNet::V4(net) => u64::from(u32::from(net.network())),
        // The interface part is zero in every block that a VPC or subnet has.
        IpNet::V6(net) => (u128::from(net.network()) >> 64) as u64,
    };
    // Spread, or the numbers that ids are minted with would overlap the bits.
    (bits ^ (u64::from(block.prefix_len()) << 57)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
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
    /// Whether it is its zone's default subnet.
    #[serde(default)]
    pub default_for_az: bool,
    /// Whether instances are to get a public IPv4 address. There are none here: it is kept and shown.
    #[serde(default)]
    pub map_public_ip_on_launch: bool,
    /// Whether new interfaces get an IPv6 address without being asked.
    #[serde(default)]
    pub assign_ipv6_address_on_creation: bool,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

impl Subnet {
    /// Its blocks.
    pub fn blocks(&self) -> impl Iterator<Item = IpNet> {
        [Some(IpNet::V4(self.cidr_ipv4)), self.cidr_ipv6.map(IpNet::V6)].into_iter().flatten()
    }

    /// The VPC router's address in this subnet: the first after the network's own (M-05).
    pub fn router_ipv4(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.cidr_ipv4.network()).saturating_add(1))
    }

    /// The id of its IPv6 block's association.
    pub fn association_id(&self, block: Ipv6Net) -> SubnetCidrAssociationId {
        SubnetCidrAssociationId::mint(seed_of(block.into()), self.number)
    }

    /// The VPC router's IPv6 address in this subnet, if it has IPv6.
    pub fn router_ipv6(&self) -> Option<Ipv6Addr> {
        self.cidr_ipv6.map(|net| Ipv6Addr::from(u128::from(net.network()).saturating_add(1)))
    }
}
