//! The controller and its lab at a glance.

use std::fmt::Write as _;

use serde::Serialize;

use crate::controller::protocol::{InstanceStatus, Status};
use crate::dataplane::row::{Enforcement, Hook};

use super::{ALLOWED, DENIED, render, styled, table};

/// The state of things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusView {
    /// `sgsim`'s version.
    pub sgsim: String,
    /// The controller's process.
    pub pid: u32,
    /// Version of the world.
    pub world_version: u64,
    /// Memory that the controller occupies, in KiB.
    pub memory_kib: u64,
    /// The lab that is up.
    pub lab: Option<LabView>,
    /// Instances by name.
    pub instances: Vec<InstanceStatus>,
    /// What store, kernel and machine have otherwise than the world, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<Vec<String>>,
}

/// The lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LabView {
    /// The lab file's name.
    pub name: String,
    /// Where programs are attached.
    pub hook: Hook,
    /// Whether verdicts take effect.
    pub enforcement: Enforcement,
    /// How far the data plane's clock is ahead, in seconds.
    pub clock_offset_seconds: u64,
    /// Whether everything was built.
    pub complete: bool,
}

impl From<Status> for StatusView {
    fn from(status: Status) -> Self {
        let lab = status.lab.map(|lab| LabView {
            name: lab.name,
            hook: lab.hook,
            enforcement: lab.enforcement,
            clock_offset_seconds: lab.clock_offset_seconds,
            complete: lab.complete,
        });
        Self {
            sgsim: status.sgsim,
            pid: status.pid,
            world_version: status.version,
            memory_kib: status.memory_kib,
            lab,
            instances: status.instances,
            drift: None,
        }
    }
}

impl StatusView {
    /// The status as text, with styles.
    pub fn text(&self) -> String {
        let mut text = String::new();
        match &self.lab {
            None => text.push_str("no lab is up\n"),
            Some(lab) => {
                let enforcement = match lab.enforcement {
                    Enforcement::On => styled(ALLOWED, "on"),
                    Enforcement::Off => styled(DENIED, "OFF: every packet passes"),
                };
                let _ = writeln!(text, "lab          {}", lab.name);
                let _ = writeln!(text, "enforcement  {enforcement} (hook {})", lab.hook);
                if lab.clock_offset_seconds > 0 {
                    let _ =
                        writeln!(text, "clock        {} ahead", super::duration(lab.clock_offset_seconds));
                }
                if !lab.complete {
                    let _ = writeln!(
                        text,
                        "state        {}: run `sgsim down`",
                        styled(DENIED, "not fully built")
                    );
                }
            }
        }
        let _ = writeln!(
            text,
            "controller   pid {}, sgsim {}, {} MiB, world version {}",
            self.pid,
            self.sgsim,
            self.memory_kib.div_ceil(1024),
            self.world_version
        );
        match self.drift.as_deref() {
            None => {}
            Some([]) => text.push_str("audit        store, kernel and machine agree\n"),
            Some(drift) => {
                let _ = writeln!(text, "audit        {}:", styled(DENIED, "not as it should be"));
                drift.iter().for_each(|sentence| {
                    let _ = writeln!(text, "             {sentence}");
                });
                text.push_str("             a controller that takes over puts it right: end this one, and `sgsim up` again\n");
            }
        }
        if !self.instances.is_empty() {
            let mut rows = table(&["INSTANCE", "NAME", "STATE", "SERVERS"]);
            for instance in &self.instances {
                let servers = instance.servers.iter().map(|server| match server.running {
                    true => server.name.clone(),
                    false => format!("{} (ended)", server.name),
                });
                rows.add_row([
                    instance.id.to_string(),
                    instance.name.clone(),
                    match (instance.running, instance.stopped) {
                        (true, _) => "running".to_owned(),
                        (false, true) => "stopped".to_owned(),
                        (false, false) => "missing".to_owned(),
                    },
                    super::list(servers),
                ]);
            }
            let _ = write!(text, "\n{}", render(&rows));
        }
        text
    }
}
