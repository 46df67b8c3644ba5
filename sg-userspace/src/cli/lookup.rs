//! From what people type to objects: ids or names everywhere, and near names where there is no such thing.

use anyhow::{Result, anyhow, bail};

use crate::aws::group::SecurityGroup;
use crate::aws::ids::VpcId;
use crate::aws::instance::Instance;
use crate::aws::interface::NetworkInterface;
use crate::aws::prefix_list::PrefixList;
use crate::aws::region::Region;
use crate::aws::tag::ResourceId;
use crate::aws::vpc::Vpc;
use crate::aws::world::World;
use crate::command;
use crate::report::interface::label;

/// The VPC with this id or `Name` tag; the only one where none is named.
pub(super) fn vpc<'w>(world: &'w World, text: Option<&str>) -> Result<&'w Vpc> {
    match text {
        None if world.vpcs.len() == 1 => world.vpcs.values().next().ok_or_else(|| anyhow!("there is no VPC")),
        None if world.vpcs.is_empty() => bail!("there is no VPC"),
        None => bail!(
            "there are several VPCs ({}); say which one with --vpc",
            names(world.vpcs.values().map(name_of))
        ),
        Some(text) => world
            .vpcs
            .values()
            .find(|vpc| vpc.id.as_str() == text || name_of(vpc) == text)
            .ok_or_else(|| unknown("VPC", text, world.vpcs.values().map(name_of))),
    }
}

/// A VPC's `Name` tag, or its id.
pub(super) fn name_of(vpc: &Vpc) -> &str {
    vpc.name()
}

/// The group with this id or name; `vpc/name` where several VPCs have one of that name.
pub(super) fn group<'w>(world: &'w World, text: &str) -> Result<&'w SecurityGroup> {
    if let Some(group) = world.security_groups.values().find(|group| group.id.as_str() == text) {
        return Ok(group);
    }
    // A group's name may have a slash in it, so the whole is tried as a name first.
    let named = |name: &str, vpc: Option<&Vpc>| {
        let matches = |group: &&SecurityGroup| {
            group.name.eq_ignore_ascii_case(name) && vpc.is_none_or(|vpc| group.vpc_id == vpc.id)
        };
        world.security_groups.values().filter(matches).collect::<Vec<_>>()
    };
    let mut found = named(text, None);
    if found.is_empty()
        && let Some((vpc_text, name)) = text.split_once('/')
    {
        found = named(name, Some(vpc(world, Some(vpc_text))?));
    }
    match found[..] {
        [group] => Ok(group),
        [] => Err(unknown("security group", text, world.security_groups.values().map(|g| g.name.as_str()))),
        _ => {
            let vpcs = found.iter().filter_map(|group| world.vpcs.get(&group.vpc_id));
            let choices = vpcs.map(|vpc| format!("{}/{text}", name_of(vpc))).collect::<Vec<_>>();
            bail!("several VPCs have a security group `{text}`; write {}", choices.join(" or "))
        }
    }
}

/// The group with this id or name, as an interface of this VPC would mean it.
pub(super) fn group_in<'w>(world: &'w World, vpc_id: &VpcId, text: &str) -> Result<&'w SecurityGroup> {
    match command::group::by_name(world, vpc_id, text) {
        Some(group) => Ok(group),
        None => group(world, text),
    }
}

/// The prefix list with this id or name.
pub(super) fn prefix_list<'w>(world: &'w World, text: &str) -> Result<&'w PrefixList> {
    let lists = || world.prefix_lists.values();
    if let Some(list) = lists().find(|list| list.id.as_str() == text) {
        return Ok(list);
    }
    match lists().filter(|list| list.name == text).collect::<Vec<_>>()[..] {
        [list] => Ok(list),
        [] => Err(unknown("prefix list", text, lists().map(|list| list.name.as_str()))),
        ref several => {
            let ids =
                several.iter().map(|list| format!("{} in {}", list.id, list.region)).collect::<Vec<_>>();
            bail!("several prefix lists are named `{text}`; write the id of one: {}", ids.join(", "))
        }
    }
}

/// The region that is named, or else the one that all VPCs are in.
pub(super) fn region(world: &World, named: Option<Region>) -> Result<Region> {
    let mut regions = world.vpcs.values().map(|vpc| vpc.region.clone()).collect::<Vec<_>>();
    regions.sort_unstable();
    regions.dedup();
    match (named, &regions[..]) {
        (Some(region), _) => Ok(region),
        (None, []) => Ok(Region::default()),
        (None, [region]) => Ok(region.clone()),
        (None, several) => {
            bail!(
                "the VPCs are in several regions ({}); say which one with --region",
                names(several.iter().map(Region::as_str))
            )
        }
    }
}

/// What has this id, of any kind; or the instance, group, prefix list or VPC with this name.
pub(super) fn resource(world: &World, text: &str) -> Result<ResourceId> {
    if let Ok(id) = text.parse::<ResourceId>() {
        return if world.tags(&id).is_some() { Ok(id) } else { Err(id.not_found().into()) };
    }
    let found = [
        instance(world, text).map(|it| ("instance", it.id.clone().into())),
        group(world, text).map(|it| ("security group", it.id.clone().into())),
        prefix_list(world, text).map(|it| ("prefix list", it.id.clone().into())),
        vpc(world, Some(text)).map(|it| ("VPC", it.id.clone().into())),
    ];
    let found: Vec<(&str, ResourceId)> = found.into_iter().flatten().collect();
    match &found[..] {
        [(_, id)] => Ok(id.clone()),
        [] => bail!("there is no instance, security group, prefix list or VPC `{text}`, and it is no id"),
        several => {
            let choices = several.iter().map(|(kind, id)| format!("{id} ({kind})")).collect::<Vec<_>>();
            bail!("several things are named `{text}`; write the id of one: {}", choices.join(", "))
        }
    }
}

/// The instance with this id or name.
pub(super) fn instance<'w>(world: &'w World, text: &str) -> Result<&'w Instance> {
    world
        .instances
        .values()
        .find(|instance| instance.id.as_str() == text || instance.name.eq_ignore_ascii_case(text))
        .ok_or_else(|| unknown("instance", text, world.instances.values().map(|i| i.name.as_str())))
}

/// The interface with this id; or an instance's: `NAME` for the primary one, `NAME:INDEX` for the others.
pub(super) fn interface<'w>(world: &'w World, text: &str) -> Result<&'w NetworkInterface> {
    if let Some(interface) = world.network_interfaces.values().find(|interface| interface.id.as_str() == text)
    {
        return Ok(interface);
    }
    if text.starts_with("eni-") {
        return Err(unknown(
            "network interface",
            text,
            world.network_interfaces.keys().map(|id| id.as_str()),
        ));
    }
    let (name, index) = match text.rsplit_once(':') {
        Some((name, index)) => (name, index.parse::<u8>().ok()),
        None => (text, Some(0)),
    };
    let instance = instance(world, name)?;
    let interfaces = world.interfaces_of(&instance.id);
    let at = |interface: &&&NetworkInterface| {
        interface.attachment.as_ref().map(|attachment| attachment.device_index) == index
    };
    interfaces.iter().find(at).copied().ok_or_else(|| {
        let labels = interfaces.iter().map(|interface| label(world, interface)).collect::<Vec<_>>();
        anyhow!("instance `{name}` has no interface `{text}`; it has {}", labels.join(", "))
    })
}

/// The error for a name that nothing has.
pub(super) fn unknown<T: AsRef<str>>(
    kind: &str,
    text: &str,
    known: impl Iterator<Item = T>,
) -> anyhow::Error {
    let known = known.collect::<Vec<_>>();
    let nearest = known.iter().map(|name| (distance(text, name.as_ref()), name.as_ref())).min();
    match nearest {
        Some((distance, name)) if distance <= 1 + text.len() / 4 => {
            anyhow!("there is no {kind} `{text}`; did you mean `{name}`?")
        }
        Some(_) => anyhow!("there is no {kind} `{text}`; there is {}", names(known.iter())),
        None => anyhow!("there is no {kind} `{text}`, nor any other"),
    }
}

fn names<T: AsRef<str>>(known: impl Iterator<Item = T>) -> String {
    const SHOWN: usize = 8;
    let mut known = known.map(|name| name.as_ref().to_owned()).collect::<Vec<_>>();
    known.sort_unstable();
    known.dedup();
    let rest = known.len().saturating_sub(SHOWN);
    known.truncate(SHOWN);
    let list = known.join(", ");
    if rest > 0 { format!("{list} and {rest} more") } else { list }
}

/// How many letters must be added, taken away, replaced or swapped with their neighbour to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    strsim::osa_distance(&a.to_lowercase(), &b.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("web-1", "web-1"), 0);
        assert_eq!(distance("web1", "web-1"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("db-1", "web-1"), 2);
        assert_eq!(distance("WBE-1", "web-1"), 1);
    }

    #[test]
    fn unknown_names_suggest_a_near_one() {
        let error = unknown("instance", "wbe-1", ["web-1", "db-1"].into_iter());
        assert_eq!(error.to_string(), "there is no instance `wbe-1`; did you mean `web-1`?");
        let error = unknown("instance", "mail", ["web-1", "db-1"].into_iter());
        assert_eq!(error.to_string(), "there is no instance `mail`; there is db-1, web-1");
    }
}
