//! Floods over the size of the table of flows without a reply, while flows run and others begin.

use std::collections::VecDeque;
use std::time::Instant;

use anyhow::{Result, bail};
use sg_common::abi::MAX_EMBRYONIC;
use sg_userspace::aws::instance::DEFAULT_CONNECTION_ALLOWANCE;

use crate::cli::Effort;
use crate::goals::Outcome;
use crate::report::Section;
use crate::worlds::SERVER;

use super::field::{Crowd, Field, Flow};
use super::{counted, percent};

/// Established flows of each interface.
const FRIENDS: u32 = 1_000;
/// One of them sends whenever so many packets of the flood have come.
const FRIEND_EVERY: u32 = 16;
/// And somebody opens a flow, at either interface in turn.
const NEWCOMER_EVERY: u32 = 64;

/// What is sent at the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Assault {
    /// SYNs of distinct sources to its open port, which nobody answers.
    Syn,
    /// Datagrams of distinct sources to its open port.
    Udp,
    /// Datagrams to all its ports in turn, of which all but one are denied.
    Scan,
}

impl Assault {
    fn packet(self, n: u32) -> Flow {
        match self {
            Self::Syn => Flow::to_server(false, Crowd::Foes, n),
            Self::Udp => Flow::to_server(true, Crowd::Foes, n),
            Self::Scan => Flow::of_scan(n),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Syn => "SYN flood",
            Self::Udp => "UDP flood",
            Self::Scan => "UDP scan",
        }
    }
}

/// How the flows of one interface fared: the server's, which is attacked, or the client's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Toll {
    /// Established flows that are gone.
    lost: u32,
    /// Flows begun while the table was full, and followed to their end.
    begun: u32,
    /// Those of them that came about.
    opened: u32,
}

impl Toll {
    fn success(&self) -> f64 {
        percent(self.opened, self.begun)
    }
}

/// A flood's outcome.
struct Battle {
    server: Toll,
    client: Toll,
    /// Packets of the flood in a second.
    rate: f64,
}

/// All floods.
pub(super) fn section(field: &mut Field, goals: &mut Vec<Outcome>) -> Result<Section> {
    let packets = if field.meter.effort == Effort::Full { 1_000_000 } else { 2 * MAX_EMBRYONIC };
    let mut section = Section::new(
        "Floods",
        &format!(
            "{packets} packets of distinct flows at the server, as prog-run frames from outside. The table of flows without \
             a reply holds {MAX_EMBRYONIC}. {FRIENDS} flows of the server and as many of another interface, half TCP and \
             half UDP, are established before and send a packet in turn, in the direction that no rule allows: a lost entry \
             is a lost packet. After every {NEWCOMER_EVERY}th packet of the flood somebody opens a flow at one of the two; \
             those count that begin once the table is full. It has come about when the answerer's data pass."
        ),
    );
    let mut at_once = Vec::new();
    for assault in [Assault::Syn, Assault::Udp, Assault::Scan] {
        let battle = fight(field, assault, packets, 0, None)?;
        describe(&mut section, assault.name(), &battle);
        at_once.push(battle);
    }
    let longest = delays(field, packets, &at_once, &mut section)?;
    allowance(field, packets, &mut section)?;
    goals.push(goal(packets, &at_once, longest));
    Ok(section)
}

/// Rows of a flood.
fn describe(section: &mut Section, name: &str, battle: &Battle) {
    for (who, toll) in [("server", &battle.server), ("other interface", &battle.client)] {
        let lost = f64::from(toll.lost);
        section.rows.push(counted(&format!("{name}: established flows lost, {who}"), "flows", lost));
        section.rows.push(counted(&format!("{name}: new flows that came about, {who}"), "%", toll.success()));
    }
}

/// The answer comes late: so many packets of the flood are in between. The longest delay at which nineteen in twenty come
/// about, in packets.
fn delays(field: &mut Field, packets: u32, at_once: &[Battle], section: &mut Section) -> Result<u32> {
    let mut longest = 0;
    for delay in [MAX_EMBRYONIC / 4, MAX_EMBRYONIC / 2, MAX_EMBRYONIC * 3 / 4, MAX_EMBRYONIC] {
        let battle = fight(field, Assault::Syn, packets.max(3 * MAX_EMBRYONIC), delay, None)?;
        let rates = [battle.server.success(), battle.client.success()];
        for (who, rate) in ["server", "other interface"].into_iter().zip(rates) {
            let name = format!("SYN flood: new flows answered after {delay} SYNs that came about, {who}");
            section.rows.push(counted(&name, "%", rate));
        }
        if rates.into_iter().all(|rate| rate >= 95.0) {
            longest = delay;
        }
    }
    let rate = at_once[0].rate;
    section.remarks.push(format!(
        "The table is common to all interfaces, and the oldest go first, so a flow must be answered before the flood has \
         gone round: {longest} SYNs are {:.0} ms at the {:.2} million a second that were sent here, and two seconds at \
         {:.0} a second.",
        1e3 * f64::from(longest) / rate,
        rate / 1e6,
        f64::from(longest) / 2.0,
    ));
    Ok(longest)
}

/// The same with the allowance that instances have: evicted entries are on the account until the next sweep.
fn allowance(field: &mut Field, packets: u32, section: &mut Section) -> Result<()> {
    let packets = packets.max(4 * MAX_EMBRYONIC);
    let limit = DEFAULT_CONNECTION_ALLOWANCE;
    let battle = fight(field, Assault::Syn, packets, 0, Some(limit))?;
    describe(section, &format!("SYN flood of {packets}, allowance of {limit}"), &battle);
    let before = field.tracked(SERVER);
    field.kernel().routine_sweep()?;
    let after = field.tracked(SERVER);
    let opened = (0..1_000).try_fold(0, |opened, n| {
        let flow = Flow::to_server(false, Crowd::Newcomers, 1_000_000 + n);
        anyhow::Ok(opened + u32::from(field.asks(&flow)? && field.settles(&flow)?))
    })?;
    section.remarks.push(format!(
        "With the allowance that instances have, a flood between two sweeps uses it up, since entries that others push out \
         are on the account until then: then new flows of that instance are denied (C-26), nobody else's. The account \
         stood at {before} connections, after the sweep at {after}, and {opened} of 1000 new flows came about."
    ));
    Ok(())
}

/// One flood. `delay` is for those who begin meanwhile.
fn fight(
    field: &mut Field,
    assault: Assault,
    packets: u32,
    delay: u32,
    allowance: Option<u32>,
) -> Result<Battle> {
    field.clear(allowance)?;
    let friends: Vec<Flow> = (0..FRIENDS)
        .flat_map(|n| {
            let is_udp = !n.is_multiple_of(2);
            [Flow::to_server(is_udp, Crowd::Friends, n), Flow::of_client(is_udp, Crowd::Friends, n)]
        })
        .collect();
    for flow in &friends {
        if !(field.asks(flow)? && field.settles(flow)?) {
            bail!("{flow:?} could not be opened before the flood");
        }
    }
    let mut lives = vec![true; friends.len()];
    let [mut server, mut client] = [Toll::default(); 2];
    let mut begun = VecDeque::new();
    let before = Instant::now();
    for n in 0..packets {
        field.asks(&assault.packet(n))?;
        if n.is_multiple_of(FRIEND_EVERY) {
            let who = (n / FRIEND_EVERY) as usize % friends.len();
            lives[who] &= field.lives(&friends[who])?;
        }
        if n >= MAX_EMBRYONIC && n.is_multiple_of(NEWCOMER_EVERY) {
            let flow = newcomer(assault, n / NEWCOMER_EVERY);
            begun.push_back((n, flow, field.asks(&flow)?));
        }
        while let Some((_, flow, asked)) = begun.pop_front_if(|(when, ..)| *when + delay <= n) {
            let toll = if flow.slot == SERVER { &mut server } else { &mut client };
            toll.begun += 1;
            toll.opened += u32::from(asked && field.settles(&flow)?);
        }
    }
    let rate = f64::from(packets) / before.elapsed().as_secs_f64();
    for (flow, lives) in friends.iter().zip(&mut lives) {
        *lives &= field.lives(flow)?;
    }
    for (flow, _) in friends.iter().zip(&lives).filter(|(_, lives)| !**lives) {
        let toll = if flow.slot == SERVER { &mut server } else { &mut client };
        toll.lost += 1;
    }
    Ok(Battle { server, client, rate })
}

/// Somebody who begins during a flood, with the protocol of the flood.
fn newcomer(assault: Assault, n: u32) -> Flow {
    let is_udp = assault != Assault::Syn;
    if n.is_multiple_of(2) {
        Flow::to_server(is_udp, Crowd::Newcomers, n)
    } else {
        Flow::of_client(is_udp, Crowd::Newcomers, n)
    }
}

fn goal(packets: u32, battles: &[Battle], longest: u32) -> Outcome {
    let tolls = || battles.iter().flat_map(|battle| [&battle.server, &battle.client]);
    let lost: u32 = tolls().map(|toll| toll.lost).sum();
    let worst = |mut rates: Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates.first().copied().unwrap_or_default()
    };
    let success = worst(tolls().map(Toll::success).collect());
    let others = worst(battles.iter().map(|battle| battle.client.success()).collect());
    Outcome {
        id: "G14",
        goal: "floods of SYNs and UDP over the table: no established flow lost, at least 95 % of new ones come about, other \
               interfaces unaffected"
            .to_owned(),
        found: format!(
            "{lost} of {} lost by floods of {packets}; of new flows {success:.1} % came about at worst, {others:.1} % of \
             the other interface's; answers may be {longest} SYNs late",
            2 * FRIENDS
        ),
        is_met: lost == 0 && success >= 95.0 && others >= 100.0,
    }
}
