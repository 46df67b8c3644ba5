//! A template's parameters, conditions and functions: what stands for a value becomes it.

use std::collections::BTreeMap;

use ipnet::{Ipv4Net, Ipv6Net};
use serde_json::{Map, Value, json};

use super::attributes;
use crate::aws::region::Region;
use crate::import::error::{ImportError, Place};

/// How deep functions and conditions may refer to each other.
const DEPTH: usize = 64;
/// The account that everything is of.
const ACCOUNT: &str = "123456789012";

/// A template under evaluation.
pub(super) struct Template<'t> {
    pub(super) file: &'t str,
    pub(super) document: &'t Value,
    /// Values of its parameters.
    pub(super) parameters: BTreeMap<String, Value>,
    /// What the stack is called: the file.
    pub(super) stack: String,
    pub(super) region: Region,
}

impl Template<'_> {
    pub(super) fn place(&self, path: &str) -> Place {
        Place { file: self.file.to_owned(), path: path.to_owned() }
    }

    /// The resources that there are, those without whose condition holds not among them.
    pub(super) fn resource(&self, name: &str) -> Result<Option<&Value>, ImportError> {
        let Some(resource) = self.document["Resources"].get(name) else { return Ok(None) };
        let exists = match resource.get("Condition").and_then(Value::as_str) {
            Some(condition) => self.condition(condition, &format!("Resources.{name}.Condition"), 0)?,
            None => true,
        };
        Ok(exists.then_some(resource))
    }

    /// A value without functions in it. What is `AWS::NoValue` is not there.
    pub(super) fn resolve(&self, value: &Value, path: &str, depth: usize) -> Result<Value, ImportError> {
        if depth > DEPTH {
            return Err(self.place(path).error("this refers to itself, or is nested too deeply"));
        }
        let inner = |value: &Value, key: &str| self.resolve(value, &format!("{path}{key}"), depth + 1);
        match value {
            Value::Array(items) => {
                let items = items.iter().enumerate().map(|(index, item)| inner(item, &format!("[{index}]")));
                let items = items.collect::<Result<Vec<_>, _>>()?;
                Ok(items.into_iter().filter(|item| !item.is_null()).collect())
            }
            Value::Object(members) => {
                if let (1, Some((name, argument))) = (members.len(), members.iter().next())
                    && (name == "Ref" || name.starts_with("Fn::"))
                {
                    return self.function(name, argument, path, depth);
                }
                let mut resolved = Map::new();
                for (key, value) in members {
                    let value = inner(value, &format!(".{key}"))?;
                    if !value.is_null() {
                        resolved.insert(key.clone(), value);
                    }
                }
                Ok(Value::Object(resolved))
            }
            other => Ok(other.clone()),
        }
    }

    fn function(&self, name: &str, argument: &Value, path: &str, depth: usize) -> Result<Value, ImportError> {
        let error = |message: String| self.place(path).error(message);
        let resolve = |value: &Value| self.resolve(value, path, depth + 1);
        let text = |value: &Value| -> Result<String, ImportError> {
            let value = resolve(value)?;
            plain_text(&value).ok_or_else(|| error(format!("{name} needs text, and has {value}")))
        };
        let list = |value: &Value| -> Result<Vec<Value>, ImportError> {
            match resolve(value)? {
                Value::Array(items) => Ok(items),
                other => Err(error(format!("{name} needs a list, and has {other}"))),
            }
        };
        let arguments = argument.as_array().map_or(&[][..], Vec::as_slice);
        match (name, arguments) {
            ("Ref", _) => self.reference(&text(argument)?, path),
            ("Fn::GetAtt", [resource, attribute]) => self.attribute(&text(resource)?, &text(attribute)?, path, depth),
            ("Fn::GetAtt", []) => {
                let whole = text(argument)?;
                let (resource, attribute) = whole.split_once('.').unwrap_or((&whole, ""));
                self.attribute(resource, attribute, path, depth)
            }
            ("Fn::Sub", []) => self.substitute(&text(argument)?, &Map::new(), path, depth),
            ("Fn::Sub", [pattern, values]) => {
                let values = resolve(values)?;
                self.substitute(&text(pattern)?, values.as_object().unwrap_or(&Map::new()), path, depth)
            }
            ("Fn::Join", [delimiter, items]) => {
                let items = list(items)?;
                let texts = items.iter().map(|it| plain_text(it).ok_or_else(|| error(format!("{it} cannot be joined"))));
                Ok(json!(texts.collect::<Result<Vec<_>, _>>()?.join(&text(delimiter)?)))
            }
            ("Fn::Select", [index, items]) => {
                let (index, items) = (text(index)?, list(items)?);
                let item = index.parse::<usize>().ok().and_then(|index| items.get(index).cloned());
                item.ok_or_else(|| error(format!("there is no item {index} among {}", items.len())))
            }
            ("Fn::Split", [delimiter, whole]) => {
                Ok(text(whole)?.split(text(delimiter)?.as_str()).map(Value::from).collect())
            }
            ("Fn::GetAZs", _) => {
                let named = text(argument)?;
                let region = if named.is_empty() { self.region.clone() } else {
                    named.parse().map_err(|refusal| self.place(path).refused(refusal))?
                };
                Ok(['a', 'b', 'c'].iter().map(|letter| Value::from(region.zone(*letter).as_str())).collect())
            }
            ("Fn::Cidr", [block, count, ..]) => {
                let bits = arguments.get(2).map_or(Ok("8".to_owned()), &text)?;
                subnets(&text(block)?, &text(count)?, &bits).ok_or_else(|| error("no such blocks".to_owned()))
            }
            ("Fn::FindInMap", [map, first, second]) => {
                let (map, first, second) = (text(map)?, text(first)?, text(second)?);
                let found = &self.document["Mappings"][&map][&first][&second];
                if found.is_null() { Err(error(format!("there is no {first}.{second} in the mapping {map}"))) } else { resolve(found) }
            }
            ("Fn::If", [condition, yes, no]) => {
                let holds = self.condition(&text(condition)?, path, depth + 1)?;
                resolve(if holds { yes } else { no })
            }
            ("Fn::Base64", _) => resolve(argument),
            ("Fn::ImportValue", _) => Err(error(
                "Fn::ImportValue takes a value of another stack, which is in no file: make it a parameter, or import what describe calls print".to_owned(),
            )),
            _ => Err(error(format!("{name} is not known, or not with these arguments"))),
        }
    }

    /// What a name stands for: a pseudo-parameter, a parameter, or a resource's id.
    fn reference(&self, name: &str, path: &str) -> Result<Value, ImportError> {
        let pseudo = match name {
            "AWS::NoValue" => return Ok(Value::Null),
            "AWS::Region" => Some(self.region.to_string()),
            "AWS::AccountId" => Some(ACCOUNT.to_owned()),
            "AWS::StackName" => Some(self.stack.clone()),
            "AWS::StackId" => {
                Some(format!("arn:aws:cloudformation:{}:{ACCOUNT}:stack/{}", self.region, self.stack))
            }
            "AWS::Partition" => Some("aws".to_owned()),
            "AWS::URLSuffix" => Some("amazonaws.com".to_owned()),
            _ => None,
        };
        if let Some(value) = pseudo {
            return Ok(Value::String(value));
        }
        if let Some(value) = self.parameters.get(name) {
            return Ok(value.clone());
        }
        match self.resource(name)? {
            Some(resource) => Ok(json!(attributes::id(&self.stack, name, resource))),
            None => Err(self.place(path).error(format!("there is no parameter and no resource `{name}`"))),
        }
    }

    fn attribute(&self, name: &str, attribute: &str, path: &str, depth: usize) -> Result<Value, ImportError> {
        match self.resource(name)? {
            Some(resource) => attributes::get(self, name, resource, attribute, depth)?.ok_or_else(|| {
                self.place(path).error(format!("{attribute} of {name} is not known before it is made; write it where it can be chosen, or import what describe calls print"))
            }),
            None => Err(self.place(path).error(format!("there is no resource `{name}`"))),
        }
    }

    fn substitute(
        &self,
        pattern: &str,
        values: &Map<String, Value>,
        path: &str,
        depth: usize,
    ) -> Result<Value, ImportError> {
        let mut out = String::new();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                return Err(self.place(path).error("a `${` has no end"));
            };
            if let Some(literal) = name.strip_prefix('!') {
                out.push_str(&format!("${{{literal}}}"));
            } else {
                let value = match (values.get(name), name.split_once('.')) {
                    (Some(value), _) => value.clone(),
                    (None, Some((resource, attribute))) => {
                        self.attribute(resource, attribute, path, depth + 1)?
                    }
                    (None, None) => self.reference(name, path)?,
                };
                let text = plain_text(&value);
                out.push_str(&text.ok_or_else(|| self.place(path).error(format!("`{name}` is no text")))?);
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(Value::String(out))
    }

    /// Whether a condition holds.
    pub(super) fn condition(&self, name: &str, path: &str, depth: usize) -> Result<bool, ImportError> {
        match self.document["Conditions"].get(name) {
            Some(condition) => self.holds(condition, &format!("Conditions.{name}"), depth),
            None => Err(self.place(path).error(format!("there is no condition `{name}`"))),
        }
    }

    fn holds(&self, condition: &Value, path: &str, depth: usize) -> Result<bool, ImportError> {
        let wrong = || self.place(path).error("this is no condition");
        if depth > DEPTH {
            return Err(self.place(path).error("this refers to itself, or is nested too deeply"));
        }
        let (name, argument) = condition.as_object().and_then(|it| it.iter().next()).ok_or_else(wrong)?;
        let arguments = argument.as_array().map_or(&[][..], Vec::as_slice);
        let inner = |condition: &Value| self.holds(condition, path, depth + 1);
        match (name.as_str(), arguments) {
            ("Condition", _) => self.condition(argument.as_str().ok_or_else(wrong)?, path, depth + 1),
            ("Fn::Equals", [a, b]) => {
                let [a, b] = [self.resolve(a, path, depth + 1)?, self.resolve(b, path, depth + 1)?];
                Ok(a == b || plain_text(&a).is_some_and(|a| Some(a) == plain_text(&b)))
            }
            ("Fn::Not", [other]) => Ok(!inner(other)?),
            ("Fn::And", [_, ..]) => arguments.iter().try_fold(true, |all, it| Ok(inner(it)? && all)),
            ("Fn::Or", [_, ..]) => arguments.iter().try_fold(false, |any, it| Ok(inner(it)? || any)),
            _ => Err(wrong()),
        }
    }
}

/// A text, a number or a truth as text.
pub(super) fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// The first blocks of a block, each with this many bits for hosts.
fn subnets(block: &str, count: &str, bits: &str) -> Option<Value> {
    let (count, bits) = (count.parse::<usize>().ok()?, bits.parse::<u8>().ok()?);
    let found: Vec<String> = if let Ok(net) = block.parse::<Ipv4Net>() {
        net.subnets(32_u8.checked_sub(bits)?).ok()?.take(count).map(|it| it.to_string()).collect()
    } else {
        let net = block.parse::<Ipv6Net>().ok()?;
        net.subnets(128_u8.checked_sub(bits)?).ok()?.take(count).map(|it| it.to_string()).collect()
    };
    (found.len() == count).then(|| json!(found))
}
