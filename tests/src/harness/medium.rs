//! A disk as a power cut leaves it: what was written since the last sync may be there, or not, or in part, in any order.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use redb::{Builder, Database, DatabaseError, StorageBackend};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// One thing that was done to the disk.
#[derive(Clone, Debug)]
enum Step {
    Write { offset: usize, data: Vec<u8> },
    SetLength(usize),
    Sync,
}

#[derive(Debug, Default)]
struct State {
    now: Vec<u8>,
    steps: Vec<Step>,
    /// How many more steps succeed, and how many then fail.
    failure: Option<(usize, usize)>,
}

/// A disk that remembers everything that was done to it, and that can be told to fail.
#[derive(Clone, Debug, Default)]
pub struct Medium(Arc<Mutex<State>>);

impl Medium {
    /// A disk with this on it.
    pub fn holding(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { now: bytes, ..State::default() })))
    }

    /// Opens the database on it, for [`sg_userspace::store::redb::RedbStore::on`].
    ///
    /// # Errors
    /// As the database.
    pub fn open(&self, builder: &Builder) -> Result<Database, DatabaseError> {
        builder.create_with_backend(self.clone())
    }

    /// How many things were done to it.
    pub fn len_of_history(&self) -> usize {
        self.state().steps.len()
    }

    /// Lets so many steps succeed, and as many after them fail.
    pub fn fail(&self, after: usize, times: usize) {
        self.state().failure = Some((after, times));
    }

    /// Everything succeeds again. Says whether anything has failed.
    pub fn mend(&self) -> bool {
        self.state().failure.take().is_some_and(|(after, _)| after == 0)
    }

    /// What is on a disk whose power was cut after so many steps. Of each sector that was written since the last sync,
    /// `pick` says which of its contents since then it has, of how many; and so for the length.
    pub fn after_power_cut(&self, steps: usize, mut pick: impl FnMut(usize) -> usize) -> Vec<u8> {
        let state = self.state();
        let done = &state.steps[..steps];
        let synced = done.iter().rposition(|step| matches!(step, Step::Sync)).unwrap_or(0);
        let mut disk = Vec::new();
        for step in &done[..synced] {
            apply(step, &mut disk);
        }
        let mut lengths = vec![disk.len()];
        let mut sectors: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
        let mut image = disk.clone();
        for step in &done[synced..] {
            apply(step, &mut image);
            match step {
                Step::Write { offset, data } => {
                    for sector in offset / SECTOR..(offset + data.len()).div_ceil(SECTOR) {
                        sectors.entry(sector).or_default().push(image[extent(sector, image.len())].to_vec());
                    }
                }
                Step::SetLength(length) => lengths.push(*length),
                Step::Sync => {}
            }
        }
        disk.resize(lengths[pick(lengths.len())], 0);
        for (sector, contents) in sectors {
            let which = pick(contents.len() + 1);
            if let Some(content) = which.checked_sub(1).and_then(|which| contents.get(which)) {
                let place = extent(sector, disk.len());
                let length = place.len().min(content.len());
                disk[place][..length].copy_from_slice(&content[..length]);
            }
        }
        disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn step(&self, step: Step) -> Result<(), Error> {
        let mut state = self.state();
        match &mut state.failure {
            Some((0, 0)) | None => {}
            Some((0, times)) => {
                *times -= 1;
                return Err(Error::from(ErrorKind::StorageFull));
            }
            Some((after, _)) => *after -= 1,
        }
        apply(&step, &mut state.now);
        state.steps.push(step);
        Ok(())
    }
}

fn extent(sector: usize, end: usize) -> Range<usize> {
    (sector * SECTOR).min(end)..((sector + 1) * SECTOR).min(end)
}

fn apply(step: &Step, image: &mut Vec<u8>) {
    match step {
        Step::Write { offset, data } => image[*offset..*offset + data.len()].copy_from_slice(data),
        Step::SetLength(length) => image.resize(*length, 0),
        Step::Sync => {}
    }
}

impl StorageBackend for Medium {
    fn len(&self) -> Result<u64, Error> {
        Ok(self.state().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let start = offset as usize;
        out.copy_from_slice(&self.state().now[start..start + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), Error> {
        self.step(Step::SetLength(len as usize))
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.step(Step::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.step(Step::Write { offset: offset as usize, data: data.to_vec() })
    }
}
