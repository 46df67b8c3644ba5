//! Regions and availability zones: a group belongs to one region and cannot be used from another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::AwsError;

/// A region's name, such as `us-east-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

impl Region {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The region's zone with this letter.
    pub fn zone(&self, letter: char) -> AvailabilityZone {
        AvailabilityZone(format!("{}{letter}", self.0))
    }
}

impl Default for Region {
    fn default() -> Self {
        Self("us-east-1".to_owned())
    }
}

impl FromStr for Region {
    type Err = AwsError;

    /// # Errors
    /// `InvalidParameterValue` where the text is not words, dashes and a final number.
    fn from_str(text: &str) -> Result<Self, AwsError> {
        let mut parts = text.split('-').collect::<Vec<_>>();
        let number = parts.pop().unwrap_or_default();
        let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
        if parts.len() >= 2 && parts.iter().all(is_word) && matches!(number.as_bytes(), [b'1'..=b'9']) {
            Ok(Self(text.to_owned()))
        } else {
            Err(AwsError::invalid_value(format!(
                "Invalid region: '{text}' (expecting a name such as us-east-1)"
            )))
        }
    }
}

impl TryFrom<String> for Region {
    type Error = AwsError;

    fn try_from(text: String) -> Result<Self, AwsError> {
        text.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> String {
        region.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// An availability zone's name: its region and a letter, such as `us-east-1a`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AvailabilityZone(String);

impl AvailabilityZone {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its id, such as `use1-az1` for `us-east-1a`. AWS shuffles letters among accounts; here they are in order.
    pub fn zone_id(&self) -> String {
        let region = self.region();
        let mut parts = region.as_str().split('-');
        let mut short = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            short.push_str(match part {
                "northeast" => "ne",
                "northwest" => "nw",
                "southeast" => "se",
                "southwest" => "sw",
                other => other.get(..1).unwrap_or_default(),
            });
        }
        let letter = self.0.bytes().last().unwrap_or(b'a');
        format!("{short}-az{}", u32::from(letter.saturating_sub(b'a')) + 1)
    }

    /// The region that the zone is in.
    pub fn region(&self) -> Region {
        Region(self.0[..self.0.len() - 1].to_owned())
    }
}

impl FromStr for AvailabilityZone {
    type Err = AwsError;

    /// # Errors
    /// `InvalidParameterValue` where the text is not a region's name and a letter.
    fn from_str(text: &str) -> Result<Self, AwsError> {
        let region =
            text.strip_suffix(|c: char| c.is_ascii_lowercase()).and_then(|name| name.parse::<Region>().ok());
        match region {
            Some(_) => Ok(Self(text.to_owned())),
            None => Err(AwsError::invalid_value(format!("Invalid availability zone: [{text}]"))),
        }
    }
}

impl TryFrom<String> for AvailabilityZone {
    type Error = AwsError;

    fn try_from(text: String) -> Result<Self, AwsError> {
        text.parse()
    }
}

impl From<AvailabilityZone> for String {
    fn from(zone: AvailabilityZone) -> String {
        zone.0
    }
}

impl fmt::Display for AvailabilityZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
