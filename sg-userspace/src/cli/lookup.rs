//! From what people type to objects: ids or names everywhere, and near names where there is no such thing.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Result, anyhow, bail};

use crate::aws::flow_log::FlowLog;
use crate::aws::group::SecurityGroup;
use crate::aws::ids::VpcId;
use crate::aws::instance::Instance;
use crate::aws::interface::NetworkInterface;
use crate::aws::network_acl::NetworkAcl;
use crate::aws::peering::{PeeringStatus, VpcPeeringConnection};
use crate::aws::prefix_list::PrefixList;
use crate::aws::region::Region;
use crate::aws::tag::ResourceId;
use crate::aws::vpc::{Subnet, Vpc};
use crate::aws::world::World;
use crate::command;
use crate::report;
use crate::report::interface::label;

use super::near::{names, unknown};

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
    let groups = world.security_groups.values().map(|group| Candidate {
        object: group,
        id: group.id.as_str(),
        name: Some(&group.name),
        vpc_id: &group.vpc_id,
    });
    one_of(world, "security group", text, &groups.collect::<Vec<_>>())
}

/// The network ACL with this id or name; `default` is a VPC's own, `vpc/name` where several VPCs have one of that name.
pub(super) fn network_acl<'w>(world: &'w World, text: &str) -> Result<&'w NetworkAcl> {
    one_of(world, "network ACL", text, &network_acls(world).collect::<Vec<_>>())
}

/// The network ACL with this id or name, as a subnet of this VPC would mean it.
pub(super) fn network_acl_in<'w>(world: &'w World, vpc_id: &VpcId, text: &str) -> Result<&'w NetworkAcl> {
    let named = |acl: &Candidate<'_, _>| {
        acl.vpc_id == vpc_id && acl.name.is_some_and(|it| it.eq_ignore_ascii_case(text))
    };
    let found = network_acls(world).filter(named).collect::<Vec<_>>();
    match &found[..] {
        [acl] => Ok(acl.object),
        _ => network_acl(world, text),
    }
}

fn network_acls(world: &World) -> impl Iterator<Item = Candidate<'_, NetworkAcl>> {
    world.network_acls.values().map(|acl| Candidate {
        object: acl,
        id: acl.id.as_str(),
        name: report::network_acl::name(acl),
        vpc_id: &acl.vpc_id,
    })
}

/// The subnet with this id or name; `vpc/name` where several VPCs have one of that name.
pub(super) fn subnet<'w>(world: &'w World, text: &str) -> Result<&'w Subnet> {
    let subnets = world.subnets.values().map(|subnet| Candidate {
        object: subnet,
        id: subnet.id.as_str(),
        name: subnet.tags.get("Name").map(String::as_str),
        vpc_id: &subnet.vpc_id,
    });
    one_of(world, "subnet", text, &subnets.collect::<Vec<_>>())
}

/// The peering with this id, with this name, or between these VPCs (`vpc/vpc`, in any order). Of several the one that is
/// not over is meant.
pub(super) fn peering<'w>(world: &'w World, text: &str) -> Result<&'w VpcPeeringConnection> {
    let peerings = || world.vpc_peering_connections.values();
    if let Some(peering) = peerings().find(|peering| peering.id.as_str() == text) {
        return Ok(peering);
    }
    let name = |id: &VpcId| world.vpcs.get(id).map_or(id.as_str(), name_of).to_owned();
    let names = |peering: &VpcPeeringConnection| {
        let (requester, accepter) = (name(&peering.requester_vpc_id), name(&peering.accepter_vpc_id));
        let either = [format!("{requester}/{accepter}"), format!("{accepter}/{requester}")];
        either.into_iter().chain(peering.tags.get("Name").cloned())
    };
    let found = peerings().filter(|peering| names(peering).any(|name| name == text)).collect::<Vec<_>>();
    let is_live = |peering: &&&VpcPeeringConnection| {
        matches!(peering.status, PeeringStatus::PendingAcceptance | PeeringStatus::Active)
    };
    let live = found.iter().filter(is_live).copied().collect::<Vec<_>>();
    match (&live[..], &found[..]) {
        ([peering], _) | ([], [peering]) => Ok(peering),
        ([], []) => Err(unknown("peering", text, peerings().flat_map(names))),
        _ => {
            let ids = found.iter().map(|peering| format!("{} ({})", peering.id, peering.status));
            bail!("several peerings are `{text}`; write {}", ids.collect::<Vec<_>>().join(" or "))
        }
    }
}

/// The flow log with this id or name.
pub(super) fn flow_log<'w>(world: &'w World, text: &str) -> Result<&'w FlowLog> {
    let name = |log: &'w FlowLog| log.tags.get("Name").map(String::as_str);
    let logs = || world.flow_logs.values();
    let found = logs().filter(|log| log.id.as_str() == text || name(log) == Some(text)).collect::<Vec<_>>();
    match &found[..] {
        [log] => Ok(log),
        [] => Err(unknown("flow log", text, logs().map(|log| name(log).unwrap_or(log.id.as_str())))),
        several => {
            bail!(
                "several flow logs are `{text}`; write {}",
                names(several.iter().map(|log| log.id.as_str()))
            )
        }
    }
}

/// The internet host's IPv4 address, which `my-ip` stands for.
pub(super) fn my_ip(internet: &[IpAddr]) -> Option<Ipv4Addr> {
    internet.iter().find_map(|address| match address {
        IpAddr::V4(address) => Some(*address),
        IpAddr::V6(_) => None,
    })
}

/// Something that can be named within its VPC.
struct Candidate<'w, T> {
    object: &'w T,
    id: &'w str,
    name: Option<&'w str>,
    vpc_id: &'w VpcId,
}

fn one_of<'w, T>(world: &'w World, kind: &str, text: &str, candidates: &[Candidate<'w, T>]) -> Result<&'w T> {
    if let Some(found) = candidates.iter().find(|candidate| candidate.id == text) {
        return Ok(found.object);
    }
    let named = |name: &str, vpc: Option<&Vpc>| {
        let matches = |it: &&Candidate<'_, T>| {
            it.name.is_some_and(|own| own.eq_ignore_ascii_case(name))
                && vpc.is_none_or(|vpc| *it.vpc_id == vpc.id)
        };
        candidates.iter().filter(matches).collect::<Vec<_>>()
    };
    // A name may have a slash in it, so the whole is tried as a name first.
    let mut found = named(text, None);
    if found.is_empty()
        && let Some((vpc_text, name)) = text.split_once('/')
    {
        found = named(name, Some(vpc(world, Some(vpc_text))?));
    }
    let same_vpc = found.iter().enumerate().any(|(i, it)| found[..i].iter().any(|o| o.vpc_id == it.vpc_id));
    match found[..] {
        [only] => Ok(only.object),
        [] => Err(unknown(kind, text, candidates.iter().map(|it| it.name.unwrap_or(it.id)))),
        _ if same_vpc => {
            let ids = found.iter().map(|it| it.id).collect::<Vec<_>>();
            bail!("one VPC has several {kind}s `{text}`; write {}", ids.join(" or "))
        }
        _ => {
            let vpcs = found.iter().filter_map(|it| world.vpcs.get(it.vpc_id));
            let mut choices = vpcs.map(|vpc| format!("{}/{text}", name_of(vpc))).collect::<Vec<_>>();
            choices.sort_unstable();
            bail!("several VPCs have a {kind} `{text}`; write {}", choices.join(" or "))
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

/// The instance with this id or name, unless it is over.
pub(super) fn instance<'w>(world: &'w World, text: &str) -> Result<&'w Instance> {
    let instances = || world.instances.values().filter(|instance| !instance.is_terminated());
    instances()
        .find(|instance| instance.id.as_str() == text || instance.name.eq_ignore_ascii_case(text))
        .ok_or_else(|| unknown("instance", text, instances().map(|i| i.name.as_str())))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::command::network_acl::CreateNetworkAcl;
    use crate::command::peering::{CreateVpcPeeringConnection, RejectVpcPeeringConnection};
    use crate::command::subnet::CreateSubnet;
    use crate::command::vpc::CreateVpc;
    use crate::command::{Reply, apply};

    use super::*;

    /// Two VPCs, `a` and `b`, whose subnets are both called `main`; `a` has a custom ACL.
    fn two_vpcs() -> World {
        let mut world = World::default();
        for (name, cidr) in [("a", "10.0.0.0/16"), ("b", "10.1.0.0/16")] {
            let tags = |name: &str| BTreeMap::from([("Name".to_owned(), name.to_owned())]);
            let block = cidr.parse::<ipnet::Ipv4Net>().unwrap();
            let create = CreateVpc { cidr_ipv4: vec![block], tags: tags(name), ..CreateVpc::default() };
            let Reply::Vpc { vpc_id, .. } = apply(&mut world, create.into()).unwrap().reply else {
                panic!("no VPC")
            };
            let subnet = CreateSubnet {
                vpc_id: vpc_id.clone(),
                availability_zone: "us-east-1a".parse().unwrap(),
                cidr_ipv4: block,
                cidr_ipv6: None,
                tags: tags("main"),
            };
            apply(&mut world, subnet.into()).unwrap();
            if name == "a" {
                apply(&mut world, CreateNetworkAcl { vpc_id, tags: tags("edge") }.into()).unwrap();
            }
        }
        world
    }

    #[test]
    fn names_of_several_vpcs_are_told_apart() {
        let world = two_vpcs();
        let id = |name: &str| &vpc(&world, Some(name)).unwrap().id;
        assert_eq!(&network_acl(&world, "Edge").unwrap().vpc_id, id("a"));
        assert!(network_acl(&world, "b/default").unwrap().is_default);
        assert_eq!(&network_acl_in(&world, id("b"), "default").unwrap().vpc_id, id("b"));
        assert_eq!(&network_acl_in(&world, id("b"), "edge").unwrap().vpc_id, id("a"));
        let error = network_acl(&world, "default").unwrap_err().to_string();
        assert_eq!(error, "several VPCs have a network ACL `default`; write a/default or b/default");
        let error = subnet(&world, "main").unwrap_err().to_string();
        assert_eq!(error, "several VPCs have a subnet `main`; write a/main or b/main");
        assert_eq!(&subnet(&world, "b/main").unwrap().vpc_id, id("b"));
        let error = network_acl(&world, "egde").unwrap_err().to_string();
        assert_eq!(error, "there is no network ACL `egde`; did you mean `edge`?");
    }

    #[test]
    fn peerings_are_found_by_their_ends_and_a_live_one_is_meant() {
        let mut world = two_vpcs();
        let [a, b] = ["a", "b"].map(|name| vpc(&world, Some(name)).unwrap().id.clone());
        let mut ids = Vec::new();
        for (requester_vpc_id, accepter_vpc_id) in [(&a, &b), (&b, &a)] {
            let create = CreateVpcPeeringConnection {
                requester_vpc_id: requester_vpc_id.clone(),
                accepter_vpc_id: accepter_vpc_id.clone(),
                tags: BTreeMap::from([("Name".to_owned(), "joint".to_owned())]),
            };
            let Reply::VpcPeeringConnection { id, .. } = apply(&mut world, create.into()).unwrap().reply
            else {
                panic!("no peering")
            };
            for text in ["a/b", "b/a", "joint", id.as_str()] {
                assert_eq!(peering(&world, text).unwrap().id, id, "{text}");
            }
            ids.push(id.clone());
            let reject = RejectVpcPeeringConnection { vpc_peering_connection_id: id };
            apply(&mut world, reject.into()).unwrap();
        }
        let error = peering(&world, "a/b").unwrap_err().to_string();
        assert!(ids.iter().all(|id| error.contains(&format!("{id} (rejected)"))), "{error}");
        assert!(peering(&world, "a/c").unwrap_err().to_string().contains("did you mean"));
    }
}
