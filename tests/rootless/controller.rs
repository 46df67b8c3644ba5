//! The controller behind its socket, with a data plane in memory: what is acknowledged is in force and durable, what
//! fails changes nothing.

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
use sg_userspace::command::{Command, group};
use sg_userspace::controller::client::{Client, refusal};
use sg_userspace::controller::directory::StateDirectory;
use sg_userspace::controller::enforcer::Enforcer;
use sg_userspace::controller::protocol::{Reply, Request, UpRequest, code};
use sg_userspace::controller::{Controller, run, socket};
use sg_userspace::dataplane::reason::Reason;
use sg_userspace::dataplane::row::{
    AllowanceRow, CounterRow, Enforcement, Events, FlowRow, Hook, VerdictEvent,
};
use sg_userspace::dataplane::step::{Filter, Steps};
use sg_userspace::lab::file::LabFile;
use sg_userspace::lab::plan::plan;
use sg_userspace::store::manifest::LabManifest;
use sg_userspace::store::redb::RedbStore;
use sg_userspace::store::{Store, StoreError, Stored};
use tempfile::TempDir;

const LAB: &str = "\
vpcs:
  lab:
    cidr: 10.0.0.0/16
    subnets: {public: {cidr: 10.0.1.0/24}}
    security-groups: {web: {inbound: [HTTP from anywhere]}}
";

/// What the data plane in memory has been told, and what it is to do.
#[derive(Default)]
struct Memory {
    world: World,
    enforcement: Enforcement,
    offset: Duration,
    /// How far each step of the clock went before the flow tables were swept.
    steps: Vec<Duration>,
    events: Vec<VerdictEvent>,
    fail: bool,
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

    fn remove(&mut self) -> Result<()> {
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
}

/// A state directory with a lab in its store, and controllers on it, one after the other.
pub(crate) struct Place {
    _directory: TempDir,
    state: StateDirectory,
    memory: Arc<Mutex<Memory>>,
    store_fails: Arc<Mutex<bool>>,
}

impl Place {
    fn new() -> Self {
        Self::of(LAB)
    }

    /// One whose lab this file describes.
    pub(crate) fn of(text: &str) -> Self {
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
    pub(crate) fn serve(&self, work: impl FnOnce(&StateDirectory)) {
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

fn call(state: &StateDirectory, request: &Request) -> Result<Reply> {
    Client::connect(state).unwrap().call(request)
}

fn world(state: &StateDirectory) -> (World, u64) {
    match call(state, &Request::World).unwrap() {
        Reply::World { world, version, .. } => (*world, version),
        other => panic!("{other:?}"),
    }
}

fn create_group(world: &World, name: &str) -> Request {
    let command = group::CreateSecurityGroup {
        vpc_id: world.vpcs.keys().next().unwrap().clone(),
        name: name.to_owned(),
        description: "for a test".to_owned(),
        tags: BTreeMap::new(),
    };
    Request::Change { command: Box::new(Command::from(command)) }
}

#[test]
fn a_change_is_in_force_and_durable_once_acknowledged() {
    let place = Place::new();
    place.serve(|state| {
        let (before, version) = world(state);
        let reply = call(state, &create_group(&before, "app")).unwrap();
        assert!(matches!(reply, Reply::Applied { version: new, .. } if new == version + 1), "{reply:?}");
        let (after, _) = world(state);
        assert_eq!(after.security_groups.len(), before.security_groups.len() + 1);
        assert_eq!(place.memory.lock().unwrap().world, after);
    });
    let in_force = place.memory.lock().unwrap().world.clone();
    place.memory.lock().unwrap().world = World::default();
    place.serve(|state| assert_eq!(world(state).0, in_force));
    assert_eq!(
        place.memory.lock().unwrap().world,
        in_force,
        "the next controller puts the stored state in force"
    );
}

#[test]
fn a_change_that_fails_anywhere_changes_nothing_anywhere() {
    let place = Place::new();
    place.serve(|state| {
        let (before, version) = world(state);
        let same = |why: &str| {
            let (after, now) = world(state);
            assert_eq!(after.security_groups, before.security_groups, "{why}");
            assert_eq!(now, version, "{why}");
            let memory = place.memory.lock().unwrap();
            assert_eq!(memory.world.security_groups, before.security_groups, "{why}");
        };
        let refused = call(state, &create_group(&before, "web")).unwrap_err();
        assert_eq!(refusal(&refused).unwrap().code, "InvalidGroup.Duplicate");
        same("AWS's refusal");

        place.memory.lock().unwrap().fail = true;
        let failed = call(state, &create_group(&before, "app")).unwrap_err();
        assert_eq!(refusal(&failed).unwrap().code, code::SYSTEM);
        assert!(failed.to_string().contains("told to fail"), "{failed}");
        place.memory.lock().unwrap().fail = false;
        same("the data plane's failure");

        *place.store_fails.lock().unwrap() = true;
        let failed = call(state, &create_group(&before, "app")).unwrap_err();
        assert!(failed.to_string().contains("could not be stored"), "{failed}");
        *place.store_fails.lock().unwrap() = false;
        same("the store's failure");

        call(state, &create_group(&before, "app")).unwrap();
    });
}

#[test]
fn enforcement_and_clock_are_the_next_controller_s_too() {
    let place = Place::new();
    place.serve(|state| {
        call(state, &Request::SetEnforcement { enforcement: Enforcement::Off }).unwrap();
        call(state, &Request::AdvanceClock { seconds: 60 }).unwrap();
        let reply = call(state, &Request::AdvanceClock { seconds: 5 }).unwrap();
        assert_eq!(reply, Reply::Clock { offset_seconds: 65 });
    });
    *place.memory.lock().unwrap() = Memory::default();
    place.serve(|_| {
        let memory = place.memory.lock().unwrap();
        assert_eq!((memory.enforcement, memory.offset), (Enforcement::Off, Duration::from_secs(65)));
    });
}

#[test]
fn clock_goes_far_in_steps_that_are_swept_after() {
    const DAY: u64 = 86_400;
    let place = Place::new();
    place.serve(|state| {
        place.memory.lock().unwrap().steps.clear();
        let reply = call(state, &Request::AdvanceClock { seconds: 50 * DAY }).unwrap();
        assert_eq!(reply, Reply::Clock { offset_seconds: 50 * DAY });
        let steps = [20, 0, 20, 0, 10, 0].map(|days| Duration::from_secs(days * DAY));
        assert_eq!(place.memory.lock().unwrap().steps, steps);
        for seconds in [11 * 365 * DAY, u64::MAX] {
            let error = call(state, &Request::AdvanceClock { seconds }).unwrap_err();
            assert!(error.to_string().contains("at most ten years ahead, and is 50d ahead"), "{error}");
        }
        assert_eq!(place.memory.lock().unwrap().offset, Duration::from_secs(50 * DAY));
    });
}

#[test]
fn watchers_are_told_what_happens_from_then_on() {
    let place = Place::new();
    let event = |port| VerdictEvent {
        unix_nanoseconds: 1,
        interface: None,
        direction: Direction::Inbound,
        reason: Reason::NoRule,
        rule: None,
        acl_entry: None,
        protocol: 6,
        source: None,
        destination: None,
        source_port: port,
        destination_port: 80,
    };
    place.serve(|state| {
        place.memory.lock().unwrap().events.push(event(1));
        let mut watch = Client::connect(state).unwrap();
        assert_eq!(watch.call(&Request::Watch { interface: None }).unwrap(), Reply::Watching);
        place.memory.lock().unwrap().events.push(event(2));
        let told = watch.receive().unwrap().unwrap();
        assert_eq!(told, Reply::Verdicts { verdicts: vec![event(2)], lost: 0 });
    });
}

#[test]
fn what_is_no_request_is_answered_and_the_connection_goes_on() {
    use std::io::{BufRead, BufReader, Write};
    let place = Place::new();
    place.serve(|state| {
        let mut stream = std::os::unix::net::UnixStream::connect(state.socket()).unwrap();
        stream.write_all(b"{\"request\":\"dance\"}\n{\"request\":\"counters\"}\n").unwrap();
        let mut lines = BufReader::new(stream).lines();
        let first: Reply = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert!(matches!(first, Reply::Error(error) if error.code == code::BAD_REQUEST));
        let second: Reply = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert!(matches!(second, Reply::Counters { counters } if counters[0].frames == 3));
    });
}

#[test]
fn a_second_lab_is_refused_and_the_first_goes_on() {
    let place = Place::new();
    place.serve(|state| {
        let up = |text: &str| {
            let name = "lab.yaml".to_owned();
            let (hook, enforcement) = (Hook::Tcx, Enforcement::On);
            Request::Up(UpRequest { name, text: text.to_owned(), hook, enforcement })
        };
        let error = call(state, &up("vpcs: {}")).unwrap_err();
        assert_eq!(refusal(&error).unwrap().code, code::LAB_EXISTS);
    });
}

#[test]
fn up_on_a_lab_that_is_not_as_asked_for_says_so() {
    let place = Place::new();
    let again = |enforcement, words: [&str; 2]| {
        place.serve(|state| {
            let (name, text) = ("lab.yaml".to_owned(), LAB.to_owned());
            let hook = Hook::Tcx;
            let error = call(state, &Request::Up(UpRequest { name, text, hook, enforcement })).unwrap_err();
            assert_eq!(refusal(&error).unwrap().code, code::LAB_EXISTS);
            assert!(words.iter().all(|word| error.to_string().contains(word)), "{error}");
        });
    };
    again(Enforcement::Off, ["is up and enforced", "use `sgsim enforcement off`"]);
    // Nobody has built the internet host here.
    again(Enforcement::On, ["its namespaces or links are gone (internet)", "run `sgsim down`"]);
    let mut store = RedbStore::open(&place.state.store()).unwrap();
    let lab = store.load().unwrap().lab.unwrap();
    store.commit_lab(Some(&LabManifest { complete: false, ..lab })).unwrap();
    drop(store);
    again(Enforcement::On, ["only half built, or half taken down", "run `sgsim down`"]);
}

#[test]
fn questions_about_no_lab_leave_the_controller_to_whoever_builds_one() {
    let place = Place::new();
    RedbStore::open(&place.state.store()).unwrap().replace(&World::default(), None).unwrap();
    place.serve(|state| {
        let up = |text: &str| {
            let (name, text) = ("lab.yaml".to_owned(), text.to_owned());
            let (hook, enforcement) = (Hook::Tcx, Enforcement::On);
            call(state, &Request::Up(UpRequest { name, text, hook, enforcement })).unwrap_err()
        };
        for question in [Request::Flows { interface: None }, Request::Counters, Request::Allowances] {
            let error = call(state, &question).unwrap_err();
            assert_eq!(refusal(&error).unwrap().code, code::NO_LAB);
        }
        assert_eq!(refusal(&up("vpcs: {}")).unwrap().code, code::LAB_FILE);
        let ended = || Client::connect(state).is_err();
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while !ended() && std::time::Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(ended(), "a failed `up` ends a controller without a lab");
    });
}
