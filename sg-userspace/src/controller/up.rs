//! A lab's start and end.

use std::collections::BTreeMap;

use anyhow::Context;
use tokio::sync::mpsc;

use crate::aws::world::World;
use crate::dataplane::row::Enforcement;
use crate::import::source::{LoadError, Sources};
use crate::lab::cleanup;
use crate::store::lock::StateLock;
use crate::store::manifest::LabManifest;
use crate::store::objects;

use super::build::INTERNET_NAME;
use super::built::Built;
use super::directory::StateDirectory;
use super::enforcer::EnforcerOptions;
use super::flow_logs::FlowLogs;
use super::link_range::LinkRange;
use super::metadata::Metadata;
use super::protocol::{ErrorReply, Progress, Reply, UpRequest, code};
use super::{Controller, servers, system};

impl Controller {
    /// Builds a lab. One that is up already, from the same file, is left as it is.
    pub(super) async fn up(
        &mut self,
        request: UpRequest,
        replies: &mpsc::Sender<Reply>,
    ) -> Result<Reply, ErrorReply> {
        if let Some(lab) = &self.lab {
            return self.again(lab, &request).await;
        }
        // Until there are links in it.
        let range = LinkRange::claim(self.directory.seed()).await.map_err(system)?;
        let (world, lab) = self.plan(&request, &range)?;
        let started = self.start(world, lab, replies).await;
        if let Err(error) = started {
            // The error at hand is the one to tell.
            if let Err(left) = self.remove_all().await {
                tracing::error!("something stayed behind: {left:#}");
            }
            return Err(system(error));
        }
        Ok(Reply::Applied { version: self.version, answer: None })
    }

    /// `up` where there is a lab: done if that is the same and all of it stands, else refused.
    async fn again(&self, lab: &LabManifest, request: &UpRequest) -> Result<Reply, ErrorReply> {
        let refuse = |what: &str| {
            let message = format!("the lab `{}` {what}", lab.name);
            Err(ErrorReply::new(code::LAB_EXISTS, message))
        };
        if !lab.complete {
            return refuse(
                "was only half built, or half taken down; run `sgsim down`, which removes what is left of it, and then `sgsim up` again",
            );
        }
        if lab.text != request.text || lab.hook != request.hook {
            return refuse("is up; take it down with `sgsim down` first, or use another --state-dir");
        }
        if (request.enforcement, lab.enforcement) == (Enforcement::Off, Enforcement::On) {
            return refuse("is up and enforced; use `sgsim enforcement off`");
        }
        let missing = self.built.missing(&self.world, lab).await.map_err(system)?;
        if let Some(first) = missing.first() {
            let more = match missing.len() {
                1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            return refuse(&format!(
                "was up, but no longer stands: its namespaces or links are gone ({first}{more}), as after a reboot; run `sgsim down`, and then `sgsim up` again"
            ));
        }
        Ok(Reply::Applied { version: self.version, answer: None })
    }

    /// What the lab file stands for. Touches nothing.
    fn plan(&self, request: &UpRequest, range: &LinkRange) -> Result<(World, LabManifest), ErrorReply> {
        let seed = self.directory.seed();
        let invalid = |error: LoadError| ErrorReply::new(code::LAB_FILE, error.to_string());
        let planned = Sources::from_text(&request.name, &request.text).load(seed).map_err(invalid)?;
        planned.check_lab(&request.name).map_err(|error| invalid(error.into()))?;
        let lab = LabManifest {
            name: request.name.clone(),
            text: request.text.clone(),
            lab: planned.lab,
            internet_namespace: match seed {
                0 => INTERNET_NAME.to_owned(),
                seed => format!("{INTERNET_NAME}-{seed:016x}"),
            },
            link_base: range.base,
            hook: request.hook,
            enforcement: request.enforcement,
            clock_offset_seconds: 0,
            servers: BTreeMap::new(),
            complete: false,
        };
        Ok((planned.world, lab))
    }

    async fn start(
        &mut self,
        world: World,
        lab: LabManifest,
        replies: &mpsc::Sender<Reply>,
    ) -> anyhow::Result<()> {
        // A controller may have died in the middle of this.
        cleanup::tear_down(&self.directory.made()).await?;
        let options =
            EnforcerOptions { directory: self.directory.clone(), hook: lab.hook, link_base: lab.link_base };
        // Known before anything of it is made, so that it is removed whenever that is cut short.
        self.version = self.store.replace(&world, Some(&lab))?;
        self.world = world;
        self.built = Built::new(&self.directory.made());
        let lab = self.lab.insert(lab);
        let enforcer = self.enforcer.insert((self.open_enforcer)(&options)?);
        enforcer.set_enforcement(lab.enforcement)?;
        enforcer
            .set_world(&self.world, &objects::all(&self.world))
            .context("the data plane did not take the lab")?;
        self.built.build(&self.world, lab, enforcer.as_mut(), replies).await?;
        self.flow_logs = Some(FlowLogs::begin(&self.directory, &self.world, lab, enforcer.as_mut())?);
        let metadata = self.metadata.insert(Metadata::new(&self.directory, lab.metadata_namespace()));
        metadata.follow(&self.world, enforcer.as_mut()).await.context("cannot start the metadata service")?;
        lab.servers = servers::start(&self.directory, lab, replies).await?;
        lab.complete = true;
        self.store.commit_lab(Some(lab))?;
        Ok(())
    }

    /// Takes the lab down. What cannot be removed is told, and tried again by the next `down`.
    pub(super) async fn down(&mut self, replies: &mpsc::Sender<Reply>) -> Result<(), ErrorReply> {
        let progress = Progress {
            stage: "removing the lab".to_owned(),
            item: String::new(),
            done: 0,
            total: self.world.instances.len(),
        };
        let _ = replies.try_send(Reply::Progress(progress));
        self.remove_all().await.map_err(system)
    }

    async fn remove_all(&mut self) -> anyhow::Result<()> {
        // Its last files are removed with everything else.
        self.flow_logs = None;
        // First, so that a controller that dies in the middle leaves no lab that passes for whole.
        if let Some(lab) = self.lab.as_mut().filter(|lab| lab.complete) {
            lab.complete = false;
            if let Err(error) = self.store.commit_lab(Some(lab)) {
                tracing::warn!("cannot store that the lab is being removed: {error:#}");
            }
        }
        cleanup::tear_down(&self.directory.made()).await?;
        if let Some(enforcer) = &mut self.enforcer {
            enforcer.remove()?;
        }
        self.enforcer = None;
        self.metadata = None;
        self.version = self.store.replace(&World::default(), None)?;
        self.world = World::default();
        self.lab = None;
        self.built = Built::default();
        Ok(())
    }
}

/// Removes what a controller that died has left.
///
/// # Errors
/// Where a controller lives, or something could not be removed.
pub fn clean_up_after_crash(directory: &StateDirectory) -> anyhow::Result<cleanup::Removed> {
    let lock = StateLock::acquire(&directory.lock())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let removed = runtime.block_on(cleanup::tear_down(&directory.made()))?;
    #[cfg(feature = "kernel")]
    crate::kernel::bpffs::remove(&directory.bpf())?;
    directory.forget()?;
    drop(lock);
    Ok(removed)
}
