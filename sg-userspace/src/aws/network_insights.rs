//! Network insights, AWS's Reachability Analyzer: paths that are asked about, and what was found when they were (RA-01 to
//! RA-04).

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::AwsError;
use super::ids::{
    InstanceId, InternetGatewayId, NetworkInsightsAnalysisId, NetworkInsightsPathId, NetworkInterfaceId,
    SecurityGroupId, SubnetId, VpcId,
};
use super::network_acl::NetworkAclEntry;
use super::region::Region;
use super::rule::{Direction, SecurityGroupRule};
use super::tag::ResourceId;

/// An end of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PathEnd {
    /// An instance, by whichever of its interfaces.
    Instance(InstanceId),
    /// One interface.
    NetworkInterface(NetworkInterfaceId),
    /// The internet.
    InternetGateway(InternetGatewayId),
}

impl PathEnd {
    /// It among everything that has an id.
    pub fn resource(&self) -> ResourceId {
        match self {
            Self::Instance(id) => id.clone().into(),
            Self::NetworkInterface(id) => id.clone().into(),
            Self::InternetGateway(id) => id.clone().into(),
        }
    }

    /// Whether it is the internet.
    pub fn is_internet(&self) -> bool {
        matches!(self, Self::InternetGateway(_))
    }
}

impl FromStr for PathEnd {
    type Err = AwsError;

    /// # Errors
    /// As for ids of resources; `UnsupportedOperation` for those that no path here begins or ends at.
    fn from_str(text: &str) -> Result<Self, AwsError> {
        match text.parse()? {
            ResourceId::Instance(id) => Ok(Self::Instance(id)),
            ResourceId::NetworkInterface(id) => Ok(Self::NetworkInterface(id)),
            ResourceId::InternetGateway(id) => Ok(Self::InternetGateway(id)),
            other => Err(AwsError::new(
                "UnsupportedOperation",
                format!(
                    "A path from or to {other} is not supported by sgsim; name an instance, an interface or an internet gateway."
                ),
            )),
        }
    }
}

/// What a path carries (RA-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PathProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl FromStr for PathProtocol {
    type Err = AwsError;

    /// # Errors
    /// `InvalidParameterValue` for every other protocol.
    fn from_str(text: &str) -> Result<Self, AwsError> {
        match text {
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            _ => Err(AwsError::invalid_value(format!(
                "Value ({text}) for parameter Protocol is invalid. Expecting tcp, udp."
            ))),
        }
    }
}

impl fmt::Display for PathProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// A path: a question that can be asked again and again. It stays when its ends go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkInsightsPath {
    /// Its id.
    pub id: NetworkInsightsPathId,
    /// Creation order.
    pub number: u32,
    /// Its region.
    pub region: Region,
    /// Where it begins.
    pub source: PathEnd,
    /// The source address; none for whichever the source has.
    pub source_ip: Option<Ipv4Addr>,
    /// Where it ends; none for whoever has the address.
    pub destination: Option<PathEnd>,
    /// The destination address; none for whichever the destination has.
    pub destination_ip: Option<Ipv4Addr>,
    /// What it carries.
    pub protocol: PathProtocol,
    /// The destination port; none for whichever gets through.
    pub destination_port: Option<u16>,
    /// When it was made, in Unix seconds.
    pub created: u64,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

/// An analysis of a path: what was found when it was started, whatever has become of it since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkInsightsAnalysis {
    /// Its id.
    pub id: NetworkInsightsAnalysisId,
    /// Creation order.
    pub number: u32,
    /// The path.
    pub path_id: NetworkInsightsPathId,
    /// When it was started, in Unix seconds.
    pub started: u64,
    /// What was found.
    pub outcome: Outcome,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

/// What an analysis came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It could not be made, for this reason.
    Failed(String),
    /// It was made.
    Succeeded(Box<Found>),
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Whether a flow gets through, and answers do if it needs any.
    pub is_found: bool,
    /// The source address that was asked about.
    pub source: IpAddr,
    /// The destination address.
    pub destination: IpAddr,
    /// The destination port.
    pub destination_port: Option<u16>,
    /// Components that the flow passes, in order (RA-04); none where it does not get through.
    pub forward: Vec<PathStep>,
    /// Components that answers pass.
    pub back: Vec<PathStep>,
    /// Everything that stops it (RA-03); nothing where it gets through.
    pub explanations: Vec<PathStep>,
}

/// A component that lets a flow pass, or why one does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PathStep {
    /// The component.
    pub component: Option<ResourceId>,
    /// As the interface at that end sees the packet.
    pub direction: Option<Direction>,
    /// AWS's code of what stops it.
    pub code: Option<String>,
    /// The interface at that end.
    pub network_interface_id: Option<NetworkInterfaceId>,
    /// The instance that the interface is attached to.
    pub instance_id: Option<InstanceId>,
    /// The interface's subnet.
    pub subnet_id: Option<SubnetId>,
    /// The interface's VPC.
    pub vpc_id: Option<VpcId>,
    /// The interface's groups, where those are what stops it.
    pub security_group_ids: Vec<SecurityGroupId>,
    /// The group's rule.
    pub rule: Option<SecurityGroupRule>,
    /// The ACL's entry.
    pub acl_entry: Option<NetworkAclEntry>,
    /// The address that it is about.
    pub address: Option<IpAddr>,
}
