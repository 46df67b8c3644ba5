//! What the controller asks of the data plane behind it.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::Result;

use crate::aws::interface::{MacAddr, NetworkInterface};
use crate::aws::world::World;
use crate::command::changes::Changes;
use crate::dataplane::row::{AllowanceRow, CounterRow, Enforcement, Events, FlowRow, Hook, MapRow};
use crate::dataplane::step::{Filter, Steps};
use crate::flow_log::writer::Source;

use super::directory::StateDirectory;

/// Added to the link base, the index of the link to the internet host.
pub const INTERNET_SLOT: u32 = 65_535;

/// A data plane that judges real packets.
///
/// # Invariants
/// Fail closed: a link that was attached and whose interface is unknown passes nothing.
pub trait Enforcer: Send {
    /// Puts a state of the world in force. `changes` names what differs from the last one.
    ///
    /// # Errors
    /// Where it does not fit or the kernel refuses; then the old state is in force.
    fn set_world(&mut self, world: &World, changes: &Changes) -> Result<()>;

    /// Whether packets come to it over links of this machine. Without, no instance is built.
    fn has_links(&self) -> bool {
        true
    }

    /// Attaches to the host side of an interface's link, before the link is up. An interface that is attached to this
    /// link already, by an earlier controller, is adopted.
    ///
    /// # Errors
    /// Where the kernel refuses; then nothing is attached.
    fn attach(&mut self, interface: &NetworkInterface, link_index: u32) -> Result<()>;

    /// Detaches an interface. One that is not attached is no error.
    ///
    /// # Errors
    /// Where the kernel refuses.
    fn detach(&mut self, interface: &NetworkInterface) -> Result<()>;

    /// Attaches to the link of the internet host, which is behind the fabric but is judged by nobody.
    ///
    /// # Errors
    /// Where the kernel refuses.
    fn attach_internet(&mut self, link_index: u32, mac: MacAddr, addresses: &[IpAddr]) -> Result<()>;

    /// The live flow entries.
    ///
    /// # Errors
    /// Where they cannot be read.
    fn flows(&mut self) -> Result<Vec<FlowRow>>;

    /// Removes entries that have ended. Verdicts never depend on it, the room in the table does.
    ///
    /// # Errors
    /// Where they cannot be read or removed.
    fn sweep(&mut self) -> Result<()> {
        self.flows().map(drop)
    }

    /// Frames by direction and reason.
    ///
    /// # Errors
    /// Where they cannot be read.
    fn counters(&mut self) -> Result<Vec<CounterRow>>;

    /// What each instance tracks and may track.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn allowances(&mut self) -> Result<Vec<AllowanceRow>>;

    /// How full the maps with a stated capacity are.
    ///
    /// # Errors
    /// Where they cannot be read.
    fn maps(&mut self) -> Result<Vec<MapRow>>;

    /// Whether the programs are on an interface's link, or on the internet host's, and know it by its slot. The kernel is asked.
    ///
    /// # Errors
    /// Where it does not say; a link that is not there is an error, too.
    fn judges(&mut self, slot: u32, link_index: u32) -> Result<bool>;

    /// Whether verdicts take effect, as the data plane has it.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn enforcement(&mut self) -> Result<Enforcement>;

    /// What happened since the last call. Does not wait.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn events(&mut self) -> Result<Events>;

    /// Marks packets from now on, so that they tell their steps, or none.
    ///
    /// # Errors
    /// Where the filter is not one, or the kernel refuses.
    fn set_trace(&mut self, filter: Option<&Filter>) -> Result<()>;

    /// Steps of marked packets since the last call. Does not wait.
    ///
    /// # Errors
    /// Where they cannot be read.
    fn steps(&mut self) -> Result<Steps>;

    /// Switches verdicts on or off.
    ///
    /// # Errors
    /// Where the kernel refuses.
    fn set_enforcement(&mut self, enforcement: Enforcement) -> Result<()>;

    /// Moves the data plane's clock ahead of the machine's by this much in all.
    ///
    /// # Errors
    /// Where the kernel refuses.
    fn set_clock_offset(&mut self, offset: Duration) -> Result<()>;

    /// Reads the data plane back: what is not as the world that is in force wants it, a sentence each.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn audit(&mut self) -> Result<Vec<String>>;

    /// The window that flow logs are counted in now.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn flow_log_window(&mut self) -> Result<OpenWindow>;

    /// Ends that window, and begins a new one with a number that is at least `epoch`, at `start`, in Unix seconds.
    ///
    /// # Errors
    /// Where the kernel refuses; then it goes on.
    fn next_flow_log_window(&mut self, epoch: u32, start: u64) -> Result<OpenWindow>;

    /// What was counted, for another thread to read.
    ///
    /// # Errors
    /// Where it cannot be had.
    fn flow_log_source(&mut self) -> Result<Box<dyn Source>>;

    /// Unpins and detaches everything: the end of the lab.
    ///
    /// # Errors
    /// Where something stays behind.
    fn remove(&mut self) -> Result<()>;
}

/// The window that flow logs are counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenWindow {
    /// Its number.
    pub epoch: u32,
    /// When it began, in Unix seconds, the clock's offset included; 0 = nobody has begun one.
    pub start: u64,
    /// The data plane's tick now.
    pub tick: u64,
}

/// How a data plane is opened.
#[derive(Clone, Debug)]
pub struct EnforcerOptions {
    /// Where maps and links are pinned, in a bpffs.
    pub directory: StateDirectory,
    /// Where programs attach.
    pub hook: Hook,
    /// Index of the link of slot 0.
    pub link_base: u32,
}

/// Opens the kernel data plane: adopts what is pinned, or loads it.
///
/// # Errors
/// Where the kernel cannot do it, or this build has no kernel data plane.
#[cfg(not(feature = "kernel"))]
pub fn open(_options: &EnforcerOptions) -> Result<Box<dyn Enforcer>> {
    anyhow::bail!(NO_KERNEL)
}

/// Opens the kernel data plane: adopts what is pinned, or loads it.
///
/// # Errors
/// Where the kernel refuses, or what is pinned is of another version.
#[cfg(feature = "kernel")]
pub fn open(options: &EnforcerOptions) -> Result<Box<dyn Enforcer>> {
    crate::kernel::enforcer::open(options)
}

/// What a build without the kernel data plane says.
#[cfg(not(feature = "kernel"))]
pub const NO_KERNEL: &str = "this build of sgsim has no kernel data plane, so it can check lab files but not enforce; \
     build one that has it with `cargo xtask build`";
