//! The writer: a thread that turns windows into lines in files, one window after the other.
//!
//! It may be as slow as the disk makes it: what it has not read stays counted in the data plane, and the controller closes no
//! further window while too many wait. What then finds no room is counted, and said in SKIPDATA records.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Result;

use crate::aws::flow_log::{DestinationType, FlowLog, TrafficType};
use crate::aws::ids::NetworkInterfaceId;

use super::journal::{Append, Entry, Journal};
use super::record::{Counted, Records};
use super::window::Window;

/// Windows that may wait before no further one is closed.
const MAX_WAITING: usize = 2;
/// How long a disk that refused is left alone.
const RETRY: Duration = Duration::from_secs(1);

/// Where a data plane's counts come from, in whatever thread.
pub trait Source: Send {
    /// Everything counted under this window and those before, and what these slots have lost since the data plane was loaded.
    /// Nothing is added to it any more.
    ///
    /// # Errors
    /// Where the data plane refuses; then it can be read again.
    fn read(&mut self, epoch: u32, slots: &[u32]) -> Result<Counted>;

    /// Forgets everything counted under this window and those before.
    ///
    /// # Errors
    /// Where the data plane refuses; then it can be done again.
    fn forget(&mut self, epoch: u32) -> Result<()>;
}

/// The thread, from outside.
#[derive(Debug)]
pub struct Writer {
    windows: Option<Sender<Window>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Windows that are not written yet.
    waiting: AtomicUsize,
    /// Whether a disk that refuses is to be tried no longer.
    ends: AtomicBool,
}

impl Drop for Writer {
    /// What was handed over is written first, if the disk takes it.
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Release);
        self.windows = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer of flow logs died");
        }
    }
}

impl Writer {
    /// Starts it, after what an earlier one has left half done is finished.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub fn start(directory: &Path, mut source: Box<dyn Source>) -> Result<Self> {
        let journal = Journal::new(directory);
        finish(&journal, source.as_mut())?;
        let (windows, arriving) = channel();
        let shared = Arc::<Shared>::default();
        let its = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("flow-logs".to_owned())
            .spawn(move || work(&journal, source.as_mut(), &arriving, &its))?;
        Ok(Self { windows: Some(windows), shared, thread: Some(thread) })
    }

    /// Whether another window may be closed.
    pub fn is_ready(&self) -> bool {
        self.shared.waiting.load(Ordering::Acquire) < MAX_WAITING
    }

    /// Hands over a window.
    pub fn write(&self, window: Window) {
        self.shared.waiting.fetch_add(1, Ordering::AcqRel);
        if self.windows.as_ref().is_none_or(|windows| windows.send(window).is_err()) {
            tracing::error!("nobody writes flow logs any more");
        }
    }
}

/// The file of a flow log's records about an interface, below the directory of flow logs: named as AWS names a stream.
pub fn file(log: &FlowLog, interface: &NetworkInterfaceId) -> PathBuf {
    let traffic = match log.traffic_type {
        TrafficType::Accept => "accept",
        TrafficType::Reject => "reject",
        TrafficType::All => "all",
    };
    Path::new(log.id.as_str()).join(format!("{interface}-{traffic}"))
}

fn work(journal: &Journal, source: &mut dyn Source, windows: &Receiver<Window>, shared: &Shared) {
    for window in windows {
        while let Err(error) = write(journal, source, &window) {
            tracing::error!("cannot write flow logs: {error:#}");
            if shared.ends.load(Ordering::Acquire) {
                return;
            }
            thread::sleep(RETRY);
        }
        shared.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Does what the last entry says, unless it is done.
fn finish(journal: &Journal, source: &mut dyn Source) -> Result<()> {
    match journal.read()? {
        Some(entry) if !entry.done => carry_out(journal, source, entry),
        _ => Ok(()),
    }
}

fn carry_out(journal: &Journal, source: &mut dyn Source, entry: Entry) -> Result<()> {
    journal.append(&entry)?;
    source.forget(entry.epoch)?;
    journal.write(&Entry { appends: Vec::new(), done: true, ..entry })
}

/// Writes a window. Whatever fails can be done again.
fn write(journal: &Journal, source: &mut dyn Source, window: &Window) -> Result<()> {
    finish(journal, source)?;
    let last = journal.read()?.unwrap_or_default();
    if last.epoch >= window.epoch {
        // It failed after its entry was written, and has just been finished.
        return Ok(());
    }
    let slots: Vec<u32> = window.roll.0.values().map(|coverage| coverage.interface.slot).collect();
    let mut counted = source.read(window.epoch, &slots)?;
    let total = std::mem::take(&mut counted.lost);
    for (slot, (packets, bytes)) in &total {
        let (packets_before, bytes_before) = last.lost.get(slot).copied().unwrap_or_default();
        let lost = (packets.saturating_sub(packets_before), bytes.saturating_sub(bytes_before));
        counted.lost.insert(*slot, lost);
    }
    let mut lost = last.lost;
    lost.extend(total);
    let records = Records::new(window, &counted);
    let mut texts: BTreeMap<PathBuf, String> = BTreeMap::new();
    for coverage in window.roll.0.values() {
        let file = file(&coverage.log, &coverage.interface.id);
        let text = texts.entry(file.clone()).or_default();
        // AWS's files in S3 begin so, its streams in CloudWatch do not.
        let is_s3 = coverage.log.destination.kind == DestinationType::S3;
        if is_s3 && text.is_empty() && journal.length(&file) == 0 {
            text.push_str(&coverage.log.format.header());
            text.push('\n');
        }
        for line in records.lines(coverage) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    let appends = texts
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(file, text)| Append { offset: journal.length(&file), file, text })
        .collect();
    let entry = Entry { epoch: window.epoch, end: window.end, lost, appends, done: false };
    journal.write(&entry)?;
    carry_out(journal, source, entry)
}
