//! What there is to measure about a controller and its data plane, for `/metrics`.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::dataplane::row::{AllowanceRow, CounterRow, Enforcement, MapRow};

use super::Controller;
use super::protocol::{ErrorReply, Reply};
use super::status::resident_kib;
use super::system;
use super::timing::Timings;

/// How old an answer may be. Reading the flow tables takes time, and anybody on this machine may ask.
const FRESH: Duration = Duration::from_secs(1);

/// It, at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Since when this controller runs.
    pub uptime_seconds: f64,
    /// Memory that it occupies, in KiB.
    pub memory_kib: u64,
    /// Version of the world.
    pub version: u64,
    /// How long changes took, stage by stage.
    pub changes: Timings,
    /// Objects of the world by kind.
    pub objects: Vec<(String, u64)>,
    /// What is measured on the data plane, if a lab is up.
    pub plane: Option<PlaneObservation>,
}

/// The data plane's part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaneObservation {
    /// Whether packets are judged.
    pub enforcement: Enforcement,
    /// Frames by direction and reason.
    pub counters: Vec<CounterRow>,
    /// Connection allowances by instance.
    pub allowances: Vec<AllowanceRow>,
    /// Live flow entries by state.
    pub flows: Vec<(String, u64)>,
    /// How full the maps are.
    pub maps: Vec<MapRow>,
}

impl Controller {
    /// What [`super::protocol::Request::Observe`] answers.
    pub(super) fn observe(&mut self) -> Result<Reply, ErrorReply> {
        if let Some((at, observation)) = &self.observed
            && at.elapsed() < FRESH
        {
            return Ok(Reply::Observation(Box::new(observation.clone())));
        }
        let observation = self.measure().map_err(system)?;
        self.observed = Some((Instant::now(), observation.clone()));
        Ok(Reply::Observation(Box::new(observation)))
    }

    fn measure(&mut self) -> anyhow::Result<Observation> {
        let world = &self.world;
        let objects = [
            ("vpc", world.vpcs.len()),
            ("subnet", world.subnets.len()),
            ("security-group", world.security_groups.len()),
            ("security-group-rule", world.security_groups.values().map(|group| group.rules.len()).sum()),
            ("network-interface", world.network_interfaces.len()),
            ("instance", world.instances.len()),
        ];
        let plane = match &mut self.enforcer {
            Some(enforcer) => {
                let mut flows: Vec<(String, u64)> = Vec::new();
                for row in enforcer.flows()? {
                    match flows.iter_mut().find(|(state, _)| *state == row.state) {
                        Some((_, count)) => *count += 1,
                        None => flows.push((row.state, 1)),
                    }
                }
                Some(PlaneObservation {
                    enforcement: enforcer.enforcement()?,
                    counters: enforcer.counters()?,
                    allowances: enforcer.allowances()?,
                    flows,
                    maps: enforcer.maps()?,
                })
            }
            None => None,
        };
        Ok(Observation {
            uptime_seconds: self.begun.elapsed().as_secs_f64(),
            memory_kib: resident_kib(),
            version: self.version,
            changes: self.timings.clone(),
            objects: objects.map(|(kind, count)| (kind.to_owned(), count as u64)).to_vec(),
            plane,
        })
    }
}
