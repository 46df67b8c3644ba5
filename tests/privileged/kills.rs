//! The controller is killed at random instants while clients drive the API. Each time the next one finds everything that was
//! acknowledged and nothing that was refused; what was never answered is there whole or not at all; store, kernel and
//! machine agree with that; and packets have not noticed.
//!
//! `SGSIM_KILLS` says how often, `SGSIM_SEED` repeats a run's choices.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sg_tests::harness::address::{DB, WEB};
use sg_tests::harness::agreement::from_environment;
use sg_tests::harness::dice::Dice;
use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::lab_file::standard_lab;
use sg_tests::harness::tenant::Tenant;
use sg_userspace::aws::world::World;
use sg_userspace::controller::client::Client;
use sg_userspace::controller::protocol::{Reply, Request};

use crate::product::{Product, program};
use crate::sessions::Session;
use crate::traffic::{Traffic, check_allowed, check_denied};

const TENANTS: usize = 3;
const KILLS: u64 = 20;
/// How long a controller lives at most before it is killed, after everything was compared.
const LIFE: usize = 200;
/// Between two calls of a tenant.
const PAUSE: Duration = Duration::from_millis(1);

/// Ends the tenants' threads however the test ends.
pub(crate) struct Stop<'a>(pub(crate) &'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

pub(crate) fn world(lab: &Product) -> World {
    match Client::connect(&lab.directory()).unwrap().call(&Request::World).unwrap() {
        Reply::World { world, .. } => *world,
        other => panic!("{other:?}"),
    }
}

/// What clients make and delete. An instance that is over is still shown for a while.
pub(crate) fn objects(world: &World) -> Vec<String> {
    let groups = world.security_groups.values().map(|group| format!("{group:?}"));
    let interfaces = world.network_interfaces.values().map(|interface| format!("{interface:?}"));
    let instances = world.instances.values().filter(|instance| !instance.is_terminated());
    groups.chain(interfaces).chain(instances.map(|instance| format!("{instance:?}"))).collect()
}

/// Store, kernel and machine are as the world says.
#[track_caller]
pub(crate) fn check_agreement(lab: &Product, when: &str) {
    match Client::connect(&lab.directory()).unwrap().call(&Request::Audit).unwrap() {
        Reply::Audit { drift } => assert!(drift.is_empty(), "{when}: {drift:#?}"),
        other => panic!("{other:?}"),
    }
}

/// Calls until told to stop, or until a call is not answered and the world has to tell.
pub(crate) fn drive(tenant: &Mutex<Tenant>, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        let mut tenant = tenant.lock().unwrap();
        if !tenant.is_in_doubt() {
            tenant.act();
        }
        drop(tenant);
        std::thread::sleep(PAUSE);
    }
}

#[test]
fn killed_at_any_instant_it_has_lost_nothing_acknowledged_and_kept_nothing_half_done() {
    let mut dice = Dice::announced("kills");
    let lab = Product::up(&standard_lab());
    let file = lab.file(&standard_lab());
    let endpoint = Endpoint::start(program(), &lab.directory());
    lab.say("rule allow web inbound HTTP from sg client");
    let client = lab.namespace("client");
    let mut session = Session::open(&client, WEB.into());
    let begin = world(&lab);
    let subnet = begin.subnets.values().next().unwrap();
    let tenant = |n| {
        let (vpc, subnet) = (subnet.vpc_id.as_str(), subnet.id.as_str());
        Mutex::new(Tenant::new(&format!("t{n}"), endpoint.address, vpc, subnet, dice.roll()))
    };
    let tenants = (0..TENANTS).map(tenant).collect::<Vec<_>>();
    let stop = AtomicBool::new(false);
    let (mut doubts, mut kept) = (0, 0);
    std::thread::scope(|scope| {
        let _stop = Stop(&stop);
        for tenant in &tenants {
            scope.spawn(|| drive(tenant, &stop));
        }
        for kill in 0..from_environment("SGSIM_KILLS").unwrap_or(KILLS) {
            std::thread::sleep(Duration::from_millis(dice.below(LIFE) as u64));
            lab.kill_controller();
            session.check("while there is none");
            if kill % 8 == 0 {
                check_allowed(&client, None, WEB.into(), Traffic::Tcp(80));
                check_denied(&client, None, DB.into(), Traffic::Tcp(80));
            }
            lab.done(&["up", &file]);
            // No call is under way while this holds them all.
            let mut tenants = tenants.iter().map(|tenant| tenant.lock().unwrap()).collect::<Vec<_>>();
            let world = world(&lab);
            for tenant in &mut tenants {
                let (was_in_doubt, before) = (tenant.is_in_doubt(), tenant.books.clone());
                tenant.settle(&world).unwrap_or_else(|why| panic!("after kill {kill}: {why}"));
                assert!(tenant.surprises.is_empty(), "after kill {kill}: {:#?}", tenant.surprises);
                doubts += usize::from(was_in_doubt);
                kept += usize::from(was_in_doubt && tenant.books != before);
            }
            check_agreement(&lab, &format!("after kill {kill}"));
            session.check("after");
        }
    });
    let mut calls = 0;
    for tenant in &tenants {
        let mut tenant = tenant.lock().unwrap();
        tenant.settle(&world(&lab)).unwrap();
        tenant.leave();
        assert!(tenant.surprises.is_empty(), "{:#?}", tenant.surprises);
        calls += tenant.calls.iter().filter(|call| call.done).count();
    }
    println!("{calls} calls done, {doubts} without an answer, of which {kept} were carried out");
    let end = world(&lab);
    assert!(objects(&end) == objects(&begin), "what was deleted is gone");
    check_agreement(&lab, "at the end");
    session.check("at last");
}
