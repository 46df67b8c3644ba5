//! A network interface: what security groups attach to (M-08).

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::AwsError;
use super::ids::{AttachmentId, InstanceId, NetworkInterfaceId, SecurityGroupId, SubnetId, VpcId};
use super::instance_type::{InstanceType, TCP_ESTABLISHED_DEFAULT};

/// An Ethernet address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MacAddr(pub [u8; 6]);

impl FromStr for MacAddr {
    type Err = AwsError;

    /// # Errors
    /// `InvalidParameterValue` where the text is not six bytes in hex with colons between.
    fn from_str(text: &str) -> Result<Self, AwsError> {
        let byte = |part: &str| u8::from_str_radix(part, 16).ok().filter(|_| part.len() == 2);
        let bytes = text.split(':').map(byte).collect::<Option<Vec<_>>>();
        let invalid = || AwsError::invalid_value(format!("Invalid MAC address: '{text}'"));
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or_else(invalid)
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Idle timeouts of tracked flows, in seconds: AWS's `ConnectionTrackingConfiguration` (C-21).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionTracking {
    /// `TcpEstablishedTimeout`, 60 to 432 000 s.
    pub tcp_established: u32,
    /// `UdpTimeout`, 30 to 60 s: one direction only, or a single request and response.
    pub udp: u32,
    /// `UdpStreamTimeout`, 60 to 180 s: more than one request and response.
    pub udp_stream: u32,
}

impl Default for ConnectionTracking {
    /// The defaults of every instance generation before Nitro v6 (section 4.4).
    fn default() -> Self {
        Self { tcp_established: TCP_ESTABLISHED_DEFAULT, udp: 30, udp_stream: 180 }
    }
}

/// Idle timeouts that an interface states itself: AWS's `ConnectionTrackingSpecification` (C-21).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionTrackingSpecification {
    /// `TcpEstablishedTimeout`, 60 to 432 000 s.
    pub tcp_established: Option<u32>,
    /// `UdpTimeout`, 30 to 60 s.
    pub udp: Option<u32>,
    /// `UdpStreamTimeout`, 60 to 180 s.
    pub udp_stream: Option<u32>,
}

impl ConnectionTrackingSpecification {
    /// The timeouts in force on an instance of a type: what is stated, and the type's defaults for the rest.
    pub fn on(self, instance_type: Option<&InstanceType>) -> ConnectionTracking {
        let default = ConnectionTracking::default();
        let of_type = instance_type.map_or(default.tcp_established, InstanceType::tcp_established_default);
        ConnectionTracking {
            tcp_established: self.tcp_established.unwrap_or(of_type),
            udp: self.udp.unwrap_or(default.udp),
            udp_stream: self.udp_stream.unwrap_or(default.udp_stream),
        }
    }
}

/// Where an interface is attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The attachment's id.
    pub id: AttachmentId,
    /// The instance.
    pub instance_id: InstanceId,
    /// 0 is the primary interface, which cannot be detached (M-11).
    pub device_index: u8,
    /// Whether the interface is deleted with its instance.
    pub delete_on_termination: bool,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkInterface {
    /// Its id.
    pub id: NetworkInterfaceId,
    /// Identity in the data plane (24 bits), never used twice, so state cannot cross from one interface to the next.
    pub number: u32,
    /// Index into the data plane's interface array; free again once the interface is deleted.
    pub slot: u32,
    /// Its VPC.
    pub vpc_id: VpcId,
    /// Its subnet.
    pub subnet_id: SubnetId,
    /// Its Ethernet address.
    pub mac: MacAddr,
    /// Private IPv4 addresses, the primary one first. Never empty.
    pub private_ipv4: Vec<Ipv4Addr>,
    /// IPv6 addresses.
    pub ipv6: Vec<Ipv6Addr>,
    /// Its groups, in the order given; at least one (M-13).
    pub groups: Vec<SecurityGroupId>,
    /// Whether foreign addresses are dropped (M-17).
    pub source_dest_check: bool,
    /// Idle timeouts in force: what is stated, and for the rest the defaults of its instance's type.
    pub connection_tracking: ConnectionTracking,
    /// Idle timeouts that it states itself (C-21).
    #[serde(default)]
    pub connection_tracking_specification: ConnectionTrackingSpecification,
    /// Where it is attached, if it is.
    pub attachment: Option<Attachment>,
    /// Description.
    pub description: String,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}
