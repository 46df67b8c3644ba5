//! Ten clients create, change and delete security groups, interfaces and instances through the EC2 endpoint of a real lab, and try
//! connections in between. In the end store, kernel and clients agree, and nothing has leaked.
//!
//! `SGSIM_LOAD_SECONDS` says how long, `SGSIM_LOAD_REPORT` names a directory for `load.json` and `load.md`.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs};

use sg_tests::harness::agreement::from_environment;
use sg_tests::harness::dice::Dice;
use sg_tests::harness::endpoint::Endpoint;
use sg_tests::harness::latency::{LoadReport, latencies, markdown, table};
use sg_tests::harness::tenant::Tenant;
use sg_userspace::aws::world::World;

use crate::kills::{Stop, check_agreement, objects, world};
use crate::product::{Product, program};
use crate::traffic::{Traffic, check_allowed, check_denied};
use crate::usage::Usage;

const CLIENTS: usize = 10;
/// A connection is tried after so many calls.
const CALLS_BETWEEN: usize = 25;

/// A server and a client instance for each of the API's clients. The servers' groups let nothing in.
fn lab_file() -> String {
    let mut groups = String::new();
    let mut instances = String::new();
    for n in 0..CLIENTS {
        groups += &format!("      server-{n}: {{}}\n");
        instances +=
            &format!("      server-{n}: {{ subnet: main, groups: [server-{n}], servers: [tcp 80] }}\n");
        instances += &format!("      client-{n}: {{ subnet: main }}\n");
    }
    format!(
        "vpcs:\n  lab:\n    cidr: 10.0.0.0/16\n    subnets:\n      main: {{ cidr: 10.0.0.0/20 }}\n    security-groups:\n{groups}    instances:\n{instances}"
    )
}

/// Two instances between which a client of the API opens and closes the way.
struct Route {
    group: String,
    from: String,
    source: IpAddr,
    to: IpAddr,
}

impl Route {
    fn new(lab: &Product, world: &World, n: usize) -> Self {
        let address = |name: &str| {
            let instance = world.instances.values().find(|instance| instance.name == name).unwrap();
            IpAddr::V4(world.interfaces_of(&instance.id)[0].private_ipv4[0])
        };
        let (client, server) = (format!("client-{n}"), format!("server-{n}"));
        let group = world.security_groups.values().find(|group| group.name == server).unwrap();
        Self {
            group: group.id.to_string(),
            from: lab.namespace(&client),
            source: address(&client),
            to: address(&server),
        }
    }

    /// What is acknowledged is in force for the next connection.
    fn check(&self, tenant: &mut Tenant) {
        let source = format!("{}/32", self.source);
        assert!(tenant.set_rule(&self.group, 80, &source, true), "{:?}", tenant.surprises);
        check_allowed(&self.from, None, self.to, Traffic::Tcp(80));
        assert!(tenant.set_rule(&self.group, 80, &source, false), "{:?}", tenant.surprises);
        check_denied(&self.from, None, self.to, Traffic::Tcp(80));
    }
}

struct Load<'a> {
    lab: &'a Product,
    tenants: Vec<Mutex<Tenant>>,
    routes: Vec<Route>,
    connections: AtomicUsize,
}

impl Load<'_> {
    /// Everybody at once for that long; then everybody deletes what is left.
    fn run(&self, time: Duration) {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let _stop = Stop(&stop);
            for (tenant, route) in self.tenants.iter().zip(&self.routes) {
                scope.spawn(|| self.drive(&mut tenant.lock().unwrap(), route, &stop));
            }
            let end = Instant::now() + time;
            while Instant::now() < end && !stop.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let world = world(self.lab);
        for tenant in &self.tenants {
            let mut tenant = tenant.lock().unwrap();
            tenant.settle(&world).unwrap();
            tenant.leave();
            assert!(!tenant.is_in_doubt(), "{}: {:?}", tenant.unanswered, tenant.calls.last());
            assert!(tenant.surprises.is_empty(), "{:#?}", tenant.surprises);
        }
    }

    fn drive(&self, tenant: &mut Tenant, route: &Route, stop: &AtomicBool) {
        // One that fails ends the others as well.
        let failed = Stop(stop);
        while !stop.load(Ordering::Acquire) {
            for _ in 0..CALLS_BETWEEN {
                tenant.act();
                assert!(!tenant.is_in_doubt(), "{}: {:?}", tenant.unanswered, tenant.calls.last());
                assert!(tenant.surprises.is_empty(), "{:#?}", tenant.surprises);
            }
            route.check(tenant);
            self.connections.fetch_add(2, Ordering::Relaxed);
        }
        drop(failed);
    }
}

#[test]
fn ten_clients_leave_store_kernel_and_books_in_agreement_and_nothing_behind() {
    let seconds = from_environment("SGSIM_LOAD_SECONDS").unwrap_or(8);
    let mut dice = Dice::announced("load");
    let lab = Product::up(&lab_file());
    let endpoint = Endpoint::start(program(), &lab.directory());
    let begin = world(&lab);
    let subnet = begin.subnets.values().next().unwrap();
    let tenant = |n| {
        let (vpc, subnet) = (subnet.vpc_id.as_str(), subnet.id.as_str());
        Mutex::new(Tenant::new(&format!("c{n}"), endpoint.address, vpc, subnet, dice.roll()))
    };
    let load = Load {
        lab: &lab,
        tenants: (0..CLIENTS).map(tenant).collect(),
        routes: (0..CLIENTS).map(|n| Route::new(&lab, &begin, n)).collect(),
        connections: AtomicUsize::new(0),
    };
    load.run(Duration::from_secs(seconds.div_ceil(4).min(30)));
    let before = Usage::at_rest(&lab, &endpoint);
    for tenant in &load.tenants {
        tenant.lock().unwrap().calls.clear();
    }
    let clock = Instant::now();
    load.run(Duration::from_secs(seconds));
    let took = clock.elapsed().as_secs_f64();

    check_agreement(&lab, "at the end");
    let end = world(&lab);
    assert!(objects(&end) == objects(&begin), "what was deleted is gone");
    let after = Usage::at_rest(&lab, &endpoint);
    let calls =
        load.tenants.iter().flat_map(|tenant| tenant.lock().unwrap().calls.clone()).collect::<Vec<_>>();
    let report = LoadReport {
        clients: CLIENTS,
        seconds: took.round(),
        seed: dice.seed(),
        calls_per_second: (calls.len() as f64 / took).round(),
        connections: load.connections.load(Ordering::Relaxed),
        before,
        after,
        latencies: latencies(&calls),
    };
    tell(&report);
    report.after.check_no_leak(&report.before);
}

/// Prints the report, and writes it where it is wanted.
#[expect(clippy::print_stdout, reason = "the report is what the load is for")]
fn tell(report: &LoadReport<Usage>) {
    let head = format!(
        "{} clients, {} s: {} calls a second; {} connections tried after a change, all as they had to be",
        report.clients, report.seconds, report.calls_per_second, report.connections
    );
    let usage = format!("in use before: {}\nin use after:  {}", report.before, report.after);
    println!("\n{head}\n\n{}\n{usage}", table(&report.latencies));
    let Some(directory) = env::var_os("SGSIM_LOAD_REPORT") else { return };
    let directory = Path::new(&directory);
    fs::create_dir_all(directory).unwrap();
    fs::write(directory.join("load.json"), serde_json::to_string_pretty(report).unwrap()).unwrap();
    let page = format!("{head}.\n\n{}\n```\n{usage}\n```\n", markdown(&report.latencies));
    fs::write(directory.join("load.md"), page).unwrap();
}
