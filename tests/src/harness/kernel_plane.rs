//! The kernel data plane behind the evaluators' interface: programs run on frames by `BPF_PROG_TEST_RUN`, unattached, in a
//! network namespace of the test's own.

use std::cell::{RefCell, RefMut};
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use nix::sched::{CloneFlags, unshare};
use sg_common::abi::{INTERNET_SLOT, ROUTER_MAC};
use sg_userspace::aws::interface::MacAddr;
use sg_userspace::aws::world::World;
use sg_userspace::dataplane::logged::LoggedFlow;
use sg_userspace::dataplane::{Dataplane, Flow, Outcome, Sender};
use sg_userspace::kernel::attach::Hook;
use sg_userspace::kernel::dataplane::{KernelDataplane, Traced};
use sg_userspace::packet::spec::PacketSpec;

use super::planes::Plane;

/// Panics with what to do unless the caller is root.
///
/// # Panics
/// Where the caller is not.
#[track_caller]
pub fn require_root() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let root =
        status.lines().any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"));
    assert!(root, "the kernel's data plane needs root: run `sudo cargo xtask test`");
}

const LINK_BASE: u32 = 1_000_000;
/// More than any random world has interfaces.
const SLOTS: u32 = 16;

/// The loaded programs; loading takes a second, so that tests share them and clear what they left.
#[derive(Clone)]
pub struct Kernel(Rc<RefCell<KernelDataplane>>);

impl Kernel {
    /// Loads the programs, after moving this thread to a network namespace of its own that has a link for every slot.
    ///
    /// # Panics
    /// Where the kernel refuses, or the caller is not root.
    pub fn load() -> Self {
        require_root();
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        let mut kernel = KernelDataplane::load(None, LINK_BASE, Hook::Tcx).unwrap();
        for slot in (0..SLOTS).chain([INTERNET_SLOT]) {
            let index = LINK_BASE + slot;
            let name = format!("sg{index}");
            let made = Command::new("ip")
                .args(["link", "add", "name", &name, "index", &index.to_string(), "type", "veth"])
                .args(["peer", "name", &format!("p{index}")])
                .status()
                .unwrap();
            assert!(made.success(), "ip link add {name}");
            kernel.set_link(slot, index).unwrap();
            kernel.set_traced(slot, Traced::Everything).unwrap();
        }
        kernel.set_internet(MacAddr(ROUTER_MAC)).unwrap();
        kernel.set_traced(INTERNET_SLOT, Traced::Everything).unwrap();
        Self(Rc::new(RefCell::new(kernel)))
    }

    /// The data plane in an empty world.
    ///
    /// # Panics
    /// Where a map refuses.
    pub fn plane(&self) -> Plane {
        let mut kernel = self.0.borrow_mut();
        kernel.set_world(&World::default()).unwrap();
        kernel.clear_state().unwrap();
        kernel.logged().unwrap();
        Plane { name: "kernel", dataplane: Box::new(self.clone()) }
    }

    /// Frames counted since the programs were loaded.
    ///
    /// # Panics
    /// Where a map refuses.
    pub fn frames(&self) -> u64 {
        self.0.borrow().frame_counters().unwrap().iter().map(|counter| counter.frames).sum()
    }

    /// The data plane itself.
    pub fn kernel(&self) -> RefMut<'_, KernelDataplane> {
        self.0.borrow_mut()
    }

    /// Runs one frame as sent on a slot's link. `None` where the kernel takes no such frame for a run.
    pub fn run_frame(&self, slot: u32, frame: &[u8]) -> Option<Outcome> {
        self.0.borrow_mut().judge_frame(slot, frame).ok()
    }
}

impl Dataplane for Kernel {
    fn set_world(&mut self, world: &World) -> Result<()> {
        let mut kernel = self.0.borrow_mut();
        kernel.set_world(world)?;
        // A slot that changes hands loses its link; here every slot keeps the one that it was given.
        for slot in 0..SLOTS {
            if kernel.link(slot).is_none() {
                kernel.set_link(slot, LINK_BASE + slot)?;
            }
        }
        Ok(())
    }

    fn judge(&mut self, sender: &Sender, packet: &PacketSpec) -> Result<Outcome> {
        self.0.borrow_mut().judge(sender, packet)
    }

    fn advance(&mut self, time: Duration) -> Result<()> {
        self.0.borrow_mut().advance(time)
    }

    fn flows(&mut self) -> Result<Vec<Flow>> {
        self.0.borrow_mut().flows()
    }

    fn logged(&mut self) -> Result<Vec<LoggedFlow>> {
        self.0.borrow_mut().logged()
    }
}
