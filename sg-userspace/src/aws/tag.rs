//! Tags: what can have them, by id, and their limits (M-02).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::AwsError;
use super::ids::{
    InstanceId, NetworkAclId, NetworkInterfaceId, PrefixListId, SecurityGroupId, SecurityGroupRuleId,
    SubnetId, VpcId, VpcPeeringConnectionId,
};
use super::world::World;

/// The tag that names a resource; an instance's is its host name.
pub const NAME: &str = "Name";
/// What keys of AWS's own tags start with.
pub const RESERVED_PREFIX: &str = "aws:";
/// The most tags of a resource.
pub const MAX_TAGS: usize = 50;
/// The longest key, in characters.
pub const MAX_KEY: usize = 127;
/// The longest value, in characters.
pub const MAX_VALUE: usize = 256;

macro_rules! resources {
    ($($(#[$doc:meta])* $kind:ident($id:ident),)*) => {
        /// The id of something that can have tags.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum ResourceId {
            $($(#[$doc])* $kind($id),)*
        }

        impl ResourceId {
            /// AWS's answer for an id that names nothing.
            pub fn not_found(&self) -> AwsError {
                match self {
                    $(Self::$kind(id) => id.not_found(),)*
                }
            }
        }

        impl FromStr for ResourceId {
            type Err = AwsError;

            /// # Errors
            /// AWS's malformed-id code for the kind that the text starts like; `InvalidID` where it starts like none.
            fn from_str(text: &str) -> Result<Self, AwsError> {
                let prefix = text.rsplit_once('-').map_or("", |(prefix, _)| prefix);
                match prefix {
                    $($id::PREFIX => text.parse().map(Self::$kind),)*
                    _ => Err(AwsError::new("InvalidID", format!("The ID '{text}' is not valid"))),
                }
            }
        }

        impl fmt::Display for ResourceId {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$kind(id) => id.fmt(f),)*
                }
            }
        }

        $(impl From<$id> for ResourceId {
            fn from(id: $id) -> Self {
                Self::$kind(id)
            }
        })*
    };
}

resources! {
    /// A VPC.
    Vpc(VpcId),
    /// A subnet.
    Subnet(SubnetId),
    /// An instance.
    Instance(InstanceId),
    /// A network interface.
    NetworkInterface(NetworkInterfaceId),
    /// A security group.
    SecurityGroup(SecurityGroupId),
    /// A security group rule.
    SecurityGroupRule(SecurityGroupRuleId),
    /// A prefix list.
    PrefixList(PrefixListId),
    /// A network ACL.
    NetworkAcl(NetworkAclId),
    /// A peering.
    VpcPeeringConnection(VpcPeeringConnectionId),
}

impl TryFrom<String> for ResourceId {
    type Error = AwsError;

    fn try_from(text: String) -> Result<Self, AwsError> {
        text.parse()
    }
}

impl From<ResourceId> for String {
    fn from(id: ResourceId) -> String {
        id.to_string()
    }
}

impl World {
    /// The tags of what has this id.
    pub fn tags(&self, id: &ResourceId) -> Option<&BTreeMap<String, String>> {
        match id {
            ResourceId::Vpc(id) => self.vpcs.get(id).map(|it| &it.tags),
            ResourceId::Subnet(id) => self.subnets.get(id).map(|it| &it.tags),
            ResourceId::Instance(id) => self.instances.get(id).map(|it| &it.tags),
            ResourceId::NetworkInterface(id) => self.network_interfaces.get(id).map(|it| &it.tags),
            ResourceId::SecurityGroup(id) => self.security_groups.get(id).map(|it| &it.tags),
            ResourceId::SecurityGroupRule(id) => self
                .security_groups
                .values()
                .find_map(|group| group.rules.iter().find(|rule| rule.id == *id))
                .map(|it| &it.tags),
            ResourceId::PrefixList(id) => self.prefix_lists.get(id).map(|it| &it.tags),
            ResourceId::NetworkAcl(id) => self.network_acls.get(id).map(|it| &it.tags),
            ResourceId::VpcPeeringConnection(id) => self.vpc_peering_connections.get(id).map(|it| &it.tags),
        }
    }
}
