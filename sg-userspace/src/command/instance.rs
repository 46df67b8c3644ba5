//! Instances run, with one or several network interfaces each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aws::error::AwsError;
use crate::aws::group::SecurityGroup;
use crate::aws::ids::{ImageId, InstanceId, NetworkInterfaceId};
use crate::aws::instance::{
    ClientToken, DEFAULT_CONNECTION_ALLOWANCE, Instance, InstanceSettings, InstanceState, Launch, UserData,
};
use crate::aws::instance_type::InstanceType;
use crate::aws::interface::NetworkInterface;
use crate::aws::metadata_options::MetadataOptions;
use crate::aws::tag::NAME;
use crate::aws::vpc::Subnet;
use crate::aws::world::World;

use super::Reply;
use super::attachment;
use super::edit::Edit;
use super::interface::{self, CreateNetworkInterface};
use super::tag;

/// The longest host name.
const MAX_NAME: usize = 63;

/// An interface of a new instance; its place in the list is its device index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstanceInterface {
    /// Made with the instance, and deleted with it.
    New(CreateNetworkInterface),
    /// Made with the instance, and kept when it ends.
    NewKept(CreateNetworkInterface),
    /// One that exists; kept when the instance ends.
    Existing(NetworkInterfaceId),
}

/// Makes an instance. All its interfaces are in one zone (M-06); further ones may be in another VPC (M-12).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunInstance {
    /// Host name, unique in this world, and the tag `Name`; none stands for what that tag says, where that is a host name
    /// that no other instance has, and else for the instance's id.
    #[serde(default)]
    pub name: Option<String>,
    /// Its interfaces, the primary one first.
    pub interfaces: Vec<InstanceInterface>,
    /// Its type, which decides how long idle TCP connections are remembered (section 4.4).
    #[serde(default)]
    pub instance_type: Option<InstanceType>,
    /// How many connections its interfaces may track at a time, together (C-26); none stands for AWS's example.
    #[serde(default)]
    pub connection_allowance: Option<u32>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The image that is named, which does nothing here.
    #[serde(default)]
    pub image_id: Option<ImageId>,
    /// What may be done to it.
    #[serde(default)]
    pub settings: InstanceSettings,
    /// How it may ask for its metadata.
    #[serde(default)]
    pub metadata_options: MetadataOptions,
    /// Its user data.
    #[serde(default)]
    pub user_data: Option<UserData>,
    /// When it is launched, in seconds since 1970.
    #[serde(default)]
    pub at: Option<u64>,
}

/// Makes several instances that differ in their addresses alone: all of them, or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunInstances {
    /// How many.
    pub count: u16,
    /// What each of them is like.
    pub instance: RunInstance,
    /// The client's token and its request in some form: what it asks for a second time is not done a second time.
    #[serde(default)]
    pub client_token: Option<ClientToken>,
}

impl RunInstances {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        if let Some(token) = &self.client_token {
            let mut made = launched_by(edit.world(), token)?;
            if !made.is_empty() {
                made.sort_by_key(|instance| instance.launch.index);
                return Ok(Reply::Instances(made.iter().map(|instance| instance.id.clone()).collect()));
            }
        }
        let mut made: Vec<InstanceId> = Vec::new();
        for index in 0..self.count {
            let Reply::Instance { instance_id, .. } = self.instance.clone().run(edit)? else { continue };
            let launch = &mut edit.get_mut::<Instance>(&instance_id)?.launch;
            launch.index = index;
            launch.first = made.first().cloned();
            launch.client_token.clone_from(&self.client_token);
            made.push(instance_id);
        }
        Ok(Reply::Instances(made))
    }
}

/// The instances, ended ones included, that an earlier call with this token launched, in the region that none of them has
/// left.
fn launched_by<'w>(world: &'w World, token: &ClientToken) -> Result<Vec<&'w Instance>, AwsError> {
    let is_it = |it: &ClientToken| it.token == token.token && it.region == token.region;
    let made = world.instances.values().filter(|it| it.launch.client_token.as_ref().is_some_and(is_it));
    let made = made.collect::<Vec<_>>();
    if made.iter().any(|instance| instance.launch.client_token.as_ref() != Some(token)) {
        let message = format!("The client token '{}' was used with other parameters before.", token.token);
        return Err(AwsError::new("IdempotentParameterMismatch", message));
    }
    Ok(made)
}

impl RunInstance {
    pub(super) fn run(self, edit: &mut Edit<'_>) -> Result<Reply, AwsError> {
        let (name, tags) = named(edit.world(), self.name, self.tags)?;
        let user_data = self.user_data.map(|data| UserData::new(data.base64(), data.run)).transpose()?;
        if self.interfaces.is_empty() {
            return Err(AwsError::new("MissingParameter", "The request must contain the parameter SubnetId"));
        }
        let (seed, number) = edit.next_number()?;
        let id = InstanceId::mint(seed, number);
        let mut interface_ids = Vec::with_capacity(self.interfaces.len());
        for (index, spec) in self.interfaces.into_iter().enumerate() {
            // One out of range is refused with those that are too many.
            let device_index = u8::try_from(index).unwrap_or(u8::MAX);
            interface_ids.push(add_interface(edit, &id, device_index, spec)?);
        }
        let vpc_id = match interface_ids.first() {
            Some(primary) => edit.get::<NetworkInterface>(primary)?.vpc_id.clone(),
            None => return Err(AwsError::new("InternalError", "an instance without interfaces")),
        };
        edit.put(Instance {
            id: id.clone(),
            number,
            name: name.unwrap_or_else(|| id.to_string()),
            vpc_id,
            instance_type: self.instance_type,
            connection_allowance: self.connection_allowance.unwrap_or(DEFAULT_CONNECTION_ALLOWANCE),
            tags,
            state: InstanceState::Running,
            launch: Launch { at: self.at, image_id: self.image_id, ..Launch::default() },
            settings: self.settings,
            metadata_options: self.metadata_options,
            user_data,
        });
        for interface_id in &interface_ids {
            interface::settle_connection_tracking(edit, interface_id)?;
        }
        Ok(Reply::Instance { instance_id: id, interface_ids })
    }
}

/// Whether an instance that is not over has this host name.
fn has_name(world: &World, name: &str) -> bool {
    world.instances.values().any(|it| !it.is_terminated() && it.name.eq_ignore_ascii_case(name))
}

/// The host name of an instance, if it has one of its own, and its tags, which have one that was asked for too.
fn named(
    world: &World,
    name: Option<String>,
    mut tags: BTreeMap<String, String>,
) -> Result<(Option<String>, BTreeMap<String, String>), AwsError> {
    let Some(name) = name else {
        let free = tags.get(NAME).filter(|name| check_name(name).is_ok() && !has_name(world, name));
        return Ok((free.cloned(), tag::checked(tags)?));
    };
    check_name(&name)?;
    check_unused(world, &name)?;
    match tags.insert(NAME.to_owned(), name.clone()) {
        Some(tag) if tag != name => Err(AwsError::invalid_value(format!(
            "Value ({tag}) for tag Name is invalid. It is the instance's host name, which is given as {name}."
        ))),
        _ => Ok((Some(name), tag::checked(tags)?)),
    }
}

fn add_interface(
    edit: &mut Edit<'_>,
    instance_id: &InstanceId,
    device_index: u8,
    spec: InstanceInterface,
) -> Result<NetworkInterfaceId, AwsError> {
    let (interface_id, delete_on_termination) = match spec {
        InstanceInterface::New(create) => (create_for_instance(edit, create)?, true),
        InstanceInterface::NewKept(create) => (create_for_instance(edit, create)?, false),
        InstanceInterface::Existing(id) => (id, false),
    };
    attachment::attach(edit, &interface_id, instance_id, device_index)?;
    let interface: &mut NetworkInterface = edit.get_mut(&interface_id)?;
    if let Some(attachment) = &mut interface.attachment {
        attachment.delete_on_termination = delete_on_termination;
    }
    Ok(interface_id)
}

/// Makes an interface with the refusal that `RunInstances` has for a group of another network (section 6.4).
fn create_for_instance(
    edit: &mut Edit<'_>,
    create: CreateNetworkInterface,
) -> Result<NetworkInterfaceId, AwsError> {
    let subnet: &Subnet = edit.get(&create.subnet_id)?;
    for group_id in &create.groups {
        let group: &SecurityGroup = edit.get(group_id)?;
        let region_of = |vpc_id| edit.world().vpcs.get(vpc_id).map(|vpc| &vpc.region);
        if !group.is_usable_in(&subnet.vpc_id) && region_of(&group.vpc_id) == region_of(&subnet.vpc_id) {
            return Err(AwsError::new(
                "InvalidParameter",
                format!(
                    "Security group {group_id} and subnet {} belong to different networks.",
                    create.subnet_id
                ),
            ));
        }
    }
    create.create(edit)
}

/// Refuses a name that another instance has.
pub(super) fn check_unused(world: &World, name: &str) -> Result<(), AwsError> {
    if has_name(world, name) {
        return Err(AwsError::invalid_value(format!(
            "Value ({name}) for tag Name is invalid. Instances are known by name here, and another instance has it."
        )));
    }
    Ok(())
}

/// Refuses what cannot be a host name.
pub fn check_name(name: &str) -> Result<(), AwsError> {
    let is_label = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(is_label) || name.starts_with('-') {
        return Err(AwsError::invalid_value(format!(
            "Value ({name}) for tag Name is invalid. It becomes a host name: up to {MAX_NAME} letters, digits and dashes, not starting with a dash."
        )));
    }
    Ok(())
}
