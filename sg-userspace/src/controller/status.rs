//! The controller's account of itself.

use std::fs;

use crate::aws::instance::InstanceState;

use super::protocol::{InstanceStatus, PROTOCOL_VERSION, Status};
use super::{Controller, servers};

impl Controller {
    /// What [`super::protocol::Request::Status`] answers.
    pub fn status(&self) -> Status {
        let instances = self.world.instances.values().filter(|instance| !instance.is_terminated());
        let instances = instances.map(|instance| InstanceStatus {
            id: instance.id.clone(),
            name: instance.name.clone(),
            stopped: instance.state == InstanceState::Stopped,
            running: self.built.is_running(&instance.id),
            servers: self.lab.as_ref().map_or_else(Vec::new, |lab| servers::of(lab, &instance.id)),
        });
        let mut instances = instances.collect::<Vec<_>>();
        instances.sort_by(|a, b| a.name.cmp(&b.name));
        Status {
            protocol: PROTOCOL_VERSION,
            pid: std::process::id(),
            sgsim: env!("CARGO_PKG_VERSION").to_owned(),
            version: self.version,
            memory_kib: resident_kib(),
            lab: self.lab.clone(),
            instances,
        }
    }
}

/// Memory that this process occupies, in KiB; 0 where the kernel does not say.
pub(super) fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|text| text.split_whitespace().next()).and_then(|number| number.parse().ok()).unwrap_or(0)
}
