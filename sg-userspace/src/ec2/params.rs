//! A request's parameters by the model's names, as the types that actions want.

use std::collections::BTreeMap;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde_json::{Map, Value};

use crate::aws::error::AwsError;

/// Parameters, which the table of shapes has checked for names and types.
#[derive(Clone, Copy, Debug)]
pub struct Params<'p>(&'p Map<String, Value>);

impl<'p> Params<'p> {
    /// These.
    pub fn new(values: &'p Map<String, Value>) -> Self {
        Self(values)
    }

    /// Whether a parameter is given.
    pub fn has(self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text.
    pub fn text(self, name: &str) -> Option<&'p str> {
        self.0.get(name)?.as_str()
    }

    /// A text that must be given.
    pub fn required_text(self, name: &str) -> Result<&'p str, AwsError> {
        self.text(name).ok_or_else(|| missing(name))
    }

    /// `true` or `false`.
    pub fn flag(self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    /// A number.
    pub fn integer(self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    /// A number that fits into a smaller type.
    pub fn number<T: TryFrom<i64>>(self, name: &str) -> Result<Option<T>, AwsError> {
        self.integer(name).map(|n| T::try_from(n).map_err(|_| out_of_range(name, n))).transpose()
    }

    /// An id, or what else is read from text with AWS's refusal.
    pub fn parsed<T: FromStr<Err = AwsError>>(self, name: &str) -> Result<Option<T>, AwsError> {
        self.text(name).map(str::parse).transpose()
    }

    /// The same where it must be given.
    pub fn required<T: FromStr<Err = AwsError>>(self, name: &str) -> Result<T, AwsError> {
        self.required_text(name)?.parse()
    }

    /// An IPv4 block.
    pub fn cidr_ipv4(self, name: &str) -> Result<Option<Ipv4Net>, AwsError> {
        self.text(name).map(|text| text.parse().map_err(|_| invalid_cidr(name, text))).transpose()
    }

    /// An IPv6 block.
    pub fn cidr_ipv6(self, name: &str) -> Result<Option<Ipv6Net>, AwsError> {
        self.text(name).map(|text| text.parse().map_err(|_| invalid_cidr(name, text))).transpose()
    }

    /// A block that must be given.
    pub fn required_cidr(self, name: &str) -> Result<IpNet, AwsError> {
        let text = self.required_text(name)?;
        text.parse().map_err(|_| invalid_cidr(name, text))
    }

    /// Texts of a list; none where it is not given.
    pub fn texts(self, name: &str) -> Vec<&'p str> {
        self.items(name).iter().filter_map(Value::as_str).collect()
    }

    /// A list of ids or the like.
    pub fn parsed_list<T: FromStr<Err = AwsError>>(self, name: &str) -> Result<Vec<T>, AwsError> {
        self.texts(name).into_iter().map(str::parse).collect()
    }

    /// A list of addresses or the like, which AWS refuses as invalid values.
    pub fn values<T: FromStr>(self, name: &str) -> Result<Vec<T>, AwsError> {
        self.texts(name).into_iter().map(|text| text.parse().map_err(|_| invalid(name, text))).collect()
    }

    /// The structures of a list.
    pub fn structures(self, name: &str) -> Vec<Params<'p>> {
        self.items(name).iter().filter_map(Value::as_object).map(Params).collect()
    }

    /// A structure.
    pub fn structure(self, name: &str) -> Option<Params<'p>> {
        self.0.get(name)?.as_object().map(Params)
    }

    fn items(self, name: &str) -> &'p [Value] {
        self.0.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The first parameter that is given and that this list lacks.
    pub fn other_than(self, supported: &[&str]) -> Option<&'p str> {
        self.0.keys().map(String::as_str).find(|name| !supported.contains(name))
    }

    /// All parameters but one as text, the same for the same parameters.
    pub fn canonical_without(self, name: &str) -> String {
        let others = self.0.iter().filter(|(other, _)| *other != name);
        Value::Object(others.map(|(name, value)| (name.clone(), value.clone())).collect()).to_string()
    }

    /// The tags that a new resource of a type is to have.
    pub fn tags_for(self, resource_type: &str) -> Result<BTreeMap<String, String>, AwsError> {
        let mut tags = BTreeMap::new();
        for specification in self.structures("TagSpecifications") {
            let given = specification.text("ResourceType").unwrap_or_default();
            if given != resource_type {
                return Err(AwsError::invalid_value(format!(
                    "'{given}' is not a valid taggable resource type for this operation."
                )));
            }
            tags.extend(specification.tags()?);
        }
        Ok(tags)
    }

    /// `Tags` of a structure.
    pub fn tags(self) -> Result<BTreeMap<String, String>, AwsError> {
        let mut tags = BTreeMap::new();
        for tag in self.structures("Tags") {
            let (key, value) = (tag.required_text("Key")?, tag.text("Value").unwrap_or_default());
            if tags.insert(key.to_owned(), value.to_owned()).is_some() {
                return Err(AwsError::invalid_value(format!("Duplicate tag key '{key}' specified.")));
            }
        }
        Ok(tags)
    }
}

/// The refusal of a request that lacks a parameter.
pub fn missing(name: &str) -> AwsError {
    AwsError::new("MissingParameter", format!("The request must contain the parameter {name}"))
}

/// The refusal of a value.
pub fn invalid(name: &str, text: &str) -> AwsError {
    AwsError::invalid_value(format!("Value ({text}) for parameter {name} is invalid."))
}

/// The refusal of a call that names no attribute to change, or several.
pub fn not_one_attribute(given: &[&str]) -> AwsError {
    if given.is_empty() {
        return missing("Attribute");
    }
    AwsError::new(
        "InvalidParameterCombination",
        "Fields for multiple attribute types specified. Please specify only one attribute type to modify.",
    )
}

/// AWS writes these names with a small letter here.
fn invalid_cidr(name: &str, text: &str) -> AwsError {
    let (first, rest) = name.split_at(name.len().min(1));
    AwsError::invalid_value(format!(
        "Value ({text}) for parameter {}{rest} is invalid. This is not a valid CIDR block.",
        first.to_ascii_lowercase()
    ))
}

fn out_of_range(name: &str, number: i64) -> AwsError {
    AwsError::invalid_value(format!("Value ({number}) for parameter {name} is invalid. It is out of range."))
}
