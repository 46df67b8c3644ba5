//! What of the world stands on this machine, and how it follows the world when that changes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use futures::stream;
use tokio::sync::mpsc;

use crate::aws::ids::{InstanceId, NetworkInterfaceId};
use crate::aws::instance::Instance;
use crate::aws::interface::NetworkInterface;
use crate::aws::world::World;
use crate::command::changes::{Changes, ObjectKey};
use crate::lab::cleanup::{self, Removed};
use crate::lab::link::Links;
use crate::lab::manifest::{self, Made};
use crate::lab::namespace::{self, Namespace};
use crate::lab::{hosts, process};
use crate::store::manifest::LabManifest;

use super::build::{Builder, BuiltLink, INTERNET_NAME, link_name};
use super::enforcer::{Enforcer, INTERNET_SLOT};
use super::protocol::{Progress, Reply};

/// Instances that are built at a time. More than this, and the kernel's locks are waited for rather than the work.
const AT_ONCE: usize = 16;
/// How long an instance's processes have to end by themselves.
const GRACE: std::time::Duration = std::time::Duration::from_secs(3);

/// What stands.
#[derive(Debug, Default)]
pub struct Built {
    /// Instances that run, and how often each had been booted when its processes were last ended.
    instances: BTreeMap<InstanceId, u32>,
    links: BTreeMap<NetworkInterfaceId, BuiltLink>,
    made: PathBuf,
}

impl Built {
    /// Nothing yet; what is made will be listed in the file at `made`.
    pub fn new(made: &Path) -> Self {
        Self { made: made.to_owned(), ..Self::default() }
    }

    /// Takes over what an earlier controller built.
    ///
    /// # Errors
    /// Where the machine cannot be looked at, or a link cannot be attached to again.
    pub async fn adopt(
        made: &Path,
        world: &World,
        lab: &LabManifest,
        enforcer: &mut dyn Enforcer,
    ) -> Result<Self> {
        let mut built = Self::new(made);
        if !enforcer.has_links() {
            // What is there by the same names is somebody else's.
            return Ok(built);
        }
        let standing = namespace::list()?.into_iter().collect::<BTreeSet<_>>();
        let links = Links::open()?.list().await?;
        let indexes = links
            .iter()
            .filter(|link| link.name == link_name(link.index))
            .map(|link| link.index)
            .collect::<BTreeSet<_>>();
        let is_there = |it: &&Instance| it.is_running() && standing.contains(it.id.as_str());
        for instance in world.instances.values().filter(is_there) {
            built.instances.insert(instance.id.clone(), instance.launch.boots);
            for interface in world.interfaces_of(&instance.id) {
                let index = lab.link_base + interface.slot;
                if indexes.contains(&index) {
                    enforcer.attach(interface, index)?;
                    let link =
                        BuiltLink { interface: interface.clone(), instance_id: instance.id.clone(), index };
                    built.links.insert(interface.id.clone(), link);
                }
            }
        }
        let index = lab.link_base + INTERNET_SLOT;
        if indexes.contains(&index) {
            enforcer.attach_internet(index, super::build::INTERNET_MAC, &lab.internet())?;
        }
        Ok(built)
    }

    /// Removes what an earlier controller left half made, or half removed, when it died: the world does not have it. What
    /// stays behind passes nothing, since no interface is known for its link.
    pub async fn sweep(made: &Path, world: &World, lab: &LabManifest) {
        match cleanup::sweep(made, |thing| is_wanted(thing, world, lab)).await {
            Ok(removed) if removed == Removed::default() => {}
            Ok(removed) => tracing::info!(?removed, "removed what an earlier controller had left"),
            Err(error) => tracing::warn!("cannot remove what an earlier controller has left: {error:#}"),
        }
    }

    /// Builds everything, many at a time, telling how far it is.
    ///
    /// # Errors
    /// Where the machine refuses; what was made until then is listed.
    pub async fn build(
        &mut self,
        world: &World,
        lab: &LabManifest,
        enforcer: &mut dyn Enforcer,
        replies: &mpsc::Sender<Reply>,
    ) -> Result<()> {
        let builder = Builder::new(world, lab, enforcer, &self.made)?;
        builder.internet().await.context("cannot build the internet host")?;
        builder.announce(&world.instances.values().collect::<Vec<_>>())?;
        let total = world.instances.len();
        let mut work = stream::iter(world.instances.values())
            .map(|instance| {
                let builder = &builder;
                async move {
                    let built = builder.instance(instance).await;
                    (instance, built.with_context(|| format!("cannot build instance `{}`", instance.name)))
                }
            })
            .buffer_unordered(AT_ONCE);
        let mut done = 0;
        while let Some((instance, links)) = work.next().await {
            let links = links?;
            self.instances.insert(instance.id.clone(), instance.launch.boots);
            self.links.extend(links.into_iter().map(|link| (link.interface.id.clone(), link)));
            done += 1;
            let progress =
                Progress { stage: "building instances".to_owned(), item: instance.name.clone(), done, total };
            // A client too slow to read this misses a step, and no more.
            let _ = replies.try_send(Reply::Progress(progress));
        }
        Ok(())
    }

    /// Builds what a change has brought: instances, and interfaces attached to instances.
    ///
    /// # Errors
    /// Where the machine refuses; [`Built::shrink`] then takes away what was made, once the world is as it was.
    pub async fn grow(
        &mut self,
        world: &World,
        changes: &Changes,
        lab: &LabManifest,
        enforcer: &mut dyn Enforcer,
    ) -> Result<()> {
        if !enforcer.has_links() {
            return Ok(());
        }
        let new_instances = changes.keys.iter().filter_map(|key| match key {
            ObjectKey::Instance(id) if !self.instances.contains_key(id) => {
                world.instances.get(id).filter(|it| it.is_running())
            }
            _ => None,
        });
        let new_instances = new_instances.collect::<Vec<_>>();
        let new_interfaces = changes.keys.iter().filter_map(|key| match key {
            ObjectKey::NetworkInterface(id) if !self.links.contains_key(id) => {
                let interface = world.network_interfaces.get(id)?;
                let owner = &interface.attachment.as_ref()?.instance_id;
                Some((interface, world.instances.get(owner).filter(|_| self.instances.contains_key(owner))?))
            }
            _ => None,
        });
        let new_interfaces = new_interfaces.collect::<Vec<_>>();
        if new_instances.is_empty() && new_interfaces.is_empty() {
            return Ok(());
        }
        let builder = Builder::new(world, lab, enforcer, &self.made)?;
        for (interface, instance) in new_interfaces {
            let namespace = Namespace::open(instance.id.as_str())?;
            let link = builder.interface(&namespace, instance, interface).await?;
            self.links.insert(interface.id.clone(), link);
        }
        builder.announce(&new_instances)?;
        for instance in &new_instances {
            // Known before it is whole, so that what there is of it goes if the rest fails.
            self.instances.insert(instance.id.clone(), instance.launch.boots);
            for link in builder.instance(instance).await? {
                self.links.insert(link.interface.id.clone(), link);
            }
        }
        if !new_instances.is_empty() {
            builder.refresh_hosts(self.instances.keys())?;
        }
        Ok(())
    }

    /// Removes what stands and that the world does not have, or no longer has there, and ends the processes of instances
    /// that are rebooted. Gives the instances whose processes ended.
    ///
    /// # Errors
    /// What could not be removed; the rest was.
    pub async fn shrink(
        &mut self,
        world: &World,
        changes: &Changes,
        enforcer: &mut dyn Enforcer,
    ) -> Result<Vec<InstanceId>> {
        let (mut instances, mut interfaces) = (BTreeSet::new(), BTreeSet::new());
        for key in &changes.keys {
            match key {
                ObjectKey::Instance(id) => drop(instances.insert(id)),
                ObjectKey::NetworkInterface(id) => drop(interfaces.insert(id)),
                _ => {}
            }
        }
        let is_touched = |link: &BuiltLink| {
            interfaces.contains(&link.interface.id) || instances.contains(&link.instance_id)
        };
        let is_there = |link: &BuiltLink| {
            let interface = world.network_interfaces.get(&link.interface.id);
            interface.and_then(|it| runs_with(world, it)).is_some_and(|it| it.id == link.instance_id)
        };
        let mut faults = Vec::new();
        let doomed = self.links.values().filter(|link| is_touched(link) && !is_there(link));
        for link in doomed.cloned().collect::<Vec<_>>() {
            // The link first: what is left of an interface without programs would pass unjudged.
            let removed = async { Links::open()?.delete(link.index).await }.await;
            faults.extend(removed.err());
            faults.extend(enforcer.detach(&link.interface).err());
            self.links.remove(&link.interface.id);
        }
        let (mut over, mut rebooted) = (Vec::new(), Vec::new());
        for (id, boots) in self.instances.iter_mut().filter(|(id, _)| instances.contains(id)) {
            match world.instances.get(id).filter(|it| it.is_running()) {
                None => over.push(id.clone()),
                Some(instance) if instance.launch.boots != *boots => {
                    *boots = instance.launch.boots;
                    rebooted.push(id.clone());
                }
                Some(_) => {}
            }
        }
        let ended = [&over[..], &rebooted[..]].concat();
        if !ended.is_empty() {
            let names = ended.iter().map(ToString::to_string).collect::<Vec<_>>();
            faults.extend(process::kill(&names, GRACE).err());
        }
        for id in over {
            faults.extend(namespace::delete(id.as_str()).err());
            faults.extend(hosts::remove(id.as_str()).err());
            self.instances.remove(&id);
        }
        if !faults.is_empty() {
            let lines = faults.iter().map(|fault| format!("{fault:#}")).collect::<Vec<_>>();
            bail!("{}", lines.join("; "));
        }
        Ok(ended)
    }

    /// What the world has and this machine does not, by name: nothing where the lab stands as it was built.
    ///
    /// # Errors
    /// Where the machine cannot be looked at.
    pub async fn missing(&self, world: &World, lab: &LabManifest) -> Result<Vec<String>> {
        let names = Links::open()?.list().await?.into_iter().map(|link| link.name).collect::<BTreeSet<_>>();
        let has_link = |slot| names.contains(&link_name(lab.link_base + slot));
        let mut missing = Vec::new();
        if !has_link(INTERNET_SLOT) || !namespace::path(&lab.internet_namespace).exists() {
            missing.push(INTERNET_NAME.to_owned());
        }
        for instance in world.instances.values().filter(|it| it.is_running()) {
            let is_linked = |interface: &&NetworkInterface| {
                self.links.contains_key(&interface.id) && has_link(interface.slot)
            };
            if !self.is_running(&instance.id) || !world.interfaces_of(&instance.id).iter().all(is_linked) {
                missing.push(instance.name.clone());
            }
        }
        Ok(missing)
    }

    /// The links that stand.
    pub fn links(&self) -> impl Iterator<Item = &BuiltLink> {
        self.links.values()
    }

    /// What stands and should not, or should and does not, a sentence each.
    ///
    /// # Errors
    /// Where the machine cannot be looked at.
    pub async fn audit(&self, world: &World, lab: &LabManifest) -> Result<Vec<String>> {
        let missing = self.missing(world, lab).await?.into_iter();
        let mut drift = missing.map(|name| format!("{name} does not stand whole")).collect::<Vec<_>>();
        let links = Links::open()?.list().await?;
        let aliases = links.into_iter().map(|link| (link.name, link.alias)).collect::<BTreeSet<_>>();
        let made = manifest::read(&self.made)?.into_iter().filter(|thing| !is_wanted(thing, world, lab));
        for thing in made {
            match thing {
                Made::Namespace(name) if namespace::path(&name).exists() => {
                    drift.push(format!("namespace {name} is left"));
                }
                Made::Link { name, alias } => {
                    let link = (name, alias);
                    if aliases.contains(&link) {
                        drift.push(format!("link {} of {} is left", link.0, link.1));
                    }
                }
                Made::Namespace(_) | Made::Directory(_) => {}
            }
        }
        drift.sort();
        drift.dedup();
        Ok(drift)
    }

    /// Whether an instance's namespace is there.
    pub fn is_running(&self, id: &InstanceId) -> bool {
        self.instances.contains_key(id) && namespace::path(id.as_str()).exists()
    }
}

/// Whether something that was made belongs to what the world has now.
fn is_wanted(thing: &Made, world: &World, lab: &LabManifest) -> bool {
    match thing {
        Made::Namespace(name) => {
            let is_it = |it: &Instance| it.id.as_str() == name && it.is_running();
            *name == lab.internet_namespace
                || *name == lab.metadata_namespace()
                || world.instances.values().any(is_it)
        }
        Made::Link { alias, .. } => {
            let is_it = |it: &NetworkInterface| it.id.as_str() == alias && runs_with(world, it).is_some();
            *alias == lab.internet_namespace || world.network_interfaces.values().any(is_it)
        }
        Made::Directory(_) => true,
    }
}

/// The instance that an interface is attached to, where that runs.
fn runs_with<'w>(world: &'w World, interface: &NetworkInterface) -> Option<&'w Instance> {
    let attachment = interface.attachment.as_ref()?;
    world.instances.get(&attachment.instance_id).filter(|instance| instance.is_running())
}
