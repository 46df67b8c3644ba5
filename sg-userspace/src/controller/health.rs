//! Whether a lab is enforced: not what a flag says, but what its links and packets show.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::aws::rule::Direction;
use crate::dataplane::reason::Reason;
use crate::dataplane::row::Enforcement;

use super::Controller;
use super::canary::{self, Canary, Host};
use super::enforcer::{Enforcer, INTERNET_SLOT};

/// How old an answer may be. Anybody on this machine may ask, and packets are sent for it.
const FRESH: Duration = Duration::from_secs(2);
/// How long a packet has to arrive, and a denial to be counted.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long a packet that must not arrive is waited for, once it is counted as denied.
const AFTER: Duration = Duration::from_millis(5);
/// The most faults that are told.
const TOLD: usize = 20;

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// Whether everything is as it should be.
    pub healthy: bool,
    /// What is not.
    pub faults: Vec<String>,
    /// Version of the world that was in force.
    pub version: u64,
    /// Links that were looked at.
    pub links: usize,
    /// Packets that were sent.
    pub packets: Vec<PacketReport>,
}

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PacketReport {
    /// Who sent it.
    pub from: String,
    /// To whom.
    pub to: String,
    /// For this TCP port.
    pub port: u16,
    /// Whether the rules allow it, by the reference evaluator.
    pub allowed: bool,
    /// The last judgement that it has to meet.
    pub direction: Direction,
    /// That one's reason.
    pub reason: Reason,
    /// Whether it met it, and arrived if it had to.
    pub as_expected: bool,
    /// How long it took to arrive, or to be counted as denied.
    pub microseconds: u64,
}

impl Controller {
    /// What [`super::protocol::Request::Examine`] answers.
    pub(super) async fn examine(&mut self) -> Health {
        if let Some((at, health)) = &self.examined
            && at.elapsed() < FRESH
            && health.version == self.version
        {
            return health.clone();
        }
        let mut health = Health {
            healthy: false,
            faults: Vec::new(),
            version: self.version,
            links: 0,
            packets: Vec::new(),
        };
        if let Err(error) = self.look(&mut health).await {
            health.faults.push(format!("{error:#}"));
        }
        if health.faults.len() > TOLD {
            let more = health.faults.len() - TOLD;
            health.faults.truncate(TOLD);
            health.faults.push(format!("and {more} more"));
        }
        health.healthy = health.faults.is_empty();
        self.examined = Some((Instant::now(), health.clone()));
        health
    }

    async fn look(&mut self, health: &mut Health) -> Result<()> {
        let (Some(lab), Some(enforcer)) = (&self.lab, self.enforcer.as_deref_mut()) else {
            health.faults.push("no lab is up".to_owned());
            return Ok(());
        };
        if !lab.complete {
            health.faults.push("the lab was only half built, or half taken down".to_owned());
        }
        if enforcer.enforcement()? == Enforcement::Off {
            health.faults.push("enforcement is off: every packet passes".to_owned());
        }
        let missing = self.built.missing(&self.world, lab).await?;
        health
            .faults
            .extend(missing.iter().map(|name| format!("{name}: its namespace or a link of it is gone")));

        let mut hosts = Vec::new();
        let internet = (INTERNET_SLOT, lab.link_base + INTERNET_SLOT, super::build::INTERNET_NAME.to_owned());
        let links = self.built.links().filter_map(|link| {
            let instance = self.world.instances.get(&link.instance_id)?;
            let interface = self.world.network_interfaces.get(&link.interface.id)?;
            hosts.extend(Host::instance(&self.world, &instance.name, interface));
            Some((interface.slot, link.index, format!("{} ({})", instance.name, interface.id)))
        });
        let links = links.chain([internet]).collect::<Vec<_>>();
        for (slot, index, name) in &links {
            match enforcer.judges(*slot, *index) {
                Ok(true) => {}
                Ok(false) => health.faults.push(format!("{name}: its link is not judged by the programs")),
                Err(error) => health.faults.push(format!("{name}: {error:#}")),
            }
        }
        health.links = links.len();
        if !missing.is_empty() {
            return Ok(());
        }
        if let Some(address) = lab.internet().into_iter().find(IpAddr::is_ipv4) {
            hosts.push(Host::internet(&lab.internet_namespace, address));
        }
        self.examinations += 1;
        for canary in canary::choose(&self.world, &hosts, self.examinations)?.iter().flatten() {
            let report = fly(canary, enforcer)?;
            if !report.as_expected {
                let PacketReport { from, to, port, reason, .. } = &report;
                let wanted = if report.allowed { "arrive" } else { "be denied" };
                health.faults.push(format!(
                    "a packet from {from} to {to} tcp/{port} had to {wanted} ({reason}), and did not"
                ));
            }
            health.packets.push(report);
        }
        Ok(())
    }
}

/// Sends a packet, and sees what becomes of it.
fn fly(canary: &Canary, enforcer: &mut dyn Enforcer) -> Result<PacketReport> {
    let Canary { last, .. } = canary;
    let allowed = last.reason.is_allow();
    let arrivals = canary.listen()?;
    let before = frames(canary, enforcer)?;
    let begun = Instant::now();
    canary.send()?;
    let as_expected;
    let took;
    if allowed {
        as_expected = canary.arrives(&arrivals, PATIENCE)?;
        took = begun.elapsed();
    } else {
        while frames(canary, enforcer)? == before && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_micros(200));
        }
        took = begun.elapsed();
        as_expected = frames(canary, enforcer)? > before && !canary.arrives(&arrivals, AFTER)?;
    }
    Ok(PacketReport {
        from: canary.from.name.clone(),
        to: canary.to.name.clone(),
        port: canary.port(),
        allowed,
        direction: last.direction,
        reason: last.reason,
        as_expected,
        microseconds: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    })
}

/// Frames that have ended as this one has to.
fn frames(canary: &Canary, enforcer: &mut dyn Enforcer) -> Result<u64> {
    let is_it = |direction, reason| (direction, reason) == (canary.last.direction, canary.last.reason);
    let counters = enforcer.counters()?;
    Ok(counters.iter().filter(|row| is_it(row.direction, row.reason)).map(|row| row.frames).sum())
}
