//! Instance types, as far as security groups notice them: how long an idle TCP connection is remembered.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::AwsError;

/// `TcpEstablishedTimeout` where an interface states none, before Nitro v6 (section 4.4).
pub const TCP_ESTABLISHED_DEFAULT: u32 = 432_000;
/// The same on Nitro v6 (section 4.4).
pub const TCP_ESTABLISHED_NITRO_V6: u32 = 350;

/// The families that AWS's instance type specifications (docs.aws.amazon.com/ec2/latest/instancetypes, pages gp, co, mo,
/// so, ac and hpc, tables "Instance family summary", 2026) call Nitro v6. P6e-GB200, which the tracking page exempts, is
/// not among them.
const NITRO_V6: [&str; 38] = [
    "c8a", "c8gb", "c8gn", "c8i", "c8i-flex", "c8ib", "c8id", "c8in", "c8ine", "hpc8a", "i8ge", "m8a",
    "m8azn", "m8gb", "m8gn", "m8i", "m8i-flex", "m8ib", "m8id", "m8idb", "m8idn", "m8in", "m8ine", "m9g",
    "m9gd", "p6-b200", "r8a", "r8gb", "r8gn", "r8i", "r8i-flex", "r8ib", "r8id", "r8idb", "r8idn", "r8in",
    "x8aedz", "x8i",
];

/// An instance type, such as `m8i.large`: a family and a size. Which sizes a family has is not checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceType(String);

impl InstanceType {
    /// The type as AWS writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the dot.
    pub fn family(&self) -> &str {
        self.0.split_once('.').map_or(&self.0, |(family, _)| family)
    }

    /// How long its interfaces remember an idle TCP connection unless they say otherwise, in seconds (section 4.4).
    pub fn tcp_established_default(&self) -> u32 {
        if NITRO_V6.contains(&self.family()) { TCP_ESTABLISHED_NITRO_V6 } else { TCP_ESTABLISHED_DEFAULT }
    }
}

impl FromStr for InstanceType {
    type Err = AwsError;

    /// # Errors
    /// `InvalidParameterValue` where the text is not two words of small letters, digits and dashes with a dot between.
    fn from_str(text: &str) -> Result<Self, AwsError> {
        let is_word = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        match text.split_once('.') {
            Some((family, size)) if is_word(family) && is_word(size) => Ok(Self(text.to_owned())),
            _ => Err(AwsError::invalid_value(format!("Invalid value '{text}' for InstanceType."))),
        }
    }
}

impl TryFrom<String> for InstanceType {
    type Error = AwsError;

    fn try_from(text: String) -> Result<Self, AwsError> {
        text.parse()
    }
}

impl From<InstanceType> for String {
    fn from(kind: InstanceType) -> String {
        kind.0
    }
}

impl fmt::Display for InstanceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
