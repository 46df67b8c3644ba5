//! A controller behind its socket with a data plane in memory: what needs a lab needs no root then.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use sg_userspace::aws::interface::{MacAddr, NetworkInterface};
use sg_userspace::aws::rule::Direction;
use sg_userspace::aws::world::World;
use sg_userspace::command::changes::Changes;
use sg_userspace::controller::directory::StateDirectory;
use sg_userspace::controller::enforcer::{Enforcer, OpenWindow};
use sg_userspace::controller::{Controller, run, socket};
use sg_userspace::dataplane::logged::LoggedAt;
use sg_userspace::dataplane::reason::Reason;
use sg_userspace::dataplane::row::{
    AllowanceRow, CounterRow, Enforcement, Events, FlowRow, Hook, MapRow, VerdictEvent,
};
use sg_userspace::dataplane::step::{Filter, Steps};
use sg_userspace::flow_log::record::Counted;
use sg_userspace::flow_log::writer::Source;
use sg_userspace::lab::file::LabFile;
use sg_userspace::lab::plan::plan;
use sg_userspace::store::manifest::LabManifest;
use sg_userspace::store::redb::RedbStore;
use sg_userspace::store::{Store, StoreError, Stored};
use tempfile::TempDir;

/// What the data plane in memory has been told, and what it is to do.
#[derive(Default)]
pub struct Memory {
    /// The world in force.
    pub world: World,
    /// Whether verdicts take effect.
    pub enforcement: Enforcement,
    /// How far the clock is ahead.
    pub offset: Duration,
    /// How far each step of the clock went before the flow tables were swept.
    pub steps: Vec<Duration>,
    /// Verdicts that nobody has read.
    pub events: Vec<VerdictEvent>,
    /// Whether changes are to fail.
    pub fail: bool,
    /// The flow logs' window.
    pub window: OpenWindow,
    /// What they have counted, with the number of its window.
    pub counted: Vec<(u32, LoggedAt)>,
    /// Packets and bytes by slot that they had no room for.
    pub lost: BTreeMap<u32, (u64, u64)>,
}

struct MemoryEnforcer(Arc<Mutex<Memory>>);

impl Enforcer for MemoryEnforcer {
    fn set_world(&mut self, world: &World, _changes: &Changes) -> Result<()> {
        let mut memory = self.0.lock().unwrap();
        if memory.fail {
            bail!("told to fail");
        }
        memory.world = world.clone();
        Ok(())
    }

    fn has_links(&self) -> bool {
        false
    }

    fn attach(&mut self, _interface: &NetworkInterface, _link_index: u32) -> Result<()> {
        Ok(())
    }

    fn detach(&mut self, _interface: &NetworkInterface) -> Result<()> {
        Ok(())
    }

    fn attach_internet(&mut self, _link_index: u32, _mac: MacAddr, _addresses: &[IpAddr]) -> Result<()> {
        Ok(())
    }

    fn flows(&mut self) -> Result<Vec<FlowRow>> {
        Ok(Vec::new())
    }

    fn counters(&mut self) -> Result<Vec<CounterRow>> {
        Ok(vec![CounterRow { direction: Direction::Inbound, reason: Reason::NoRule, frames: 3 }])
    }

    fn allowances(&mut self) -> Result<Vec<AllowanceRow>> {
        Ok(Vec::new())
    }

    fn maps(&mut self) -> Result<Vec<MapRow>> {
        Ok(vec![MapRow { name: "FLOWS4".to_owned(), entries: 2, capacity: 131_072 }])
    }

    fn judges(&mut self, _slot: u32, _link_index: u32) -> Result<bool> {
        Ok(true)
    }

    fn enforcement(&mut self) -> Result<Enforcement> {
        Ok(self.0.lock().unwrap().enforcement)
    }

    fn set_trace(&mut self, _filter: Option<&Filter>) -> Result<()> {
        Ok(())
    }

    fn steps(&mut self) -> Result<Steps> {
        Ok(Steps::default())
    }

    fn events(&mut self) -> Result<Events> {
        Ok(Events { verdicts: std::mem::take(&mut self.0.lock().unwrap().events), lost: 0 })
    }

    fn set_enforcement(&mut self, enforcement: Enforcement) -> Result<()> {
        self.0.lock().unwrap().enforcement = enforcement;
        Ok(())
    }

    fn set_clock_offset(&mut self, offset: Duration) -> Result<()> {
        let mut memory = self.0.lock().unwrap();
        let step = offset.saturating_sub(memory.offset);
        memory.steps.push(step);
        memory.offset = offset;
        Ok(())
    }

    fn sweep(&mut self) -> Result<()> {
        self.0.lock().unwrap().steps.push(Duration::ZERO);
        Ok(())
    }

    fn audit(&mut self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn flow_log_window(&mut self) -> Result<OpenWindow> {
        Ok(self.0.lock().unwrap().window)
    }

    fn next_flow_log_window(&mut self, epoch: u32, start: u64) -> Result<OpenWindow> {
        let mut memory = self.0.lock().unwrap();
        memory.window = OpenWindow { epoch: epoch.max(memory.window.epoch + 1), start, tick: 0 };
        Ok(memory.window)
    }

    fn flow_log_source(&mut self) -> Result<Box<dyn Source>> {
        Ok(Box::new(MemorySource(Arc::clone(&self.0))))
    }

    fn remove(&mut self) -> Result<()> {
        Ok(())
    }
}

struct MemorySource(Arc<Mutex<Memory>>);

impl Source for MemorySource {
    fn read(&mut self, epoch: u32, _slots: &[u32]) -> Result<Counted> {
        let memory = self.0.lock().unwrap();
        let of_window = memory.counted.iter().filter(|(window, _)| *window <= epoch);
        Ok(Counted { flows: of_window.map(|(_, flow)| flow.clone()).collect(), lost: memory.lost.clone() })
    }

    fn forget(&mut self, epoch: u32) -> Result<()> {
        self.0.lock().unwrap().counted.retain(|(window, _)| *window > epoch);
        Ok(())
    }
}

/// A store that can be told to fail.
struct FailingStore(RedbStore, Arc<Mutex<bool>>);

impl Store for FailingStore {
    fn load(&self) -> Result<Stored, StoreError> {
        self.0.load()
    }

    fn commit(&mut self, world: &World, changes: &Changes) -> Result<u64, StoreError> {
        if *self.1.lock().unwrap() {
            let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(StoreError::Io { path: PathBuf::from("store.redb"), source });
        }
        self.0.commit(world, changes)
    }

    fn commit_lab(&mut self, lab: Option<&LabManifest>) -> Result<(), StoreError> {
        self.0.commit_lab(lab)
    }

    fn replace(&mut self, world: &World, lab: Option<&LabManifest>) -> Result<u64, StoreError> {
        self.0.replace(world, lab)
    }

    fn is_uncertain(&self) -> bool {
        self.0.is_uncertain()
    }
}

/// A state directory with a lab in its store, and controllers on it, one after the other.
pub struct Place {
    _directory: TempDir,
    /// The directory.
    pub state: StateDirectory,
    /// The data plane of whichever controller runs.
    pub memory: Arc<Mutex<Memory>>,
    /// Whether the store is to fail.
    pub store_fails: Arc<Mutex<bool>>,
}

impl Place {
    /// One whose lab this file describes.
    pub fn of(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDirectory::new(directory.path());
        let plan = plan(&LabFile::parse(text).unwrap(), &World::default()).unwrap();
        let lab = LabManifest {
            name: "lab.yaml".to_owned(),
            text: text.to_owned(),
            lab: plan.lab,
            internet_namespace: "internet-test".to_owned(),
            link_base: 1_900_000_000,
            hook: Hook::Tcx,
            enforcement: Enforcement::On,
            clock_offset_seconds: 0,
            servers: BTreeMap::new(),
            complete: true,
        };
        RedbStore::open(&state.store()).unwrap().replace(&plan.world, Some(&lab)).unwrap();
        Self { _directory: directory, state, memory: Arc::default(), store_fails: Arc::default() }
    }

    /// Runs a controller for as long as `work` does.
    pub fn serve(&self, work: impl FnOnce(&StateDirectory)) {
        let (state, memory) = (self.state.clone(), Arc::clone(&self.memory));
        let store = FailingStore(RedbStore::open(&state.store()).unwrap(), Arc::clone(&self.store_fails));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let controller = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let socket = state.socket();
                let open = Box::new(move |_: &_| -> Result<Box<dyn Enforcer>> {
                    Ok(Box::new(MemoryEnforcer(Arc::clone(&memory))))
                });
                let controller = Controller::load(state, Box::new(store), open).await.unwrap();
                let listener = socket::listen(&socket).unwrap();
                ready.send(()).unwrap();
                tokio::select! {
                    served = run::serve(controller, listener) => drop(served.unwrap()),
                    _ = stopped => {}
                }
            });
        });
        is_ready.recv().unwrap();
        work(&self.state);
        drop(stop);
        controller.join().unwrap();
    }
}
