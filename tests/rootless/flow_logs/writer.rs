//! How lines reach their files: once, whenever whoever writes them dies.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Result, bail};
use sg_userspace::dataplane::logged::LoggedAt;
use sg_userspace::flow_log::journal::{Append, Entry, Journal};
use sg_userspace::flow_log::record::Counted;
use sg_userspace::flow_log::writer::{Source, Writer, file};
use tempfile::TempDir;

use super::{logged, window, world_with};

/// Counts in memory, which outlive a writer as the kernel's do.
#[derive(Clone, Default)]
struct Counts {
    flows: Arc<Mutex<Vec<(u32, LoggedAt)>>>,
    lost: Arc<Mutex<BTreeMap<u32, (u64, u64)>>>,
    /// How many more times it refuses to forget.
    refusals: Arc<Mutex<u32>>,
}

impl Source for Counts {
    fn read(&mut self, epoch: u32, _slots: &[u32]) -> Result<Counted> {
        let flows = self.flows.lock().unwrap();
        let flows = flows.iter().filter(|(window, _)| *window <= epoch).map(|(_, flow)| flow.clone());
        Ok(Counted { flows: flows.collect(), lost: self.lost.lock().unwrap().clone() })
    }

    fn forget(&mut self, epoch: u32) -> Result<()> {
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            bail!("told to refuse");
        }
        self.flows.lock().unwrap().retain(|(window, _)| *window > epoch);
        Ok(())
    }
}

fn text(place: &Path) -> String {
    let (world, log) = world_with("");
    let interface = world.network_interfaces.values().find(|it| log.resource.covers(it)).unwrap();
    fs::read_to_string(place.join(file(&log, &interface.id))).unwrap_or_default()
}

fn count(flows: &Counts, epoch: u32) {
    let (world, _) = world_with("");
    flows.flows.lock().unwrap().push((epoch, logged(&world)));
}

#[test]
fn each_window_is_written_once_and_in_order() {
    let place = TempDir::new().unwrap();
    let counts = Counts::default();
    let (world, _) = world_with("");
    let writer = Writer::start(place.path(), Box::new(counts.clone())).unwrap();
    for epoch in 1..=3 {
        if epoch != 2 {
            count(&counts, epoch);
        }
        writer.write(window(&world, epoch));
    }
    drop(writer);
    let text = text(place.path());
    let ends: Vec<&str> = text.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(ends, ["OK", "NODATA", "OK"], "{text}");
    assert!(counts.flows.lock().unwrap().is_empty());
}

/// Whatever of an entry was done before the writer died, the next one does the rest and nothing twice.
#[test]
fn half_done_window_is_finished_and_not_repeated() {
    let (world, _) = world_with("");
    let whole = {
        let place = TempDir::new().unwrap();
        let counts = Counts::default();
        count(&counts, 1);
        let writer = Writer::start(place.path(), Box::new(counts)).unwrap();
        writer.write(window(&world, 1));
        drop(writer);
        text(place.path())
    };
    assert_eq!(whole.lines().count(), 1);
    // From nothing of the line to all of it.
    for written in [0, 1, whole.len() / 2, whole.len()] {
        let place = TempDir::new().unwrap();
        let counts = Counts::default();
        count(&counts, 1);
        count(&counts, 2);
        let log = world.flow_logs.values().next().unwrap();
        let interface = world.network_interfaces.values().find(|it| log.resource.covers(it)).unwrap();
        let path = file(log, &interface.id);
        let append = Append { file: path.clone(), offset: 0, text: whole.clone() };
        let entry = Entry { epoch: 1, end: 1_800_000_060, appends: vec![append], ..Entry::default() };
        Journal::new(place.path()).write(&entry).unwrap();
        fs::create_dir_all(place.path().join(path.parent().unwrap())).unwrap();
        fs::write(place.path().join(&path), &whole[..written]).unwrap();

        let writer = Writer::start(place.path(), Box::new(counts.clone())).unwrap();
        assert_eq!(text(place.path()), whole, "{written} bytes were there");
        assert_eq!(counts.flows.lock().unwrap().len(), 1, "the next window's are still there");
        // The same window again, as from a controller that does not know that it is written.
        writer.write(window(&world, 1));
        writer.write(window(&world, 2));
        drop(writer);
        assert_eq!(text(place.path()), whole.repeat(2));
    }
}

#[test]
fn what_is_not_forgotten_is_tried_again_and_written_once() {
    let place = TempDir::new().unwrap();
    let counts = Counts::default();
    count(&counts, 1);
    *counts.refusals.lock().unwrap() = 1;
    let (world, _) = world_with("");
    let writer = Writer::start(place.path(), Box::new(counts.clone())).unwrap();
    writer.write(window(&world, 1));
    writer.write(window(&world, 2));
    while !writer.is_ready() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    drop(writer);
    let text = text(place.path());
    assert_eq!(text.matches(" OK").count(), 1, "{text}");
    assert!(counts.flows.lock().unwrap().is_empty());
}

/// What was lost is told once, and a slot's loss before the window is not the window's.
#[test]
fn loss_is_told_in_the_window_in_which_it_was_found() {
    let place = TempDir::new().unwrap();
    let counts = Counts::default();
    let format = "${log-status} ${sgsim-lost-packets} ${sgsim-lost-bytes}";
    let (world, log) = world_with(format);
    let slot = world.network_interfaces.values().find(|it| log.resource.covers(it)).unwrap().slot;
    for (epoch, total) in [(1, (3, 300)), (2, (3, 300)), (3, (5, 450))] {
        counts.lost.lock().unwrap().insert(slot, total);
        // Another writer each time: what was told is on disk.
        let writer = Writer::start(place.path(), Box::new(counts.clone())).unwrap();
        writer.write(window(&world, epoch));
        drop(writer);
    }
    assert_eq!(text(place.path()), "SKIPDATA 3 300\nNODATA - -\nSKIPDATA 2 150\n");
}

/// A file that somebody has emptied is written on from where it ends.
#[test]
fn emptied_file_has_no_hole() {
    let place = TempDir::new().unwrap();
    let journal = Journal::new(place.path());
    let append = Append { file: "fl/eni".into(), offset: 100, text: "line\n".to_owned() };
    journal.append(&Entry { appends: vec![append], ..Entry::default() }).unwrap();
    assert_eq!(fs::read_to_string(place.path().join("fl/eni")).unwrap(), "line\n");
    assert_eq!(journal.length(Path::new("fl/eni")), 5);
}
