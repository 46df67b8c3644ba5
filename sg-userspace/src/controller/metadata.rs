//! The metadata service's process, from the controller's side: started, told what changes, started again where it died.
//!
//! The service lives in a network namespace of its own, which the manifest lists like any other: `down` finds it there
//! after a crash, and the next controller replaces it.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socketpair, sockopt};
use nix::sys::time::TimeVal;

use crate::aws::ids::InstanceId;
use crate::aws::instance::Instance;
use crate::aws::interface::NetworkInterface;
use crate::aws::world::World;
use crate::lab::manifest::{Made, Manifest};
use crate::lab::metadata;
use crate::lab::namespace::{self, Namespace};
use crate::lab::process::{self, Inside};
use crate::metadata::channel::{Message, send};
use crate::metadata::document::Document;

use super::directory::StateDirectory;
use super::enforcer::Enforcer;

/// Name of the hidden subcommand that the service runs.
pub const SUBCOMMAND: &str = "serve-metadata";
/// How long the service has to take what it is told.
const PATIENCE: Duration = Duration::from_secs(2);

/// The service of a lab.
#[derive(Debug)]
pub struct Metadata {
    namespace: String,
    made: PathBuf,
    log: PathBuf,
    service: Option<Service>,
}

/// A process that runs.
#[derive(Debug)]
struct Service {
    child: Child,
    channel: OwnedFd,
    /// What each instance is told.
    told: BTreeMap<InstanceId, Document>,
}

impl Metadata {
    /// The service in this namespace, which is not started yet. One that an earlier controller left goes on until then.
    pub fn new(directory: &StateDirectory, namespace: String) -> Self {
        Self { namespace, made: directory.made(), log: directory.logs().join("metadata.log"), service: None }
    }

    /// Whether it has to be started, or started again.
    pub fn is_missing(&mut self) -> bool {
        let ended = |service: &mut Service| !matches!(service.child.try_wait(), Ok(None));
        self.service.as_mut().is_none_or(ended)
    }

    /// Tells the service what running instances are told now, and waits until they are.
    ///
    /// # Errors
    /// Where the service does not start or does not hear, or an instance has no place to ask at; the next call tries again.
    pub async fn follow(&mut self, world: &World, enforcer: &mut dyn Enforcer) -> Result<()> {
        if self.is_missing() {
            self.service = Some(self.start().await?);
        }
        let Some(service) = &mut self.service else { return Ok(()) };
        let told = service.follow(world, enforcer).await;
        if told.is_err() {
            // It may have missed a message, or hang.
            let _ = service.child.kill();
            let _ = service.child.wait();
        }
        told
    }

    async fn start(&self) -> Result<Service> {
        if namespace::path(&self.namespace).exists() {
            process::kill(std::slice::from_ref(&self.namespace), Duration::ZERO)?;
        } else {
            Manifest::open(&self.made)?.record(&[Made::Namespace(self.namespace.clone())])?;
            Namespace::create(&self.namespace).await?;
        }
        let flags = SockFlag::SOCK_CLOEXEC;
        let (channel, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
            .context("no socket pair for the metadata service")?;
        let limit = TimeVal::new(PATIENCE.as_secs().try_into()?, 0);
        setsockopt(&channel, sockopt::SendTimeout, &limit)?;
        setsockopt(&channel, sockopt::SndBuf, &(1 << 20))?;
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("cannot write the log `{}`", self.log.display()))?;
        let inside = Inside { directory: Some(Path::new("/").to_owned()), ..Inside::new(&self.namespace) };
        let child = process::start(&inside, &[program.into(), SUBCOMMAND.into()], log, theirs.into())?;
        Ok(Service { child, channel, told: BTreeMap::new() })
    }
}

impl Service {
    async fn follow(&mut self, world: &World, enforcer: &mut dyn Enforcer) -> Result<()> {
        let mut interfaces: BTreeMap<&InstanceId, Vec<&NetworkInterface>> = BTreeMap::new();
        for interface in world.network_interfaces.values() {
            if let Some(attachment) = &interface.attachment {
                interfaces.entry(&attachment.instance_id).or_default().push(interface);
            }
        }
        for of_instance in interfaces.values_mut() {
            of_instance.sort_by_key(|it| it.attachment.as_ref().map(|attachment| attachment.device_index));
        }
        let is_running = |id: &InstanceId| world.instances.get(id).is_some_and(Instance::is_running);
        let mut has_news = false;
        for id in self.told.keys().filter(|id| !is_running(id)).cloned().collect::<Vec<_>>() {
            self.tell(&Message::End { instance: id.clone() }, None)?;
            enforcer.detach_loopback(id.as_str())?;
            self.told.remove(&id);
            has_news = true;
        }
        for instance in world.instances.values().filter(|it| it.is_running()) {
            let own = interfaces.get(&instance.id).map_or(&[][..], Vec::as_slice);
            let document = Document::of(world, instance, own);
            let (id, boxed) = (instance.id.clone(), Box::new(document.clone()));
            match self.told.get(&id) {
                Some(told) if *told == document => continue,
                Some(_) => self.tell(&Message::Change { instance: id.clone(), document: boxed }, None)?,
                None => {
                    let socket = metadata::listen(id.as_str()).await?.into();
                    namespace::run_in(id.as_str(), || enforcer.attach_loopback(id.as_str()))?;
                    self.tell(&Message::Serve { instance: id.clone(), document: boxed }, Some(&socket))?;
                }
            }
            self.told.insert(id, document);
            has_news = true;
        }
        if has_news { self.sync() } else { Ok(()) }
    }

    fn tell(&self, message: &Message, socket: Option<&OwnedFd>) -> Result<()> {
        send(self.channel.as_fd(), message, socket.map(OwnedFd::as_fd))
    }

    /// Waits until all that was told is so.
    fn sync(&self) -> Result<()> {
        self.tell(&Message::Sync, None)?;
        let timeout = PollTimeout::try_from(PATIENCE)?;
        let ready = poll(&mut [PollFd::new(self.channel.as_fd(), PollFlags::POLLIN)], timeout)?;
        let mut answer = [0];
        if ready == 0 || nix::unistd::read(&self.channel, &mut answer)? == 0 {
            bail!("the metadata service does not answer");
        }
        Ok(())
    }
}
