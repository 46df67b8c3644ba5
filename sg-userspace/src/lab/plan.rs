//! From a lab file to a world: which commands it stands for, applied in order to a copy of the world.
//!
//! All VPCs, subnets, ACLs and groups come first, then peerings, then rules, then instances, so that the file may name
//! things in any order. Gateways and routes, which no file names, come last.
//! Nothing is built here: `lab` builds what the plan describes.

mod instances;
mod network_acls;
mod peerings;
mod prefix_lists;
mod routes;
mod rules;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::aws::ids::{
    InstanceId, NetworkAclId, NetworkInterfaceId, PrefixListId, SecurityGroupId, SubnetId, VpcId,
    VpcPeeringConnectionId,
};
use crate::aws::region::Region;
use crate::aws::world::World;
use crate::command::changes::Changes;
use crate::command::group::{self, CreateSecurityGroup};
use crate::command::group_vpc::AssociateSecurityGroupVpc;
use crate::command::quota::SetQuotas;
use crate::command::subnet::CreateSubnet;
use crate::command::vpc::CreateVpc;
use crate::command::{Command, Reply, apply};

use super::file::position::{At, LabError, Position, refused};
use super::file::shorthand::Server;
use super::file::{GroupFile, LabFile, SubnetFile, VpcFile};

/// Names that no instance has, since they stand for something else: in every instance's hosts file, on the command line,
/// among the logs.
pub const RESERVED_NAMES: [&str; 3] = ["internet", "localhost", "controller"];

/// A lab: what its names stand for, and the servers to run. The world has the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lab {
    /// The internet host.
    pub internet: Internet,
    /// VPCs by name.
    pub vpcs: BTreeMap<String, VpcId>,
    /// Subnets by `VPC.SUBNET`.
    pub subnets: BTreeMap<String, SubnetId>,
    /// Security groups by `VPC.GROUP`, default groups included.
    pub security_groups: BTreeMap<String, SecurityGroupId>,
    /// Network ACLs by `VPC.ACL`, default ones included.
    pub network_acls: BTreeMap<String, NetworkAclId>,
    /// Prefix lists by name.
    pub prefix_lists: BTreeMap<String, PrefixListId>,
    /// Peerings by name.
    pub vpc_peering_connections: BTreeMap<String, VpcPeeringConnectionId>,
    /// Instances by name.
    pub instances: BTreeMap<String, LabInstance>,
}

/// The internet host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Internet {
    /// Its IPv4 address, `my-ip`.
    pub ipv4: Ipv4Addr,
    /// Its IPv6 address.
    pub ipv6: Ipv6Addr,
    /// Servers to run on it.
    pub servers: Vec<Server>,
}

/// An instance of a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabInstance {
    /// The instance.
    pub instance_id: InstanceId,
    /// Its interfaces by device index.
    pub interface_ids: Vec<NetworkInterfaceId>,
    /// Servers to run in it.
    pub servers: Vec<Server>,
}

/// A lab file carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The world with the lab in it.
    pub world: World,
    /// What differs from the world before.
    pub changes: Changes,
    /// The lab.
    pub lab: Lab,
}

/// Carries out a lab file on a copy of the world.
///
/// # Errors
/// The first thing that AWS would refuse or that a lab cannot have, and where the file says it.
pub fn plan(file: &LabFile, world: &World) -> Result<Plan, LabError> {
    let outside = Place { at: None, path: "internet.servers".to_owned() };
    let internet = Internet {
        ipv4: file.internet.ipv4(),
        ipv6: file.internet.ipv6(),
        servers: instances::servers(&outside, &file.internet.servers)?,
    };
    let lab = Lab {
        internet,
        vpcs: BTreeMap::new(),
        subnets: BTreeMap::new(),
        security_groups: BTreeMap::new(),
        network_acls: BTreeMap::new(),
        prefix_lists: BTreeMap::new(),
        vpc_peering_connections: BTreeMap::new(),
        instances: BTreeMap::new(),
    };
    let mut planner =
        Planner { world: world.clone(), changes: Changes::default(), lab, owners: BTreeMap::new() };
    planner.run(file)?;
    Ok(Plan { world: planner.world, changes: planner.changes, lab: planner.lab })
}

/// Where an error is to be reported.
#[derive(Clone, Debug)]
struct Place {
    at: Option<Position>,
    path: String,
}

impl Place {
    fn of(name: &At<String>, path: impl Into<String>) -> Self {
        Self { at: Some(name.at), path: path.into() }
    }

    fn at(&self, at: Position) -> Self {
        Self { at: Some(at), path: self.path.clone() }
    }

    fn error(&self, message: impl Into<String>) -> LabError {
        LabError { at: self.at, path: self.path.clone(), message: message.into(), code: None }
    }
}

struct Planner {
    world: World,
    changes: Changes,
    lab: Lab,
    /// Which VPC owns an address, and through which instance.
    owners: BTreeMap<IpAddr, (VpcId, String)>,
}

impl Planner {
    fn run(&mut self, file: &LabFile) -> Result<(), LabError> {
        if file.vpcs.0.is_empty() {
            let place = Place { at: None, path: "vpcs".to_owned() };
            return Err(place.error("a lab has at least one VPC: write `vpcs: {lab: {cidr: 10.0.0.0/16}}`"));
        }
        if let Some(quotas) = &file.quotas {
            let place = Place { at: Some(quotas.at), path: "quotas".to_owned() };
            self.apply(&place, SetQuotas::from(quotas.value))?;
        }
        let default_region = file.region.as_ref().map(|written| written.0.clone()).unwrap_or_default();
        for (name, vpc) in &file.vpcs.0 {
            self.create_vpc(name, vpc, &default_region)?;
        }
        let vpcs: Vec<_> = file.vpcs.0.iter().map(|(name, vpc)| (name, vpc, self.vpc_id(name))).collect();
        prefix_lists::create(self, &default_region, &file.prefix_lists)?;
        peerings::open(self, &file.peerings)?;
        for (name, vpc, _) in &vpcs {
            for (group_name, group) in &vpc.security_groups.0 {
                self.associate_group(&name.value, group_name, group)?;
            }
        }
        for (name, vpc, vpc_id) in &vpcs {
            network_acls::fill(self, &name.value, vpc_id, &vpc.network_acls)?;
            for (group_name, group) in &vpc.security_groups.0 {
                rules::authorize(self, &name.value, vpc_id, group_name, group)?;
            }
        }
        for (name, vpc, vpc_id) in &vpcs {
            for (instance_name, instance) in &vpc.instances.0 {
                instances::run(self, &name.value, vpc_id, instance_name, instance)?;
            }
        }
        routes::create(self, &vpcs)?;
        peerings::close(self, &file.peerings)
    }

    /// Applies a command and keeps its changes.
    fn apply(&mut self, place: &Place, command: impl Into<Command>) -> Result<Reply, LabError> {
        let applied = apply(&mut self.world, command.into())
            .map_err(|error| refused(place.at, place.path.clone(), error))?;
        self.changes.merge(applied.changes);
        Ok(applied.reply)
    }

    /// The id of a VPC of this file, which exists by now.
    fn vpc_id(&self, name: &At<String>) -> VpcId {
        self.lab.vpcs[&name.value].clone()
    }

    /// The id of the VPC with this name.
    fn vpc_named(&self, place: &Place, name: &At<String>) -> Result<VpcId, LabError> {
        self.lab.vpcs.get(&name.value).cloned().ok_or_else(|| {
            let names: Vec<_> = self.lab.vpcs.keys().map(String::as_str).collect();
            place.at(name.at).error(format!("no VPC `{}`; there are: {}", name.value, names.join(", ")))
        })
    }

    fn create_vpc(
        &mut self,
        name: &At<String>,
        vpc: &VpcFile,
        default_region: &Region,
    ) -> Result<(), LabError> {
        let place = Place::of(name, format!("vpcs.{}", name.value));
        if name.value.is_empty() || name.value.contains('.') {
            // `VPC.GROUP` and `VPC.SUBNET` name things across VPCs.
            return Err(place.error("a VPC's name is not empty and has no dot; write another"));
        }
        let region = vpc.region.as_ref().map_or(default_region, |written| &written.0).clone();
        let cidr_ipv4: Vec<_> = vpc.cidr.0.iter().map(|written| written.0).collect();
        let cidr_ipv6: Vec<_> = vpc.ipv6.0.iter().map(|written| written.0).collect();
        let internet = &self.lab.internet;
        if cidr_ipv4.iter().any(|net| net.contains(&internet.ipv4))
            || cidr_ipv6.iter().any(|net| net.contains(&internet.ipv6))
        {
            return Err(place.error(format!(
                "the internet host's address ({} or {}) lies inside this VPC; give it another with `internet: {{ipv4: ..., ipv6: ...}}`",
                internet.ipv4, internet.ipv6
            )));
        }
        let tags = named(&name.value);
        let command = CreateVpc {
            region: region.clone(),
            cidr_ipv4,
            cidr_ipv6,
            is_default: vpc.default,
            internet_mtu: vpc.internet_mtu.map(|mtu| mtu.value),
            tags,
        };
        if let Reply::Vpc { vpc_id, default_group_id } = self.apply(&place, command)? {
            self.lab.security_groups.insert(format!("{}.default", name.value), default_group_id);
            self.lab.vpcs.insert(name.value.clone(), vpc_id);
        }
        let vpc_id = self.vpc_id(name);
        network_acls::create(self, &name.value, &vpc_id, &vpc.network_acls)?;
        for (subnet_name, subnet) in &vpc.subnets.0 {
            self.create_subnet(&name.value, &vpc_id, &region, subnet_name, subnet)?;
        }
        for (group_name, group) in &vpc.security_groups.0 {
            self.create_group(&name.value, &vpc_id, group_name, group)?;
        }
        Ok(())
    }

    fn create_subnet(
        &mut self,
        vpc_name: &str,
        vpc_id: &VpcId,
        region: &Region,
        name: &At<String>,
        subnet: &SubnetFile,
    ) -> Result<(), LabError> {
        let place = Place::of(name, format!("vpcs.{vpc_name}.subnets.{}", name.value));
        let command = CreateSubnet {
            vpc_id: vpc_id.clone(),
            availability_zone: subnet
                .zone
                .as_ref()
                .map_or_else(|| region.zone('a'), |written| written.0.clone()),
            cidr_ipv4: subnet.cidr.0,
            cidr_ipv6: subnet.ipv6.as_ref().map(|written| written.0),
            tags: named(&name.value),
        };
        if let Reply::Subnet(id) = self.apply(&place, command)? {
            if let Some(acl) = &subnet.network_acl {
                network_acls::associate(self, vpc_name, &id, &place, acl)?;
            }
            self.lab.subnets.insert(format!("{vpc_name}.{}", name.value), id);
        }
        Ok(())
    }

    fn create_group(
        &mut self,
        vpc_name: &str,
        vpc_id: &VpcId,
        name: &At<String>,
        group: &GroupFile,
    ) -> Result<(), LabError> {
        let place = Place::of(name, format!("vpcs.{vpc_name}.security-groups.{}", name.value));
        if let Some(default) = group::default_of(&self.world, vpc_id).filter(|it| it.name == name.value) {
            return match &group.description {
                None => Ok(()),
                Some(description) => Err(place.at(description.at).error(format!(
                    "the default group has the description `{}`, which cannot be changed; leave `description` out",
                    default.description
                ))),
            };
        }
        let description =
            group.description.as_ref().map_or(&name.value, |description| &description.value).clone();
        let command = CreateSecurityGroup {
            vpc_id: vpc_id.clone(),
            name: name.value.clone(),
            description,
            tags: BTreeMap::new(),
        };
        if let Reply::SecurityGroup(id) = self.apply(&place, command)? {
            self.lab.security_groups.insert(format!("{vpc_name}.{}", name.value), id);
        }
        Ok(())
    }

    /// Lets the interfaces of further VPCs carry a group.
    fn associate_group(
        &mut self,
        vpc_name: &str,
        name: &At<String>,
        group: &GroupFile,
    ) -> Result<(), LabError> {
        let Some(group_id) = self.lab.security_groups.get(&format!("{vpc_name}.{}", name.value)).cloned()
        else {
            return Ok(());
        };
        for vpc in &group.associated_vpcs {
            let path = format!("vpcs.{vpc_name}.security-groups.{}.associated-vpcs", name.value);
            let place = Place::of(vpc, path);
            let vpc_id = self.vpc_named(&place, vpc)?;
            self.apply(&place, AssociateSecurityGroupVpc { group_id: group_id.clone(), vpc_id })?;
        }
        Ok(())
    }

    /// Refuses an address that an instance of another VPC owns: the internet host has no address translation, so it could
    /// not tell the two apart.
    fn check_addresses(
        &mut self,
        place: &Place,
        interface_ids: &[NetworkInterfaceId],
    ) -> Result<(), LabError> {
        for interface in interface_ids.iter().filter_map(|id| self.world.network_interfaces.get(id)) {
            let ipv4 = interface.private_ipv4.iter().copied().map(IpAddr::V4);
            let ipv6 = interface.ipv6.iter().copied().map(IpAddr::V6);
            for address in ipv4.chain(ipv6) {
                match self.owners.get(&address) {
                    Some((vpc_id, path)) if *vpc_id != interface.vpc_id => {
                        return Err(place.error(format!(
                            "address {address} is also that of {path}, in another VPC: the lab's internet host could not tell them apart; give one of them another `address`"
                        )));
                    }
                    _ => {
                        self.owners.insert(address, (interface.vpc_id.clone(), place.path.clone()));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The tag that the console shows as an object's name.
fn named(name: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("Name".to_owned(), name.to_owned())])
}
