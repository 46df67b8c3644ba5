//! Requests: from a form body to typed parameters, by the table of shapes.
//!
//! `IpPermissions.1.Groups.2.GroupId=sg-…` says where a value belongs, by names and by places in lists, whose numbers
//! may have gaps. Whatever the table does not know is refused: a parameter that is passed over would be a rule that is
//! not there.

use std::collections::BTreeMap;

use percent_encoding::percent_decode;
use serde_json::{Map, Number, Value};

use crate::aws::error::AwsError;

use super::model::{Model, Operation, Shape, ShapeRef};

/// The most parameters of a request.
const MAX_PARAMETERS: usize = 20_000;
/// The most names and places in a parameter's own name.
const MAX_DEPTH: usize = 12;

/// A request's parameters, as pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// By name.
    pub parameters: BTreeMap<String, String>,
}

impl Form {
    /// Reads a form body.
    ///
    /// # Errors
    /// `MalformedQueryString` for what is not UTF-8 or wrongly escaped, or gives a parameter twice; too many parameters.
    pub fn parse(body: &[u8]) -> Result<Self, AwsError> {
        let malformed = |what: &str| AwsError::new("MalformedQueryString", what);
        let decode = |part: &[u8]| {
            if has_broken_escape(part) {
                return Err(malformed("A % is not followed by two hexadecimal digits"));
            }
            let spaced = part.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect::<Vec<_>>();
            let decoded = percent_decode(&spaced).decode_utf8().map(|text| text.into_owned());
            decoded.map_err(|_| malformed("The request is not UTF-8"))
        };
        let mut parameters = BTreeMap::new();
        for pair in body.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
            let (name, value) = match pair.iter().position(|b| *b == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &pair[pair.len()..]),
            };
            let name = decode(name)?;
            if parameters.contains_key(&name) {
                return Err(malformed(&format!("The parameter {name} is given more than once")));
            }
            parameters.insert(name, decode(value)?);
            if parameters.len() > MAX_PARAMETERS {
                return Err(malformed("The request has too many parameters"));
            }
        }
        Ok(Self { parameters })
    }

    /// Takes a parameter out.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.parameters.remove(name)
    }
}

/// Whether a `%` is followed by something else than two hexadecimal digits.
fn has_broken_escape(part: &[u8]) -> bool {
    let mut rest = part;
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        match rest[at + 1..] {
            [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => rest = &rest[at + 3..],
            _ => return true,
        }
    }
    false
}

/// Parameters as their names nest them.
#[derive(Debug)]
enum Node {
    Value(String),
    Names(BTreeMap<String, Node>),
}

impl Node {
    fn insert(&mut self, whole: &str, path: &[&str], value: String) -> Result<(), AwsError> {
        let Self::Names(names) = self else { return Err(unknown(whole)) };
        let Some((first, rest)) = path.split_first() else { return Err(unknown(whole)) };
        if rest.is_empty() {
            return match names.insert((*first).to_owned(), Self::Value(value)) {
                None => Ok(()),
                Some(_) => Err(unknown(whole)),
            };
        }
        let node = names.entry((*first).to_owned()).or_insert_with(|| Self::Names(BTreeMap::new()));
        node.insert(whole, rest, value)
    }
}

fn unknown(parameter: &str) -> AwsError {
    AwsError::new("UnknownParameter", format!("The parameter {parameter} is not recognized"))
}

/// The parameters of an action as an object by the model's names.
///
/// # Errors
/// `UnknownParameter` for what the table does not have, `InvalidParameterValue` for a value of another type,
/// `MissingParameter` for what is required.
pub fn parameters(model: &Model, operation: &Operation, form: Form) -> Result<Map<String, Value>, AwsError> {
    let mut root = Node::Names(BTreeMap::new());
    for (name, value) in form.parameters {
        let path = name.split('.').collect::<Vec<_>>();
        if path.len() > MAX_DEPTH {
            return Err(unknown(&name));
        }
        root.insert(&name, &path, value)?;
    }
    let Node::Names(names) = root else { return Err(unknown("")) };
    match &operation.input {
        Some(input) => structure(model, input, names, ""),
        None => match names.keys().next() {
            Some(name) => Err(unknown(name)),
            None => Ok(Map::new()),
        },
    }
}

fn structure(
    model: &Model,
    reference: &ShapeRef,
    mut names: BTreeMap<String, Node>,
    at: &str,
) -> Result<Map<String, Value>, AwsError> {
    let Some(Shape::Structure { members, required }) = model.shape(&reference.shape) else {
        return Err(unknown(at));
    };
    let mut values = Map::new();
    for (name, member) in members {
        let wire = member.request_name(name);
        match names.remove(&wire) {
            Some(node) => {
                values.insert(name.clone(), value(model, member, node, &path(at, &wire))?);
            }
            // AWS has words of its own for no instances at all, which the action says.
            None if required.contains(name) && name != "InstanceIds" => {
                return Err(AwsError::new(
                    "MissingParameter",
                    format!("The request must contain the parameter {}", path(at, &wire)),
                ));
            }
            None => {}
        }
    }
    match names.keys().next() {
        Some(name) => Err(unknown(&path(at, name))),
        None => Ok(values),
    }
}

fn path(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

fn value(model: &Model, reference: &ShapeRef, node: Node, at: &str) -> Result<Value, AwsError> {
    match (model.shape(&reference.shape), node) {
        (Some(Shape::Structure { .. }), Node::Names(names)) => {
            structure(model, reference, names, at).map(Value::Object)
        }
        (Some(Shape::List { member, .. }), Node::Names(names)) => list(model, member, names, at),
        // An empty list is written so, where it is written at all.
        (Some(Shape::List { .. }), Node::Value(text)) if text.is_empty() => Ok(Value::Array(Vec::new())),
        (Some(shape), Node::Value(text)) => scalar(shape, text, at),
        (_, Node::Names(names)) => {
            Err(unknown(&names.keys().next().map_or_else(|| at.to_owned(), |name| path(at, name))))
        }
        (None, Node::Value(_)) => Err(unknown(at)),
    }
}

fn list(
    model: &Model,
    member: &ShapeRef,
    names: BTreeMap<String, Node>,
    at: &str,
) -> Result<Value, AwsError> {
    let mut places = BTreeMap::new();
    for (name, node) in names {
        let whole = path(at, &name);
        let is_number = name.bytes().all(|b| b.is_ascii_digit());
        match name.parse::<u32>() {
            Ok(place) if is_number && !places.contains_key(&place) => places.insert(place, (whole, node)),
            _ => return Err(unknown(&whole)),
        };
    }
    let values = places.into_values().map(|(whole, node)| value(model, member, node, &whole));
    values.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn scalar(shape: &Shape, text: String, at: &str) -> Result<Value, AwsError> {
    let invalid = |wanted: &str| {
        AwsError::invalid_value(format!("Value ({text}) for parameter {at} is invalid. Expecting {wanted}."))
    };
    match shape {
        Shape::String | Shape::Timestamp | Shape::Blob => Ok(Value::String(text)),
        Shape::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(invalid("true or false")),
        },
        Shape::Integer => {
            text.parse::<i32>().map(|n| Value::Number(n.into())).map_err(|_| invalid("an integer"))
        }
        Shape::Long => {
            text.parse::<i64>().map(|n| Value::Number(n.into())).map_err(|_| invalid("an integer"))
        }
        Shape::Float | Shape::Double => {
            // Not every number is one in JSON: what is infinite, or not a number, is no parameter here.
            let number = text.parse::<f64>().ok().and_then(Number::from_f64);
            number.map(Value::Number).ok_or_else(|| invalid("a number"))
        }
        Shape::Structure { .. } | Shape::List { .. } | Shape::Map => Err(invalid("a structure")),
    }
}
