//! The controller behind its socket, with a data plane in memory: what is acknowledged is in force and durable, what
//! fails changes nothing.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use sg_tests::harness::place::{Memory, Place};
use sg_userspace::aws::rule::Direction;
use sg_userspace::aws::world::World;
use sg_userspace::command::{Command, group};
use sg_userspace::controller::client::{Client, refusal};
use sg_userspace::controller::directory::StateDirectory;
use sg_userspace::controller::protocol::{Reply, Request, UpRequest, WorldVersion, code};
use sg_userspace::dataplane::reason::Reason;
use sg_userspace::dataplane::row::{Enforcement, Hook, VerdictEvent};
use sg_userspace::store::Store;
use sg_userspace::store::manifest::LabManifest;
use sg_userspace::store::redb::RedbStore;

const LAB: &str = "\
vpcs:
  lab:
    cidr: 10.0.0.0/16
    subnets: {public: {cidr: 10.0.1.0/24}}
    security-groups: {web: {inbound: [HTTP from anywhere]}}
";

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
    let place = Place::of(LAB);
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
fn the_world_is_sent_only_to_who_does_not_have_it() {
    let place = Place::of(LAB);
    let known = |state: &StateDirectory| match call(state, &Request::World).unwrap() {
        Reply::World { version, run, .. } => WorldVersion { run, version },
        other => panic!("{other:?}"),
    };
    let is_sent = |state: &StateDirectory, known| match call(state, &Request::WorldUnless { known }).unwrap()
    {
        Reply::World { world, .. } => {
            assert_eq!(*world, place.memory.lock().unwrap().world);
            true
        }
        Reply::Unchanged => false,
        other => panic!("{other:?}"),
    };
    let mut before = None;
    place.serve(|state| {
        let first = known(state);
        assert!(!is_sent(state, first));
        let refused = create_group(&world(state).0, "web");
        assert!(call(state, &refused).is_err() && !is_sent(state, first), "a refused change is none");
        call(state, &create_group(&world(state).0, "app")).unwrap();
        assert!(is_sent(state, first) && !is_sent(state, known(state)));
        before = Some(known(state));
    });
    // Another controller's versions may mean another world.
    place.serve(|state| assert!(is_sent(state, before.unwrap())));
}

#[test]
fn a_change_that_fails_anywhere_changes_nothing_anywhere() {
    let place = Place::of(LAB);
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
    let place = Place::of(LAB);
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
    let place = Place::of(LAB);
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
    let place = Place::of(LAB);
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
    let place = Place::of(LAB);
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
    let place = Place::of(LAB);
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
    let place = Place::of(LAB);
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
    let place = Place::of(LAB);
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
