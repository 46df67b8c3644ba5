//! Security groups: made with AWS's first rules, immutable name and description, deleted when nothing uses them.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::group::{DEFAULT_GROUP_NAME, SecurityGroup};
use crate::aws::ids::{SecurityGroupId, VpcId};
use crate::aws::protocol::{IpProtocol, PortRange};
use crate::aws::region::Region;
use crate::aws::rule::{Direction, Peer};
use crate::aws::vpc::Vpc;
use crate::aws::world::World;

use super::Reply;
use super::edit::Edit;
use super::permission::Permission;
use super::rule;
use super::tag;

/// What names, descriptions and rule descriptions may hold besides ASCII letters and digits (M-20).
pub(super) const PUNCTUATION: &str = " ._-:/()#,@[]+=&;{}!$*";

/// The longest name or description (M-20).
pub(super) const MAX_TEXT: usize = 255;

/// Makes a security group: no inbound rule, every outbound connection allowed (M-25).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateSecurityGroup {
    /// Its VPC.
    pub vpc_id: VpcId,
    /// Name, unique in the VPC without regard to case.
    pub name: String,
    /// Description, mandatory.
    pub description: String,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl CreateSecurityGroup {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        // M-21: trailing spaces do not count; other white space does, and is refused.
        let name = self.name.trim_end_matches(' ').to_owned();
        check_name(&name)?;
        check_description(&self.description)?;
        let vpc: &Vpc = edit.get(&self.vpc_id)?;
        check_unused(edit.world(), &self.vpc_id, &name)?;
        check_region_quota(edit.world(), &vpc.region)?;
        let tags = tag::checked(self.tags)?;
        let id = insert(edit, &self.vpc_id, name, self.description, tags)?;
        Ok(Reply::SecurityGroup(id))
    }
}

/// Makes the next `launch-wizard-N` of a VPC, with SSH from anywhere (M-28).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateLaunchWizardGroup {
    /// Its VPC.
    pub vpc_id: VpcId,
    /// The time of creation, ISO 8601 in UTC with milliseconds, such as `2026-11-22T19:02:11.000Z`.
    pub created: String,
}

impl CreateLaunchWizardGroup {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let groups = edit.world().security_groups.values().filter(|group| group.vpc_id == self.vpc_id);
        // Names are unique without regard to case (M-23), so a `Launch-Wizard-1` counts.
        let number = |group: &SecurityGroup| {
            let name = group.name.to_ascii_lowercase();
            name.strip_prefix("launch-wizard-")?.parse::<u32>().ok()
        };
        let highest = groups.filter_map(number).max();
        let name = format!("launch-wizard-{}", highest.unwrap_or(0).saturating_add(1));
        let description = format!("{name} created {}", self.created);
        let create = CreateSecurityGroup { vpc_id: self.vpc_id, name, description, tags: BTreeMap::new() };
        let reply = create.run(edit)?;
        if let Reply::SecurityGroup(id) = &reply {
            let ssh =
                Permission::new(IpProtocol::TCP, PortRange::single(22), Peer::CidrIpv4(Ipv4Net::default()));
            rule::insert(edit, id, Direction::Inbound, ssh)?;
        }
        Ok(reply)
    }
}

/// Deletes a security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteSecurityGroup {
    /// The group.
    pub group_id: SecurityGroupId,
}

impl DeleteSecurityGroup {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let id = &self.group_id;
        let group: &SecurityGroup = edit.get(id)?;
        if group.is_default() {
            // M-32.
            let message =
                format!("the specified group: \"{id}\" name: \"{}\" cannot be deleted by a user", group.name);
            return Err(AwsError::new("CannotDelete", message));
        }
        // a rule of another group of the VPC blocks. The group's own reference to itself does not, and neither does
        // one from beyond a peering, which goes stale. M-38: an association blocks.
        let world = edit.world();
        let in_use = world.network_interfaces.values().any(|interface| interface.groups.contains(id))
            || !group.associated_vpcs.is_empty()
            || world.security_groups.values().any(|other| {
                other.id != *id
                    && other.is_usable_in(&group.vpc_id)
                    && other.rules.iter().any(|rule| rule.peer == Peer::ReferencedGroup(id.clone()))
            });
        if in_use {
            return Err(AwsError::new(
                "DependencyViolation",
                format!("resource {id} has a dependent object"),
            ));
        }
        edit.remove::<SecurityGroup>(id);
        Ok(Reply::Done)
    }
}

/// The group of a VPC with this name, without regard to case (M-23).
pub fn by_name<'w>(world: &'w World, vpc_id: &VpcId, name: &str) -> Option<&'w SecurityGroup> {
    let name = name.trim_end_matches(' ');
    let groups = world.security_groups.values();
    groups.filter(|group| group.vpc_id == *vpc_id).find(|group| group.name.eq_ignore_ascii_case(name))
}

/// A VPC's default group (M-30).
pub fn default_of<'w>(world: &'w World, vpc_id: &VpcId) -> Option<&'w SecurityGroup> {
    world.security_groups.values().find(|group| group.vpc_id == *vpc_id && group.is_default())
}

/// The refusal of a group that cannot be used in a VPC: in its region their networks differ (R-E11), outside it the group
/// does not exist.
pub(super) fn foreign(world: &World, vpc_id: &VpcId, group: &SecurityGroup) -> AwsError {
    let region = |id: &VpcId| world.vpcs.get(id).map(|vpc| &vpc.region);
    if region(vpc_id) != region(&group.vpc_id) {
        return group.id.not_found();
    }
    let message = "You have specified two resources that belong to different networks.";
    AwsError::new("InvalidGroup.NotFound", message)
}

/// Refuses one group more than a region may have.
pub(super) fn check_region_quota(world: &World, region: &Region) -> Result<(), AwsError> {
    let in_region =
        |group: &&SecurityGroup| world.vpcs.get(&group.vpc_id).is_some_and(|vpc| vpc.region == *region);
    let count = world.security_groups.values().filter(in_region).count();
    if count >= world.quotas.groups_per_region as usize {
        return Err(AwsError::new(
            "SecurityGroupLimitExceeded",
            format!("The maximum number of security groups for region {region} has been reached."),
        ));
    }
    Ok(())
}

/// Makes a group whose name and description have been checked, with the outbound rules of a new group: all IPv4, and
/// all IPv6 where the VPC has IPv6 (M-25, M-31).
pub(super) fn insert(
    edit: &mut Edit<'_>,
    vpc_id: &VpcId,
    name: String,
    description: String,
    tags: BTreeMap<String, String>,
) -> Result<SecurityGroupId, AwsError> {
    let has_ipv6 = !edit.get::<Vpc>(vpc_id)?.cidr_ipv6.is_empty();
    let (seed, number) = edit.next_number()?;
    let id = SecurityGroupId::mint(seed, number);
    edit.put(SecurityGroup {
        id: id.clone(),
        number,
        name,
        description,
        vpc_id: vpc_id.clone(),
        associated_vpcs: BTreeSet::new(),
        rules: Vec::new(),
        tags,
    });
    let anywhere_ipv4 = Some(Peer::CidrIpv4(Ipv4Net::default()));
    let anywhere_ipv6 = has_ipv6.then(|| Peer::CidrIpv6(Ipv6Net::default()));
    for peer in [anywhere_ipv4, anywhere_ipv6].into_iter().flatten() {
        let all = Permission::new(IpProtocol::All, PortRange::ALL, peer);
        rule::insert(edit, &id, Direction::Outbound, all)?;
    }
    Ok(id)
}

/// Refuses a name that another group of the VPC has.
pub(super) fn check_unused(world: &World, vpc_id: &VpcId, name: &str) -> Result<(), AwsError> {
    match by_name(world, vpc_id, name) {
        None => Ok(()),
        Some(_) => Err(AwsError::new(
            "InvalidGroup.Duplicate",
            format!("The security group '{name}' already exists for VPC '{vpc_id}'"),
        )),
    }
}

pub(super) fn check_name(name: &str) -> Result<(), AwsError> {
    if name.is_empty() {
        return Err(AwsError::new("MissingParameter", "The request must contain the parameter GroupName"));
    }
    if !name.is_ascii() {
        return Err(AwsError::invalid_value(format!(
            "Value ({name}) for parameter GroupName is invalid. Character sets beyond ASCII are not supported."
        )));
    }
    if name.starts_with("sg-") {
        // M-22.
        return Err(AwsError::invalid_value(format!(
            "Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*."
        )));
    }
    if name.eq_ignore_ascii_case(DEFAULT_GROUP_NAME) {
        // M-33.
        return Err(AwsError::invalid_value(format!("Cannot use reserved security group name: {name}")));
    }
    if !is_plain(name, PUNCTUATION) {
        return Err(AwsError::invalid_value(
            "Invalid security group name. Valid names are non-empty strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        ));
    }
    Ok(())
}

pub(super) fn check_description(description: &str) -> Result<(), AwsError> {
    if description.is_empty() {
        // M-19.
        return Err(AwsError::new(
            "MissingParameter",
            "The request must contain the parameter GroupDescription",
        ));
    }
    if !is_plain(description, PUNCTUATION) {
        return Err(AwsError::invalid_value(
            "Invalid security group description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        ));
    }
    Ok(())
}

/// Whether a text has only ASCII letters, digits and this punctuation, and is not too long (M-20, R-04).
pub(super) fn is_plain(text: &str, punctuation: &str) -> bool {
    text.len() <= MAX_TEXT && text.chars().all(|c| c.is_ascii_alphanumeric() || punctuation.contains(c))
}
