//! The data planes that the rootless tests run on.

use sg_userspace::dataplane::Dataplane;
use sg_userspace::dataplane::host::HostDataplane;
use sg_userspace::oracle::Oracle;

/// A data plane and its name.
pub struct Plane {
    /// What failing tests call it.
    pub name: &'static str,
    /// The data plane, in an empty world.
    pub dataplane: Box<dyn Dataplane>,
}

/// The oracle, new.
pub fn oracle() -> Plane {
    Plane { name: "oracle", dataplane: Box::new(Oracle::new()) }
}

/// The host data plane, new.
pub fn host() -> Plane {
    Plane { name: "host", dataplane: Box::new(HostDataplane::new()) }
}

/// Every data plane that needs no root, new.
pub fn planes() -> Vec<Plane> {
    vec![oracle(), host()]
}
