//! One change after another, each from the command to the first packet judged by it, and to its acknowledgement.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use ipnet::Ipv4Net;
use sg_tests::harness::lab::mac_of_slot;
use sg_userspace::aws::prefix_list::PrefixListEntry;
use sg_userspace::aws::protocol::IpProtocol;
use sg_userspace::aws::rule::{Direction, Peer};
use sg_userspace::aws::world::World;
use sg_userspace::command::interface::ModifyInterfaceGroups;
use sg_userspace::command::permission::Permission;
use sg_userspace::command::prefix_list::ModifyManagedPrefixList;
use sg_userspace::command::rule::{Authorize, Revoke};
use sg_userspace::command::{self, Command};
use sg_userspace::kernel::measure::Judge;
use sg_userspace::kernel::prog_run::Prober;
use sg_userspace::packet::build;
use sg_userspace::packet::spec::{PacketSpec, TcpFlags};
use sg_userspace::store::Store;
use sg_userspace::store::redb::RedbStore;

use crate::cli::Effort;
use crate::goals::Outcome;
use crate::meter::Verdict;
use crate::pinned::Pinned;
use crate::plane::Plane;
use crate::report::{Row, Section};
use crate::stats::{Spread, quantile};
use crate::worlds::ports;

use super::estate::{
    CLIENT, COMMON_PORT, Estate, GROUPS, LIST_PORT, MEMBER_PORT, OWN_PORT, SERVER, address4,
};
use super::peers::Peers;

/// How long a change may take to come into force.
const PATIENCE: Duration = Duration::from_secs(10);
/// Policies that were replaced keep their memory for a second. Where every policy is, the next change comes after that; where a
/// tenth of them are, so late that a second's are never more.
const GRACE: Duration = Duration::from_millis(1_100);
const TENTH_OF_GRACE: Duration = Duration::from_millis(110);

/// A change that is made and taken back in turn.
struct Change<'a> {
    name: &'static str,
    /// The port that the client reaches once it is made, and does not before.
    port: u16,
    /// How long after another one it comes.
    pause: Duration,
    make: &'a dyn Fn(&World) -> Result<Command>,
    take_back: &'a dyn Fn(&World) -> Result<Command>,
}

/// Milliseconds since the command, change by change.
#[derive(Default)]
struct Times {
    /// Until the first packet to the server was judged by it.
    first: Vec<f64>,
    /// Until it was in force on every interface.
    everywhere: Vec<f64>,
    /// Until it was on the disk, too, and so acknowledged.
    acknowledged: Vec<f64>,
}

/// Where changes go, as in a controller.
struct Bed {
    plane: Plane,
    world: World,
    store: RedbStore,
}

pub(super) fn section(
    plane: Plane,
    estate: &Estate,
    peers: &Peers,
    effort: Effort,
    goals: &mut Vec<Outcome>,
) -> Result<Section> {
    let folder = tempfile::tempdir().context("cannot make a folder for the store")?;
    let mut store = RedbStore::open(&folder.path().join("store.redb"))?;
    store.replace(&estate.world, None)?;
    let mut bed = Bed { plane, world: estate.world.clone(), store };
    let repeats = if effort == Effort::Full { 300 } else { 30 };
    let mut section = Section::new(
        "Changes",
        &format!(
            "{}; {repeats} changes each. A command is checked as AWS does, put in force, and stored durably, as the controller \
             does it, while another thread runs one frame after another through the program, to an interface of the first sets \
             of groups whose policies change. An acknowledgement waits for the disk. The peers have as many members and as many rules, and are changed by their own \
             command.",
            Estate::sentence()
        ),
    );

    let client_block = Ipv4Net::from(address4(CLIENT, 0));
    let join = |world: &World, joins: bool| {
        let mut groups = world.network_interfaces[&estate.client].groups.clone();
        groups.truncate(GROUPS as usize);
        groups.extend(joins.then(|| estate.newcomers.clone()));
        Ok(ModifyInterfaceGroups { interface_id: estate.client.clone(), groups }.into())
    };
    let rule = |port| Permission::new(IpProtocol::TCP, ports(port, port), Peer::CidrIpv4(client_block));
    let authorize = |group, port| {
        let permissions = vec![rule(port)];
        let tags = Default::default();
        Ok(Authorize { group_id: group, direction: Direction::Inbound, permissions, tags }.into())
    };
    let revoke = |group, port| {
        let permissions = vec![rule(port)];
        Ok(Revoke { group_id: group, direction: Direction::Inbound, permissions, rule_ids: vec![] }.into())
    };
    let list = |world: &World, adds: bool| {
        let list = &world.prefix_lists[&estate.list];
        let entry = PrefixListEntry { cidr: client_block.into(), description: None };
        let (add_entries, remove_entries) =
            if adds { (vec![entry], vec![]) } else { (vec![], vec![client_block.into()]) };
        Ok(ModifyManagedPrefixList {
            prefix_list_id: estate.list.clone(),
            current_version: Some(list.version()),
            name: None,
            max_entries: None,
            add_entries,
            remove_entries,
        }
        .into())
    };
    let mut measure = |change: &Change<'_>, against: &[(&str, &Spread)]| -> Result<Times> {
        let times = bed.measure(change, repeats)?;
        section.rows.extend(times.rows(change.name, against));
        Ok(times)
    };

    let membership = measure(
        &Change {
            name: "an interface joins or leaves a group",
            port: MEMBER_PORT,
            pause: Duration::ZERO,
            make: &|world| join(world, true),
            take_back: &|world| join(world, false),
        },
        &peers.membership(),
    )?;
    measure(
        &Change {
            name: "a rule of a group that 20 interfaces have",
            port: OWN_PORT,
            pause: Duration::ZERO,
            make: &|_| authorize(estate.own.clone(), OWN_PORT),
            take_back: &|_| revoke(estate.own.clone(), OWN_PORT),
        },
        &peers.rule(),
    )?;
    measure(
        &Change {
            name: "an entry of a prefix list that 1 000 interfaces' rules refer to",
            port: LIST_PORT,
            pause: TENTH_OF_GRACE,
            make: &|world| list(world, true),
            take_back: &|world| list(world, false),
        },
        &peers.entry(),
    )?;
    let common = measure(
        &Change {
            name: "a rule of the group that all interfaces have",
            port: COMMON_PORT,
            pause: GRACE,
            make: &|_| authorize(estate.common.clone(), COMMON_PORT),
            take_back: &|_| revoke(estate.common.clone(), COMMON_PORT),
        },
        &peers.rule(),
    )?;
    section.remarks.extend(peers.remarks.clone());
    goals.push(Outcome {
        id: "G10",
        goal: "a membership change judges packets within 5 ms at p99, with 10 000 interfaces and 100 000 members".to_owned(),
        found: format!("{:.2} ms", p99(&membership.first)),
        is_met: p99(&membership.first) <= 5.0,
    });
    let (first, all) = (p99(&common.first), p99(&common.everywhere));
    goals.push(Outcome {
        id: "G11",
        goal: "a rule of a group that 10 000 interfaces have: on the first one within 5 ms, on all within 150 ms".to_owned(),
        found: format!("{first:.1} ms, {all:.0} ms at p99"),
        is_met: first <= 5.0 && all <= 150.0,
    });
    Ok(section)
}

impl Bed {
    fn measure(&mut self, change: &Change<'_>, repeats: usize) -> Result<Times> {
        let mut times = Times::default();
        let frame = frame(change.port)?;
        let link = self.plane.kernel.link(CLIENT).context("the client has no link")?;
        let _pinned = Pinned::to(0)?;
        for n in 0..repeats {
            thread::sleep(change.pause);
            let is_made = n % 2 == 0;
            let command = (if is_made { change.make } else { change.take_back })(&self.world)?;
            let expected = if is_made { Verdict::Delivered } else { Verdict::Dropped };
            let prober = self.plane.kernel.prober()?;
            let begins = Barrier::new(2);
            thread::scope(|scope| -> Result<()> {
                let probing = scope.spawn(|| {
                    // A packet does not wait for the scheduler either.
                    let pinned = Pinned::to(1);
                    begins.wait();
                    let _pinned = pinned?;
                    first_judged(&prober, link, &frame, expected)
                });
                begins.wait();
                let begun = Instant::now();
                let applied = command::apply(&mut self.world, command)?;
                self.plane.kernel.change_world(&self.world, &applied.changes)?;
                let everywhere = begun.elapsed();
                self.store.commit(&self.world, &applied.changes)?;
                let acknowledged = begun.elapsed();
                let judged = probing.join().map_err(|_| anyhow!("the prober panicked"))?;
                let first = judged.with_context(|| format!("`{}`, change {n}", change.name))? - begun;
                times.first.push(first.as_secs_f64() * 1e3);
                times.everywhere.push(everywhere.as_secs_f64() * 1e3);
                times.acknowledged.push(acknowledged.as_secs_f64() * 1e3);
                Ok(())
            })?;
        }
        Ok(times)
    }
}

/// Runs a frame through the program again and again until its verdict is the expected one. When that was.
fn first_judged(prober: &Prober, link: u32, frame: &[u8], expected: Verdict) -> Result<Instant> {
    let begun = Instant::now();
    loop {
        let verdict = Verdict::of(Judge::FromLink, prober.run(link, frame)?)?;
        let now = Instant::now();
        if verdict == expected {
            return Ok(now);
        }
        if now - begun > PATIENCE {
            bail!("still not in force after {PATIENCE:?}");
        }
    }
}

/// A segment that resets a connection that there is not: it makes no entry (step 9 of docs/judgement.md), so that the rules are
/// asked each time.
fn frame(port: u16) -> Result<Vec<u8>> {
    let [client, server] = [CLIENT, SERVER].map(|slot| address4(slot, 0).into());
    let packet = PacketSpec::tcp((client, 40_000), (server, port), TcpFlags::RST);
    Ok(build::frame(&packet, mac_of_slot(CLIENT), mac_of_slot(SERVER))?)
}

impl Times {
    fn rows(&self, name: &str, against: &[(&str, &Spread)]) -> Vec<Row> {
        let row = |name: String, samples: &[f64], against| Row {
            name,
            unit: "ms",
            value: Spread::of(samples.iter().copied()),
            against,
        };
        let first = Spread::of(self.first.iter().copied());
        let ratios = against
            .iter()
            .map(|(peer, theirs)| ((*peer).to_owned(), Spread::of([first.median / theirs.median])))
            .collect();
        let slowest =
            |what: &str, samples| row(format!("… {what}, the slowest in a hundred"), &[p99(samples)], vec![]);
        vec![
            row(format!("{name}: first packet"), &self.first, ratios),
            slowest("first packet", &self.first),
            row("… on every interface".to_owned(), &self.everywhere, Vec::new()),
            slowest("on every interface", &self.everywhere),
            row("… acknowledged".to_owned(), &self.acknowledged, Vec::new()),
            slowest("acknowledged", &self.acknowledged),
        ]
    }
}

fn p99(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 0.99)
}
