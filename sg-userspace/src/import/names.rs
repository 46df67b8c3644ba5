//! Host names for instances that have none: elsewhere a `Name` tag may hold any text, and many instances may share one.
//!
//! A tag that is a host name, and nobody else's, is the name. Any other is made into one: what host names do not have becomes
//! a dash, and where several would be called the same, each gets the end of its id. Without a tag the id is the name. Tags
//! stay as they are.

use std::collections::BTreeMap;

use crate::aws::instance::Instance;
use crate::aws::tag::NAME;
use crate::command::adopt::Existing;
use crate::command::instance::check_name;
use crate::lab::plan::RESERVED_NAMES;

use super::error::Place;

/// How much of a long name is kept, so that the end of an id fits behind it.
const LONGEST: usize = 50;
/// How much of an id tells instances of one name apart.
const END: usize = 6;

/// Names the instances among these objects.
pub(super) fn assign(objects: &mut [(Place, Existing)]) {
    let wanted = |instance: &Instance| instance.tags.get(NAME).and_then(|tag| host_name(tag));
    let instances = objects.iter_mut().filter_map(|(_, object)| match object {
        Existing::Instance(instance) => Some(instance),
        _ => None,
    });
    let mut instances = instances.collect::<Vec<_>>();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in instances.iter().filter_map(|instance| wanted(instance)) {
        *counts.entry(name.to_ascii_lowercase()).or_default() += 1;
    }
    for instance in &mut instances {
        let id = instance.id.to_string();
        instance.name = match wanted(instance) {
            Some(name) if counts.get(&name.to_ascii_lowercase()) == Some(&1) => name,
            Some(name) => format!("{name}-{}", &id[id.len() - END..]),
            None => id,
        };
    }
    // Ends of ids may be alike, or make what somebody else is called.
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for instance in &instances {
        *counts.entry(instance.name.to_ascii_lowercase()).or_default() += 1;
    }
    for instance in instances {
        if counts.get(&instance.name.to_ascii_lowercase()) != Some(&1) {
            instance.name = instance.id.to_string();
        }
    }
}

/// A text made into a host name, if anything of it can be.
fn host_name(text: &str) -> Option<String> {
    let is_free = |name: &str| !RESERVED_NAMES.iter().any(|reserved| reserved.eq_ignore_ascii_case(name));
    if check_name(text).is_ok() {
        return is_free(text).then(|| text.to_owned());
    }
    let dashed = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    let mut name = String::new();
    for c in dashed {
        if c != '-' || !(name.is_empty() || name.ends_with('-')) {
            name.push(c);
        }
    }
    name.truncate(LONGEST);
    let name = name.trim_end_matches('-');
    (!name.is_empty() && is_free(name)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_host_name_or_none() {
        for (text, name) in [
            ("web-1", Some("web-1")),
            ("Web Server (prod) #1", Some("Web-Server-prod-1")),
            ("db.internal", Some("db-internal")),
            ("-x-", Some("x")),
            ("internet", None),
            ("日本", None),
            ("", None),
        ] {
            assert_eq!(host_name(text).as_deref(), name, "{text}");
        }
        assert!(check_name(&format!("{}-abcdef", host_name(&"a.b".repeat(90)).unwrap())).is_ok());
    }
}
