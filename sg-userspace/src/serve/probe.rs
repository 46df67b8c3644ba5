//! `/metrics` and `/healthz`: what only reads, for whoever watches over a lab.

use std::time::Duration;

use crate::controller::health::Health;
use crate::controller::observation::Observation;
use crate::controller::protocol::{Reply, Request};
use crate::ec2::fault::Fault;

use super::Shared;

/// How long the controller has for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Probe {
    /// Measurements.
    Metrics,
    /// Whether the lab is enforced.
    Health,
}

/// A page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// HTTP status.
    pub(super) status: u16,
    /// Its `Content-Type`.
    pub(super) content_type: &'static str,
    /// Its text.
    pub(super) body: String,
}

impl Probe {
    /// The one at a path.
    pub(super) fn at(path: &str) -> Option<Self> {
        match path {
            "/metrics" => Some(Self::Metrics),
            "/healthz" => Some(Self::Health),
            _ => None,
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Health => "healthz",
        }
    }

    /// Looks.
    pub(super) fn look(self, shared: &Shared) -> Found {
        match self {
            Self::Metrics => metrics(shared),
            Self::Health => health(shared),
        }
    }
}

fn metrics(shared: &Shared) -> Found {
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    match shared.requests.page(shared.room.taken(), observe(shared)) {
        Ok(body) => Found { status: 200, content_type, body },
        Err(error) => Found { status: 500, content_type, body: format!("{error}\n") },
    }
}

/// What the controller measures; nothing where it does not answer, which is a measurement, too.
fn observe(shared: &Shared) -> Option<Observation> {
    match shared.api.backend().ask(&Request::Observe, PATIENCE) {
        Ok(Reply::Observation(observation)) => Some(*observation),
        _ => None,
    }
}

fn health(shared: &Shared) -> Found {
    let health = match shared.api.backend().ask(&Request::Examine, PATIENCE) {
        Ok(Reply::Health(health)) => *health,
        Ok(other) => unhealthy(format!("the controller answered something else: {other:?}")),
        Err(Fault { error, .. }) => unhealthy(format!("the controller does not answer: {}", error.message)),
    };
    let status = if health.healthy { 200 } else { 503 };
    let body = serde_json::to_string_pretty(&health).unwrap_or_default();
    Found { status, content_type: "application/json", body: body + "\n" }
}

fn unhealthy(fault: String) -> Health {
    Health { healthy: false, faults: vec![fault], version: 0, links: 0, packets: Vec::new() }
}
