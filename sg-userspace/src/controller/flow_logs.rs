//! Flow logs' windows: when one ends, whom it covered, and who is to write it.
//!
//! # Invariants
//! A packet is counted in one window, and a window is written once: its number is the data plane's, and outlives this
//! process there. Whoever leaves a roll is on disk before that is stored, so that a controller that dies owes nobody a
//! record.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::aws::world::World;
use crate::command::changes::{Changes, ObjectKey};
use crate::dataplane::row::Enforcement;
use crate::flow_log::journal::{Entry, Journal};
use crate::flow_log::window::{Anchor, Coverage, Roll, RuleNames, Window};
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
    writer: Writer,
    open: OpenWindow,
    roll: Roll,
    rules: RuleNames,
    offset: Duration,
    is_enforced: bool,
    has_gap: bool,
}

/// Somebody who was covered in a window and is not any more.
#[derive(Serialize, Deserialize)]
struct Departed {
    coverage: Coverage,
}

/// What the names of files about them begin with; the window's number follows.
const DEPARTED: &str = "departed-";

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
            directory,
            writer,
            open,
            offset: Duration::from_secs(lab.clock_offset_seconds),
            is_enforced,
        };
        logs.rules.learn(world);
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
        self.roll = self.departed(last_epoch)?.into_iter().map(|departed| departed.coverage).collect();
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

    /// Says whether verdicts take effect from now on. What passes unjudged is not counted, which records must say.
    pub fn set_enforced(&mut self, is_enforced: bool) {
        self.has_gap |= !is_enforced;
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
        if changes.keys.iter().any(is_new) { self.close(enforcer) } else { Ok(()) }
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
        let departed: Vec<Departed> =
            self.roll.missing_from(&next).map(|coverage| Departed { coverage: coverage.clone() }).collect();
        if departed.is_empty() {
            return Ok(());
        }
        let path = self.departed_file(self.open.epoch);
        let explain = || format!("cannot write {}", path.display());
        fs::create_dir_all(&self.directory).with_context(explain)?;
        let mut lines = Vec::new();
        for departed in departed {
            serde_json::to_writer(&mut lines, &departed)?;
            lines.push(b'\n');
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&path).with_context(explain)?;
        file.write_all(&lines).with_context(explain)
    }

    /// Once a changed world is stored.
    pub fn after(&mut self, world: &World, changes: &Changes, enforcer: &mut dyn Enforcer) {
        self.rules.learn(world);
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
        self.forget_departed()
    }

    fn now(&self) -> u64 {
        self.now_nanoseconds() / 1_000_000_000
    }

    fn now_nanoseconds(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + self.offset;
        u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
    }

    fn departed_file(&self, epoch: u32) -> PathBuf {
        self.directory.join(format!("{DEPARTED}{epoch}.jsonl"))
    }

    /// Who has left in windows after this one, as far as files know.
    fn departed(&self, after: u32) -> Result<Vec<Departed>> {
        let mut departed = Vec::new();
        for (epoch, path) in self.departed_files()? {
            if epoch <= after {
                continue;
            }
            let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
            // A controller that died may have left half a line, of what it then did not do.
            let lines = BufReader::new(file).lines().map_while(Result::ok);
            departed.extend(lines.filter_map(|line| serde_json::from_str::<Departed>(&line).ok()));
        }
        Ok(departed)
    }

    /// Removes the files of windows that are written.
    fn forget_departed(&self) -> Result<()> {
        let Some(last) = Journal::new(&self.directory).read()?.filter(|entry| entry.done) else {
            return Ok(());
        };
        for (_, path) in self.departed_files()?.into_iter().filter(|(epoch, _)| *epoch <= last.epoch) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }

    fn departed_files(&self) -> Result<Vec<(u32, PathBuf)>> {
        let explain = || format!("cannot list {}", self.directory.display());
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(explain),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.with_context(explain)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let number = name.strip_prefix(DEPARTED).and_then(|rest| rest.strip_suffix(".jsonl"));
            if let Some(epoch) = number.and_then(|number| number.parse().ok()) {
                files.push((epoch, path));
            }
        }
        Ok(files)
    }
}
