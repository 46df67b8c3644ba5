//! A JSON value with its place, read as the types that the model wants. Sources that come from YAML or from parameters write
//! numbers and truths as text, or text as numbers, so either is taken for the other where it can be.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::Value;

use crate::aws::error::AwsError;

use super::error::{ImportError, Place};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node<'v> {
    value: &'v Value,
    file: &'v str,
    path: String,
}

impl<'v> Node<'v> {
    /// A document of a file.
    pub(super) fn root(file: &'v str, value: &'v Value) -> Self {
        Self { value, file, path: String::new() }
    }

    /// An item that stands at a place.
    pub(super) fn at(place: &'v Place, value: &'v Value) -> Self {
        Self { value, file: &place.file, path: place.path.clone() }
    }

    pub(super) fn value(&self) -> &'v Value {
        self.value
    }

    pub(super) fn file(&self) -> &'v str {
        self.file
    }

    pub(super) fn place(&self) -> Place {
        Place { file: self.file.to_owned(), path: self.path.clone() }
    }

    pub(super) fn error(&self, message: impl Into<String>) -> ImportError {
        self.place().error(message)
    }

    pub(super) fn refused(&self, error: AwsError) -> ImportError {
        self.place().refused(error)
    }

    fn child(&self, key: &str, value: &'v Value) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { value, file: self.file, path }
    }

    /// The keys and values of an object.
    pub(super) fn entries(&self) -> Vec<(&'v str, Self)> {
        let object = self.value.as_object().into_iter().flatten();
        object.map(|(key, value)| (key.as_str(), self.child(key, value))).collect()
    }

    /// What stands under a key; `null` is nothing.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.as_object()?.get(key).filter(|value| !value.is_null())?;
        Some(self.child(key, value))
    }

    /// What must stand under a key.
    pub(super) fn required(&self, key: &str) -> Result<Self, ImportError> {
        self.get(key).ok_or_else(|| self.error(format!("there is no `{key}`")))
    }

    /// The items of this list.
    pub(super) fn items(&self) -> Result<Vec<Self>, ImportError> {
        let items = self.value.as_array().ok_or_else(|| self.error("this is no list"))?;
        let item = |(index, value)| Self { value, file: self.file, path: format!("{}[{index}]", self.path) };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// The items of the list under a key; none where there is none.
    pub(super) fn list(&self, key: &str) -> Result<Vec<Self>, ImportError> {
        self.get(key).map_or(Ok(Vec::new()), |list| list.items())
    }

    /// This as text.
    pub(super) fn as_text(&self) -> Result<String, ImportError> {
        match self.value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(flag) => Ok(flag.to_string()),
            _ => Err(self.error("this is no text")),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>, ImportError> {
        self.get(key).map(|node| node.as_text()).transpose()
    }

    /// The text under a key, if it is not empty.
    pub(super) fn filled(&self, key: &str) -> Result<Option<String>, ImportError> {
        Ok(self.text(key)?.filter(|text| !text.is_empty()))
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, ImportError> {
        self.get(key).map(|node| node.as_flag()).transpose()
    }

    /// This as true or false.
    pub(super) fn as_flag(&self) -> Result<bool, ImportError> {
        match self.as_text()?.as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(self.error(format!("`{other}` is neither true nor false"))),
        }
    }

    /// A number under a key, of a type that it fits into.
    pub(super) fn number<T: FromStr>(&self, key: &str) -> Result<Option<T>, ImportError> {
        let Some(node) = self.get(key) else { return Ok(None) };
        let text = node.as_text()?;
        text.parse().map(Some).map_err(|_| node.error(format!("`{text}` is no number that can stand here")))
    }

    /// An id, or what else is read from text with AWS's refusal.
    pub(super) fn as_parsed<T: FromStr<Err = AwsError>>(&self) -> Result<T, ImportError> {
        self.as_text()?.parse().map_err(|error| self.refused(error))
    }

    pub(super) fn parsed<T: FromStr<Err = AwsError>>(&self, key: &str) -> Result<Option<T>, ImportError> {
        self.get(key).map(|node| node.as_parsed()).transpose()
    }

    pub(super) fn required_parsed<T: FromStr<Err = AwsError>>(&self, key: &str) -> Result<T, ImportError> {
        self.required(key)?.as_parsed()
    }

    /// An address or a block.
    pub(super) fn as_network<T: FromStr>(&self) -> Result<T, ImportError> {
        let text = self.as_text()?;
        text.parse()
            .map_err(|_| self.error(format!("`{text}` is no address, or no block, that can stand here")))
    }

    pub(super) fn network<T: FromStr>(&self, key: &str) -> Result<Option<T>, ImportError> {
        self.get(key).map(|node| node.as_network()).transpose()
    }

    /// Tags as AWS lists them, under whichever of its names for that.
    pub(super) fn tags(&self) -> Result<BTreeMap<String, String>, ImportError> {
        let mut tags = BTreeMap::new();
        for tag in self.list("Tags")?.into_iter().chain(self.list("TagSet")?) {
            let key = tag.required("Key")?.as_text()?;
            if tags.insert(key.clone(), tag.text("Value")?.unwrap_or_default()).is_some() {
                return Err(tag.error(format!("the tag `{key}` is there twice")));
            }
        }
        Ok(tags)
    }
}
