//! The lab file: a whole lab in short YAML with AWS's names.
//!
//! This module only reads: it checks the shape, refuses unknown keys and remembers where everything stands. What the
//! words mean, and whether AWS would take them, is for `plan`.

pub mod network_acl;
pub mod peering;
pub mod position;
pub mod prefix_list;
pub mod shorthand;

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use serde::Deserialize;

use crate::aws::instance_type::InstanceType;
use crate::aws::interface::ConnectionTrackingSpecification;
use crate::aws::region::{AvailabilityZone, Region};
use crate::command::quota::SetQuotas;

use network_acl::NetworkAclFile;
use peering::PeeringFile;
use position::{At, LabError, Named, OneOrMany, Written};
use prefix_list::PrefixListFile;
use shorthand::{Ipv6Choice, RuleText, SecondaryAddresses, Server};

/// The internet host's address, out of a documentation block (RFC 5737).
const INTERNET_IPV4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);

/// The internet host's IPv6 address, out of the documentation block (RFC 3849).
const INTERNET_IPV6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 0x10);

/// A lab.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LabFile {
    /// Region of the VPCs that name none; `us-east-1` if absent.
    #[serde(default)]
    pub region: Option<Written<Region>>,
    /// VPCs by name.
    pub vpcs: Named<VpcFile>,
    /// Peerings by name.
    #[serde(default)]
    pub peerings: Named<PeeringFile>,
    /// Prefix lists by name.
    #[serde(default)]
    pub prefix_lists: Named<PrefixListFile>,
    /// The host outside every VPC.
    #[serde(default)]
    pub internet: InternetFile,
    /// Quotas other than AWS's defaults.
    #[serde(default)]
    pub quotas: Option<At<QuotasFile>>,
}

impl LabFile {
    /// Reads a lab file.
    ///
    /// # Errors
    /// Where and why the text is no lab file.
    pub fn parse(text: &str) -> Result<Self, LabError> {
        serde_saphyr::from_str(text).map_err(|error| LabError::from_yaml(&error))
    }
}

/// A VPC.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct VpcFile {
    /// IPv4 block, or several with the primary one first.
    pub cidr: OneOrMany<Written<Ipv4Net>>,
    /// IPv6 block, or several.
    #[serde(default)]
    pub ipv6: OneOrMany<Written<Ipv6Net>>,
    /// Region, if not the file's.
    #[serde(default)]
    pub region: Option<Written<Region>>,
    /// Whether it is its region's default VPC.
    #[serde(default)]
    pub default: bool,
    /// The largest packet that the way to the internet carries, in bytes; 1500 if absent.
    #[serde(default)]
    pub internet_mtu: Option<At<u16>>,
    /// Subnets by name.
    #[serde(default)]
    pub subnets: Named<SubnetFile>,
    /// Network ACLs by name; `default` is the one that every VPC has.
    #[serde(default)]
    pub network_acls: Named<NetworkAclFile>,
    /// Security groups by name; `default` is the one that every VPC has.
    #[serde(default)]
    pub security_groups: Named<GroupFile>,
    /// Instances by name.
    #[serde(default)]
    pub instances: Named<InstanceFile>,
}

/// A subnet.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SubnetFile {
    /// IPv4 block.
    pub cidr: Written<Ipv4Net>,
    /// IPv6 block.
    #[serde(default)]
    pub ipv6: Option<Written<Ipv6Net>>,
    /// Availability zone; the region's `a` if absent.
    #[serde(default)]
    pub zone: Option<Written<AvailabilityZone>>,
    /// Network ACL; the VPC's default one if absent.
    #[serde(default)]
    pub network_acl: Option<At<String>>,
}

/// A security group.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GroupFile {
    /// Description; the group's name if absent, since AWS demands one.
    #[serde(default)]
    pub description: Option<At<String>>,
    /// Further VPCs whose interfaces may carry it.
    #[serde(default)]
    pub associated_vpcs: Vec<At<String>>,
    /// Inbound rules; absent: those that AWS gives a new group (none).
    #[serde(default)]
    pub inbound: Option<Vec<At<RuleText>>>,
    /// Outbound rules; absent: those that AWS gives a new group (everything).
    #[serde(default)]
    pub outbound: Option<Vec<At<RuleText>>>,
}

/// One instance, or `count` of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InstanceFile {
    /// Subnet of its one interface.
    #[serde(default)]
    pub subnet: Option<At<String>>,
    /// Groups of its one interface; the VPC's default group if absent.
    #[serde(default)]
    pub groups: Option<Vec<At<String>>>,
    /// Primary private IPv4 address of its one interface; the next free one if absent.
    #[serde(default)]
    pub address: Option<Written<Ipv4Addr>>,
    /// Secondary private IPv4 addresses of its one interface, or how many.
    #[serde(default)]
    pub secondary_addresses: Option<SecondaryAddresses>,
    /// IPv6 addresses of its one interface; one if absent and the subnet has IPv6.
    #[serde(default)]
    pub ipv6: Option<Ipv6Choice>,
    /// Whether its one interface drops foreign addresses; yes if absent.
    #[serde(default)]
    pub source_dest_check: Option<bool>,
    /// Idle timeouts of its one interface.
    #[serde(default)]
    pub connection_tracking: Option<ConnectionTrackingFile>,
    /// Interfaces, the primary one first, in place of the keys above.
    #[serde(default)]
    pub interfaces: Vec<At<InterfaceFile>>,
    /// Its type, which decides how long idle TCP connections are remembered.
    #[serde(default)]
    pub instance_type: Option<Written<InstanceType>>,
    /// How many connections its interfaces may track at a time, together; AWS's example if absent.
    #[serde(default)]
    pub connection_allowance: Option<u32>,
    /// Servers to run in it.
    #[serde(default)]
    pub servers: Vec<At<Server>>,
    /// Makes `NAME-1` to `NAME-count`.
    #[serde(default)]
    pub count: Option<At<u16>>,
}

/// One interface of an instance with several.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InterfaceFile {
    /// VPC, if not the one that the instance stands under.
    #[serde(default)]
    pub vpc: Option<At<String>>,
    /// Subnet, in the same zone as the instance's other interfaces.
    pub subnet: At<String>,
    /// Groups; the VPC's default group if absent.
    #[serde(default)]
    pub groups: Option<Vec<At<String>>>,
    /// Primary private IPv4 address; the next free one if absent.
    #[serde(default)]
    pub address: Option<Written<Ipv4Addr>>,
    /// Secondary private IPv4 addresses, or how many.
    #[serde(default)]
    pub secondary_addresses: Option<SecondaryAddresses>,
    /// IPv6 addresses; one if absent and the subnet has IPv6.
    #[serde(default)]
    pub ipv6: Option<Ipv6Choice>,
    /// Whether foreign addresses are dropped; yes if absent.
    #[serde(default)]
    pub source_dest_check: Option<bool>,
    /// Idle timeouts.
    #[serde(default)]
    pub connection_tracking: Option<ConnectionTrackingFile>,
    /// Description.
    #[serde(default)]
    pub description: Option<String>,
}

/// Idle timeouts in seconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConnectionTrackingFile {
    /// `TcpEstablishedTimeout`.
    #[serde(default)]
    pub tcp_established_timeout: Option<u32>,
    /// `UdpTimeout`.
    #[serde(default)]
    pub udp_timeout: Option<u32>,
    /// `UdpStreamTimeout`.
    #[serde(default)]
    pub udp_stream_timeout: Option<u32>,
}

impl From<ConnectionTrackingFile> for ConnectionTrackingSpecification {
    fn from(file: ConnectionTrackingFile) -> Self {
        Self {
            tcp_established: file.tcp_established_timeout,
            udp: file.udp_timeout,
            udp_stream: file.udp_stream_timeout,
        }
    }
}

/// The internet host.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct InternetFile {
    ipv4: Option<Written<Ipv4Addr>>,
    ipv6: Option<Written<Ipv6Addr>>,
    /// Servers to run on it.
    pub servers: Vec<At<Server>>,
}

impl InternetFile {
    /// Its IPv4 address, which is also what `my-ip` stands for.
    pub fn ipv4(&self) -> Ipv4Addr {
        self.ipv4.as_ref().map_or(INTERNET_IPV4, |written| written.0)
    }

    /// Its IPv6 address.
    pub fn ipv6(&self) -> Ipv6Addr {
        self.ipv6.as_ref().map_or(INTERNET_IPV6, |written| written.0)
    }
}

/// Quotas.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct QuotasFile {
    /// Inbound or outbound rules per security group.
    #[serde(default)]
    pub rules_per_group: Option<u32>,
    /// Security groups per network interface.
    #[serde(default)]
    pub groups_per_interface: Option<u32>,
    /// Security groups per region.
    #[serde(default)]
    pub groups_per_region: Option<u32>,
    /// Network ACLs per VPC.
    #[serde(default)]
    pub network_acls_per_vpc: Option<u32>,
    /// Rules per network ACL, in each direction and family.
    #[serde(default)]
    pub rules_per_network_acl: Option<u32>,
    /// Active peerings per VPC.
    #[serde(default)]
    pub active_peerings_per_vpc: Option<u32>,
}

impl From<QuotasFile> for SetQuotas {
    fn from(file: QuotasFile) -> Self {
        Self {
            rules_per_group: file.rules_per_group,
            groups_per_interface: file.groups_per_interface,
            groups_per_region: file.groups_per_region,
            network_acls_per_vpc: file.network_acls_per_vpc,
            rules_per_network_acl: file.rules_per_network_acl,
            active_peerings_per_vpc: file.active_peerings_per_vpc,
        }
    }
}
