//! Flow logs: what covers which interfaces, and what its records are made of (F-01 to F-03).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::AwsError;
use super::flow_log_format::LogFormat;
use super::ids::{FlowLogId, NetworkInterfaceId, SubnetId, VpcId};
use super::interface::NetworkInterface;
use super::world::World;

/// What a flow log is on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FlowLogResource {
    /// Every interface of a VPC.
    #[serde(rename = "VPC")]
    Vpc(VpcId),
    /// Every interface of a subnet.
    Subnet(SubnetId),
    /// One interface.
    NetworkInterface(NetworkInterfaceId),
}

impl FlowLogResource {
    /// Whether this interface is meant.
    pub fn covers(&self, interface: &NetworkInterface) -> bool {
        match self {
            Self::Vpc(id) => interface.vpc_id == *id,
            Self::Subnet(id) => interface.subnet_id == *id,
            Self::NetworkInterface(id) => interface.id == *id,
        }
    }

    /// Its VPC, as long as it exists.
    pub fn vpc_id<'w>(&'w self, world: &'w World) -> Option<&'w VpcId> {
        match self {
            Self::Vpc(id) => world.vpcs.contains_key(id).then_some(id),
            Self::Subnet(id) => world.subnets.get(id).map(|subnet| &subnet.vpc_id),
            Self::NetworkInterface(id) => world.network_interfaces.get(id).map(|interface| &interface.vpc_id),
        }
    }
}

impl fmt::Display for FlowLogResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vpc(id) => id.fmt(f),
            Self::Subnet(id) => id.fmt(f),
            Self::NetworkInterface(id) => id.fmt(f),
        }
    }
}

/// An enumeration of AWS's words: each is written and read as AWS has it.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $parameter:literal { $($(#[$of:meta])* $word:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $text)] $word,)*
        }

        impl $name {
            /// The word as AWS writes it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)*
                }
            }
        }

        impl FromStr for $name {
            type Err = AwsError;

            /// # Errors
            /// `InvalidParameterValue` for any other word.
            fn from_str(text: &str) -> Result<Self, AwsError> {
                match text {
                    $($text => Ok(Self::$word),)*
                    _ => Err(AwsError::invalid_value(format!(
                        "Value ({text}) for parameter {} is invalid. Expecting {}.",
                        $parameter,
                        [$($text),*].join(", ")
                    ))),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// Which traffic has records.
    TrafficType, "TrafficType" {
        /// What went on.
        Accept = "ACCEPT",
        /// What did not.
        Reject = "REJECT",
        /// Both.
        All = "ALL",
    }
}

impl TrafficType {
    /// Whether traffic that was accepted, or was not, has records.
    pub fn has(self, accepted: bool) -> bool {
        self == Self::All || (self == Self::Accept) == accepted
    }
}

words! {
    /// Where AWS would deliver. Here it only says how a file of records looks.
    DestinationType, "LogDestinationType" {
        /// CloudWatch Logs.
        CloudWatchLogs = "cloud-watch-logs",
        /// S3.
        S3 = "s3",
        /// Data Firehose.
        KinesisDataFirehose = "kinesis-data-firehose",
    }
}

/// Where AWS would deliver records, as the caller said it; kept and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// Its kind.
    pub kind: DestinationType,
    /// The CloudWatch log group, by name.
    #[serde(default)]
    pub log_group_name: Option<String>,
    /// The log group, bucket or stream, by ARN.
    #[serde(default)]
    pub arn: Option<String>,
    /// The role that may write there.
    #[serde(default)]
    pub permission_arn: Option<String>,
    /// The role that may write there for another account.
    #[serde(default)]
    pub cross_account_role: Option<String>,
    /// How S3's files are laid out.
    #[serde(default)]
    pub s3: S3Options,
}

/// How S3's files are laid out: AWS's `DestinationOptions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct S3Options {
    /// `plain-text`, which is what there is, or `parquet`.
    pub file_format: Option<String>,
    /// Whether directories are named in Hive's way.
    pub hive_compatible_partitions: bool,
    /// Whether there is a directory an hour.
    pub per_hour_partition: bool,
}

/// A flow log. Nothing about it but its tags ever changes (F-01).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowLog {
    /// Its id.
    pub id: FlowLogId,
    /// Creation order.
    pub number: u32,
    /// The account that its records name.
    pub account_id: String,
    /// What it is on.
    pub resource: FlowLogResource,
    /// Which traffic it has.
    pub traffic_type: TrafficType,
    /// Where AWS would deliver.
    pub destination: Destination,
    /// What its records are made of.
    pub format: LogFormat,
    /// The longest window that it asks for, in seconds: 60 or 600 (F-01).
    pub max_aggregation_interval: u32,
    /// When it was made, in Unix seconds.
    pub created: u64,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

impl World {
    /// The flow logs that cover an interface.
    pub fn flow_logs_of<'w>(&'w self, interface: &'w NetworkInterface) -> impl Iterator<Item = &'w FlowLog> {
        self.flow_logs.values().filter(|log| log.resource.covers(interface))
    }
}
