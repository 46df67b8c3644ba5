//! What sources have, read into the model's types, and the world that it makes. Sources come in any order; a world is made in
//! the order in which things need each other.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Serialize;

use crate::aws::ids::{InstanceId, NetworkAclId, VpcId};
use crate::aws::interface::NetworkInterface;
use crate::aws::network_acl::NetworkAcl;
use crate::aws::quota::Quotas;
use crate::aws::world::World;
use crate::command::adopt::{Existing, adopt, adopt_defaults, adopt_main_route_tables, adopt_quotas};

use super::error::{ImportError, Place};
use super::{digest, names};

/// What of a source is not in the world, why, and what follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// What it is: a kind and an id.
    pub what: String,
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// Why it is left out.
    pub reason: String,
    /// What answers are like without it.
    pub consequence: String,
}

/// What was made of sources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What is not in the world.
    pub left_out: Vec<LeftOut>,
    /// What sources do not say and had to be assumed.
    pub assumed: Vec<String>,
}

impl Report {
    /// Notes that something is left out.
    pub(super) fn leave(&mut self, what: impl Into<String>, place: Place, reason: &str, consequence: &str) {
        let (reason, consequence) = (reason.to_owned(), consequence.to_owned());
        self.left_out.push(LeftOut { what: what.into(), place, reason, consequence });
    }
}

/// What sources have so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) objects: Vec<(Place, Existing)>,
    pub(super) report: Report,
    /// Quotas, where a source tells them.
    pub(super) quotas: Option<Quotas>,
    /// Addresses of the internet host, where a source tells them.
    pub(super) internet: Vec<IpAddr>,
}

impl Draft {
    pub(super) fn add(&mut self, place: Place, object: Existing) {
        self.objects.push((place, object));
    }

    /// Makes the world. Ids that are minted later differ from all that are taken over.
    pub(super) fn build(mut self, seed: u64) -> Result<(World, Self), ImportError> {
        names::assign(&mut self.objects);
        let text = self.objects.iter().map(|(_, object)| id_of(object)).collect::<Vec<_>>().join(" ");
        let mut world = World { seed: seed ^ digest(&text), ..World::default() };
        // Addresses that are given come before those that are chosen.
        self.objects.sort_by_key(|(_, object)| rank(object));
        let mut vpcs = Vec::new();
        let mut are_complete = false;
        for (place, mut object) in std::mem::take(&mut self.objects) {
            if let Existing::Vpc(vpc) = &object {
                vpcs.push((place.clone(), vpc.id.clone()));
            }
            if !are_complete && rank(&object) > rank_of_groups() {
                complete(&mut world, &vpcs)?;
                are_complete = true;
            }
            if let Existing::Subnet(subnet) = &mut object
                && subnet.network_acl_id == default_acl()
                && let Some(acl) = default_acl_of(&world, &subnet.vpc_id)
            {
                subnet.network_acl_id = acl.id.clone();
            }
            adopt(&mut world, object).map_err(|error| place.refused(error))?;
        }
        if !are_complete {
            complete(&mut world, &vpcs)?;
        }
        let place = vpcs.first().map(|(place, _)| Place::file(&place.file)).unwrap_or_default();
        adopt_main_route_tables(&mut world).map_err(|error| place.refused(error))?;
        adopt_quotas(&mut world, self.quotas).map_err(|error| place.refused(error))?;
        Ok((world, self))
    }

    /// The instances that interfaces say they are attached to, and those that there are.
    pub(super) fn instances(&self) -> (BTreeSet<&InstanceId>, BTreeSet<&InstanceId>) {
        let mut named = BTreeSet::new();
        let mut known = BTreeSet::new();
        for (_, object) in &self.objects {
            match object {
                Existing::NetworkInterface(NetworkInterface { attachment: Some(attachment), .. }) => {
                    named.insert(&attachment.instance_id);
                }
                Existing::Instance(instance) => {
                    known.insert(&instance.id);
                }
                _ => {}
            }
        }
        (named, known)
    }
}

/// Stands for the default ACL of a subnet's VPC, whichever that is.
pub(super) fn default_acl() -> NetworkAclId {
    NetworkAclId::mint(0, 0)
}

fn default_acl_of<'w>(world: &'w World, vpc_id: &VpcId) -> Option<&'w NetworkAcl> {
    world.network_acls.values().find(|acl| acl.is_default && acl.vpc_id == *vpc_id)
}

fn complete(world: &mut World, vpcs: &[(Place, VpcId)]) -> Result<(), ImportError> {
    vpcs.iter().try_for_each(|(place, id)| adopt_defaults(world, id).map_err(|error| place.refused(error)))
}

/// Ranks after this one come after groups and network ACLs, which every VPC has some of.
fn rank_of_groups() -> (u8, bool) {
    (3, true)
}

/// The order in which objects need each other.
fn rank(object: &Existing) -> (u8, bool) {
    match object {
        Existing::Vpc(_) => (0, false),
        Existing::PrefixList(_) => (1, false),
        Existing::NetworkAcl(_) => (2, false),
        Existing::SecurityGroup(_) => (3, false),
        Existing::Subnet(_) => (4, false),
        Existing::Peering(_) => (5, false),
        Existing::InternetGateway(_) => (6, false),
        Existing::RouteTable(_) => (7, false),
        Existing::Rule(..) => (8, false),
        Existing::NetworkInterface(it) => (9, it.private_ipv4.is_empty()),
        Existing::Instance(_) => (10, false),
        Existing::FlowLog(_) => (11, false),
    }
}

fn id_of(object: &Existing) -> &str {
    match object {
        Existing::Vpc(it) => it.id.as_str(),
        Existing::PrefixList(it) => it.id.as_str(),
        Existing::NetworkAcl(it) => it.id.as_str(),
        Existing::SecurityGroup(it) => it.id.as_str(),
        Existing::Subnet(it) => it.id.as_str(),
        Existing::Peering(it) => it.id.as_str(),
        Existing::InternetGateway(it) => it.id.as_str(),
        Existing::RouteTable(it) => it.id.as_str(),
        Existing::Rule(_, it) => it.id.as_str(),
        Existing::NetworkInterface(it) => it.id.as_str(),
        Existing::Instance(it) => it.id.as_str(),
        Existing::FlowLog(it) => it.id.as_str(),
    }
}
