//! Flow logs' windows: when one ends, whom it covered, and who is to write it.
//!
//! # Invariants
//! A packet is counted in one window, and a window is written once: its number is the data plane's, and outlives this
//! process there. Whoever leaves a roll is on disk before that is stored, so that a controller that dies owes nobody a
//! record.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;

use crate::aws::world::World;
use crate::command::changes::{Changes, ObjectKey};
use crate::dataplane::row::Enforcement;
use crate::flow_log::journal::{Entry, Journal};
use crate::flow_log::owed::{Fact, Owed};
use crate::flow_log::window::{Anchor, Roll, RuleNames, Window};
use crate::flow_log::writer::Writer;
use crate::store::manifest::LabManifest;

use super::directory::StateDirectory;
use super::enforcer::{Enforcer, OpenWindow};

/// Windows end at multiples of this, in Unix seconds: what AWS has for every Nitro instance, whatever a flow log asks for
/// (F-01).
const WINDOW: u64 = 60;

/// What a lab's flow logs are at.
#[derive(Debug)]
pub struct FlowLogs {
    directory: PathBuf,
    owed: Owed,
    writer: Writer,
    open: OpenWindow,
    roll: Roll,
    rules: RuleNames,
    offset: Duration,
    is_enforced: bool,
    has_gap: bool,
}

impl FlowLogs {
    /// Takes over where an earlier controller has left off, or begins.
    ///
    /// # Errors
    /// Where files or the data plane cannot be read.
    pub fn begin(
        directory: &StateDirectory,
        world: &World,
        lab: &LabManifest,
        enforcer: &mut dyn Enforcer,
    ) -> Result<Self> {
        let is_enforced = lab.enforcement == Enforcement::On;
        let directory = directory.flow_logs();
        let last = Journal::new(&directory).read()?;
        let open = enforcer.flow_log_window()?;
        let writer = Writer::start(&directory, enforcer.flow_log_source()?)?;
        let mut logs = Self {
            roll: Roll::of(world),
            rules: RuleNames::default(),
            has_gap: !is_enforced,
            owed: Owed::new(&directory),
            directory,
            writer,
            open,
            offset: Duration::from_secs(lab.clock_offset_seconds),
            is_enforced,
        };
        world.rules().for_each(|rule| logs.rules.learn(rule));
        logs.catch_up(last.as_ref(), world, enforcer)?;
        Ok(logs)
    }

    /// Sees to the windows that the last controller has left, of which `last` was the last that it wrote.
    fn catch_up(&mut self, last: Option<&Entry>, world: &World, enforcer: &mut dyn Enforcer) -> Result<()> {
        let (last_epoch, last_end) = last.map_or((0, 0), |entry| (entry.epoch, entry.end));
        // The data plane's own 0 is no window.
        if last_epoch == 0 && self.open.epoch == 0 {
            self.open = enforcer.next_flow_log_window(1, self.now())?;
            return Ok(());
        }
        let mut departed = Vec::new();
        for fact in self.owed.after(last_epoch)? {
            match fact {
                Fact::Coverage(coverage) => departed.push(*coverage),
                Fact::Gap => self.has_gap = true,
            }
        }
        self.roll = departed.into_iter().collect();
        self.roll.extend(Roll::of(world));
        if self.open.epoch == last_epoch + 1 {
            return Ok(());
        }
        if self.open.epoch <= last_epoch {
            // A new data plane after an old one, as after a crash of the machine: nobody knows what passed meanwhile.
            self.has_gap = true;
            self.open.epoch = last_epoch + 1;
        }
        // Otherwise windows were closed and not written: they and the open one are one.
        if last_end != 0 {
            self.open.start = last_end;
        }
        self.end(world, enforcer);
        Ok(())
    }

    /// Says that the clock is ahead by so much from now on.
    pub fn set_offset(&mut self, offset: Duration) {
        self.offset = offset;
    }

    /// Before enforcement goes off or on: packets pass in this window that are not counted, which its records must say,
    /// whoever writes them.
    ///
    /// # Errors
    /// Where that cannot be kept; then enforcement must not go off.
    pub fn skip(&mut self) -> Result<()> {
        self.has_gap = true;
        if self.roll.0.is_empty() {
            return Ok(());
        }
        self.owed.note(self.open.epoch, &[Fact::Gap])
    }

    /// Says whether verdicts take effect from now on.
    pub fn set_enforced(&mut self, is_enforced: bool) {
        self.is_enforced = is_enforced;
    }

    /// Before a changed world is put in force: what a new flow log has begins with a window. `world` is the changed one.
    ///
    /// # Errors
    /// Where the data plane refuses; then the change must not go on.
    pub fn before(&mut self, world: &World, changes: &Changes, enforcer: &mut dyn Enforcer) -> Result<()> {
        let is_new = |key: &ObjectKey| match key {
            ObjectKey::FlowLog(id) => {
                world.flow_logs.contains_key(id) && !self.roll.0.keys().any(|(log, _)| log == id)
            }
            _ => false,
        };
        if !changes.keys.iter().any(is_new) {
            return Ok(());
        }
        self.close(enforcer)?;
        // Whoever has left had the last records in the window that is over. The new flow log waits until it is stored.
        let next = Roll::of(world);
        self.roll.0.retain(|key, _| next.0.contains_key(key));
        Ok(())
    }

    /// Once a changed world is in force, and before it is stored: whoever is no longer covered has a record for the last
    /// time.
    ///
    /// # Errors
    /// Where that cannot be kept; then the change must not be stored.
    pub fn leave(&mut self, world: &World) -> Result<()> {
        if self.roll.0.is_empty() {
            return Ok(());
        }
        let next = Roll::of(world);
        let departed: Vec<_> = self
            .roll
            .missing_from(&next)
            .map(|coverage| Fact::Coverage(Box::new(coverage.clone())))
            .collect();
        if departed.is_empty() {
            return Ok(());
        }
        self.owed.note(self.open.epoch, &departed)
    }

    /// Once a changed world is stored.
    pub fn after(&mut self, world: &World, changes: &Changes, enforcer: &mut dyn Enforcer) {
        let groups = changes.keys.iter().filter_map(|key| match key {
            ObjectKey::SecurityGroup(id) => world.security_groups.get(id),
            _ => None,
        });
        groups.flat_map(|group| &group.rules).for_each(|rule| self.rules.learn(rule));
        self.roll.extend(Roll::of(world));
        let is_gone = |key: &ObjectKey| match key {
            ObjectKey::FlowLog(id) => !world.flow_logs.contains_key(id),
            _ => false,
        };
        if changes.keys.iter().any(is_gone) {
            self.end(world, enforcer);
        }
    }

    /// Ends the window if its time is over.
    pub fn poll(&mut self, world: &World, enforcer: &mut dyn Enforcer) {
        if !self.roll.0.is_empty() && self.now() / WINDOW > self.open.start / WINDOW {
            self.end(world, enforcer);
        }
    }

    /// Ends the window, and begins one with those that are covered now.
    fn end(&mut self, world: &World, enforcer: &mut dyn Enforcer) {
        match self.close(enforcer) {
            Ok(()) => self.roll = Roll::of(world),
            Err(error) => tracing::error!("cannot end a window of the flow logs: {error:#}"),
        }
    }

    /// Hands the window to the writer, unless that is behind: then it goes on.
    fn close(&mut self, enforcer: &mut dyn Enforcer) -> Result<()> {
        if !self.writer.is_ready() {
            tracing::warn!("the writer of flow logs is behind; the window goes on");
            return Ok(());
        }
        let now = self.now();
        let open = enforcer.next_flow_log_window(self.open.epoch + 1, now)?;
        let before = std::mem::replace(&mut self.open, open);
        let has_gap = std::mem::replace(&mut self.has_gap, !self.is_enforced);
        self.writer.write(Window {
            epoch: before.epoch,
            start: before.start,
            end: now,
            roll: self.roll.clone(),
            rules: self.rules.clone(),
            anchor: Anchor { tick: open.tick, unix_nanoseconds: self.now_nanoseconds() },
            has_gap,
        });
        match Journal::new(&self.directory).read()?.filter(|entry| entry.done) {
            Some(last) => self.owed.forget(last.epoch),
            None => Ok(()),
        }
    }

    fn now(&self) -> u64 {
        self.now_nanoseconds() / 1_000_000_000
    }

    fn now_nanoseconds(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + self.offset;
        u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
    }
}
