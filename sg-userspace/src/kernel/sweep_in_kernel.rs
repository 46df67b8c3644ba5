//! The sweep that a program does inside the kernel: what lives is counted there and what has ended is removed, so that no
//! entry needs to be read.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, ensure};
use aya::Ebpf;
use aya::maps::{Array, IterableMap, MapData};
use aya::programs::Iter;
use sg_common::abi::MAX_INTERFACES;
use sg_common::abi::sweep::{SweepOrder, SweepRow};

use super::dataplane::KernelDataplane;
use super::maps::{Maps, mapped, take};
use super::memory::MappedArray;
use super::{iterate, object};

/// Whether accounts say what a sweep has counted, where nothing has changed them meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Books {
    /// They do.
    Agree,
    /// Entries have left without a word, or there are strangers, or the count is wrong.
    Differ,
}

/// What the program is told, and what it counts.
pub(super) struct SweepTables {
    order: Array<MapData, SweepOrder>,
    rows: MappedArray,
}

/// The fields of a [`SweepRow`], in its order.
#[derive(Clone, Copy)]
enum Field {
    Number,
    Slot,
    Present,
    Ended,
}

impl SweepTables {
    /// Takes the maps out of a loaded object.
    pub(super) fn take(object: &mut Ebpf) -> Result<Self> {
        Ok(Self {
            rows: mapped(object, "SWEEP_ROWS", MAX_INTERFACES as usize * size_of::<SweepRow>())?,
            order: take(object, "SWEEP_ORDER")?,
        })
    }

    fn clear_rows(&self) {
        for word in 0..MAX_INTERFACES as usize * size_of::<SweepRow>() / size_of::<u64>() {
            self.rows.word64(word).store(0, Ordering::Release);
        }
    }

    fn open_row(&self, number: u32, slot: u32) {
        self.store(number, Field::Number, number);
        self.store(number, Field::Slot, slot);
    }

    /// An interface's row, unless another has it.
    fn row(&self, number: u32) -> Option<SweepRow> {
        let read = |field| self.rows.word32(word(number, field)).load(Ordering::Acquire);
        let row = SweepRow {
            number: read(Field::Number),
            slot: read(Field::Slot),
            present: read(Field::Present),
            ended: read(Field::Ended),
        };
        (row.number == number).then_some(row)
    }

    fn store(&self, number: u32, field: Field, value: u32) {
        self.rows.word32(word(number, field)).store(value, Ordering::Release);
    }

    /// Sweeps one table. How many entries were of interfaces without a row.
    fn run(&mut self, program: &Iter, tick: u64, table: u32) -> Result<u64> {
        self.order
            .set(0, SweepOrder { tick, table, ..SweepOrder::default() }, 0)
            .context("cannot write the order to sweep")?;
        iterate::run(program, self.order.map())?;
        let order = self.order.get(&0, 0).context("cannot read what a sweep has done")?;
        ensure!(order.done == 1, "the program has not swept table {table}");
        Ok(order.strangers)
    }
}

impl Maps {
    /// Sweeps the tables one after the other, since the kernel may let nothing else run on this processor meanwhile. How many
    /// entries were of interfaces without a row.
    fn sweep_tables(&mut self, program: &Iter, tick: u64) -> Result<u64> {
        let mut strangers = 0;
        for table in SweepOrder::TABLES {
            // The kernel steps over a bucket for a program much more slowly than in search of a first key.
            if self.has_entries(table) {
                strangers += self.sweep.run(program, tick, table)?;
            }
        }
        Ok(strangers)
    }

    fn has_entries(&self, table: u32) -> bool {
        let first = match table {
            SweepOrder::TABLE_EMBRYONIC4 => self.embryonic4.keys().next().map(drop),
            SweepOrder::TABLE_FLOWS4 => self.flows4.keys().next().map(drop),
            SweepOrder::TABLE_EMBRYONIC6 => self.embryonic6.keys().next().map(drop),
            _ => self.flows6.keys().next().map(drop),
        };
        first.is_some()
    }
}

fn word(number: u32, field: Field) -> usize {
    const FIELDS: usize = size_of::<SweepRow>() / size_of::<u32>();
    SweepRow::index(number) as usize * FIELDS + field as usize
}

impl KernelDataplane {
    /// What is done every now and then: [`Self::sweep_in_kernel`], and the exact [`Self::sweep`] where that finds that there
    /// may be something to audit. What it found.
    ///
    /// # Errors
    /// As these.
    pub fn routine_sweep(&mut self) -> Result<Books> {
        let books = self.sweep_in_kernel()?;
        if books == Books::Differ {
            self.sweep(|_| ())?;
        }
        Ok(books)
    }

    /// Removes what has ended, and counts what lives, at a fraction of what reading it costs. The count is not exact: an
    /// entry that moves from table to table meanwhile may count twice, and one may be overlooked beside another that leaves,
    /// since the kernel locks nothing. So no account is corrected by it.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn sweep_in_kernel(&mut self) -> Result<Books> {
        let tick = self.tick()?;
        let image = self.applied.image();
        let sweep = &mut self.maps.sweep;
        sweep.clear_rows();
        // An interface that is not attached may come back.
        for interface in self.world.network_interfaces.values() {
            sweep.open_row(interface.number, SweepRow::DETACHED);
        }
        for (&slot, record) in &image.interfaces {
            sweep.open_row(record.number, slot);
        }
        let mut accounts = self.allowances();
        let strangers = self.maps.sweep_tables(object::sweep(&self.object)?, tick)?;
        let mut present: HashMap<u32, u64> = HashMap::new();
        for record in self.applied.image().interfaces.values() {
            let Some(row) = self.maps.sweep.row(record.number) else { continue };
            *present.entry(record.allowance).or_default() += u64::from(row.present);
            if let Some(account) = accounts.get_mut(&record.allowance) {
                // An audit may have set it back below zero.
                account.ended = account.ended.wrapping_add(u64::from(row.ended));
            }
        }
        let differs = accounts.iter().any(|(index, account)| {
            self.maps.differs(*index, account, present.get(index).copied().unwrap_or_default())
        });
        Ok(if differs || strangers > 0 { Books::Differ } else { Books::Agree })
    }
}
