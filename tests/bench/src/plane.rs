//! The kernel data plane with a world in it, unattached, in a network namespace of this thread's own.

use anyhow::{Context, Result, bail};
use nix::sched::{CloneFlags, unshare};
use sg_common::abi::{INTERNET_SLOT, ROUTER_MAC};
use sg_userspace::aws::interface::MacAddr;
use sg_userspace::aws::world::World;
use sg_userspace::dataplane::Dataplane;
use sg_userspace::kernel::attach::Hook;
use sg_userspace::kernel::dataplane::KernelDataplane;
use sg_userspace::kernel::object::Room;

/// Links count from here; no other link of the namespace is near.
const LINK_BASE: u32 = 1_000_000;

/// The data plane, and the slots that have links.
pub(crate) struct Plane {
    /// The data plane.
    pub(crate) kernel: KernelDataplane,
    linked: Vec<u32>,
}

impl Plane {
    /// Loads the programs over links for these slots and the internet host.
    pub(crate) fn load(slots: &[u32], room: Room) -> Result<Self> {
        unshare(CloneFlags::CLONE_NEWNET).context("cannot make a network namespace; run this as root")?;
        let mut kernel = KernelDataplane::load_with_room(None, LINK_BASE, Hook::Tcx, room)?;
        let linked: Vec<u32> = slots.iter().copied().chain([INTERNET_SLOT]).collect();
        for &slot in &linked {
            add_link(slot)?;
            kernel.set_link(slot, LINK_BASE + slot)?;
        }
        kernel.set_internet(MacAddr(ROUTER_MAC))?;
        Ok(Self { kernel, linked })
    }

    /// Replaces the world, and forgets all flows.
    pub(crate) fn set_world(&mut self, world: &World) -> Result<()> {
        self.kernel.set_world(world)?;
        self.restore_links()?;
        self.kernel.clear_state()
    }

    /// A slot that changes hands loses its link; here every slot keeps the one that it was given.
    pub(crate) fn restore_links(&mut self) -> Result<()> {
        for &slot in &self.linked {
            if self.kernel.link(slot).is_none() {
                self.kernel.set_link(slot, LINK_BASE + slot)?;
            }
        }
        Ok(())
    }
}

fn add_link(slot: u32) -> Result<()> {
    let index = LINK_BASE + slot;
    let made = std::process::Command::new("ip")
        .args(["link", "add", "name", &format!("sg{index}"), "index", &index.to_string(), "type", "veth"])
        .args(["peer", "name", &format!("p{index}")])
        .status()
        .context("cannot run `ip`")?;
    if !made.success() {
        bail!("`ip link add` failed");
    }
    Ok(())
}
