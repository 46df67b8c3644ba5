//! Tags of everything that can have them (M-02).
//!
//! An instance that is made with the tag `Name` has that as its host name where it can: see `instance`. What the tag says
//! later changes no host name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::tag::{MAX_KEY, MAX_TAGS, MAX_VALUE, RESERVED_PREFIX, ResourceId};

use super::Reply;
use super::edit::Edit;

type Tags = BTreeMap<String, String>;

/// Sets tags of resources; a key that one has already gets the new value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateTags {
    /// The resources.
    pub resources: Vec<ResourceId>,
    /// The tags by key.
    pub tags: Tags,
}

impl CreateTags {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        if self.tags.is_empty() {
            return Err(missing("Tag"));
        }
        check(&self.tags)?;
        each(edit, &self.resources, |now| {
            now.extend(self.tags.clone());
            check(&own(now))
        })
    }
}

/// A tag to delete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagToDelete {
    /// Its key.
    pub key: String,
    /// Where given, the tag goes only if this is its value.
    #[serde(default)]
    pub value: Option<String>,
}

/// Deletes tags of resources. One that a resource does not have is passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteTags {
    /// The resources.
    pub resources: Vec<ResourceId>,
    /// The tags; none stands for all of them.
    #[serde(default)]
    pub tags: Vec<TagToDelete>,
}

impl DeleteTags {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let Self { resources, tags } = self;
        each(edit, &resources, |now| {
            now.retain(|key, value| {
                let is_asked_for =
                    |tag: &TagToDelete| tag.key == *key && tag.value.as_ref().is_none_or(|it| it == value);
                !tags.is_empty() && !tags.iter().any(is_asked_for)
            });
            Ok(())
        })
    }
}

/// Tags for a new resource, if AWS takes them.
pub(super) fn checked(tags: Tags) -> Result<Tags, AwsError> {
    check(&tags)?;
    Ok(tags)
}

/// Tags without AWS's own, which objects from elsewhere may have: those do not count (M-02).
pub(super) fn own(tags: &Tags) -> Tags {
    let own = tags.iter().filter(|(key, _)| !key.to_ascii_lowercase().starts_with(RESERVED_PREFIX));
    own.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Changes the tags of each resource.
fn each(
    edit: &mut Edit<'_>,
    resources: &[ResourceId],
    change: impl Fn(&mut Tags) -> Result<(), AwsError>,
) -> Result<Reply, AwsError> {
    if resources.is_empty() {
        return Err(missing("ResourceId"));
    }
    for id in resources {
        change(edit.tags_mut(id)?)?;
    }
    Ok(Reply::Done)
}

fn check(tags: &Tags) -> Result<(), AwsError> {
    for (key, value) in tags {
        if key.is_empty() || key.to_ascii_lowercase().starts_with(RESERVED_PREFIX) {
            return Err(AwsError::new(
                "InvalidTagKey.Malformed",
                format!(
                    "Tag key '{key}' is not valid. Tag keys cannot be empty and cannot start with {RESERVED_PREFIX}"
                ),
            ));
        }
        for (what, text, most) in [("key", key, MAX_KEY), ("value", value, MAX_VALUE)] {
            if text.chars().count() > most {
                return Err(AwsError::invalid_value(format!(
                    "Tag {what} exceeds the maximum length of {most} characters"
                )));
            }
        }
    }
    if tags.len() > MAX_TAGS {
        return Err(AwsError::new(
            "TagLimitExceeded",
            "The maximum number of Tags for a resource has been reached.",
        ));
    }
    Ok(())
}

fn missing(parameter: &str) -> AwsError {
    AwsError::new("MissingParameter", format!("The request must contain the parameter {parameter}"))
}
