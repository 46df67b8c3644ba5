//! A command carried out in every place that it concerns, and what follows from it: instances are told, served and forgotten.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::aws::error::AwsError;
use crate::aws::ids::InstanceId;
use crate::aws::world::World;
use crate::command::changes::{Changes, ObjectKey};
use crate::command::instance_state::ForgetInstances;
use crate::command::{self, Applied, Command};
use crate::store::objects;

use super::enforcer::Enforcer;
use super::flow_logs::FlowLogs;
use super::metadata::Metadata;
use super::protocol::{ErrorReply, Reply, code};
use super::timing::{Laps, Stage};
use super::{Controller, no_lab, servers, system, user_data};

/// How long an ended instance is shown.
const ENDED_SHOWN: Duration = Duration::from_secs(3600);

impl Controller {
    /// Carries out a command in every place that it concerns, or in none: world, data plane, machine, store.
    pub(super) async fn change(&mut self, command: Command) -> Result<Reply, ErrorReply> {
        let enforcer = self.enforcer.as_deref_mut().ok_or_else(no_lab)?;
        let lab = self.lab.as_ref().ok_or_else(no_lab)?;
        let name = command.name();
        let mut laps = Laps::begin();
        let Applied { reply, changes, undo } = command::apply(&mut self.world, command).map_err(refused)?;
        laps.end(Stage::Validate);
        let mut failure = put_in_force(&self.world, &changes, self.flow_logs.as_mut(), enforcer).err();
        if failure.is_none() {
            laps.end(Stage::Enforce);
            failure = self.built.grow(&self.world, &changes, lab, enforcer).await.err();
        }
        laps.end(Stage::Build);
        if failure.is_none() {
            match self.store.commit(&self.world, &changes) {
                Ok(version) => {
                    self.version = version;
                    laps.end(Stage::Store);
                    if let Some(logs) = &mut self.flow_logs {
                        logs.after(&self.world, &changes, enforcer);
                    }
                    // What the world no longer has goes last: it is durable that it should.
                    match self.built.shrink(&self.world, &changes, enforcer).await {
                        Ok(ended) => self.follow_instances(&changes, &ended).await,
                        Err(error) => tracing::error!("something stayed behind: {error:#}"),
                    }
                    self.timings.add(&laps);
                    let ms = |stage| laps.of(stage).as_secs_f64() * 1e3;
                    let (enforce_ms, store_ms) = (ms(Stage::Enforce), ms(Stage::Store));
                    tracing::info!(command = name, version, enforce_ms, store_ms, "changed");
                    return Ok(Reply::Applied { version, answer: Some(Box::new(reply)) });
                }
                Err(error) => {
                    failure = Some(anyhow::Error::new(error).context("the change could not be stored"))
                }
            }
        }
        undo.restore(&mut self.world);
        if let Err(error) = self.built.shrink(&self.world, &changes, enforcer).await {
            tracing::error!("something stayed behind: {error:#}");
        }
        if let Err(error) = enforcer.set_world(&self.world, &changes) {
            tracing::error!("the data plane did not take the old state back: {error:#}");
        }
        Err(failure.map_or_else(|| ErrorReply::new(code::SYSTEM, "the change failed"), system))
    }

    /// What comes with instances that have come up, `ended` ones that were rebooted among them: what they are told about
    /// themselves, the lab's servers, their user data.
    pub(super) async fn follow_instances(&mut self, changes: &Changes, ended: &[InstanceId]) {
        self.follow_metadata(changes).await;
        let is_instance = |key: &ObjectKey| matches!(key, ObjectKey::Instance(_));
        if !changes.keys.iter().any(is_instance) || !self.enforcer.as_ref().is_some_and(|it| it.has_links()) {
            return;
        }
        let Some(mut lab) = self.lab.clone().filter(|lab| lab.complete) else { return };
        user_data::follow(&self.directory, &self.world);
        for id in ended {
            lab.servers.remove(id.as_str());
        }
        servers::follow(&self.directory, &self.world, &mut lab).await;
        if self.lab.as_ref() != Some(&lab)
            && let Err(error) = self.store_lab(|now| now.servers = lab.servers)
        {
            tracing::error!("cannot store which servers run: {}", error.message);
        }
    }

    /// Has instances told what a change means to them.
    async fn follow_metadata(&mut self, changes: &Changes) {
        let is_told = |key: &ObjectKey| {
            use ObjectKey::{Instance, NetworkInterface, Subnet, Vpc};
            matches!(key, Instance(_) | NetworkInterface(_) | Subnet(_) | Vpc(_))
        };
        if changes.keys.iter().any(is_told)
            && let (Some(metadata), Some(enforcer)) = (&mut self.metadata, &mut self.enforcer)
            && let Err(error) = metadata.follow(&self.world, enforcer.as_mut()).await
        {
            tracing::error!("the metadata service does not follow: {error:#}");
        }
    }

    /// Starts the metadata service again where it has died.
    pub async fn tend_metadata(&mut self) {
        if self.lab.as_ref().is_some_and(|lab| lab.complete)
            && self.metadata.as_mut().is_some_and(Metadata::is_missing)
        {
            self.follow_metadata(&objects::all(&self.world)).await;
        }
    }

    /// Forgets instances that have been shown as terminated for long enough. A controller that takes over shows them anew.
    pub async fn forget_ended(&mut self) {
        let over = self.world.instances.values().filter(|instance| instance.is_terminated());
        let over = over.map(|instance| instance.id.clone()).collect::<BTreeSet<_>>();
        self.ended.retain(|id, _| over.contains(id));
        for id in over {
            self.ended.entry(id).or_insert_with(Instant::now);
        }
        let old = self.ended.iter().filter(|(_, since)| since.elapsed() > ENDED_SHOWN);
        let instance_ids = old.map(|(id, _)| id.clone()).collect::<Vec<_>>();
        if !instance_ids.is_empty()
            && let Err(error) = self.change(ForgetInstances { instance_ids }.into()).await
        {
            tracing::warn!("cannot forget instances that have ended: {}", error.message);
        }
    }
}

/// Puts a changed world in force, with flow logs beginning and ending where it says.
fn put_in_force(
    world: &World,
    changes: &Changes,
    mut flow_logs: Option<&mut FlowLogs>,
    enforcer: &mut dyn Enforcer,
) -> anyhow::Result<()> {
    if let Some(logs) = &mut flow_logs {
        logs.before(world, changes, enforcer).context("flow logs cannot begin")?;
    }
    enforcer.set_world(world, changes).context("the data plane did not take the change")?;
    match flow_logs {
        Some(logs) => logs.leave(world).context("flow logs cannot keep what is still owed"),
        None => Ok(()),
    }
}

fn refused(error: AwsError) -> ErrorReply {
    ErrorReply { code: error.code, message: error.message }
}
