//! Tags: what can have them, by id, and their limits (M-02).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::AwsError;
use super::ids::{self, SecurityGroupRuleId};
use super::world::{World, with_kinds};

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

/// A resource that can have tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged<'w> {
    /// Creation order.
    pub number: u32,
    /// Its id.
    pub id: ResourceId,
    /// AWS's name for its kind.
    pub kind: &'static str,
    /// Its tags by key.
    pub tags: &'w BTreeMap<String, String>,
}

macro_rules! resources {
    ($($table:ident: $module:ident::$kind:ident($id:ident) = $name:literal,)*) => {
        /// The id of something that can have tags.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum ResourceId {
            $(
                #[doc = concat!("A ", $name, ".")]
                $kind(ids::$id),
            )*
            /// A security group's rule, which is kept in its group.
            SecurityGroupRule(SecurityGroupRuleId),
        }

        impl ResourceId {
            /// AWS's name for its kind.
            pub const fn kind(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => $name,)*
                    Self::SecurityGroupRule(_) => "security-group-rule",
                }
            }

            /// AWS's answer for an id that names nothing.
            pub fn not_found(&self) -> AwsError {
                match self {
                    $(Self::$kind(id) => id.not_found(),)*
                    Self::SecurityGroupRule(id) => id.not_found(),
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
                    $(ids::$id::PREFIX => text.parse().map(Self::$kind),)*
                    SecurityGroupRuleId::PREFIX => text.parse().map(Self::SecurityGroupRule),
                    _ => Err(AwsError::new("InvalidID", format!("The ID '{text}' is not valid"))),
                }
            }
        }

        impl fmt::Display for ResourceId {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$kind(id) => id.fmt(f),)*
                    Self::SecurityGroupRule(id) => id.fmt(f),
                }
            }
        }

        $(impl From<ids::$id> for ResourceId {
            fn from(id: ids::$id) -> Self {
                Self::$kind(id)
            }
        })*

        impl World {
            /// The tags of what has this id.
            pub fn tags(&self, id: &ResourceId) -> Option<&BTreeMap<String, String>> {
                match id {
                    $(ResourceId::$kind(id) => self.$table.get(id).map(|it| &it.tags),)*
                    ResourceId::SecurityGroupRule(id) => {
                        self.rules().find(|rule| rule.id == *id).map(|rule| &rule.tags)
                    }
                }
            }

            /// Everything that can have tags.
            pub fn tagged(&self) -> impl Iterator<Item = Tagged<'_>> {
                let rules = self.rules().map(|it| Tagged {
                    number: it.number,
                    id: ResourceId::SecurityGroupRule(it.id.clone()),
                    kind: "security-group-rule",
                    tags: &it.tags,
                });
                rules$(.chain(self.$table.values().map(|it| Tagged {
                    number: it.number,
                    id: ResourceId::$kind(it.id.clone()),
                    kind: $name,
                    tags: &it.tags,
                })))*
            }
        }
    };
}

with_kinds!(resources);

impl From<SecurityGroupRuleId> for ResourceId {
    fn from(id: SecurityGroupRuleId) -> Self {
        Self::SecurityGroupRule(id)
    }
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
