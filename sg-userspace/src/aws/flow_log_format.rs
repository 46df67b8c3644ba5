//! What a flow log's records are made of: the fields of each version (F-02, F-03), and ours.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::AwsError;

macro_rules! fields {
    ($($(#[$doc:meta])* $field:ident = $name:literal, $version:literal;)*) => {
        /// A field of a record.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {
            $($(#[$doc])* $field,)*
        }

        impl Field {
            /// Every field.
            pub const ALL: &[Self] = &[$(Self::$field,)*];

            /// Its name, as a format has it between braces.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $name,)*
                }
            }

            /// The version of the record that has it (F-03); 0 where it is ours.
            pub const fn version(self) -> u8 {
                match self {
                    $(Self::$field => $version,)*
                }
            }
        }
    };
}

fields! {
    /// The highest version among the format's fields.
    Version = "version", 2;
    /// The account of the interface.
    AccountId = "account-id", 2;
    /// The interface.
    InterfaceId = "interface-id", 2;
    /// Source address; of what leaves, the interface's primary one (F-09).
    SrcAddr = "srcaddr", 2;
    /// Destination address; of what comes in, the interface's primary one (F-09).
    DstAddr = "dstaddr", 2;
    /// Source port.
    SrcPort = "srcport", 2;
    /// Destination port.
    DstPort = "dstport", 2;
    /// IANA protocol number.
    Protocol = "protocol", 2;
    /// Packets.
    Packets = "packets", 2;
    /// Bytes.
    Bytes = "bytes", 2;
    /// When the first packet was seen, in Unix seconds.
    Start = "start", 2;
    /// When the last packet was seen, in Unix seconds.
    End = "end", 2;
    /// ACCEPT or REJECT (F-04).
    Action = "action", 2;
    /// OK, NODATA or SKIPDATA (F-05).
    LogStatus = "log-status", 2;
    /// The VPC.
    VpcId = "vpc-id", 3;
    /// The subnet.
    SubnetId = "subnet-id", 3;
    /// The instance.
    InstanceId = "instance-id", 3;
    /// TCP flags (F-07).
    TcpFlags = "tcp-flags", 3;
    /// IPv4 or IPv6 (F-08).
    Type = "type", 3;
    /// Source address as in the packet (F-09).
    PktSrcAddr = "pkt-srcaddr", 3;
    /// Destination address as in the packet (F-09).
    PktDstAddr = "pkt-dstaddr", 3;
    /// The region.
    Region = "region", 4;
    /// The availability zone's id.
    AzId = "az-id", 4;
    /// Wavelength, outpost or local zone: none here.
    SublocationType = "sublocation-type", 4;
    /// Which: none here.
    SublocationId = "sublocation-id", 4;
    /// The service behind the source address: not known here.
    PktSrcAwsService = "pkt-src-aws-service", 5;
    /// The service behind the destination address: not known here.
    PktDstAwsService = "pkt-dst-aws-service", 5;
    /// Ingress or egress (F-08).
    FlowDirection = "flow-direction", 5;
    /// The way that egress takes (F-08).
    TrafficPath = "traffic-path", 5;
    /// ECS, none of which is here.
    EcsClusterArn = "ecs-cluster-arn", 7;
    /// ECS, none of which is here.
    EcsClusterName = "ecs-cluster-name", 7;
    /// ECS, none of which is here.
    EcsContainerInstanceArn = "ecs-container-instance-arn", 7;
    /// ECS, none of which is here.
    EcsContainerInstanceId = "ecs-container-instance-id", 7;
    /// ECS, none of which is here.
    EcsContainerId = "ecs-container-id", 7;
    /// ECS, none of which is here.
    EcsSecondContainerId = "ecs-second-container-id", 7;
    /// ECS, none of which is here.
    EcsServiceName = "ecs-service-name", 7;
    /// ECS, none of which is here.
    EcsTaskDefinitionArn = "ecs-task-definition-arn", 7;
    /// ECS, none of which is here.
    EcsTaskArn = "ecs-task-arn", 7;
    /// ECS, none of which is here.
    EcsTaskId = "ecs-task-id", 7;
    /// A reason other than groups and ACLs, of which AWS has names for two: never here.
    RejectReason = "reject-reason", 8;
    /// Ours: the rule, or the network ACL's entry, that decided.
    SgsimRule = "sgsim-rule", 0;
    /// Ours: every reason that packets of the record had.
    SgsimReason = "sgsim-reason", 0;
    /// Ours, of SKIPDATA: packets without a record.
    SgsimLostPackets = "sgsim-lost-packets", 0;
    /// Ours, of SKIPDATA: their bytes.
    SgsimLostBytes = "sgsim-lost-bytes", 0;
}

/// The fields of a record, in order. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LogFormat(Vec<Field>);

impl LogFormat {
    /// The fields.
    pub fn fields(&self) -> &[Field] {
        &self.0
    }

    /// Whether a field is among them.
    pub fn has(&self, field: Field) -> bool {
        self.0.contains(&field)
    }

    /// What the field `version` says: the highest version among the fields (F-03).
    pub fn version(&self) -> u8 {
        self.0.iter().map(|field| field.version()).max().unwrap_or_default().max(2)
    }

    /// The fields' names, as the first line of a file in S3.
    pub fn header(&self) -> String {
        self.0.iter().map(|field| field.name()).collect::<Vec<_>>().join(" ")
    }
}

impl Default for LogFormat {
    /// The fields of version 2 (F-02).
    fn default() -> Self {
        Self(Field::ALL.iter().copied().filter(|field| field.version() == 2).collect())
    }
}

impl FromStr for LogFormat {
    type Err = AwsError;

    /// # Errors
    /// `InvalidParameter` for what is not fields, each as `${name}`, with spaces between (F-13).
    fn from_str(text: &str) -> Result<Self, AwsError> {
        let field = |word: &str| {
            let name = word.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
            Field::ALL.iter().copied().find(|field| Some(field.name()) == name)
        };
        match text.split_whitespace().map(field).collect::<Option<Vec<_>>>() {
            Some(fields) if !fields.is_empty() => Ok(Self(fields)),
            _ => Err(AwsError::new("InvalidParameter", "Unknown fields provided")),
        }
    }
}

impl TryFrom<String> for LogFormat {
    type Error = AwsError;

    fn try_from(text: String) -> Result<Self, AwsError> {
        text.parse()
    }
}

impl From<LogFormat> for String {
    fn from(format: LogFormat) -> Self {
        format.to_string()
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.0.iter().map(|field| format!("${{{}}}", field.name()));
        f.pad(&fields.collect::<Vec<_>>().join(" "))
    }
}
