//! One change after another, each from the command to the first packet judged by it, and to its acknowledgement.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
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
use sg_userspace::packet::build;
use sg_userspace::packet::spec::{PacketSpec, TcpFlags};
use sg_userspace::store::Store;
use sg_userspace::store::redb::RedbStore;

use crate::cli::Effort;
use crate::goals::Outcome;
use crate::plane::Plane;
use crate::report::{Row, Section};
use crate::stats::{Spread, quantile};
use crate::worlds::ports;

use super::estate::{
    CLIENT, COMMON_PORT, Estate, GROUPS, LIST_PORT, MEMBER_PORT, OWN_PORT, SERVER, address4,
};
use super::peers::Peers;

/// What the program returns for a frame that it delivers (`TC_ACT_REDIRECT`), and for one that it drops (`TC_ACT_SHOT`).
const DELIVERED: u32 = 7;
const DROPPED: u32 = 2;
/// Policies that were replaced keep their memory for a second. Where every policy is, the next change comes after that.
const GRACE: Duration = Duration::from_millis(1_100);

/// A change that is made and taken back in turn.
struct Change<'a> {
    name: &'static str,
    /// The port that the client reaches once it is made, and does not before.
    port: u16,
    /// How long afterwards the next one comes.
    pause: Duration,
    make: &'a dyn Fn(&World) -> Result<Command>,
    take_back: &'a dyn Fn(&World) -> Result<Command>,
}

/// Milliseconds since the command, change by change.
#[derive(Default)]
struct Times {
    /// Until the first packet was judged by it.
    visible: Vec<f64>,
    /// Until it was on the disk, too, and so acknowledged.
    acknowledged: Vec<f64>,
}

/// Where changes go, as in a controller.
struct Bed {
    plane: Plane,
    world: World,
    store: RedbStore,
    /// A port of the client's that it has not sent from yet.
    client_port: u16,
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
    let mut bed = Bed { plane, world: estate.world.clone(), store, client_port: 20_000 };
    let repeats = if effort == Effort::Full { 300 } else { 30 };
    let mut section = Section::new(
        "Changes",
        &format!(
            "{}; {repeats} changes each. A command is checked as AWS does, put in force, and stored durably, as the controller \
             does it; after it is in force, a frame of a new flow is run through the program, and has to be judged by it. An \
             acknowledgement waits for the disk. The peers have as many members and as many rules, and are changed by their own \
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
            pause: Duration::ZERO,
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
        found: format!("{:.2} ms", p99(&membership.visible)),
        is_met: p99(&membership.visible) <= 5.0,
    });
    let all = p99(&common.visible);
    goals.push(Outcome {
        id: "G11",
        goal: "a rule of a group that 10 000 interfaces have: on the first one within 5 ms, on all within 150 ms".to_owned(),
        // All policies are compiled before the first one is put in force, so that what does not fit changes nothing.
        found: format!("on all, the first one not before, {all:.0} ms at p99"),
        is_met: all <= 5.0,
    });
    Ok(section)
}

impl Bed {
    fn measure(&mut self, change: &Change<'_>, repeats: usize) -> Result<Times> {
        let mut times = Times::default();
        for n in 0..repeats {
            let is_made = n % 2 == 0;
            let command = (if is_made { change.make } else { change.take_back })(&self.world)?;
            let frame = self.frame(change.port)?;
            let begun = Instant::now();
            let applied = command::apply(&mut self.world, command)?;
            self.plane.kernel.change_world(&self.world, &applied.changes)?;
            let run = self.plane.kernel.run_frame(Judge::FromLink, CLIENT, &frame, 1)?;
            let visible = begun.elapsed();
            self.store.commit(&self.world, &applied.changes)?;
            let acknowledged = begun.elapsed();
            if run.action != if is_made { DELIVERED } else { DROPPED } {
                bail!("`{}`, change {n}: the program returned {}", change.name, run.action);
            }
            times.visible.push(visible.as_secs_f64() * 1e3);
            times.acknowledged.push(acknowledged.as_secs_f64() * 1e3);
            std::thread::sleep(change.pause);
        }
        Ok(times)
    }

    /// The first segment of a connection of the client's that nobody has seen yet.
    fn frame(&mut self, port: u16) -> Result<Vec<u8>> {
        self.client_port += 1;
        let [client, server] = [CLIENT, SERVER].map(|slot| address4(slot, 0).into());
        let packet = PacketSpec::tcp((client, self.client_port), (server, port), TcpFlags::SYN);
        Ok(build::frame(&packet, mac_of_slot(CLIENT), mac_of_slot(SERVER))?)
    }
}

impl Times {
    fn rows(&self, name: &str, against: &[(&str, &Spread)]) -> Vec<Row> {
        let row = |name: String, samples: &[f64], against| Row {
            name,
            unit: "ms",
            value: Spread::of(samples.iter().copied()),
            against,
        };
        let visible = Spread::of(self.visible.iter().copied());
        let ratios = against
            .iter()
            .map(|(peer, theirs)| ((*peer).to_owned(), Spread::of([visible.median / theirs.median])))
            .collect();
        vec![
            row(format!("{name}: first packet"), &self.visible, ratios),
            row("… the slowest in a hundred".to_owned(), &[p99(&self.visible)], Vec::new()),
            row("… acknowledged".to_owned(), &self.acknowledged, Vec::new()),
            row(
                "… acknowledged, the slowest in a hundred".to_owned(),
                &[p99(&self.acknowledged)],
                Vec::new(),
            ),
        ]
    }
}

fn p99(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 0.99)
}
