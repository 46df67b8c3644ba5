//! What is kept about the lab that is up: enough for a new controller to adopt it. What `down` has to remove after a
//! crash is listed in a file of its own, by `lab::manifest`, before each thing is made.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::dataplane::row::{Enforcement, Hook};
use crate::lab::plan::Lab;

/// The lab that is up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabManifest {
    /// What the lab file is called, for people.
    pub name: String,
    /// The lab file as it was read.
    pub text: String,
    /// What its names stand for.
    pub lab: Lab,
    /// Name of the internet host's namespace.
    pub internet_namespace: String,
    /// Index of the link of slot 0; an interface's host-side link is this plus its slot.
    pub link_base: u32,
    /// Where programs are attached.
    pub hook: Hook,
    /// Whether verdicts take effect.
    pub enforcement: Enforcement,
    /// How far the data plane's clock is ahead of the machine's, in seconds.
    pub clock_offset_seconds: u64,
    /// Servers by the namespace that they run in.
    pub servers: BTreeMap<String, Vec<ServerRecord>>,
    /// Whether everything in it was built; a lab that is not was cut short and can only be taken down.
    pub complete: bool,
}

/// A server that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerRecord {
    /// What it is: `http 80`.
    pub name: String,
    /// Its process.
    pub pid: u32,
}

impl LabManifest {
    /// Name of the namespace that the metadata service is in.
    pub fn metadata_namespace(&self) -> String {
        format!("metadata-of-{}", self.internet_namespace)
    }

    /// Addresses of the internet host.
    pub fn internet(&self) -> Vec<IpAddr> {
        vec![self.lab.internet.ipv4.into(), self.lab.internet.ipv6.into()]
    }
}
