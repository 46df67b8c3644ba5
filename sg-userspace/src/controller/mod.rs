//! One process per machine that owns the state: it changes the world through `command`, puts it in force through an
//! [`Enforcer`], keeps it in a [`Store`], and builds and removes the lab.
//!
//! # Invariants
//! One task owns all of it and handles one request at a time. A request that fails changed nothing, in the store, in the
//! data plane or on the machine. What was acknowledged is durable and in force. The process may be killed at any
//! instant: enforcement, namespaces and servers outlive it, and the next controller adopts them.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::sync::mpsc;

use crate::aws::ids::InstanceId;
use crate::aws::world::World;
use crate::dataplane::row::Enforcement;
use crate::store::manifest::LabManifest;
use crate::store::{Store, objects};

mod audit;
pub mod build;
pub mod built;
mod canary;
mod change;
pub mod client;
pub mod directory;
pub mod enforcer;
pub mod flow_logs;
pub mod health;
mod link_range;
pub mod metadata;
pub mod observation;
pub mod preflight;
pub mod protocol;
pub mod run;
pub mod servers;
pub mod socket;
pub mod spawn;
pub mod status;
pub mod timing;
mod trace;
pub mod up;
pub mod user_data;
pub mod watch;

use built::Built;
use directory::StateDirectory;
use enforcer::{Enforcer, EnforcerOptions};
use flow_logs::FlowLogs;
use health::Health;
use metadata::Metadata;
use observation::Observation;
use protocol::{ErrorReply, Reply, Request, WorldVersion, code};
use socket::Call;
use timing::Timings;
use watch::Watchers;

/// The most that the clock goes ahead at a time, in seconds: 20 days. Flow entries count time in 32 bits, which come round
/// after 52 days, so what has ended is removed before it can pass for new.
const CLOCK_STEP: u64 = 20 * 86_400;
/// The most that the clock can be ahead, in seconds: ten years.
const CLOCK_LIMIT: u64 = 3_653 * 86_400;

/// Opens the data plane behind a controller: adopts what is pinned, or loads it.
pub type OpenEnforcer = Box<dyn Fn(&EnforcerOptions) -> anyhow::Result<Box<dyn Enforcer>>>;

/// The state and everything that it is kept in step with.
pub struct Controller {
    directory: StateDirectory,
    store: Box<dyn Store>,
    open_enforcer: OpenEnforcer,
    enforcer: Option<Box<dyn Enforcer>>,
    world: World,
    version: u64,
    /// Tells this controller's versions from another's.
    run: u64,
    lab: Option<LabManifest>,
    built: Built,
    watchers: Watchers,
    /// Since when this controller runs.
    begun: Instant,
    timings: Timings,
    observed: Option<(Instant, Observation)>,
    examined: Option<(Instant, Health)>,
    /// How often packets were sent to examine the data plane.
    examinations: usize,
    flow_logs: Option<FlowLogs>,
    metadata: Option<Metadata>,
    /// Who traces packets.
    tracer: Option<mpsc::Sender<Reply>>,
    /// Since when ended instances are known to be over.
    ended: BTreeMap<InstanceId, Instant>,
}

/// Whether the controller goes on after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It serves further requests.
    Serve,
    /// It ends: there is no lab any more.
    End,
    /// It ends at once: nobody knows what the store has kept until it is loaded anew.
    Abandon,
}

impl Controller {
    /// Loads the state, and adopts the data plane and the lab that an earlier controller left.
    ///
    /// # Errors
    /// Where the state cannot be read or put back in force.
    pub async fn load(
        directory: StateDirectory,
        store: Box<dyn Store>,
        open_enforcer: OpenEnforcer,
    ) -> anyhow::Result<Self> {
        let stored = store.load().context("cannot load the state")?;
        let mut controller = Self {
            directory,
            store,
            open_enforcer,
            enforcer: None,
            world: stored.world,
            version: stored.version,
            run: RandomState::new().hash_one(std::process::id()),
            lab: stored.lab,
            built: Built::default(),
            watchers: Watchers::default(),
            begun: Instant::now(),
            timings: Timings::default(),
            observed: None,
            examined: None,
            examinations: 0,
            flow_logs: None,
            metadata: None,
            tracer: None,
            ended: BTreeMap::new(),
        };
        if controller.lab.is_some() {
            controller.adopt().await?;
        }
        Ok(controller)
    }

    /// Puts the stored state in force on the data plane that is pinned, and takes over the links that are there.
    async fn adopt(&mut self) -> anyhow::Result<()> {
        let Some(lab) = self.lab.clone() else { return Ok(()) };
        // First, so that the data plane finds which links are gone.
        Built::sweep(&self.directory.made(), &self.world, &lab).await;
        let mut enforcer = (self.open_enforcer)(&EnforcerOptions {
            directory: self.directory.clone(),
            hook: lab.hook,
            link_base: lab.link_base,
        })?;
        // The last controller may have died between the data plane and the store: the store is right.
        enforcer
            .set_world(&self.world, &objects::all(&self.world))
            .context("cannot put the stored state in force")?;
        enforcer.set_clock_offset(Duration::from_secs(lab.clock_offset_seconds))?;
        enforcer.set_enforcement(lab.enforcement)?;
        enforcer.set_trace(None)?;
        self.built = Built::adopt(&self.directory.made(), &self.world, &lab, enforcer.as_mut()).await?;
        self.flow_logs = Some(FlowLogs::begin(&self.directory, &self.world, &lab, enforcer.as_mut())?);
        if enforcer.has_links() {
            self.metadata = Some(Metadata::new(&self.directory, lab.metadata_namespace()));
        }
        self.enforcer = Some(enforcer);
        // It may have died between an instance's start and what follows that.
        self.follow_instances(&objects::all(&self.world), &[]).await;
        Ok(())
    }

    /// Whether a lab is up.
    pub fn has_lab(&self) -> bool {
        self.lab.is_some()
    }

    /// Handles one request; its replies go where the call says.
    pub async fn handle(&mut self, call: Call) -> Next {
        let Call { request, replies } = call;
        // A request about a lab that is not there may come before the one that builds it.
        let is_last = matches!(request, Request::Up(_) | Request::Down);
        match self.answer(request, &replies).await {
            Ok((reply, next)) => {
                if let Some(reply) = reply {
                    // A client that has gone needs no answer; what it asked for is done all the same.
                    let _ = replies.send(reply).await;
                }
                next
            }
            // Neither done nor refused, so it is not answered.
            Err(error) if self.store.is_uncertain() => {
                tracing::error!("{error}");
                Next::Abandon
            }
            Err(error) => {
                let _ = replies.send(Reply::Error(error)).await;
                if is_last && !self.has_lab() { Next::End } else { Next::Serve }
            }
        }
    }

    async fn answer(
        &mut self,
        request: Request,
        replies: &mpsc::Sender<Reply>,
    ) -> Result<(Option<Reply>, Next), ErrorReply> {
        let reply = match request {
            Request::Status => Reply::Status(Box::new(self.status())),
            Request::World => self.world(),
            Request::WorldUnless { known } if known == self.world_version() => Reply::Unchanged,
            Request::WorldUnless { .. } => self.world(),
            Request::Change { command } => self.change(*command).await?,
            Request::Flows { interface } => {
                let mut flows = self.enforcer()?.flows().map_err(system)?;
                flows.retain(|row| interface.as_ref().is_none_or(|id| row.flow.interface == *id));
                flows.sort_by(|a, b| a.flow.cmp(&b.flow));
                Reply::Flows { flows }
            }
            Request::Allowances => {
                Reply::Allowances { allowances: self.enforcer()?.allowances().map_err(system)? }
            }
            Request::Counters => Reply::Counters { counters: self.enforcer()?.counters().map_err(system)? },
            Request::Observe => self.observe()?,
            Request::Examine => Reply::Health(Box::new(self.examine().await)),
            Request::Watch { interface } => {
                // What happened before is not for this watcher.
                self.poll_events();
                let _ = replies.send(Reply::Watching).await;
                self.watchers.add(interface, replies.clone());
                return Ok((None, Next::Serve));
            }
            Request::Trace { filter } => {
                self.begin_trace(&filter, replies).await?;
                return Ok((None, Next::Serve));
            }
            Request::Audit => Reply::Audit { drift: self.audit().await? },
            Request::SetEnforcement { enforcement } => self.set_enforcement(enforcement)?,
            Request::AdvanceClock { seconds } => self.advance_clock(seconds)?,
            Request::Up(up) => self.up(up, replies).await?,
            Request::Down => {
                self.down(replies).await?;
                return Ok((Some(Reply::Done), Next::End));
            }
        };
        Ok((Some(reply), Next::Serve))
    }

    fn world(&self) -> Reply {
        let WorldVersion { run, version } = self.world_version();
        let internet = self.lab.as_ref().map_or_else(Vec::new, LabManifest::internet);
        Reply::World { world: Box::new(self.world.clone()), version, run, internet }
    }

    fn world_version(&self) -> WorldVersion {
        WorldVersion { run: self.run, version: self.version }
    }

    fn set_enforcement(&mut self, enforcement: Enforcement) -> Result<Reply, ErrorReply> {
        let before = self.lab.as_ref().ok_or_else(no_lab)?.enforcement;
        if let Some(logs) = &mut self.flow_logs
            && [before, enforcement].contains(&Enforcement::Off)
            && let Err(error) = logs.skip()
        {
            if enforcement == Enforcement::Off {
                return Err(system(error));
            }
            tracing::error!("flow logs may not say what they have skipped: {error:#}");
        }
        self.enforcer()?.set_enforcement(enforcement).map_err(system)?;
        self.store_lab(|lab| lab.enforcement = enforcement).inspect_err(|_| {
            let back = self.enforcer.as_deref_mut().map(|enforcer| enforcer.set_enforcement(before));
            if let Some(Err(error)) = back {
                tracing::error!("enforcement could not be set back: {error:#}");
            }
        })?;
        if let Some(logs) = &mut self.flow_logs {
            logs.set_enforced(enforcement == Enforcement::On);
        }
        Ok(Reply::Done)
    }

    fn advance_clock(&mut self, seconds: u64) -> Result<Reply, ErrorReply> {
        let before = self.lab.as_ref().ok_or_else(no_lab)?.clock_offset_seconds;
        let target = before.checked_add(seconds).filter(|target| *target <= CLOCK_LIMIT).ok_or_else(|| {
            let message = format!(
                "the clock can be at most ten years ahead, and is {} ahead; no connection outlives 5 days of silence",
                crate::report::duration(before)
            );
            ErrorReply::new(code::BAD_REQUEST, message)
        })?;
        let mut offset_seconds = before;
        while offset_seconds < target {
            offset_seconds = target.min(offset_seconds + CLOCK_STEP);
            self.enforcer()?.set_clock_offset(Duration::from_secs(offset_seconds)).map_err(system)?;
            // Time does not go back, so neither does the clock where the store fails; the next try stores it.
            self.store_lab(|lab| lab.clock_offset_seconds = offset_seconds)?;
            self.enforcer()?.sweep().map_err(system)?;
        }
        if let Some(logs) = &mut self.flow_logs {
            logs.set_offset(Duration::from_secs(offset_seconds));
        }
        self.poll_flow_logs();
        Ok(Reply::Clock { offset_seconds })
    }

    /// Changes what is kept about the lab, durably or not at all.
    fn store_lab(&mut self, change: impl FnOnce(&mut LabManifest)) -> Result<(), ErrorReply> {
        let mut lab = self.lab.clone().ok_or_else(no_lab)?;
        change(&mut lab);
        self.store.commit_lab(Some(&lab)).map_err(|error| system(error.into()))?;
        self.lab = Some(lab);
        Ok(())
    }

    fn enforcer(&mut self) -> Result<&mut dyn Enforcer, ErrorReply> {
        match &mut self.enforcer {
            Some(enforcer) => Ok(enforcer.as_mut()),
            None => Err(no_lab()),
        }
    }

    /// Hands what happened since the last look to whoever watches.
    pub fn poll_events(&mut self) {
        self.poll_steps();
        if let Some(enforcer) = &mut self.enforcer {
            match enforcer.events() {
                Ok(events) => self.watchers.tell(&events),
                Err(error) => tracing::warn!("cannot read verdicts: {error:#}"),
            }
        }
    }

    /// Ends a window of the flow logs whose time is over.
    pub fn poll_flow_logs(&mut self) {
        if let (Some(logs), Some(enforcer)) = (&mut self.flow_logs, &mut self.enforcer) {
            logs.poll(&self.world, enforcer.as_mut());
        }
    }

    /// Makes room in the flow tables.
    pub fn sweep(&mut self) {
        if let Some(enforcer) = &mut self.enforcer
            && let Err(error) = enforcer.sweep()
        {
            tracing::warn!("cannot sweep the flow tables: {error:#}");
        }
    }

    /// How long until events should be looked at again: soon while somebody watches, else often enough that the buffer
    /// does not fill with what nobody reads.
    pub fn poll_interval(&mut self) -> Duration {
        if self.watchers.is_empty() && self.tracer.is_none() {
            Duration::from_secs(1)
        } else {
            Duration::from_millis(20)
        }
    }
}

pub(crate) fn system(error: anyhow::Error) -> ErrorReply {
    ErrorReply::new(code::SYSTEM, format!("{error:#}"))
}

fn no_lab() -> ErrorReply {
    ErrorReply::new(code::NO_LAB, "no lab is up; build one with `sgsim up FILE`")
}
