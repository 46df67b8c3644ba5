//! What a plan does not know yet: ids are made up, and what refers to another resource is found in the configuration, where its
//! expression names it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Resource;
use crate::import::items;

/// Prefixes of ids by type.
const PREFIXES: [(&str, &str); 19] = [
    ("aws_vpc", "vpc"),
    ("aws_default_vpc", "vpc"),
    ("aws_subnet", "subnet"),
    ("aws_default_subnet", "subnet"),
    ("aws_security_group", "sg"),
    ("aws_default_security_group", "sg"),
    ("aws_vpc_security_group_ingress_rule", "sgr"),
    ("aws_vpc_security_group_egress_rule", "sgr"),
    ("aws_network_interface", "eni"),
    ("aws_instance", "i"),
    ("aws_ec2_managed_prefix_list", "pl"),
    ("aws_network_acl", "acl"),
    ("aws_default_network_acl", "acl"),
    ("aws_vpc_peering_connection", "pcx"),
    ("aws_vpc_peering_connection_accepter", "pcx"),
    ("aws_internet_gateway", "igw"),
    ("aws_route_table", "rtb"),
    ("aws_default_route_table", "rtb"),
    ("aws_flow_log", "fl"),
];

/// Gives resources the ids and references that a plan leaves open.
pub(super) fn complete(document: &Value, resources: &mut [Resource]) {
    for resource in resources.iter_mut() {
        let prefix = PREFIXES.iter().find(|(kind, _)| *kind == resource.kind);
        let Some((_, prefix)) = prefix.filter(|_| resource.values["id"].is_null()) else { continue };
        resource.values["id"] = json!(items::id(prefix, &resource.address));
        if resource.kind.ends_with("aws_vpc") {
            for (key, prefix) in [("default_security_group_id", "sg"), ("default_network_acl_id", "acl")] {
                if resource.values[key].is_null() {
                    resource.values[key] = json!(items::id(prefix, &format!("{}/default", resource.address)));
                }
            }
        }
    }
    let known =
        resources.iter().map(|it| (it.address.clone(), it.values.clone())).collect::<BTreeMap<_, _>>();
    let finder =
        Finder { root: &document["configuration"]["root_module"], variables: &document["variables"], known };
    for resource in resources {
        let Some((module, config)) = finder.configuration(&resource.address) else { continue };
        let expressions = config["expressions"].clone();
        fill(&finder, &module, &resource.address, &mut resource.values, &expressions);
    }
}

/// Fills members that are open from their expressions, blocks within blocks included.
fn fill(finder: &Finder<'_>, module: &str, address: &str, values: &mut Value, expressions: &Value) {
    let Some(expressions) = expressions.as_object() else { return };
    for (key, expression) in expressions {
        match expression {
            // A block, or several of one kind.
            Value::Array(blocks) => {
                for (index, block) in blocks.iter().enumerate() {
                    if let Some(inner) = values.get_mut(key).and_then(|it| it.get_mut(index)) {
                        fill(finder, module, address, inner, block);
                    }
                }
            }
            Value::Object(_) => {
                let references = expression["references"].as_array().cloned().unwrap_or_default();
                // Terraform names `x["a"].id`, `x["a"]` and `x`: the first says all.
                let references = references.iter().filter_map(Value::as_str).collect::<Vec<_>>();
                let is_longer = |longer: &str, short: &str| {
                    longer.strip_prefix(short).is_some_and(|rest| rest.starts_with(['.', '[']))
                };
                let found =
                    references.iter().filter(|it| !references.iter().any(|other| is_longer(other, it)));
                let found = found.filter_map(|reference| finder.value(module, reference, address, 0));
                let found = found.collect::<Vec<_>>();
                let is_list = ["s", "_ids"].iter().any(|end| key.ends_with(end)) && key != "address";
                match (values.get(key), is_list) {
                    (None | Some(Value::Null), true) if !found.is_empty() => {
                        let flat = found.into_iter().flat_map(|it| match it {
                            Value::Array(items) => items,
                            other => vec![other],
                        });
                        // Terraform names both `x.id` and `x`.
                        let mut items: Vec<Value> = Vec::new();
                        flat.for_each(|item| {
                            if !items.contains(&item) {
                                items.push(item)
                            }
                        });
                        values[key] = Value::Array(items);
                    }
                    (None | Some(Value::Null), false) => {
                        if let Some(first) = found.into_iter().next() {
                            values[key] = first;
                        }
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

/// Finds what references mean.
struct Finder<'d> {
    root: &'d Value,
    variables: &'d Value,
    known: BTreeMap<String, Value>,
}

/// How often references may lead on to others.
const DEPTH: usize = 16;

impl Finder<'_> {
    /// The module and configuration of a resource.
    fn configuration(&self, address: &str) -> Option<(String, Value)> {
        let (modules, own) = split(address);
        let mut module = self.root;
        for name in &modules {
            module = &module["module_calls"][without_index(name)]["module"];
        }
        let own = without_index(&own);
        let resources = module["resources"].as_array()?;
        let found = resources.iter().find(|it| it["address"] == own)?;
        Some((modules.iter().map(|name| format!("module.{name}.")).collect(), found.clone()))
    }

    /// The configuration of a module by its prefix, such as `module.a.module.b.`.
    fn module(&self, prefix: &str) -> Option<&Value> {
        let (modules, _) = split(prefix);
        let mut module = self.root;
        for name in &modules {
            module = module.get("module_calls")?.get(without_index(name))?.get("module")?;
        }
        Some(module)
    }

    /// What a reference in a module means to a resource there, if that is known or made up.
    fn value(&self, module: &str, reference: &str, address: &str, depth: usize) -> Option<Value> {
        if depth > DEPTH {
            return None;
        }
        let parts = reference.split('.').collect::<Vec<_>>();
        match parts[..] {
            ["var", name, ..] => self.variable(module, name, address, depth),
            ["module", name, output, ..] => {
                let inner = format!("{module}module.{name}.");
                let expression =
                    self.module(&inner)?.get("outputs")?.get(without_index(output))?.get("expression")?;
                self.expression(&inner, expression, address, depth)
            }
            [kind, name, attribute, ..] if kind.starts_with("aws_") => {
                let target = self.target(&format!("{module}{kind}.{name}"), address)?;
                target.get(without_index(attribute)).filter(|value| !value.is_null()).cloned()
            }
            // A resource without an attribute, as Terraform names it besides, and for a splat.
            [kind, name] if kind.starts_with("aws_") => {
                let base = format!("{module}{kind}.{}", without_index(name));
                if name.contains('[') {
                    return None;
                }
                let all = self.known.range(format!("{base}[")..format!("{base}\\"));
                let ids = all.map(|(_, values)| values["id"].clone()).collect::<Vec<_>>();
                if ids.is_empty() {
                    None
                } else if let Some(same) = self.target(&base, address).filter(|_| index(address).is_some()) {
                    Some(same["id"].clone())
                } else {
                    Some(Value::Array(ids))
                }
            }
            _ => None,
        }
    }

    /// The values of a resource; of several of one name, that with the index of the one that asks.
    fn target(&self, base: &str, address: &str) -> Option<&Value> {
        let indexed = || self.known.get(&format!("{base}{}", index(address)?));
        self.known.get(base).or_else(indexed)
    }

    fn variable(&self, module: &str, name: &str, address: &str, depth: usize) -> Option<Value> {
        let name = without_index(name);
        let (modules, _) = split(module);
        let Some(own) = modules.last() else {
            return self.variables.get(name)?.get("value").cloned();
        };
        let outer = module.strip_suffix(&format!("module.{own}."))?;
        let call = self.module(outer)?.get("module_calls")?.get(without_index(own))?;
        self.expression(outer, call.get("expressions")?.get(name)?, address, depth)
    }

    fn expression(&self, module: &str, expression: &Value, address: &str, depth: usize) -> Option<Value> {
        if let Some(constant) = expression.get("constant_value") {
            return Some(constant.clone());
        }
        let references = expression["references"].as_array()?;
        references.iter().filter_map(Value::as_str).find_map(|it| self.value(module, it, address, depth + 1))
    }
}

/// The modules that an address leads through, and the rest.
fn split(address: &str) -> (Vec<String>, String) {
    let mut modules = Vec::new();
    let mut rest = address;
    while let Some(inner) = rest.strip_prefix("module.") {
        let Some((name, after)) = inner.split_once('.') else { break };
        modules.push(name.to_owned());
        rest = after;
    }
    (modules, rest.to_owned())
}

/// The index at the end of an address, with its brackets.
fn index(address: &str) -> Option<&str> {
    address.ends_with(']').then(|| address.rfind('[').map(|at| &address[at..])).flatten()
}

fn without_index(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}
